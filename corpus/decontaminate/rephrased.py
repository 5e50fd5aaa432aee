"""Rephrased evaluation items, by the embedding route: how near a document comes to an item in an encoder's space.

A document is looked at in windows about as long as a question, because a question's vector drowns in that of a page. What
it gives up: nearness is of topic too, so this says where to look and not what to drop; it costs an encoding of every
document twice over; how near is near depends on the encoder.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.errors import ConfigError
from corpus.numeric.vectors import matrix
from corpus.operators import Annotator, Batch
from corpus.registry import register
from corpus.tasks import Body, TaskIO

#: Beside `CONTAMINATION`: the cosine of a document's nearest window and item, null where a text has no word.
REPHRASED = pa.schema([("contamination.cosine", pa.float32()), ("contamination.cosine_task", pa.string()),
                       ("contamination.cosine_item", pa.string()),
                       ("contamination.cosine_span", pa.struct([("start", pa.int32()), ("end", pa.int32())]))])
_WORD = re.compile(r"\S+")
_WINDOWS = 2048        # encoded at a time; a function of the shard alone, as the last bits of vectors depend on it
_ITEMS = 16384


@register("body", "rephrased_items")
@dataclass(frozen=True)
class Rephrased(Body):
    """The nearest evaluation item by cosine, after the embedding search of Yang et al. 2023 (LLM decontaminator).

    Reads `documents` and `contamination` (same rows), shared `items` and their `vectors` by the same encoder; writes
    `contamination` with the columns `REPHRASED` added. window: words of a window, each starting half a window after the
    one before; 0 encodes each document as one text, as far as the encoder reads.
    """

    encoder: Annotator
    window: int = 64

    def __post_init__(self) -> None:
        if self.window < 0 or self.window == 1:
            raise ConfigError("decontaminate.window", str(self.window), "0, or 2 words or more")

    def run(self, io: TaskIO) -> None:
        documents, before = io.table("documents", ["id", "text"]), io.table("contamination")
        if not before.column("id").combine_chunks().equals(documents.column("id").combine_chunks()):
            raise ValueError("'contamination' is not aligned with 'documents'")
        items, vectors = io.table("items", ["task", "item"]), io.table("vectors", ["vector"])
        texts = documents.column("text").to_pylist()
        found = nearest(texts, self.encoder, matrix(vectors.column("vector")), items, self.window)
        for field in REPHRASED:
            before = before.append_column(field, found.column(field.name))
        io.write("contamination", before)
        io.count("documents", documents.num_rows)


def nearest(texts: Sequence[str | None], encoder: Annotator, vectors: np.ndarray, items: pa.Table, window: int) -> pa.Table:
    """Columns `REPHRASED` of some texts. vectors: (i, d) float32, unit rows, of `items`: task, item."""
    spans = [(d, a, b) for d, text in enumerate(texts) for a, b in windows(text or "", window)]
    best = np.full(len(texts), -np.inf, np.float32)
    item, span = np.zeros(len(texts), np.int64), np.zeros((len(texts), 2), np.int64)
    if len(vectors):
        with encoder.open() as opened:
            for start in range(0, len(spans), _WINDOWS):
                block = spans[start : start + _WINDOWS]
                cut = pa.table({"text": pa.array([texts[d][a:b] for d, a, b in block], pa.large_string())})
                score, at = _closest(matrix(opened.annotate(Batch(cut)).column("vector")), vectors)
                for (d, a, b), s, i in zip(block, score.tolist(), at.tolist()):
                    if s > best[d]:
                        best[d], item[d], span[d] = s, i, (a, b)
    none = np.isinf(best)
    pick = pa.array(item, mask=none)
    places = pa.StructArray.from_arrays([pa.array(span[:, k].astype(np.int32)) for k in (0, 1)],
                                        fields=list(REPHRASED.field(3).type), mask=pa.array(none))
    names = [items.column(c).combine_chunks().take(pick) if len(vectors) else pa.nulls(len(texts)) for c in ("task", "item")]
    return pa.table([pa.array(best, mask=none), *(n.cast(pa.string()) for n in names), places], schema=REPHRASED)


def windows(text: str, size: int) -> list[tuple[int, int]]:
    """Characters [start, end) of windows of `size` words, half a window apart; the last may be shorter."""
    words = [m.span() for m in _WORD.finditer(text)]
    if not words:
        return []
    if size == 0:
        return [(words[0][0], words[-1][1])]
    starts = range(0, max(1, len(words) - (size - size // 2)), size // 2)
    return [(words[i][0], words[min(i + size, len(words)) - 1][1]) for i in starts]


def _closest(rows: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The greatest cosine of each row with an item, and which; of equal ones the first."""
    best, at = np.full(len(rows), -np.inf, np.float32), np.zeros(len(rows), np.int64)
    for start in range(0, len(items), _ITEMS):
        cosines = rows @ items[start : start + _ITEMS].T
        here = cosines.argmax(1)
        value = cosines[np.arange(len(rows)), here]
        better = value > best
        best[better], at[better] = value[better], start + here[better]
    return best, at
