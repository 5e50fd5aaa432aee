"""What a trainer has read: the first tokens of another build's shards, as copies of this build's documents.

Shards are read in their order, each from its first token, and a document counts as read when its first token was reached.
The other build's index and plan say which copies lie there; its documents are found again in this build by their keys (the
same seed gives the same key), in an exchange by key and one by shard, so that memory is bounded. Given up: in a shard that
was packed by best fit, documents do not lie in their order; once it is begun, all of it counts as read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from corpus.dedup.by_shard import ByShard, shard_number
from corpus.exchange import partition_of
from corpus.mixture.copies import copies_of
from corpus.mixture.receipt_plan import ReadUpTo
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import Body, TaskIO
from corpus.text.shingles import mix

#: How far a trainer came: all of the shards before `shard`, and of that one what has an order up to this (null: nothing).
CUT = pa.schema([("shard", pa.int64()), ("order", pa.uint64())])

#: A document and its copies that were read: row -1 where the other build says so; else a row of one of this build's shards.
READ = pa.schema([("key", pa.uint64()), ("row", pa.int32()), ("shard", pa.uint64()), ("seen", pa.uint8())])

#: A row of this build's shard, and its copies that were read.
MET = pa.schema([("shard", pa.uint64()), ("row", pa.int32()), ("seen", pa.uint8())])

SEEN = pa.schema([("seen", pa.uint8())])


@register("body", "read_cut")
@dataclass(frozen=True)
class ReadCut(Body):
    """The other build's `index` shards, `plan`, `caps` and, in step with the index, `seen` → `cut`: one row of `CUT`."""

    upto: ReadUpTo

    def run(self, io: TaskIO) -> None:
        order = self._order(io) if self.upto.into else None
        io.write("cut", pa.table({"shard": pa.array([self.upto.shard]), "order": pa.array([order], pa.uint64())}, CUT))

    def _order(self, io: TaskIO) -> int | None:
        """The order of the last document of the shard whose first token was reached."""
        orders, sizes = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        plan, caps = io.table("plan"), io.table("caps")
        before = iter(io.tables("seen", ["seen"]))
        for index in io.tables("index"):
            copies = copies_of(index, plan, caps, _seen(next(before, None)), self.upto.shard)
            orders.append(copies.order)
            sizes.append(index.column("tokens").to_numpy()[copies.row])
        order, size = np.concatenate(orders), np.concatenate(sizes)
        if not len(order):
            return None
        by = np.argsort(order, kind="stable")
        if self.upto.whole:
            return int(order[by[-1]])
        starts = np.cumsum(size[by]) - size[by]
        reached = self.upto.into if self.upto.length is None else self.upto.into * (size.sum() / self.upto.length)
        return int(order[by[max(0, int(np.searchsorted(starts, reached)) - 1)]])


@register("exchange", "read_by_key")
@dataclass(frozen=True)
class ReadByKey(Exchange):
    """Emits, by key, the copies read of the other build's documents (inputs `old`, in step `old_seen`, and for all `plan`,
    `caps`, `cut`) and the rows of this build's `index`; writes `met`: rows of this build of which something was read.
    """

    partitions: int

    sort: ClassVar[tuple[str, ...]] = ("key", "row", "shard")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        if io.items("old"):
            keys, seen = self._read(io)
            n = len(keys)
            rows = pa.table([keys, np.full(n, -1, np.int32), np.zeros(n, np.uint64), seen], schema=READ)
        else:
            keys = io.table("index", ["key"]).column("key").to_numpy()
            n, (shard,) = len(keys), io.items("index")
            rows = pa.table([keys, np.arange(n, dtype=np.int32), np.full(n, shard_number(shard), np.uint64),
                             np.zeros(n, np.uint8)], schema=READ)
        yield partition_of(mix(keys), self.partitions), rows

    def _read(self, io: TaskIO) -> tuple[np.ndarray, np.ndarray]:
        """Keys of the documents that were read, and how many copies."""
        index, (cut,) = io.table("old"), io.table("cut").to_pylist()
        before = _seen(io.table("old_seen", ["seen"]) if io.items("old_seen") else None)
        copies = copies_of(index, io.table("plan"), io.table("caps"), before)
        read = copies.shard < cut["shard"]
        if cut["order"] is not None:
            read |= (copies.shard == cut["shard"]) & (copies.order <= np.uint64(cut["order"]))
        seen = np.bincount(copies.row[read], minlength=index.num_rows) + (0 if before is None else before)
        some = np.flatnonzero(seen)
        return index.column("key").to_numpy()[some], np.minimum(seen[some], 255).astype(np.uint8)

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        keys, row, seen = (rows.column(name).to_numpy() for name in ("key", "row", "seen"))
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else np.zeros(0, np.int64)
        first = np.repeat(starts, np.diff(np.r_[starts, len(keys)]))             # row -1 sorts before this build's rows
        found = np.where(row[first] < 0, seen[first], 0).astype(np.uint8)
        met = (row >= 0) & (found > 0)
        io.write("met", pa.table([rows.column("shard"), row, found], schema=MET).filter(pa.array(met)))
        io.count("read", int((row < 0).sum()))
        io.count("met", int(met.sum()))


@register("exchange", "read_by_shard")
@dataclass(frozen=True)
class ReadByShard(ByShard):
    """Emits `met` by this build's shards; writes `read.NUMBER` for each that has something, in row order."""

    partitions: int
    output: ClassVar[str] = "read"
    sort: ClassVar[tuple[str, ...]] = ("shard", "row")

    def rows(self, io: TaskIO) -> Iterator[pa.Table]:
        yield from io.tables("met")


@register("body", "seen")
@dataclass(frozen=True)
class Seen(Body):
    """A shard of `index` and what was `read` of it → `seen`, row for row with the index."""

    def run(self, io: TaskIO) -> None:
        seen = np.zeros(io.table("index", ["key"]).num_rows, np.uint8)
        read = io.table("read")
        seen[read.column("row").to_numpy()] = read.column("seen").to_numpy()
        io.write("seen", pa.table([seen], schema=SEEN))
        io.count("read", int((seen > 0).sum()))


def _seen(table: pa.Table | None) -> np.ndarray | None:
    return None if table is None else table.column("seen").to_numpy()
