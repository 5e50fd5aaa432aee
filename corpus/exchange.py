"""Bringing equal keys together: the default exchange, as library code over an engine's `map`.

Each emit task commits one file, sorted by partition, with an index; a merge level keeps the fan-in at most `FAN_IN`; a
reduce task reads its ranges and sorts them by the exchange's total order, so which run a row came from cannot matter.
A reduce task is keyed by the digests of what was emitted to its partition, so an engine that groups natively arrives
at the same keys without committing any run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import keys
from corpus.operators import Exchange
from corpus.registry import register
from corpus.results import Part, Record, Shard
from corpus.store import Store
from corpus.tasks import Body, Inputs, Task, TaskIO

FAN_IN = 512

Map = Callable[[Sequence[Task]], Iterable[Record]]


@register("body", "emit")
@dataclass(frozen=True)
class Emit(Body):
    """Runs an exchange's `emit` on one task's inputs and commits the run."""

    work: Exchange

    def run(self, io: TaskIO) -> None:
        groups = list(emitted(self.work, io))
        schema = groups[0][1].schema if groups else pa.schema([])
        io.outputs.append(io.task.store.write_run("run", [(Part(p, 0, t.num_rows, (d,)), t) for p, t, d in groups], schema))


@register("body", "merge")
@dataclass(frozen=True)
class Merge(Body):
    """Up to `FAN_IN` runs → one run, so that no reducer opens more files than that."""

    work: Exchange

    def run(self, io: TaskIO) -> None:
        runs: Sequence[Shard] = io.items("runs")
        at: dict[int, list[tuple[Shard, Part]]] = {}
        for run in runs:
            for part in run.parts:
                at.setdefault(part.partition, []).append((run, part))
        groups = []
        for partition in sorted(at):
            table = sort_rows(pa.concat_tables(io.task.store.read_part(r, p) for r, p in at[partition]), self.work.sort)
            leaves = tuple(sorted(d for _, p in at[partition] for d in p.digests))
            groups.append((Part(partition, 0, table.num_rows, leaves), table))
        schema = groups[0][1].schema if groups else pa.schema([])
        io.outputs.append(io.task.store.write_run("run", groups, schema))


@register("body", "reduce")
@dataclass(frozen=True)
class Reduce(Body):
    """Runs an exchange's `reduce` on one partition."""

    work: Exchange

    def run(self, io: TaskIO) -> None:
        partition = io.task.extra["partition"]
        tables = []
        for run in io.items("runs"):
            for part in run.parts:
                if part.partition == partition:
                    io.reading = f"partition {partition} of {run.path}"
                    tables.append(io.task.store.read_part(run, part))
        self.finish(partition, tables, io)

    def finish(self, partition: int, tables: list[pa.Table], io: TaskIO) -> None:
        self.work.reduce(partition, sort_rows(pa.concat_tables(tables), self.work.sort), io)


@dataclass(frozen=True)
class ReduceTask(Task):
    """A task of `Reduce`: its key depends on what was emitted to its partition, not on the files that hold it."""

    leaves: tuple[str, ...] = ()

    @property
    def input_digests(self) -> dict[str, list[str]]:
        shared = {n: [i.digest for i in items] for n, items in sorted(self.inputs.items()) if n != "runs"}
        return shared | {"emitted": list(self.leaves)}


def emitted(work: Exchange, io: TaskIO) -> Iterator[tuple[int, pa.Table, str]]:
    """(partition, its rows sorted, their digest) for each non-empty partition of one emit task, in partition order."""
    pieces = [(np.asarray(where, np.int64), rows) for where, rows in work.emit(io) if rows.num_rows]
    if not pieces:
        return
    where = np.concatenate([w for w, _ in pieces])
    rows = pa.concat_tables([r for _, r in pieces]).combine_chunks()
    if where.min() < 0 or where.max() >= work.partitions:
        raise ValueError(f"a partition outside 0..{work.partitions - 1} was emitted")
    order = np.argsort(where, kind="stable")
    where, rows = where[order], rows.take(pa.array(order))
    starts = np.flatnonzero(np.r_[True, where[1:] != where[:-1]])
    for start, stop in zip(starts, np.r_[starts[1:], len(where)]):
        part = sort_rows(rows.slice(start, stop - start), work.sort)
        yield int(where[start]), part, keys.digest_table(part)


def sort_rows(rows: pa.Table, by: Sequence[str]) -> pa.Table:
    """Rows in the total order of some columns."""
    rows = rows.combine_chunks()
    order = pc.sort_indices(rows.select(list(by)), sort_keys=[(c, "ascending") for c in by])
    return rows.take(order)


def emit_tasks(step: str, work: Exchange, inputs: Sequence[Inputs], store: Store) -> list[Task]:
    return [Task(f"{step}.emit", Emit(work), i, store) for i in inputs]


def reduce_task(step: str, work: Exchange, partition: int, leaves: Iterable[str], store: Store,
                shared: Inputs | None = None, runs: Sequence[Shard] = ()) -> ReduceTask:
    """The task of one partition. `leaves`: the digests of all that was emitted to it."""
    return ReduceTask(step, Reduce(work), dict(shared or {}) | {"runs": list(runs)}, store,
                      {"partition": partition}, leaves=tuple(sorted(leaves)))


def exchange(step: str, work: Exchange, inputs: Sequence[Inputs], store: Store, run: Map,
             shared: Inputs | None = None) -> Iterator[Record]:
    """Emits, merges and reduces through `run` (an engine's `map`); yields the reduce records as they are done."""
    runs = [r.of("run")[0] for r in ordered(emit_tasks(step, work, inputs, store), run)]
    while len(runs) > FAN_IN:
        chunks = [runs[i : i + FAN_IN] for i in range(0, len(runs), FAN_IN)]
        merges = [Task(f"{step}.merge", Merge(work), {"runs": chunk}, store) for chunk in chunks]
        runs = [r.of("run")[0] for r in ordered(merges, run)]
    leaves: dict[int, list[str]] = {}
    holders: dict[int, list[Shard]] = {}
    for shard in runs:
        for part in shard.parts:
            leaves.setdefault(part.partition, []).extend(part.digests)
            holders.setdefault(part.partition, []).append(shard)
    tasks = [reduce_task(step, work, p, leaves[p], store, shared, holders[p]) for p in sorted(leaves)]
    yield from run(tasks)


def ordered(tasks: Sequence[Task], run: Map) -> list[Record]:
    """Records of the tasks, in the tasks' order, however the engine finishes them."""
    by_key = {record.key: record for record in run(tasks)}
    return [by_key[task.key] for task in tasks]


def partition_of(hashes: np.ndarray, partitions: int) -> np.ndarray:
    """(n,) uint64 hashes → (n,) partition numbers, by their high bits."""
    return ((hashes >> np.uint64(32)) * np.uint64(partitions) >> np.uint64(32)).astype(np.int64)


