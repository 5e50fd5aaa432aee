"""Repetition signals of Gopher, by the definitions that datatrove's filter uses, for all texts of a batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.operators import Annotator, Batch
from corpus.registry import register
from corpus.signals.gopher import share
from corpus.text import characters
from corpus.text.chunks import bytes_of, chunks_of
from corpus.text.words import WORD_PROVIDERS, Splitter, words_of


@register("signal", "gopher_repetition", version=2, provider=WORD_PROVIDERS)
@dataclass(frozen=True)
class GopherRepetition(Annotator):
    """Repetition statistics of Rae et al. 2021 (Gopher), table A1: fractions in [0, 1+], one row a document.

    Columns under `repetition.`: `characters` of the text, `dup_lines`, `dup_paragraphs` (share of lines that occurred
    before), `dup_line_chars`, `dup_paragraph_chars` (their characters over the text's), `top_N_gram` (characters in all
    occurrences of the most frequent N-gram, words joined by a space, over the text's; can exceed 1; 0 where the text has
    fewer words), `dup_N_grams` (characters of N-grams that occurred before, joined by nothing, scanned left to right
    without overlap, over the text's). Fractions of an empty text are null. `words`: see `corpus.text.words`.
    """

    top: tuple[int, ...] = (2, 3, 4)
    duplicate: tuple[int, ...] = (5, 6, 7, 8, 9, 10)
    words: Splitter = "scripts"

    def schema(self) -> pa.Schema:
        names = ["dup_paragraphs", "dup_paragraph_chars", "dup_lines", "dup_line_chars",
                 *(f"top_{n}_gram" for n in self.top), *(f"dup_{n}_grams" for n in self.duplicate)]
        return pa.schema([("repetition.characters", pa.int64()), *((f"repetition.{n}", pa.float64()) for n in names)])

    def annotate(self, batch: Batch) -> pa.Table:
        from corpus.signals import line_kernels as r

        lines, grams = line_counts(batch), self._grams(batch)
        size = lines[:, r.CHARS]
        shares = [
            share(lines[:, r.PARAGRAPHS_AGAIN], lines[:, r.PARAGRAPHS]),
            share(lines[:, r.PARAGRAPHS_AGAIN_CHARS], size),
            share(lines[:, r.PIECES_AGAIN], lines[:, r.PIECES]),
            share(lines[:, r.PIECES_AGAIN_CHARS], size),
            *(share(np.maximum(grams[:, i], 0), size) for i in range(grams.shape[1])),
        ]
        return pa.table([pa.array(size), *shares], schema=self.schema())

    def _grams(self, batch: Batch) -> np.ndarray:
        from corpus.signals import ngram_kernels

        chunks = chunks_of(batch)
        words = words_of(chunks, self.words)
        pool, ends = words.tokens.raw(0, len(words.tokens))
        out = np.zeros((len(chunks), len(self.top) + len(self.duplicate)), np.int64)
        ngram_kernels.count_ngrams(chunks.ids, chunks.starts, words.facts, words.lists.flat, words.token_facts, words.joins,
                                   pool, ends, np.array(self.top, np.int64), np.array(self.duplicate, np.int64), out)
        return out


def line_counts(batch: Batch, short_line: int = 30) -> np.ndarray:
    """(m, 13) int64: what `corpus.signals.line_kernels` counts on the lines of each text, once a batch."""
    from corpus.signals import line_kernels

    def count() -> np.ndarray:
        data, offsets = bytes_of(batch)
        out = np.zeros((len(offsets) - 1, 13), np.int64)
        line_kernels.count_lines(data, offsets, characters.kinds(), characters.TERMINAL, short_line, out)
        return out

    return batch.shared(("line counts", short_line), count)
