"""Integer kernels of the rule signals, text by text: scratch arrays are as large as the largest text, whatever the batch.

Where a set of strings is needed (lines, n-grams) a table finds candidates by hash and the strings themselves decide, so
no two different ones are ever taken for one.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from corpus.text.kernels import BREAK, WIDE
from corpus.text.token_kernels import (
    ALPHA,
    BEHIND,
    BRACKET,
    BULLET,
    CHARS,
    CURLY,
    DOTS,
    ELLIPSES,
    ENDS,
    HASHES,
    INSIDE,
    MARKS,
    TOKENS,
    TRAILS,
    WORD_CHARS,
    WORDS,
)

#: Columns of `count_words`.
N_TOKENS, N_WORDS, N_WORD_CHARS, N_ALPHA, N_HASHES, N_ELLIPSES, N_BULLETS, N_TRAILS, N_STOP_WORDS = range(9)
#: Columns of `count_sentences`.
SENTENCES, KEPT, FULL, LOREM, CURLIES = range(5)
#: What the C4 rules look for, at the start or the end of a chunk or as the whole of it; chunks' `phrases`.
(JAVASCRIPT, LOREM_ENDS, IPSUM_STARTS, TERMS_ENDS, IS_OF, USE_STARTS, PRIVACY_ENDS, POLICY_STARTS, COOKIE_ENDS, USES_ENDS,
 USE_ENDS, COOKIES_STARTS, CITED, CITATION_ENDS, NEEDED_STARTS) = (1 << k for k in range(15))


@njit(cache=True, nogil=True)
def count_words(ids, gaps, starts, facts, stop_words, out):
    """Gopher's counts of each text into out (m, 9) int64. stop_words: (v,) int64, which of them each chunk holds."""
    for i in range(len(starts) - 1):
        found = np.int64(0)
        row = out[i]
        for c in range(starts[i], starts[i + 1]):
            k = ids[c]
            fact = facts[k]
            row[N_TOKENS] += fact[TOKENS]
            row[N_WORDS] += fact[WORDS]
            row[N_WORD_CHARS] += fact[WORD_CHARS]
            row[N_ALPHA] += fact[ALPHA]
            row[N_HASHES] += fact[HASHES]
            row[N_ELLIPSES] += fact[ELLIPSES]
            found |= stop_words[k]
            if gaps[c] & BREAK and fact[MARKS] & BULLET:
                row[N_BULLETS] += 1
            if fact[MARKS] & TRAILS and (c + 1 == starts[i + 1] or gaps[c + 1] & BREAK):
                row[N_TRAILS] += 1
        while found:
            row[N_STOP_WORDS] += found & 1
            found >>= 1


@njit(cache=True, nogil=True)
def sum_chunks(ids, starts, column, out):
    """Adds up a number of each chunk over each text's chunks. column: (v,), out: (m,) int64."""
    for i in range(len(starts) - 1):
        total = np.int64(0)
        for c in range(starts[i], starts[i + 1]):
            total += column[ids[c]]
        out[i] = total


@njit(cache=True, nogil=True)
def mark_tokens(first, flat, marks, out):
    """Which marks the tokens of each chunk have. marks: (t,) int64 bits, out: (k,) int64, chunk k has flat[first[k]:…]."""
    for k in range(len(out)):
        found = np.int64(0)
        for j in range(first[k], first[k + 1]):
            found |= marks[flat[j]]
        out[k] = found


@njit(cache=True, nogil=True, inline="always")
def _sentences(ids, gaps, facts, a, b):
    """Sentences of chunks a … b - 1, as a line that starts with the first."""
    count, waits = np.int64(1), np.int64(0)
    for c in range(a, b):
        if waits and c > a and gaps[c] & WIDE:                  # wide space is a token, and no mark
            count, waits = count + 1, np.int64(0)
        state = np.int64(facts[ids[c], BEHIND] if waits else facts[ids[c], INSIDE])
        count += state >> 1
        waits = state & 1
    return count


@njit(cache=True, nogil=True)
def count_lines(ids, gaps, starts, facts, out):
    """Sentences of each text into out (m,) int64, all of it taken for one line."""
    for i in range(len(starts) - 1):
        out[i] = _sentences(ids, gaps, facts, starts[i], starts[i + 1])


@njit(cache=True, nogil=True, inline="always")
def _policy(gap, here, there, after, gap_after):
    """Whether one of C4's policy phrases starts at a chunk: `here`, the next and the one after it, one space between."""
    if gap != 0:
        return False
    if here & PRIVACY_ENDS and there & POLICY_STARTS or here & COOKIE_ENDS and there & POLICY_STARTS:
        return True
    if (here & USES_ENDS or here & USE_ENDS) and there & COOKIES_STARTS:
        return True
    if there & IS_OF and gap_after == 0:
        return bool(here & TERMS_ENDS and after & USE_STARTS or here & USE_ENDS and after & COOKIES_STARTS)
    return False


@njit(cache=True, nogil=True)
def count_sentences(ids, gaps, starts, facts, phrases, least_words, longest_word, out, odd):
    """C4's lines: sentences of those kept, how many are kept and how many have words, and the first that says lorem ipsum
    and has a curly bracket (counted from 0 among lines that have words; -1 for none), into out (m, 5) int64.

    phrases: (v,) int64 of the flags above. Lines with a citation are left out and put into odd (o, 2) int64 (text, line)
    as far as it goes. Returns how many they are.
    """
    odds = 0
    for i in range(len(starts) - 1):
        row = out[i]
        row[LOREM] = row[CURLIES] = -1
        a, line = starts[i], -1
        while a < starts[i + 1]:
            marks, seen, long, b = facts[ids[a], MARKS], phrases[ids[a]], facts[ids[a], CHARS] > longest_word, a + 1
            while b < starts[i + 1] and not gaps[b] & BREAK:
                k = ids[b]
                marks |= facts[k, MARKS]
                seen |= phrases[k]
                long |= facts[k, CHARS] > longest_word
                b += 1
            line += 1
            first, a = a, b
            if long:
                continue
            if marks & BRACKET and seen & (CITED | CITATION_ENDS):
                cited = seen & CITED != 0
                for c in range(first, b - 1):
                    cited |= phrases[ids[c]] & CITATION_ENDS and phrases[ids[c + 1]] & NEEDED_STARTS and gaps[c + 1] == 0
                if cited:
                    if odds < len(odd):
                        odd[odds, 0], odd[odds, 1] = i, line
                    odds += 1
                    continue
            last = facts[ids[b - 1], MARKS]
            if not last & ENDS or last & DOTS or b - first < least_words:
                continue
            lorem, policy = False, False
            if seen & ~(IS_OF | CITED | CITATION_ENDS | NEEDED_STARTS):
                for c in range(first, b - 1):
                    here, there = phrases[ids[c]], phrases[ids[c + 1]]
                    lorem |= here & LOREM_ENDS and there & IPSUM_STARTS and gaps[c + 1] == 0
                    after, gap_after = (phrases[ids[c + 2]], gaps[c + 2]) if c + 2 < b else (0, WIDE)
                    policy |= _policy(gaps[c + 1], here, there, after, gap_after)
            if lorem:
                if row[LOREM] < 0:
                    row[LOREM] = line
            elif seen & JAVASCRIPT:
                continue
            elif marks & CURLY:
                if row[CURLIES] < 0:
                    row[CURLIES] = line
            elif not policy:
                row[KEPT] += 1
                row[SENTENCES] += _sentences(ids, gaps, facts, first, b)
        row[FULL] = line + 1
    return odds
