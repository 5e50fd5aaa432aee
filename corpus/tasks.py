"""A task: the work of one body on some inputs, with a key, committed whole. Library code; an engine only calls `execute`."""

from __future__ import annotations

import contextlib
import os
import resource
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus import keys
from corpus.errors import CorpusError, StepError
from corpus.operators import Operator
from corpus.registry import identity
from corpus.results import Folder, Item, Record, Shard, SourceFile
from corpus.store import Store

Inputs = Mapping[str, Sequence[Item]]


class Body(Operator):
    """What one task does: read inputs, apply operators, write outputs."""

    def run(self, io: TaskIO) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Task:
    """One unit of work. `extra` is identity beyond body and inputs (a partition number). Inputs that `unkeyed` names are
    read and are no part of the key: another input says what of them is read, by content.
    """

    step: str
    body: Body
    inputs: Inputs
    store: Store
    extra: Any = None
    unkeyed: tuple[str, ...] = ()

    @cached_property
    def key(self) -> str:
        return keys.key_of({"identity": identity(self.body), "inputs": self.input_digests, "extra": self.extra})

    def __getstate__(self) -> dict[str, Any]:
        """The key is made anew where the task runs: a worker may have other files or releases than the driver."""
        state = dict(self.__dict__)
        return state | {"promised": state.pop("key", state.get("promised"))}

    @property
    def input_digests(self) -> dict[str, list[str]]:
        return {name: [item.digest for item in items] for name, items in sorted(self.inputs.items())
                if name not in self.unkeyed}

    def run(self, io: TaskIO) -> None:
        self.body.run(io)


@dataclass
class TaskIO:
    """A task's view of the store: its inputs by name, and where its outputs and counts go."""

    task: Task
    outputs: list[Shard | Folder] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    reading: str = ""

    def items(self, name: str) -> Sequence[Item]:
        return self.task.inputs.get(name, ())

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """The rows of the one shard of that name."""
        (shard,) = self.items(name)
        self.reading = f"{name} {shard.path}"
        return self.task.store.read_shard(shard, columns)

    def columns(self, name: str) -> list[str]:
        """Names of the columns that the shards of that name have: those of the first."""
        return self.task.store.columns(self.items(name)[0])

    def tables(self, name: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The rows of each shard of that name, in order."""
        for shard in self.items(name):
            self.reading = f"{name} {shard.path}"
            yield self.task.store.read_shard(shard, columns)

    @contextlib.contextmanager
    def folder(self, name: str) -> Iterator[Path]:
        """The files of the one model of that name, on this machine."""
        (folder,) = self.items(name)
        self.reading = f"{name} {folder.path}"
        with self.task.store.local_folder(folder) as path:
            yield path

    def file(self) -> SourceFile:
        (found,) = self.items("file")
        self.reading = found.url
        return found

    def write(self, name: str, table: pa.Table) -> Shard:
        """Commits rows as the next shard of that name."""
        shard = self.task.store.write_shard(name, table)
        self.outputs.append(shard)
        return shard

    @contextlib.contextmanager
    def new_folder(self, name: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """A folder to write files into, taken over on leaving, and a dict for what to tell people about it."""
        with self.task.store.new_folder() as folder:
            about: dict[str, Any] = {}
            yield folder, about
            self.outputs.append(self.task.store.write_folder(name, folder, about, take=True))

    def count(self, reason: str, n: int = 1) -> None:
        if n:
            self.counts[reason] = self.counts.get(reason, 0) + int(n)

    def count_reasons(self, reasons: pa.Array | pa.ChunkedArray) -> None:
        """Counts each non-null value of a string column."""
        for entry in reasons.drop_null().value_counts().to_pylist():
            self.count(entry["values"], entry["counts"])


def execute(task: Task, run: Callable[[TaskIO], None] | None = None) -> Record:
    """Runs a task and commits its record; returns the record that is already there if there is one.

    run: in place of the task's own, where an engine brought the inputs itself (it has to do the same with them).
    """
    promised = task.__dict__.get("promised")
    if promised is not None and promised != task.key:
        raise StepError(task.step, "this worker would make something else than was planned: its code, model files or "
                                   "package releases are not the driver's", promised)
    done = task.store.record(task.key)
    if done is not None:
        return done
    io = TaskIO(task)
    started, cpu = time.time(), time.process_time()
    with blame(io):
        (run or task.run)(io)
        made = {
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
            "seconds": round(time.time() - started, 3),
            "cpu_seconds": round(time.process_time() - cpu, 3),
            "max_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "process": os.getpid(),
        }
        return task.store.commit(Record(task.step, task.key, identity(task.body), task.input_digests,
                                        tuple(io.outputs), io.counts, made, task.extra))


@contextlib.contextmanager
def blame(io: TaskIO) -> Iterator[None]:
    """The one place that turns a worker's failure into a `StepError` with step, key and shard."""
    task = io.task
    try:
        yield
    except StepError as error:
        error.step, error.key = error.step or task.step, error.key or task.key
        raise
    except CorpusError:
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise StepError(task.step, cause, task.key, io.reading, traceback.format_exc()) from error
