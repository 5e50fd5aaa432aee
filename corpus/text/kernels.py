"""Integer kernels over UTF-8 bytes: where white space parts a text, and which of the known strings each part is.

White space is what `str.isspace` says and line breaks are those of `str.splitlines`, read off the bytes. Strings are
compared byte by byte, so two of them are never taken for one. What it gives up: bytes that are not UTF-8, which Arrow's
strings cannot hold.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: What lies between two chunks. 0 is exactly one space.
WIDE, BREAK = 1, 2                                  # more than one space, or another; a line break (text starts count)

#: A cutter's state, carried over when the table has to grow: text, byte (-1: not begun), chunks out, strings known, gap
#: before the byte, lines so far, the break before the byte (1, or 2 after a carriage return).
TEXT, BYTE, OUT, KNOWN, GAP, LINES, BROKE = range(7)

_LOW32 = np.uint64(0xFFFFFFFF)
_HIGH32 = np.uint64(0xFFFFFFFF00000000)
_ONE = np.uint64(1)
_BASIS, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX, _SHIFT = np.uint64(0xFF51AFD7ED558CCD), np.uint64(32)


@njit(cache=True, nogil=True, inline="always")
def space_at(data, at, end):
    """Bytes of the white space that starts at a byte, 0 for none; negative where it breaks the line."""
    c = data[at]
    if c <= 0x20:
        if c == 0x20 or c == 0x09 or c == 0x1F:
            return 1
        return -1 if 0x0A <= c <= 0x0D or 0x1C <= c <= 0x1E else 0
    if c == 0xC2:
        d = data[at + 1]
        return -2 if d == 0x85 else 2 if d == 0xA0 else 0
    if c < 0xE1 or c > 0xE3 or at + 2 >= end:
        return 0
    d, e = data[at + 1], data[at + 2]
    if c == 0xE2:
        if d == 0x80:
            return -3 if e == 0xA8 or e == 0xA9 else 3 if e <= 0x8A or e == 0xAF else 0
        return 3 if d == 0x81 and e == 0x9F else 0
    if c == 0xE1:
        return 3 if d == 0x9A and e == 0x80 else 0
    return 3 if d == 0x80 and e == 0x80 else 0


@njit(cache=True, nogil=True)
def cut(data, offsets, state, ids, gaps, starts, lines, slots, hashes, pool, ends):
    """Chunks of texts as ids of known strings; a string not yet known is added. Returns False where there is no room.

    data (b,) uint8, offsets (m + 1,) int64: the texts. Out: ids (c,) int32, gaps (c,) uint8 before each chunk, starts
    (m + 1,) int64 first chunk of each text, lines (m,) int64 of `splitlines`. Known strings: pool uint8, each followed
    by a line feed, string k from ends[k]; hashes uint64; slots uint64, a power of two: upper half of the hash, id + 1.
    """
    mask = np.uint64(len(slots) - 1)
    for i in range(state[TEXT], len(offsets) - 1):
        at, end = state[BYTE], offsets[i + 1]
        if at < 0:
            at = offsets[i]
            starts[i] = state[OUT]
            state[GAP], state[LINES], state[BROKE] = BREAK, 0, 1
        while at < end:
            size = space_at(data, at, end)
            if size != 0:
                if size < 0:
                    if not (data[at] == 0x0A and state[BROKE] == 2):         # "\r\n" is one break
                        state[LINES] += 1
                    state[BROKE] = 2 if data[at] == 0x0D else 1
                    state[GAP] |= WIDE | BREAK
                    size = -size
                else:
                    state[BROKE] = 0
                    single = data[at] == 0x20 and at > offsets[i] and state[GAP] == 4
                    state[GAP] = (state[GAP] & BREAK) | (0 if single else WIDE)
                at += size
                continue
            first = at
            h = _BASIS
            while at < end:
                c = data[at]
                if c <= 0x20 or c == 0xC2 or (c >= 0xE1 and c <= 0xE3):
                    if space_at(data, at, end) != 0:
                        break
                h = (h ^ np.uint64(c)) * _PRIME
                at += 1
            h ^= h >> _SHIFT
            h *= _MIX
            h ^= h >> _SHIFT
            slot = h & mask
            size = at - first
            known = -1
            while slots[slot] != 0:
                entry = slots[slot]
                if entry & _HIGH32 == h & _HIGH32:
                    k = np.int64(entry & _LOW32) - 1
                    lo = ends[k]
                    if ends[k + 1] - lo == size + 1:
                        j = 0
                        while j < size and pool[lo + j] == data[first + j]:
                            j += 1
                        if j == size:
                            known = k
                            break
                slot = (slot + _ONE) & mask
            if known < 0:
                known = state[KNOWN]
                to = ends[known]
                if known + 2 > len(hashes) or 2 * known > len(slots) or to + size + 1 > len(pool):
                    state[TEXT], state[BYTE] = i, first
                    return False
                for j in range(size):
                    pool[to + j] = data[first + j]
                pool[to + size] = 0x0A
                ends[known + 1] = to + size + 1
                hashes[known] = h
                slots[slot] = (h & _HIGH32) | np.uint64(known + 1)
                state[KNOWN] = known + 1
            out = state[OUT]
            ids[out] = known
            gaps[out] = state[GAP] & (WIDE | BREAK)
            state[OUT] = out + 1
            state[GAP] = 4                                      # directly behind a chunk
            state[BROKE] = 0
        lines[i] = state[LINES] + (0 if state[BROKE] else 1)
        state[BYTE] = -1
    state[TEXT] = len(offsets) - 1
    starts[len(offsets) - 1] = state[OUT]
    return True


@njit(cache=True, nogil=True)
def place(hashes, known, slots):
    """Fills an empty table of slots with the strings known."""
    mask = np.uint64(len(slots) - 1)
    for k in range(known):
        h = hashes[k]
        slot = h & mask
        while slots[slot] != 0:
            slot = (slot + _ONE) & mask
        slots[slot] = (h & _HIGH32) | np.uint64(k + 1)


@njit(cache=True, nogil=True)
def spread(ids, starts, first, flat, out, offsets):
    """Each chunk's values one after the other: out gets flat[first[id] : first[id + 1]] for each id.

    starts: (m + 1,) first chunk of each text; offsets (m + 1,) int64 gets the first value of each text. With an empty
    `out` only the offsets are found.
    """
    n = 0
    fill = len(out) > 0
    for i in range(len(starts) - 1):
        offsets[i] = n
        for c in range(starts[i], starts[i + 1]):
            k = ids[c]
            if fill:
                for j in range(first[k], first[k + 1]):
                    out[n] = flat[j]
                    n += 1
            else:
                n += first[k + 1] - first[k]
    offsets[len(starts) - 1] = n


@njit(cache=True, nogil=True, inline="always")
def point_at(data, at):
    """The code point that starts at a byte, and its bytes."""
    c = np.int64(data[at])
    if c < 0x80:
        return c, 1
    if c < 0xE0:
        return (c & 0x1F) << 6 | (data[at + 1] & 0x3F), 2
    if c < 0xF0:
        return (c & 0x0F) << 12 | np.int64(data[at + 1] & 0x3F) << 6 | (data[at + 2] & 0x3F), 3
    return ((c & 0x07) << 18 | np.int64(data[at + 1] & 0x3F) << 12 | np.int64(data[at + 2] & 0x3F) << 6
            | (data[at + 3] & 0x3F)), 4
