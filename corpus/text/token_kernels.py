"""Integer kernels that describe tokens and chunks, each distinct one once: what signals add up for every text."""

from __future__ import annotations

import numpy as np
from numba import njit

from corpus.text.kernels import point_at

#: Of a token: characters, its part in sentences (STOPS, MARK or neither), whether it is a word, whether it has a letter.
SIZE, PART, WORD, ALPHA_TOKEN = range(4)
STOPS, MARK = 2, 1

#: Of a chunk: characters, where its tokens start, how many they are, how many are words, the characters of those, tokens
#: with a letter, `#`, ellipses, MARKS, and sentences begun times two, plus one where a full stop waits for the next
#: token: entered in the middle of a sentence, and entered behind a full stop.
CHARS, FIRST, TOKENS, WORDS, WORD_CHARS, ALPHA, HASHES, ELLIPSES, MARKS, INSIDE, BEHIND = range(11)
BULLET, DOTS, TRAILS, ENDS, CURLY, BRACKET = 1, 2, 4, 8, 16, 32

_BASE, _BASE_INVERSE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xF1DE83E19937733D)
_ONE = np.uint64(1)


@njit(cache=True, nogil=True)
def describe_tokens(data, ends, kinds, flags, facts, joins):
    """Facts (t, 4) int32 of tokens, and joins (t, 3) uint64: hash of the bytes, and two powers for joining hashes.

    data, ends: each token with a line feed behind it. kinds: `corpus.text.characters.kinds()`; flags: what its bits
    LETTER, SYMBOL, PUNCTUATION and STOP are.
    """
    letter, symbol, punctuation, stop = flags
    for k in range(len(ends) - 1):
        at, past, size, every, any_letter, wordy = ends[k], ends[k + 1] - 1, 0, punctuation, False, False
        last = 0
        h, power, inverse = np.uint64(0), _ONE, _ONE
        for j in range(at, past):
            h += np.uint64(data[j] + 1) * power
            power *= _BASE
            inverse *= _BASE_INVERSE
        while at < past:
            point, step = point_at(data, at)
            last = kinds[point] if point < len(kinds) else 0
            every &= last
            any_letter |= last & letter != 0
            wordy |= last & symbol == 0
            at += step
            size += 1
        facts[k, SIZE] = size
        facts[k, PART] = STOPS if size == 1 and last & stop != 0 else MARK if every != 0 else 0
        facts[k, WORD] = wordy
        facts[k, ALPHA_TOKEN] = any_letter
        joins[k, 0], joins[k, 1], joins[k, 2] = h, power, inverse


@njit(cache=True, nogil=True)
def describe_chunks(data, ends, first, flat, token_facts, out):
    """Facts (k, 11) int32 of chunks. data, ends: each chunk with a line feed behind it; its tokens are
    flat[first[k] : first[k + 1]], ids of token_facts.
    """
    for k in range(len(ends) - 1):
        at, past = ends[k], ends[k + 1] - 1
        chars, hashes, ellipses, dots, marks = 0, 0, 0, 0, 0
        for j in range(at, past):
            c = data[j]
            chars += c & 0xC0 != 0x80
            hashes += c == 0x23
            dots = dots + 1 if c == 0x2E else 0
            if dots == 3:
                ellipses, dots = ellipses + 1, 0
            if c == 0x7B:
                marks |= CURLY
            elif c == 0x5B:
                marks |= BRACKET
            elif c == 0xA6 and j - at >= 2 and data[j - 1] == 0x80 and data[j - 2] == 0xE2:
                ellipses += 1
                if j == past - 1:
                    marks |= TRAILS
        c, size = data[past - 1], past - at
        if c == 0x2E or c == 0x3F or c == 0x21 or c == 0x22 or c == 0x27:
            marks |= ENDS
        if size >= 3 and c == 0x2E and data[past - 2] == 0x2E and data[past - 3] == 0x2E:
            marks |= DOTS | TRAILS
        if data[at] == 0x2D or (size >= 3 and data[at] == 0xE2 and data[at + 1] == 0x80 and data[at + 2] == 0xA2):
            marks |= BULLET
        words, word_chars, alpha, inside, waits_inside, behind, waits_behind = 0, 0, 0, 0, False, 0, True
        for j in range(first[k], first[k + 1]):
            token = flat[j]
            words += token_facts[token, WORD]
            word_chars += token_facts[token, SIZE] * token_facts[token, WORD]
            alpha += token_facts[token, ALPHA_TOKEN]
            part = token_facts[token, PART]
            if part == STOPS:
                waits_inside, waits_behind = True, True
            elif part == 0:
                inside += waits_inside
                behind += waits_behind
                waits_inside, waits_behind = False, False
        out[k, CHARS], out[k, FIRST], out[k, TOKENS] = chars, first[k], first[k + 1] - first[k]
        out[k, WORDS], out[k, WORD_CHARS], out[k, ALPHA] = words, word_chars, alpha
        out[k, HASHES], out[k, ELLIPSES], out[k, MARKS] = hashes, ellipses, marks
        out[k, INSIDE], out[k, BEHIND] = 2 * inside + waits_inside, 2 * behind + waits_behind
