"""Many pieces of memory or of files to their places in a buffer, each as one compiled loop.

What they give up: addresses are taken as they are, so a piece that lies outside of the buffer is written all the same: call
them through `gather`, which looks at every bound first. Importing this module loads numba, hence it is imported inside
functions.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_AT = types.Array(types.int64, 1, "C", readonly=True)


@intrinsic
def _copy(typing, target, source, size):
    """memcpy of `size` bytes between two addresses."""

    def emit(context, builder, signature, arguments):
        byte = ir.IntType(8).as_pointer()
        target, source, size = arguments
        cgutils.raw_memcpy(builder, builder.inttoptr(target, byte), builder.inttoptr(source, byte), size, 1)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, types.int64), emit


@njit(types.void(types.uint64, _AT, _AT, _AT, types.uint64), cache=True, nogil=True)
def copy_pieces(base, source, size, place, out):
    """source, size, place: (p,) int64, in bytes from the addresses `base` and `out`."""
    for i in range(len(source)):
        _copy(out + types.uint64(place[i]), base + types.uint64(source[i]), size[i])


#: The system's: (descriptor, address, bytes, offset) → bytes that were read.
_pread = types.ExternalFunction("pread", types.intp(types.int32, types.uint64, types.uint64, types.int64))


@njit(types.int64(_AT, _AT, _AT, _AT, types.uint64), cache=True, nogil=True)
def read_pieces(descriptor, source, size, place, out):
    """descriptor, source, size, place: (p,) int64; source and size in bytes of the file, place in bytes from the address
    `out`. Returns -1, or the first piece that could not be read whole. A file system may give less than it was asked for.
    """
    for i in range(len(source)):
        done = types.int64(0)
        while done < size[i]:
            got = types.int64(_pread(types.int32(descriptor[i]), out + types.uint64(place[i] + done),
                                     types.uint64(size[i] - done), source[i] + done))
            if got <= 0:
                return i
            done += got
    return -1
