"""Integer kernels of a text's lines and paragraphs: how long they are, how they end, which of them repeat.

A table finds candidates by hash and the strings themselves decide, so no two different ones are ever taken for one.
Scratch arrays are as large as the largest text, whatever the batch.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from corpus.text.kernels import point_at, space_at

#: Columns of `count_lines`: characters, line feeds, the same of lines by "\n": not blank, with a stop at the end, short,
#: characters in repeated ones; lines by "\n+" and by "\n{2,}", repeated ones and their characters; third longest line.
(CHARS, FEEDS, LINES, STOPPED, SHORT, REPEATED_CHARS, PIECES, PIECES_AGAIN, PIECES_AGAIN_CHARS, PARAGRAPHS,
 PARAGRAPHS_AGAIN, PARAGRAPHS_AGAIN_CHARS, THIRD) = range(13)

_SHIFT = np.uint64(32)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_BASIS, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_BITS = np.int64(32)
_LOW = np.int64(0xFFFFFFFF)


@njit(cache=True, nogil=True, inline="always")
def spread(h):
    """A hash whose low bits are as good as its high ones."""
    h ^= h >> _SHIFT
    h *= _MIX
    return h ^ (h >> _SHIFT)


@njit(cache=True, nogil=True)
def _seen(data, spans, hashes, k, table, mask, turn):
    """Whether span k is one of those put into the table this turn; if not, it is put there."""
    h = hashes[k]
    slot = np.int64(h & np.uint64(mask))
    while table[slot] >> _BITS == turn:
        j = table[slot] & _LOW
        if hashes[j] == h and spans[j, 1] - spans[j, 0] == spans[k, 1] - spans[k, 0]:
            p, q = spans[j, 0], spans[k, 0]
            while q < spans[k, 1] and data[p] == data[q]:
                p, q = p + 1, q + 1
            if q == spans[k, 1]:
                return True
        slot = (slot + 1) & mask
    table[slot] = turn << _BITS | k
    return False


@njit(cache=True, nogil=True)
def _hash_chars(data, a, b):
    """Hash and characters of a run of bytes."""
    h, chars = _BASIS, 0
    for j in range(a, b):
        c = data[j]
        h = (h ^ np.uint64(c)) * _PRIME
        chars += c & 0xC0 != 0x80
    return spread(h), chars


@njit(cache=True, nogil=True)
def _inside(data, a, b):
    """The run of bytes without the white space at its ends."""
    while a < b:
        size = abs(space_at(data, a, b))
        if size == 0:
            break
        a += size
    while b > a:
        c = b - 1
        while data[c] & 0xC0 == 0x80:
            c -= 1
        if space_at(data, c, b) == 0:
            break
        b = c
    return a, b


@njit(cache=True, nogil=True)
def count_lines(data, offsets, kinds, terminal, short_line, out):
    """What `CHARS` … `THIRD` say of each text, into out (m, 13) int64.

    kinds: `corpus.text.characters.kinds()`, terminal: its flag of characters that end a line well. short_line: characters.
    """
    spans, hashes = np.empty((64, 2), np.int64), np.empty(64, np.uint64)
    table, turn = np.zeros(128, np.int64), 0
    for i in range(len(offsets) - 1):
        lo, hi = offsets[i], offsets[i + 1]
        row = out[i]
        row[THIRD] = -1
        if lo == hi:
            continue
        feeds = 0
        for j in range(lo, hi):
            feeds += data[j] == 0x0A
        row[FEEDS] = feeds
        if feeds + 2 > len(spans):
            spans, hashes = np.empty((2 * feeds + 2, 2), np.int64), np.empty(2 * feeds + 2, np.uint64)
        size = 16
        while size < 2 * feeds + 4:
            size *= 2
        if size > len(table):
            table, turn = np.zeros(size, np.int64), 0
        turn += 1
        n, first, second, third = 0, -1, -1, -1
        a, h, chars, b = lo, _BASIS, 0, lo
        while b <= hi:
            if b < hi and data[b] != 0x0A:
                c = data[b]
                h = (h ^ np.uint64(c)) * _PRIME
                chars += c & 0xC0 != 0x80
                b += 1
                continue
            row[CHARS] += chars + (b < hi)
            third = max(third, min(second, chars))
            second = max(second, min(first, chars))
            first = max(first, chars)
            if b > a or a == lo or b == hi:                      # a piece by "\n+": not empty, or at an end of the text
                spans[n, 0], spans[n, 1], hashes[n] = a, b, spread(h)
                again = _seen(data, spans, hashes, n, table, size - 1, turn)
                n += 1
                row[PIECES] += 1
                row[PIECES_AGAIN] += again
                row[PIECES_AGAIN_CHARS] += chars if again else 0
                x, y = _inside(data, a, b)
                if y > x:
                    row[LINES] += 1
                    row[SHORT] += chars <= short_line
                    row[REPEATED_CHARS] += chars if again else 0
                    if y == b:
                        c = b - 1
                        while data[c] & 0xC0 == 0x80:
                            c -= 1
                        point, _ = point_at(data, c)
                        row[STOPPED] += point < len(kinds) and kinds[point] & terminal != 0
            a, h, chars, b = b + 1, _BASIS, 0, b + 1
        row[THIRD] = third
        turn += 1
        lo, hi = _inside(data, lo, hi)
        n, a = 0, lo
        while True:
            b = a
            while b < hi and not (data[b] == 0x0A and b + 1 < hi and data[b + 1] == 0x0A):
                b += 1
            spans[n, 0], spans[n, 1] = a, b
            hashes[n], chars = _hash_chars(data, a, b)
            again = _seen(data, spans, hashes, n, table, size - 1, turn)
            n += 1
            row[PARAGRAPHS_AGAIN] += again
            row[PARAGRAPHS_AGAIN_CHARS] += chars if again else 0
            if b >= hi:
                break
            a = b
            while data[a] == 0x0A:
                a += 1
        row[PARAGRAPHS] = n
