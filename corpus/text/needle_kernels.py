"""The kernel of `corpus.text.needles`: blocks of bytes are passed over by three probes of the needle, many bytes at once."""

from __future__ import annotations

import numpy as np
from numba import njit

_BLOCK = 128
_CASE = np.uint8(0x20)


@njit(cache=True, nogil=True)
def find(data, offsets, needle, probes, most, out):
    """Where a needle begins in texts. Returns how many places there are; those over `len(out)` are not written.

    data (b,) uint8, offsets (m + 1,) int64: the texts. needle (s,) uint8, lower case; probes (3,) int64: places in it.
    most: places of one text. out (p, 2) int64: text, byte within it.
    """
    found, text, of_text = 0, 0, 0
    size, stop = len(needle), offsets[-1]
    p, q, r = probes
    a, b, c = np.uint8(needle[p] | _CASE), np.uint8(needle[q] | _CASE), np.uint8(needle[r] | _CASE)
    for block in range(offsets[0], stop - size + 1, _BLOCK):
        width = min(_BLOCK, stop - size + 1 - block)
        if width == _BLOCK:
            x, y = data[block + p : block + p + _BLOCK], data[block + q : block + q + _BLOCK]
            z = data[block + r : block + r + _BLOCK]
            perhaps = np.uint8(0)
            for j in range(_BLOCK):
                perhaps |= np.uint8((x[j] | _CASE) == a) & np.uint8((y[j] | _CASE) == b) & np.uint8((z[j] | _CASE) == c)
            if not perhaps:
                continue
        for at in range(block, block + width):
            j = 0
            while j < size and (data[at + j] == needle[j] or (97 <= needle[j] <= 122 and data[at + j] == needle[j] - 32)):
                j += 1
            if j < size:
                continue
            if offsets[text + 1] <= at:
                of_text = 0
                while offsets[text + 1] <= at:
                    text += 1
            if at + size <= offsets[text + 1] and of_text < most:
                of_text += 1
                if found < len(out):
                    out[found, 0], out[found, 1] = text, at - offsets[text]
                found += 1
    return found
