"""Token ids as decimal digits and back, as compiled loops. Importing this module loads numba: import it inside functions."""

from __future__ import annotations

from numba import njit, types

_IDS = types.Array(types.uint32, 1, "C", readonly=True)
_OFFSETS = types.Array(types.int64, 1, "C", readonly=True)
_BYTES = types.Array(types.uint8, 1, "C")
_SIZES = types.Array(types.int64, 1, "C")
_READ = types.Array(types.uint8, 1, "C", readonly=True)
_VALUES = types.Array(types.uint32, 1, "C")
_START = b'"tokens":['
_STOP = b'],"token_count":'


@njit(types.int64(_IDS, _OFFSETS, _BYTES, _SIZES), cache=True, nogil=True)
def spell(ids, offsets, out, sizes):
    """Writes each record's ids with commas between them; returns the bytes used.

    ids: (t,) uint32; offsets: (n + 1,) int64, the records. out: (b,) uint8, 11 bytes for every id. sizes: (n,) int64, gets
    the bytes of each record.
    """
    at = 0
    for record in range(len(offsets) - 1):
        start = at
        for i in range(offsets[record], offsets[record + 1]):
            if i > offsets[record]:
                out[at] = 44
                at += 1
            value = ids[i]
            digits = 1
            bound = types.uint64(10)
            while value >= bound:
                digits += 1
                bound *= types.uint64(10)
            for place in range(at + digits - 1, at - 1, -1):
                rest = value // types.uint32(10)
                out[place] = types.uint8(48 + value - rest * types.uint32(10))
                value = rest
            at += digits
        sizes[record] = at - start
    return at


@njit(types.int64(_READ, types.uint8), cache=True, nogil=True)
def count(data, byte):
    """How often a byte occurs. data: (b,) uint8."""
    found = 0
    for i in range(len(data)):
        found += data[i] == byte
    return found


@njit(types.UniTuple(types.int64, 2)(_READ, _VALUES, _SIZES, _SIZES), cache=True, nogil=True)
def parse(data, flat, lengths, said):
    """The ids of each line that is spelled as `spell` and its caller do: records and ids found, or where a byte is that is
    not expected, as (-1, place).

    data: (b,) uint8, ending in a line's end. flat: (t,) uint32, as many as there are commas and lines; lengths, said: (n,)
    int64 for every line, get how many ids there are and what `token_count` says.
    """
    at, line, used = 0, 0, 0
    while at < len(data):
        while at < len(data) and data[at] != 91 and data[at] != 10:                 # [ or the end
            at += 1
        if at >= len(data) or data[at] == 10 or at < len(_START) - 1:
            return -1, at
        for i in range(len(_START)):
            if data[at - len(_START) + 1 + i] != _START[i]:
                return -1, at
        at += 1
        first = used
        while data[at] != 93:                                                       # ]
            value, digits = types.uint64(0), 0
            while 48 <= data[at] <= 57 and digits < 10:
                value = value * types.uint64(10) + types.uint64(data[at] - 48)
                digits += 1
                at += 1
            closed, more = data[at] == 93, data[at] == 44 and data[at + 1] != 93
            if digits == 0 or value > types.uint64(0xFFFFFFFF) or not (closed or more):
                return -1, at
            flat[used] = types.uint32(value)
            used += 1
            at += data[at] == 44
        for i in range(len(_STOP)):
            if at >= len(data) or data[at] != _STOP[i]:
                return -1, at
            at += 1
        told = 0
        while 48 <= data[at] <= 57:
            told = told * 10 + (data[at] - 48)
            at += 1
        lengths[line], said[line] = used - first, told
        line += 1
        while data[at] != 10:
            at += 1
        at += 1
    return line, used
