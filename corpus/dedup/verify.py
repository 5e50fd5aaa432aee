"""Candidate pairs → edges: both sides' shingles are brought to each pair, and the Jaccard of the two sets is exact.

All shingles travel once by document, those of candidates once more by pair; nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.ids import hash_ids, one_array
from corpus.document import ID
from corpus.exchange import partition_of
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import TaskIO

SIDES = pa.schema([("a", ID), ("b", ID), ("side", pa.int8()), ("words", pa.int32()), ("text_digest", ID),
                   ("shingles", pa.list_(pa.uint64()))])
EDGES = pa.schema([("a", ID), ("b", ID), ("jaccard", pa.float64()), ("exact", pa.bool_()), ("words_a", pa.int32()),
                   ("words_b", pa.int32())])

_DOCUMENT = -1                                      # `side` of a row that is a document itself, sorted before its pairs
_ROW = pa.schema([("id", ID), *SIDES])


@register("exchange", "sides")
@dataclass(frozen=True)
class Sides(Exchange):
    """Joins pairs with their documents. Emits one shard, of `pairs` or of `shingles`, by document id; writes `sides`:
    two rows a distinct pair, side 0 with a's shingles and side 1 with b's.

    Where several records have one id, the one of the least text digest speaks for it.
    """

    partitions: int = 64
    sort: ClassVar[tuple[str, ...]] = ("id", "side", "a", "b", "text_digest")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for pairs in io.tables("pairs"):
            for side, name in enumerate(("a", "b")):
                yield self._keyed({"id": pairs.column(name), "a": pairs.column("a"), "b": pairs.column("b")}, side)
        for rows in io.tables("shingles", ["id", "words", "text_digest", "shingles"]):
            yield self._keyed({name: rows.column(name) for name in rows.column_names}, _DOCUMENT)

    def _keyed(self, given: dict[str, pa.ChunkedArray], side: int) -> tuple[np.ndarray, pa.Table]:
        rows = len(given["id"])
        given = given | {"side": pa.array(np.full(rows, side, np.int8))}
        table = pa.table([given.get(f.name, pa.nulls(rows, f.type)) for f in _ROW], schema=_ROW)
        return partition_of(hash_ids(table.column("id")), self.partitions), table

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        rows = rows.combine_chunks()
        pairs, documents = (np.flatnonzero(f(rows.column("side").to_numpy(), 0)) for f in (np.greater_equal, np.less))
        where = pc.index_in(rows.column("id").take(pa.array(pairs)), value_set=one_array(
            rows.column("id").take(pa.array(documents))))
        if where.null_count:
            raise ValueError(f"partition {partition}: {where.null_count} sides of pairs have no shingles in any shard")
        named = rows.select(["a", "b", "side"]).take(pa.array(pairs))
        new = _changes(named)
        found = documents[where.to_numpy()[new]]
        sides = named.filter(pa.array(new))
        for name in ("words", "text_digest", "shingles"):
            sides = sides.append_column(name, rows.column(name).take(pa.array(found)))
        io.write("sides", sides.cast(SIDES))


@register("exchange", "verify")
@dataclass(frozen=True)
class Verify(Exchange):
    """Exact Jaccard of each pair's shingle sets. Emits `sides` by pair; writes `edges`, pairs of `threshold` and over.

    `exact` says that the matching forms are equal, not only the sets.
    """

    partitions: int = 64
    threshold: float = 0.8
    sort: ClassVar[tuple[str, ...]] = ("a", "b", "side")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for sides in io.tables("sides"):
            yield partition_of(hash_ids(sides.column("a"), sides.column("b")), self.partitions), sides

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        plain = rows.drop_columns("shingles")
        left, right = (plain.take(pa.array(np.arange(side, rows.num_rows, 2))) for side in (0, 1))
        if not left.select(["a", "b"]).equals(right.select(["a", "b"])):
            raise ValueError(f"partition {partition} holds a pair with one side")
        shingles = one_array(rows.column("shingles"))
        found = jaccard(shingles)
        exact = pc.equal(left.column("text_digest"), right.column("text_digest"))
        edges = pa.table([left.column("a"), left.column("b"), pa.array(found), exact, left.column("words"),
                          right.column("words")], schema=EDGES)
        io.write("edges", edges.filter(pa.array(found >= self.threshold)))
        io.count("pairs", len(found))
        io.count("edges", int((found >= self.threshold).sum()))


def jaccard(sets: pa.ListArray) -> np.ndarray:
    """(p,) float64: Jaccard of rows 2i and 2i + 1. sets: 2p rows of distinct uint64."""
    flat = sets.flatten().to_numpy(zero_copy_only=False).copy()
    lengths = pc.list_value_length(sets).to_numpy(zero_copy_only=False)
    edges = np.r_[0, np.cumsum(lengths, dtype=np.int64)][::2]
    for lo, hi in zip(edges[:-1].tolist(), edges[1:].tolist()):
        flat[lo:hi].sort()                          # an element that both sets have now has its twin beside it
    twin = np.zeros(len(flat) + 1, np.int64)
    twin[1:-1] = flat[1:] == flat[:-1]
    twin[edges] = 0
    common = np.diff(np.r_[0, np.cumsum(twin[:-1])][edges])
    size = np.diff(edges) - common
    return np.where(size > 0, common / np.maximum(size, 1), 1.0)


def _changes(rows: pa.Table) -> np.ndarray:
    """(n,) bool: rows that differ from the row before."""
    new = np.ones(rows.num_rows, bool)
    if rows.num_rows > 1:
        same = np.ones(rows.num_rows - 1, bool)
        for name in rows.column_names:
            column = one_array(rows.column(name))
            same &= pc.equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(zero_copy_only=False)
        new[1:] = ~same
    return new
