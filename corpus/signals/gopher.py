"""Quality signals of Gopher: what its document filters look at, measured and not judged.

Counts are those of datatrove's filter, words and characters that make no word included. Stop words are English ones and
counted whatever the language; rules say for which languages the count means something.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.errors import ConfigError
from corpus.operators import Annotator, Batch
from corpus.registry import register
from corpus.text.chunks import Lists, Vocabulary, chunks_of
from corpus.text.words import WORD_PROVIDERS, Splitter, Words, words_of

_MOST_STOP_WORDS = 62                               # a bit each in an int64


@register("signal", "gopher_quality", version=2, provider=WORD_PROVIDERS)
@dataclass(frozen=True)
class GopherQuality(Annotator):
    """Length, symbols, bullets, ellipses, letters and stop words of Rae et al. 2021 (Gopher), section A.1.1.

    Columns: `gopher.words` (words that are not all punctuation), `gopher.mean_word_length` (characters, of those),
    `gopher.hash_ratio` and `gopher.ellipsis_ratio` (occurrences a word or mark), `gopher.symbol_ratio` (the greater of
    the two), `gopher.bullet_lines` and `gopher.ellipsis_lines` (shares of lines that start with one, end with one),
    `gopher.alpha_words` (share of words and marks with a letter), `gopher.stop_words` (how many of them occur). A share
    of nothing is null. `words` says how words are parted (`corpus.text.words`).
    """

    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")
    words: Splitter = "scripts"

    def __post_init__(self) -> None:
        if len(set(self.stop_words)) > _MOST_STOP_WORDS:
            raise ConfigError("stop_words", f"{len(set(self.stop_words))} of them", f"at most {_MOST_STOP_WORDS}")

    def schema(self) -> pa.Schema:
        shares = ("mean_word_length", "hash_ratio", "ellipsis_ratio", "symbol_ratio", "bullet_lines", "ellipsis_lines",
                  "alpha_words")
        return pa.schema([("gopher.words", pa.int64()), *((f"gopher.{s}", pa.float64()) for s in shares),
                          ("gopher.stop_words", pa.int32())])

    def annotate(self, batch: Batch) -> pa.Table:
        from corpus.signals import kernels as k

        chunks = chunks_of(batch)
        words = words_of(chunks, self.words)
        marks = chunks.vocabulary.layer(("stop words", self.stop_words, self.words), lambda v: StopWords(
            v, words, self.stop_words)).cover()
        counts = np.zeros((len(chunks), 9), np.int64)
        k.count_words(chunks.ids, chunks.gaps, chunks.starts, words.facts, marks.flat, counts)
        tokens, real = counts[:, k.N_TOKENS], counts[:, k.N_WORDS]
        hashes, ellipses = counts[:, k.N_HASHES], counts[:, k.N_ELLIPSES]
        columns = {
            "words": pa.array(real),
            "mean_word_length": share(counts[:, k.N_WORD_CHARS], real),
            "hash_ratio": share(hashes, tokens),
            "ellipsis_ratio": share(ellipses, tokens),
            "symbol_ratio": share(np.maximum(hashes, ellipses), tokens),
            "bullet_lines": share(counts[:, k.N_BULLETS], chunks.lines),
            "ellipsis_lines": share(counts[:, k.N_TRAILS], chunks.lines),
            "alpha_words": share(counts[:, k.N_ALPHA], tokens),
            "stop_words": pa.array(counts[:, k.N_STOP_WORDS].astype(np.int32)),
        }
        return pa.table({f"gopher.{n}": c for n, c in columns.items()}, schema=self.schema())


class StopWords:
    """For each chunk of a vocabulary, a bit for each stop word that is among its tokens."""

    def __init__(self, vocabulary: Vocabulary, words: Words, stop_words: tuple[str, ...]) -> None:
        self._chunks, self._words = vocabulary, words
        self._bits = {word: 1 << i for i, word in enumerate(dict.fromkeys(stop_words))}
        self._tokens = np.zeros(0, np.int64)
        self._marks = Lists(np.int64)

    def cover(self) -> Lists:
        """The bits of all chunks that the words know by now, one a chunk."""
        from corpus.signals import kernels

        with self._chunks.lock:
            first, past = self._marks.count, self._words.lists.count
            if past > first:
                known, tokens = len(self._tokens), self._words.tokens
                new = tokens.listed(known, len(tokens))
                bits = np.fromiter((self._bits.get(t, 0) for t in new), np.int64, len(new))
                self._tokens = np.concatenate((self._tokens, bits))
                marks = np.empty(past - first, np.int64)
                kernels.mark_tokens(self._words.lists.first[first:], self._words.lists.flat, self._tokens, marks)
                self._marks.append(np.ones(len(marks), np.int64), marks)
            return self._marks


def share(part: np.ndarray, whole: np.ndarray) -> pa.Array:
    """part / whole as float64; null where whole is 0."""
    none = whole == 0
    return pa.array(part / np.where(none, 1, whole), mask=none)
