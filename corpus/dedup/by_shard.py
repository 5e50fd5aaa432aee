"""Rows dealt to the shards that they are about: which texts a source shard is asked for, and what was decided of its rows.

A source shard goes by a number made of its content's digest, so that a shard that comes or goes elsewhere in the listing
changes nothing here; a shard whose rows are the same as before is the same input to whatever reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import ID, one_array
from corpus.exchange import partition_of
from corpus.operators import Exchange
from corpus.registry import register
from corpus.results import Item
from corpus.tasks import TaskIO
from corpus.text.shingles import mix

ASKED = pa.schema([("shard", pa.uint64()), ("text", ID), ("a", ID), ("b", ID)])

#: What became of a row of a source shard, where that is not simply that it is kept and alone.
DECIDED = pa.schema([("shard", pa.uint64()), ("row", pa.int32()), ("id", ID), ("kept", pa.bool_()), ("keeper", ID),
                     ("group", ID), ("reason", pa.string()), ("jaccard", pa.float64())])


def shard_number(shard: Item) -> int:
    """The number of a source shard: 64 bits of its digest."""
    return int(shard.digest[:16], 16)


def output_name(name: str, shard: Item) -> str:
    """What the rows of a source shard are called among the outputs of `Ask` and `Deal`."""
    return f"{name}.{shard_number(shard):016x}"


class ByShard(Exchange):
    """Base: emits `rows(io)` by their column `shard`; writes a shard NAME.NUMBER for each source shard that gets rows."""

    output: ClassVar[str]

    def rows(self, io: TaskIO) -> Iterator[pa.Table]:
        raise NotImplementedError

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for rows in self.rows(io):
            yield partition_of(mix(rows.column("shard").to_numpy()), self.partitions), rows

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        rows = distinct_rows(rows, self.sort)
        shards = rows.column("shard").to_numpy()
        starts = np.flatnonzero(np.r_[True, shards[1:] != shards[:-1]]) if len(shards) else np.zeros(0, np.int64)
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(shards)]):
            io.write(f"{self.output}.{shards[start]:016x}", rows.slice(start, stop - start))
        io.count(self.output, len(shards))


@register("exchange", "ask")
@dataclass(frozen=True)
class Ask(ByShard):
    """Candidate pairs → what each source shard is asked for: emits `pairs` by the shards that hold their two texts; writes
    `asked.NUMBER`: a text of the shard and the pair that needs it, each once.
    """

    partitions: int = 64
    output: ClassVar[str] = "asked"
    sort: ClassVar[tuple[str, ...]] = ("shard", "a", "b", "text")

    def rows(self, io: TaskIO) -> Iterator[pa.Table]:
        for pairs in io.tables("pairs"):
            a, b = pairs.column("a"), pairs.column("b")
            for text, shard in ((a, "shard_a"), (b, "shard_b")):
                yield pa.table([pairs.column(shard), text, a, b], schema=ASKED)


@register("exchange", "deal")
@dataclass(frozen=True)
class Deal(ByShard):
    """Emits `decided` by source shard; writes `decided.NUMBER` for each, in row order."""

    partitions: int = 64
    output: ClassVar[str] = "decided"
    sort: ClassVar[tuple[str, ...]] = ("shard", "row")

    def rows(self, io: TaskIO) -> Iterator[pa.Table]:
        yield from io.tables("decided")


def distinct_rows(rows: pa.Table, by: tuple[str, ...]) -> pa.Table:
    """Sorted rows without those that are equal to the row before in the columns `by`."""
    if rows.num_rows < 2:
        return rows
    same = np.ones(rows.num_rows - 1, bool)
    for name in by:
        column = one_array(rows.column(name))
        same &= pc.equal(column.slice(1), column.slice(0, len(column) - 1)).to_numpy(zero_copy_only=False)
    return rows.filter(pa.array(np.r_[True, ~same])) if same.any() else rows
