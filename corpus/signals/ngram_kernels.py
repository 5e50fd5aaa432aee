"""Integer kernels of a text's n-grams: which is the most frequent, and how much of the text came before.

A table finds candidates by hash and the words themselves decide, so no two different n-grams are ever taken for one.
Scratch arrays are as large as the largest text, whatever the batch.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from corpus.signals.line_kernels import spread
from corpus.text.token_kernels import FIRST, SIZE, TOKENS

_SHIFT = np.uint64(32)
_BITS = np.int64(32)
_LOW = np.int64(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def _same_joined(tokens, p, q, n, pool, ends):
    """Whether tokens p … p + n - 1 and q … q + n - 1 are the same string when joined."""
    for j in range(n):
        if tokens[p + j] != tokens[q + j]:
            break
    else:
        return True
    x, y, past_x, past_y, stop_p, stop_q = 0, 0, 0, 0, p + n, q + n
    while True:
        while x == past_x and p < stop_p:
            x, past_x, p = ends[tokens[p]], ends[tokens[p] + 1] - 1, p + 1
        while y == past_y and q < stop_q:
            y, past_y, q = ends[tokens[q]], ends[tokens[q] + 1] - 1, q + 1
        if x == past_x or y == past_y:
            return x == past_x and y == past_y
        while x < past_x and y < past_y:
            if pool[x] != pool[y]:
                return False
            x, y = x + 1, y + 1


@njit(cache=True, nogil=True)
def _most(tokens, n, reach, gram, left, right, alive, table, size, turn):
    """Characters in all occurrences of a text's most frequent n-gram, and of those that are equal in this the first.

    left: (w,) what the first n - 1 tokens are, right the last one's offset; only places that are alive are looked at.
    gram becomes where each n-gram occurs first, and alive whether it does so twice.
    """
    last = len(tokens) - n
    count = np.zeros(last + 1, np.int32)
    for k in range(last + 1):
        if not alive[k]:
            continue
        h = spread(np.uint64(left[k]) << _SHIFT ^ np.uint64(tokens[k + right]))
        slot = np.int64(h & np.uint64(size - 1))
        gram[k] = k
        while table[slot] >> _BITS == turn:
            j = table[slot] & _LOW
            if left[j] == left[k] and tokens[j + right] == tokens[k + right]:
                gram[k] = j
                break
            slot = (slot + 1) & (size - 1)
        if gram[k] == k:
            table[slot] = turn << _BITS | k
        count[gram[k]] += 1
    most, best = 1, 0
    for k in range(last + 1):
        if alive[k]:
            if gram[k] == k and count[k] > most:
                most, best = count[k], k
            alive[k] = count[gram[k]] > 1
    return most * (reach[best + n] - reach[best] + n - 1)


@njit(cache=True, nogil=True)
def count_ngrams(ids, starts, facts, flat, token_facts, joins, pool, ends, top, duplicate, out):
    """Of each text, for each n in `top` the characters in its most frequent n-gram's occurrences, words joined by a space
    (-1 where it has no n-gram), and for each n in `duplicate` those in n-grams that came before, words joined by nothing,
    scanned from left to right without overlap; into out (m, top + duplicate) int64.

    flat, token_facts, joins: tokens, as `corpus.text.words` has them; pool, ends: their bytes.
    """
    most = 0
    for i in range(len(starts) - 1):
        words = 0
        for c in range(starts[i], starts[i + 1]):
            words += facts[ids[c], TOKENS]
        most = max(most, words)
    words_of, reach_of = np.empty(most, np.int32), np.empty(most + 1, np.int64)
    sums, turned = np.empty(most + 1, np.uint64), np.empty(most + 1, np.uint64)
    gram_of, left_of, alive_of = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.bool_)
    size = 16
    while size < 2 * most:
        size *= 2
    table, turn = np.zeros(size, np.int64), 0
    longest = 0
    for n in top:
        longest = max(longest, n)
    for i in range(len(starts) - 1):
        w, chars, total, power, inverse = 0, 0, np.uint64(0), np.uint64(1), np.uint64(1)
        for c in range(starts[i], starts[i + 1]):
            fact = facts[ids[c]]
            for j in range(fact[FIRST], fact[FIRST] + fact[TOKENS]):
                token = flat[j]
                words_of[w], reach_of[w], sums[w], turned[w] = token, chars, total, inverse
                chars += token_facts[token, SIZE]
                total += joins[token, 0] * power
                power *= joins[token, 1]
                inverse *= joins[token, 2]
                w += 1
        reach_of[w], sums[w], turned[w] = chars, total, inverse
        tokens, reach, gram, left, alive = words_of[:w], reach_of[: w + 1], gram_of[:w], left_of[:w], alive_of[:w]
        size = 16
        while size < 2 * w:
            size *= 2
        for t in range(len(top)):
            out[i, t] = -1
        alive[:] = True
        for n in range(1, min(longest, w) + 1):
            wanted = -1
            for t in range(len(top)):
                if top[t] == n:
                    wanted = t
            if n == 1:
                left[:] = 0
                if wanted < 0:                                   # pairs start from the tokens themselves
                    continue
            elif n == 2:
                left[:] = tokens
            else:
                left[:] = gram
            turn += 1
            chars = _most(tokens, n, reach, gram, left, n - 1, alive, table, size, turn)
            if wanted >= 0:
                out[i, wanted] = chars
        for d in range(len(duplicate)):
            n, k, again = duplicate[d], 0, 0
            turn += 1
            while k + n <= w:
                h = spread((sums[k + n] - sums[k]) * turned[k])
                slot = np.int64(h & np.uint64(size - 1))
                found = False
                while table[slot] >> _BITS == turn:
                    j = table[slot] & _LOW
                    if (reach[j + n] - reach[j] == reach[k + n] - reach[k]
                            and (sums[j + n] - sums[j]) * turned[j] == (sums[k + n] - sums[k]) * turned[k]
                            and _same_joined(tokens, j, k, n, pool, ends)):
                        found = True
                        break
                    slot = (slot + 1) & (size - 1)
                if found:
                    again += reach[k + n] - reach[k]
                    k += n
                else:
                    table[slot] = turn << _BITS | k
                    k += 1
            out[i, len(top) + d] = again
