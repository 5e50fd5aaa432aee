"""Candidate pairs → edges: both sides' shingles are brought to each pair, and the Jaccard of the two sets is exact.

Only texts that are in some pair travel, once to each partition that has a pair of theirs; nothing is estimated. A pair
goes by its lesser text, so that text travels once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.ids import hash_ids
from corpus.document import ID, one_array
from corpus.exchange import partition_of
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import TaskIO

EDGES = pa.schema([("a", ID), ("b", ID), ("jaccard", pa.float64())])

_TEXT, _PAIR = 0, 1
_ROW = pa.schema([("is", pa.int8()), ("a", ID), ("b", ID), ("shingles", pa.list_(pa.uint64()))])


@register("exchange", "verify", version=2)
@dataclass(frozen=True)
class Verify(Exchange):
    """Exact Jaccard of pairs of texts by their shingle sets. Emits a shard of `shingles` and what it was `asked` for;
    writes `edges`, the pairs (a < b, text digests) of `threshold` and over.
    """

    partitions: int = 64
    threshold: float = 0.8
    sort: ClassVar[tuple[str, ...]] = ("is", "a", "b")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        asked = io.table("asked")
        rows = io.table("shingles", ["text_digest", "shingles"])
        to = partition_of(hash_ids(asked.column("a")), self.partitions)
        own = pc.equal(asked.column("text"), asked.column("a"))          # each pair is emitted by the shard that has its a
        pairs = asked.filter(own).select(["a", "b"])
        yield to[own.to_numpy()], self._rows(_PAIR, pairs.column("a"), pairs.column("b"), None)
        at = pc.index_in(asked.column("text"), value_set=one_array(rows.column("text_digest")))
        if at.null_count:
            raise ValueError(f"{at.null_count} texts were asked of a shard that does not have them")
        to, at = np.divmod(np.unique(to * rows.num_rows + at.to_numpy()), max(1, rows.num_rows))
        texts = rows.take(pa.array(at))
        yield to, self._rows(_TEXT, texts.column("text_digest"), texts.column("text_digest"), texts.column("shingles"))

    def _rows(self, kind: int, a: pa.ChunkedArray, b: pa.ChunkedArray, shingles: pa.ChunkedArray | None) -> pa.Table:
        kinds = pa.array(np.full(len(a), kind, np.int8))
        return pa.table([kinds, a, b, pa.nulls(len(a), _ROW.field(3).type) if shingles is None else shingles], schema=_ROW)

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        texts = int(np.searchsorted(rows.column("is").to_numpy(), _PAIR))
        pairs, texts = rows.slice(texts).select(["a", "b"]), rows.slice(0, texts)
        known = one_array(texts.column("a"))
        left, right = (pc.index_in(pairs.column(side), value_set=known) for side in ("a", "b"))
        if left.null_count or right.null_count:
            raise ValueError(f"partition {partition} has a pair without the shingles of a side")
        found = pair_jaccard(one_array(texts.column("shingles")), left.to_numpy(), right.to_numpy())
        edges = pa.table([pairs.column("a"), pairs.column("b"), pa.array(found)], schema=EDGES)
        io.write("edges", edges.filter(pa.array(found >= self.threshold)))
        io.count("pairs", len(found))
        io.count("edges", int((found >= self.threshold).sum()))


def pair_jaccard(sets: pa.ListArray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(p,) float64: Jaccard of rows left[i] and right[i]. sets: rows of distinct, sorted uint64, without nulls."""
    from corpus.dedup.kernels import jaccard_sorted

    return jaccard_sorted(sets.values.to_numpy(zero_copy_only=False), sets.offsets.to_numpy(), left, right)
