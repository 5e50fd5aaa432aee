"""Small bodies and an exchange over columns of integers, for the contracts: quick, picklable, checkable by hand."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.operators import Exchange
from corpus.registry import register
from corpus.results import Shard
from corpus.store import Store
from corpus.tasks import Body, Task, TaskIO

NUMBERS = pa.schema([("number", pa.int64())])


@register("body", "testing.square")
@dataclass(frozen=True)
class Square(Body):
    """Squares of a shard of numbers; a negative number is an error."""

    def run(self, io: TaskIO) -> None:
        numbers = io.table("numbers").column("number").to_numpy()
        if (numbers < 0).any():
            raise ValueError(f"{numbers.min()} is negative")
        io.write("squares", pa.table({"number": numbers**2}))
        io.count("documents", len(numbers))


@register("body", "testing.die")
@dataclass(frozen=True)
class Die(Body):
    """Kills the process that runs it, as the kernel does when memory runs out."""

    def run(self, io: TaskIO) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@register("exchange", "testing.sums")
@dataclass(frozen=True)
class Sums(Exchange):
    """The sum and count of the numbers of each remainder: rows (remainder, sum, count), a partition a shard."""

    modulus: int = 10
    partitions: int = 4
    sort = ("remainder", "number")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        numbers = io.table("numbers").column("number").to_numpy()
        if (numbers < 0).any():
            raise ValueError(f"{numbers.min()} is negative")
        remainders = numbers % self.modulus
        yield remainders % self.partitions, pa.table({"remainder": remainders, "number": numbers})

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        remainders, first, counts = np.unique(rows.column("remainder").to_numpy(), return_index=True, return_counts=True)
        sums = np.add.reduceat(rows.column("number").to_numpy(), first)
        io.write("sums", pa.table({"remainder": remainders, "sum": sums, "count": counts.astype(np.int64)}))
        io.count("documents", rows.num_rows)


def number_shards(store: Store, shards: int, rows: int = 5) -> list[Shard]:
    """Shards of 0, 1, 2, ... in the store, `rows` numbers each."""
    return [store.write_shard("numbers", pa.table({"number": np.arange(i * rows, (i + 1) * rows)}, NUMBERS))
            for i in range(shards)]


def square_tasks(store: Store, shards: int, rows: int = 5) -> list[Task]:
    """One `Square` task a shard."""
    return [Task("square", Square(), {"numbers": [shard]}, store) for shard in number_shards(store, shards, rows)]
