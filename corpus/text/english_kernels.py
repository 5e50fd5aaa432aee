"""The splitter of English chunks, compiled: arrays of code points in, places of tokens out.

Importing this module loads numba, hence it is imported inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from corpus.text import english_rules as rules

PREFIX, SUFFIX, DIGIT, LETTER, LOWER, UPPER = (
    rules.PREFIX, rules.SUFFIX, rules.DIGIT, rules.LETTER, rules.LOWER, rules.UPPER)
QUOTE, SYMBOL, CUT, STOP, UNIT, HOST = rules.QUOTE, rules.SYMBOL, rules.CUT, rules.STOP, rules.UNIT, rules.HOST

#: A table of listed strings has (a power of two, WIDTH) uint32, a row where its hash or the rows before leave room: its
#: length, what it is, its parts (bit b is set where a token starts at the b-th character), its code points.
LENGTH, KIND, PARTS, LETTERS, WIDTH = 0, 1, 2, 3, 16
LONGEST = WIDTH - LETTERS
#: What a listed string is: a special word, a unit, a special word that the other rules would part.
SPECIAL, ENDING, PARTABLE = 1, 2, 4
#: What is left to decide about a chunk: is its core an address, do parts of it make up a special word.
ADDRESS, REJOIN = 1, 2

_BASIS, _PRIME, _FOLD = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3), np.uint64(29)
_S, _BIG_S, _DOT, _PLUS, _MINUS, _COMMA, _APOSTROPHE, _CURLY = map(ord, "sS.+-,'’")
_ELLIPSIS, _EM, _DEGREE, _DOLLAR = map(ord, "…—°$")
_A, _C, _F, _K, _U, _STAR, _CARET = map(ord, "ACFKU*^")


@njit(cache=True, nogil=True, inline="always")
def _slot(points, low, high, size):
    h = _BASIS
    for i in range(low, high):
        h = (h ^ np.uint64(points[i])) * _PRIME
    return np.int64(h ^ (h >> _FOLD)) & (size - 1)


@njit(cache=True, nogil=True)
def fill(table, points, highs, kinds, parts):
    """Files strings (each of points from where the one before ends) in a table of zeros, more rows than strings."""
    low = 0
    for k in range(len(highs)):
        slot = _slot(points, low, highs[k], len(table))
        while table[slot, LENGTH]:
            slot = (slot + 1) & (len(table) - 1)
        table[slot, LENGTH], table[slot, KIND], table[slot, PARTS] = highs[k] - low, kinds[k], parts[k]
        for i in range(low, highs[k]):
            table[slot, LETTERS + i - low] = points[i]
        low = highs[k]


@njit(cache=True, nogil=True)
def lookup(points, low, high, kind, table):
    """Row of the string points[low:high], -1 where it is not listed or not as that kind."""
    size = high - low
    if size > LONGEST:
        return -1
    slot = _slot(points, low, high, len(table))
    while table[slot, LENGTH]:
        if table[slot, LENGTH] == size:
            i = 0
            while i < size and points[low + i] == table[slot, LETTERS + i]:
                i += 1
            if i == size:
                return slot if table[slot, KIND] & kind else -1
        slot = (slot + 1) & (len(table) - 1)
    return -1


@njit(cache=True, nogil=True)
def _dots(points, low, high):
    """Full stops from `low` on."""
    i = low
    while i < high and points[i] == _DOT:
        i += 1
    return i - low


@njit(cache=True, nogil=True)
def _prefix(points, classes, low, high):
    """Characters to take off the start."""
    c = points[low]
    if classes[c] & PREFIX:
        return 1
    if c == _DOT:
        n = _dots(points, low, high)
        return n if n > 1 else 0
    if c == _PLUS:
        return 1 if low + 1 == high or not classes[points[low + 1]] & DIGIT else 0
    if (c == _A or c == _C) and low + 1 < high and points[low + 1] == _DOLLAR:
        return 2
    if c == _U and low + 2 < high and points[low + 1] == _BIG_S and points[low + 2] == _DOLLAR:
        return 3
    return 0


@njit(cache=True, nogil=True)
def _suffix(points, classes, low, high, table):
    """Characters to take off the end: the longest of what may come off."""
    if low == high:
        return 0
    c = points[high - 1]
    before = classes[points[high - 2]] if high - low > 1 else 0
    if c == _DOT:
        i = high - 1
        while i > low and points[i - 1] == _DOT:
            i -= 1
        if high - i > 1:
            return high - i
        if before & STOP or (before & UPPER and high - low > 2 and classes[points[high - 3]] & UPPER):
            return 1
        d = points[high - 2] & ~0x20 if high - low > 2 and points[high - 3] == _DEGREE else 0
        return 1 if d == _C or d == _F or d == _K else 0
    found = 1 if classes[c] & SUFFIX else 0
    if high - low > 1:
        b = points[high - 2]
        if (c == _ELLIPSIS and b == _ELLIPSIS) or ((c == _S or c == _BIG_S) and (b == _APOSTROPHE or b == _CURLY)):
            found = 2
    if classes[c] & UNIT:
        i, last = high - 1, max(low, high - 1 - LONGEST)
        while i > last and not classes[points[i - 1]] & DIGIT:
            i -= 1
        if i > low and classes[points[i - 1]] & DIGIT and lookup(points, i, high, ENDING, table) >= 0:
            found = max(found, high - i)
    return found


@njit(cache=True, nogil=True)
def _inner(points, classes, i, low, high):
    """Characters of what stands between words at i, 0 where nothing does."""
    c = points[i]
    k = classes[c]
    if k & SYMBOL:
        return 1
    if c == _DOT and i + 1 < high and points[i + 1] == _DOT:
        return _dots(points, i, high)
    if i == low or i + 1 == high:
        return 0
    left, right = classes[points[i - 1]], classes[points[i + 1]]
    if c == _DOT:
        return 1 if left & (LOWER | QUOTE) and right & (UPPER | QUOTE) else 0
    if c == _COMMA:
        return 1 if left & LETTER and right & LETTER else 0
    if c == _PLUS or c == _MINUS or c == _STAR or c == _CARET:
        if left & DIGIT and (right & DIGIT or points[i + 1] == _MINUS):
            return 1
        if c != _MINUS:
            return 0
    if not left & (LETTER | DIGIT):
        return 0
    if right & LETTER:
        return 1
    longest = 3 if c == _MINUS else 2 if c == _EM else 1
    n = 1
    while n < longest and i + n < high and points[i + n] == c:
        n += 1
    return n if n > 1 and i + n < high and classes[points[i + n]] & LETTER else 0


@njit(cache=True, nogil=True)
def _addressable(points, classes, low, high):
    """Whether a web address is possible: a name before a full stop and a domain after it, or numbers with full stops."""
    stops = 0
    for i in range(low + 1, high - 1):
        if points[i] == _DOT and classes[points[i - 1]] & HOST:
            if classes[points[i + 1]] & LOWER and i + 2 < high and classes[points[i + 2]] & LOWER:
                return True
            stops += 1
    return stops > 2


@njit(cache=True, nogil=True)
def _strip(points, classes, low, high, table, out, total):
    """Takes off the ends of a chunk what comes off, one of each at a time, until what is left is listed or stays.

    Starts of what came off go to `out`: from `total` on for the start, before `high` for the end, where the chunk's own
    room ends. Returns the core's low and high, its row if listed, the new total, and how much came off the end.
    """
    room, n, size = high, 0, -1
    while low < high and high - low != size:
        row = lookup(points, low, high, SPECIAL, table)
        if row >= 0:
            return low, high, row, total, n
        size = high - low
        before = _prefix(points, classes, low, high)
        if before and low + before < high:
            row = lookup(points, low + before, high, SPECIAL, table)
            if row >= 0:
                out[total] = low
                return low + before, high, row, total + 1, n
        after = _suffix(points, classes, low + before, high, table)
        if after:
            n += 1
            out[room - n] = high - after
            row = lookup(points, low, high - after, SPECIAL, table) if high - after > low else -1
            if row >= 0:
                return low, high - after, row, total, n
        if before:
            out[total] = low
            total += 1
        low += before
        high -= after
    return low, high, -1, total, n


@njit(cache=True, nogil=True)
def split(points, highs, classes, table, out, counts, left, core):
    """Where the tokens of each chunk start, chunk after chunk.

    points: (p,) uint32 of all chunks, which end at highs: (n,) int64. classes: (0x110000,) uint16. table: listed strings.
    Out: out (p,) int64 starts; counts (n,) int64; left (n,) uint8 flags ADDRESS and REJOIN; core (n, 2) int64, which tokens
    are between those off the ends (first, past the last). Returns how many tokens there are.
    """
    total = end = 0
    for chunk in range(len(highs)):
        begun, start, end = total, end, highs[chunk]
        low, high, row, total, n = _strip(points, classes, start, end, table, out, total)
        core[chunk, 0] = total
        fresh, i = True, low
        while i < high:
            width = 0
            if row >= 0:
                fresh = table[row, PARTS] >> (i - low) & 1 > 0
            elif i > low and classes[points[i]] & CUT:
                width = _inner(points, classes, i, low, high)
            if width or fresh:
                out[total] = i
                total += 1
            fresh = width > 0
            i += max(width, 1)
        core[chunk, 1] = total
        asks = row < 0 and total - core[chunk, 0] > 1 and _addressable(points, classes, low, high)
        left[chunk] = ADDRESS if asks else 0
        for i in range(end - n, end):
            out[total] = out[i]
            total += 1
        counts[chunk] = total - begun
        if counts[chunk] > 2:
            left[chunk] |= _rejoinable(points, out, begun, total, end, table)
    return total


@njit(cache=True, nogil=True)
def _rejoinable(points, out, begun, total, high, table):
    """REJOIN where some neighbouring tokens, short of all of them, make up a special word that the rules part."""
    for i in range(begun, total - 1):
        for j in range(i + 2, total + 1):
            end = out[j] if j < total else high
            if end - out[i] > LONGEST:
                break
            if lookup(points, out[i], end, PARTABLE, table) >= 0:
                return REJOIN
    return 0
