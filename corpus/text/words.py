"""The words of texts, as tokens of their chunks: each distinct chunk is split once, everything else is integers.

Words are those of spaCy's English tokenizer, which the filters of Gopher, C4 and FineWeb are run with. `scripts` cuts
them further where a script writes no spaces; texts without such scripts have the same words both ways.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from corpus.registry import UNICODE
from corpus.text import characters
from corpus.text.chunks import Chunks, Lists, Strings, Vocabulary, grown, joined

#: How words are parted: `english` is spaCy's English tokenizer, `scripts` also cuts Han, kana, Thai and their like.
Splitter = Literal["english", "scripts"]

#: Whose release decides words: Python's Unicode tables, and BudouX's Thai model.
WORD_PROVIDERS = (UNICODE, "budoux")

_AT_ONCE = 1 << 16                                  # chunks split together; bounds memory, decides nothing


class Words:
    """Tokens of the chunks of a vocabulary, and what is known of each chunk and token (`corpus.text.token_kernels`).

    facts: (v, 11) int32, a row a chunk. lists: tokens of each chunk, int32. token_facts: (t, 4) int32. joins: (t, 3)
    uint64, hashes of tokens that add up to the hash of a run of them.
    """

    def __init__(self, vocabulary: Vocabulary, splitter: Splitter) -> None:
        self._chunks, self._splitter = vocabulary, splitter
        self._masks: dict[tuple[str, ...], np.ndarray] = {}
        self.tokens = Strings()
        self.lists = Lists(np.int32)
        self.facts = np.zeros((0, 11), np.int32)
        self.token_facts = np.zeros((0, 4), np.int32)
        self.joins = np.zeros((0, 3), np.uint64)
        self._described = 0

    def cover(self) -> Words:
        """Itself, once it knows every chunk that the vocabulary has by now."""
        with self._chunks.lock:
            while self.lists.count < len(self._chunks):
                self._add(self.lists.count, min(self.lists.count + _AT_ONCE, len(self._chunks)))
            return self

    def _add(self, first: int, past: int) -> None:
        from corpus.text import token_kernels
        from corpus.text.english import tokens_of

        flat, counts = tokens_of(self._chunks.listed(first, past))
        if self._splitter == "scripts":
            from corpus.text.scripts import split_scripts

            flat, counts = split_scripts(flat, counts)
        ids, _, _, _ = self.tokens.ids_of(*joined(flat))
        self._describe_tokens()
        self.lists.append(counts, ids)
        if past > len(self.facts):
            self.facts = grown(self.facts, max(past, len(self.facts) * 3 // 2))
        data, ends = self._chunks.raw(first, past)
        token_kernels.describe_chunks(data, ends, self.lists.first[first:], self.lists.flat, self.token_facts,
                                      self.facts[first:past])

    def _describe_tokens(self) -> None:
        from corpus.text import token_kernels

        known, past = self._described, len(self.tokens)
        if past > len(self.token_facts):
            room = max(past, len(self.token_facts) * 3 // 2)
            self.token_facts, self.joins = grown(self.token_facts, room), grown(self.joins, room)
        data, ends = self.tokens.raw(known, past)
        flags = (characters.LETTER, characters.SYMBOL, characters.PUNCTUATION, characters.STOP)
        token_kernels.describe_tokens(data, ends, characters.kinds(), flags, self.token_facts[known:past],
                                      self.joins[known:past])
        self._described = past

    def listed(self) -> list[str]:
        """All tokens, by id."""
        return self.tokens.listed(0, len(self.tokens))


def words_of(chunks: Chunks, splitter: Splitter = "scripts") -> Words:
    """The words of all chunks in the vocabulary of these."""
    return chunks.vocabulary.layer(("words", splitter), lambda v: Words(v, splitter)).cover()


def split_words(chunks: Chunks, splitter: Splitter = "scripts") -> tuple[list[str], np.ndarray]:
    """All words, text after text, and (m + 1,) int64 offsets: for what has to show them."""
    words = words_of(chunks, splitter)
    named, first, flat = words.listed(), words.lists.first, words.lists.flat
    found = [named[i] for k in chunks.ids.tolist() for i in flat[first[k] : first[k + 1]].tolist()]
    ends = np.cumsum(first[chunks.ids + 1] - first[chunks.ids])
    return found, np.r_[0, ends][chunks.starts]
