"""The one loop over every word of every document: which runs of words are n-grams of an evaluation item.

Integers in, integers out, so results are the same on any machine and with any number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

BASE = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2, _S = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)
_ONE, _SIX, _MASK = np.uint64(1), np.uint64(6), np.uint64(63)


@njit(cache=True, nogil=True)
def scan(words, offsets, lengths, powers, seen, shift, grams, gram_lengths, capacity):
    """Where n-grams of the index start in some texts, in order.

    words: (n,) uint64 hashes of all words, text after text; offsets: (m + 1,) int64. lengths: (l,) int64, the lengths that
    the index has; powers: (l,) uint64, BASE to each. seen: a bitmap over the top bits of the hashes in `grams`: (g,) uint64,
    sorted; gram_lengths: (g,) uint8. Returns (text, word in the text, n-gram) of the first `capacity` hits, and how many
    there are.
    """
    texts = np.empty(capacity, np.int64)
    places = np.empty(capacity, np.int64)
    found = np.empty(capacity, np.int64)
    hits = 0
    longest = 0
    for d in range(len(offsets) - 1):
        longest = max(longest, offsets[d + 1] - offsets[d])
    prefix = np.empty(longest + 1, np.uint64)
    prefix[0] = np.uint64(0)
    for d in range(len(offsets) - 1):
        lo, n = offsets[d], offsets[d + 1] - offsets[d]
        for i in range(n):
            prefix[i + 1] = prefix[i] * BASE + words[lo + i]
        for k in range(len(lengths)):
            size = lengths[k]
            salt = np.uint64(size) * BASE
            for i in range(n - size + 1):
                h = prefix[i + size] - prefix[i] * powers[k] + salt
                h = (h ^ (h >> _S)) * _M1
                h = (h ^ (h >> _S)) * _M2
                h = h ^ (h >> _S)
                bit = h >> shift
                if (seen[bit >> _SIX] >> (bit & _MASK)) & _ONE == 0:
                    continue
                a, b = 0, len(grams)
                while a < b:
                    middle = (a + b) >> 1
                    if grams[middle] < h:
                        a = middle + 1
                    else:
                        b = middle
                if a < len(grams) and grams[a] == h and gram_lengths[a] == size:
                    if hits < capacity:
                        texts[hits], places[hits], found[hits] = d, i, a
                    hits += 1
    kept = min(hits, capacity)
    return texts[:kept], places[:kept], found[:kept], hits
