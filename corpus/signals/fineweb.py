"""FineWeb's line signals: what its own filter looks at beyond Gopher's and C4's, as datatrove's filter counts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.operators import Annotator, Batch
from corpus.registry import register
from corpus.signals.gopher import share
from corpus.signals.repetition import line_counts
from corpus.text.chunks import chunks_of
from corpus.text.words import WORD_PROVIDERS, Splitter, words_of


@register("signal", "fineweb", provider=WORD_PROVIDERS)
@dataclass(frozen=True)
class FineWeb(Annotator):
    r"""Line endings, line lengths, repeated lines and line breaks of Penedo et al. 2024 (FineWeb), section 3.6.

    Columns under `fineweb.`: `lines` (by "\n", not blank), `stopped_lines` (share of lines with a sentence's end for their
    last character), `short_lines` (share of `short_line` characters or fewer), `repeated_chars` (characters of lines that
    occurred before, over all but the line feeds), `breaks_per_word` (line feeds a word or mark). Shares of a blank text
    are null. `words`: see `corpus.text.words`.
    """

    short_line: int = 30
    words: Splitter = "scripts"

    def schema(self) -> pa.Schema:
        names = ("stopped_lines", "short_lines", "repeated_chars", "breaks_per_word")
        return pa.schema([("fineweb.lines", pa.int64()), *((f"fineweb.{n}", pa.float64()) for n in names)])

    def annotate(self, batch: Batch) -> pa.Table:
        from corpus.signals import kernels
        from corpus.signals import line_kernels as r
        from corpus.text.token_kernels import TOKENS

        chunks, counts = chunks_of(batch), line_counts(batch, self.short_line)
        lines, feeds = counts[:, r.LINES], counts[:, r.FEEDS]
        tokens = np.empty(len(chunks), np.int64)
        kernels.sum_chunks(chunks.ids, chunks.starts, words_of(chunks, self.words).facts[:, TOKENS], tokens)
        characters = np.where(lines > 0, counts[:, r.CHARS] - feeds, 0)
        return pa.table([pa.array(lines), share(counts[:, r.STOPPED], lines), share(counts[:, r.SHORT], lines),
                         share(counts[:, r.REPEATED_CHARS], characters), share(feeds, tokens)], schema=self.schema())
