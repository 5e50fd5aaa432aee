"""Integer kernels of `corpus.signals.url_lists`: 64-bit hashes (FNV-1a) of strings, and of what a string begins or ends
with, looked up in sorted hashes.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_BASIS, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_DOT, _SLASH, _QUERY = 0x2E, 0x2F, 0x3F


@njit(cache=True, nogil=True, inline="always")
def _place(known, wanted):
    """Index of a hash among sorted ones, -1 where it is not there."""
    low, high = 0, len(known)
    while low < high:
        middle = (low + high) >> 1
        if known[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(known) and known[low] == wanted else -1


@njit(cache=True, nogil=True)
def hash_all(data, starts, stops, backwards, out):
    """The hash of each string data[starts[i] : stops[i]], from its last byte on where `backwards`. out (n,) uint64."""
    for i in range(len(starts)):
        h = _BASIS
        for j in range(stops[i] - starts[i]):
            h = (h ^ np.uint64(data[stops[i] - 1 - j] if backwards else data[starts[i] + j])) * _PRIME
        out[i] = h


@njit(cache=True, nogil=True)
def find_hosts(data, offsets, known, out):
    """Of each host, its longest ending of whole labels, two or more of them, that is known.

    data (b,) uint8, offsets (n + 1,) int64: hosts. known (k,) uint64, sorted: hashes made backwards. out (n,) int64: index
    in known or -1.
    """
    for i in range(len(offsets) - 1):
        h, dots = _BASIS, 0
        out[i] = -1
        for at in range(offsets[i + 1] - 1, offsets[i] - 1, -1):
            if data[at] == _DOT:
                dots += 1
            h = (h ^ np.uint64(data[at])) * _PRIME
            if dots and (at == offsets[i] or data[at - 1] == _DOT):
                found = _place(known, h)
                if found >= 0:
                    out[i] = found


@njit(cache=True, nogil=True)
def find_addresses(data, offsets, known, out):
    """Of each address, its longest beginning of whole parts, ended by `/`, `?` or its own end, that is known.

    As `find_hosts`, with hashes made forwards; out (n,) int64: index in known or -1.
    """
    for i in range(len(offsets) - 1):
        h, end = _BASIS, offsets[i + 1]
        out[i] = -1
        for at in range(offsets[i], end):
            h = (h ^ np.uint64(data[at])) * _PRIME
            if at + 1 == end or data[at + 1] == _SLASH or data[at + 1] == _QUERY:
                found = _place(known, h)
                if found >= 0:
                    out[i] = found
