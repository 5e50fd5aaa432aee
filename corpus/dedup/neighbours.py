"""Each document's nearest other document in the space of its vectors, as an attribute: what says the same in other words.

Exact among the documents of one cluster; a nearer one across a cluster's border is not seen. Work is the square of a
cluster's documents (10,000 of 384 dimensions take about a second on one core); memory is one partition's vectors, and two
tiles of `block` by `block` products.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.annotate import aligned
from corpus.dedup.by_shard import ByShard, shard_number
from corpus.document import ID, one_array
from corpus.exchange import partition_of
from corpus.numeric.vectors import matrix
from corpus.operators import Exchange
from corpus.registry import register, runtime
from corpus.tasks import TaskIO
from corpus.text.shingles import mix

#: The attribute, row for row beside the vectors. Null where a document is alone in its cluster or its vector not finite.
NEIGHBOURS = pa.schema([("id", ID), ("neighbour", ID), ("neighbour_cosine", pa.float32())])

FOUND = pa.schema([("shard", pa.uint64()), ("row", pa.int32()), *NEIGHBOURS])


@register("exchange", "neighbours")
@dataclass(frozen=True)
class Neighbours(Exchange):
    """Nearest document of the same cluster by cosine, of equals that of the least id (compare SemDeDup, Abbas et al. 2023).

    Emits `vectors` (unit rows) with `clusters` beside them, one shard each, by cluster; writes `found`: a row a document, in
    the order of cluster and id, with the vectors' shard and row that it came from. Ids may not repeat.
    """

    partitions: int = 64
    block: int = runtime(2048)                      # documents a side of a tile: bounds memory, decides nothing
    sort: ClassVar[tuple[str, ...]] = ("cluster", "id", "shard", "row")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        (shard,) = io.items("vectors")
        table = aligned(io, ("vectors", "clusters"))
        n = table.num_rows
        rows = pa.table({
            "cluster": table.column("cluster"), "id": table.column("id"),
            "shard": pa.array(np.full(n, shard_number(shard), np.uint64)), "row": pa.array(np.arange(n, dtype=np.int32)),
            "vector": table.column("vector"),
        })
        clusters = table.column("cluster").to_numpy().astype(np.uint64)
        yield partition_of(mix(clusters), self.partitions), rows

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        clusters, ids = rows.column("cluster").to_numpy(), one_array(rows.column("id"))
        new = clusters[1:] != clusters[:-1]
        if (pc.equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy(zero_copy_only=False) & ~new).any():
            raise ValueError(f"partition {partition} holds one id twice in a cluster")
        at, cosine = np.empty(len(ids), np.int64), np.empty(len(ids), np.float32)
        for start, stop in segments(new):
            within, value = nearest(matrix(rows.column("vector").slice(start, stop - start)), self.block)
            at[start:stop] = np.where(within < 0, -1, within + start)
            cosine[start:stop] = value
        none = at < 0
        io.write("found", pa.table([
            rows.column("shard"), rows.column("row"), ids, ids.take(pa.array(at, mask=none)), pa.array(cosine, mask=none),
        ], schema=FOUND))
        io.count("documents", len(at))
        io.count("alone", int(none.sum()))


@register("exchange", "neighbours_by_shard")
@dataclass(frozen=True)
class NeighboursByShard(ByShard):
    """Emits `found` by the shard of vectors that a row came from; writes `neighbours.NUMBER` (`NEIGHBOURS`) for each,
    aligned with it. A shard without rows gets none.
    """

    partitions: int = 64
    output: ClassVar[str] = "neighbours"
    sort: ClassVar[tuple[str, ...]] = ("shard", "row")

    def rows(self, io: TaskIO) -> Iterator[pa.Table]:
        yield from io.tables("found")

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        shards, attribute = rows.column("shard").to_numpy(), rows.select(NEIGHBOURS.names)
        for start, stop in segments(shards[1:] != shards[:-1]):
            io.write(f"{self.output}.{shards[start]:016x}", attribute.slice(start, stop - start))
        io.count("documents", len(shards))


def segments(new: np.ndarray) -> list[tuple[int, int]]:
    """First row and past the last of each run. new: (n - 1,) bool, whether a row differs from the row before."""
    edges = [0, *(np.flatnonzero(new) + 1).tolist(), len(new) + 1]
    return list(itertools.pairwise(edges))


def nearest(vectors: np.ndarray, block: int = 2048) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other row of each row, by product. vectors: (n, d), unit rows.

    Returns its index (n,) int64, of equals the least, and the product (n,) float32, held to -1 … 1; -1 and 0 where there is
    none, as of and for rows that are not finite. Products are made by the matrix library in float32, and those that are
    within its error of the greatest once more in float64: neither its threads nor `block` change a bit.
    """
    from corpus.dedup import kernels

    vectors = np.ascontiguousarray(vectors, np.float32)
    finite = np.flatnonzero(np.isfinite(vectors).all(1))
    work = vectors if len(finite) == len(vectors) else vectors[finite]
    best, at = np.full(len(work), -np.inf), np.full(len(work), -1, np.int64)
    _, alike = np.unique(work.view([("", np.void, work.shape[1] * work.itemsize)]).ravel(), return_inverse=True)
    longest = float(np.einsum("ij,ij->i", work, work).max(initial=0))
    slack = work.shape[1] * 2.0**-23 * longest      # twice the greatest error that a sum of so many terms can have
    for top in range(0, len(work), block):
        for left in range(0, top + 1, block):
            tile = work[top : top + block] @ work[left : left + block].T
            kernels.improve(tile, work, alike, top, left, slack, best, at)
            if left < top:
                kernels.improve(np.ascontiguousarray(tile.T), work, alike, left, top, slack, best, at)
    index, value = np.full(len(vectors), -1, np.int64), np.zeros(len(vectors), np.float32)
    some = at >= 0
    index[finite[some]] = finite[at[some]]
    value[finite[some]] = np.clip(best[some], -1, 1)
    return index, value
