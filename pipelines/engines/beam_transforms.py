"""What of the beam engine imports Beam: pipelines, as small graphs over numbers; the tasks themselves lie in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics

from corpus import exchange as library
from corpus.results import Record
from corpus.tasks import Task, TaskIO, blame, execute
from pipelines.engines.watch import Job


def run_tasks(pipeline: beam.Pipeline, job: Job) -> None:
    """The job's payload is a list of tasks: runs each."""
    _numbers(pipeline, job, Count) | "run" >> beam.ParDo(RunTask(job))


def exchange(pipeline: beam.Pipeline, job: Job) -> None:
    """The job's payload is (emit tasks, `ExchangeJob`): emits, groups by partition, reduces."""
    numbers = _numbers(pipeline, job, CountEmits)
    groups = numbers | "emit" >> beam.ParDo(Emit(job)) | beam.GroupByKey()
    groups | "reduce" >> beam.ParDo(Reduce(job))


def _numbers(pipeline: beam.Pipeline, job: Job, count: type[Count]) -> beam.PCollection:
    """Task numbers, spread anew so that uneven tasks do not stay with the worker that made the list."""
    return pipeline | beam.Create([job.folder]) | "list" >> beam.ParDo(count(job)) | beam.Reshuffle()


class JobFn(beam.DoFn):
    """Base: a job and its payload, read once a worker."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.tasks_done = Metrics.counter("corpus", "tasks")
        self.documents = Metrics.counter("corpus", "documents")

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "payload"}

    @cached_property
    def payload(self) -> Any:
        return self.job.payload()

    def count(self, record: Record | None) -> None:
        if record is not None:
            self.tasks_done.inc()
            self.documents.inc(record.counts.get("documents", 0))


class Count(JobFn):
    """A job's folder → the numbers of its tasks."""

    def tasks(self) -> list[Task]:
        return self.payload or []

    def process(self, folder: str) -> Iterator[int]:
        yield from range(len(self.tasks()))


class CountEmits(Count):
    def tasks(self) -> list[Task]:
        return self.payload[0] if self.payload else []


class RunTask(JobFn):
    """A task's number → nothing: its record goes to the store."""

    def process(self, number: int) -> None:
        if self.payload is not None:
            with self.job.at_work(f"task-{number}"):
                self.count(self.job.run(self.payload[number]))


@beam.typehints.with_output_types(tuple[int, tuple[str, bytes]])
class Emit(JobFn):
    """An emit task's number → (partition, (digest of the rows, rows as an Arrow stream)).

    Reads the run that another engine's emit left, where there is one.
    """

    def process(self, number: int) -> Iterator[tuple[int, tuple[str, bytes]]]:
        if self.payload is None:
            return
        task = self.payload[0][number]
        with self.job.at_work(f"emit-{number}"):
            groups = self.job.attempt(lambda: self.groups(task)) or ()
        for partition, rows, digest in groups:
            yield partition, (digest, _pack(rows))

    def groups(self, task: Task) -> list[tuple[int, pa.Table, str]]:
        found = task.store.record(task.key)
        if found is not None:
            (run,) = found.of("run")
            return [(part.partition, task.store.read_part(run, part), part.digests[0]) for part in run.parts]
        io = TaskIO(task)
        with blame(io):
            groups = list(library.emitted(task.body.work, io))
        self.tasks_done.inc()
        return groups


class Reduce(JobFn):
    """(partition, all that was emitted to it) → nothing: the record of the library's reduce task goes to the store."""

    def process(self, group: tuple[int, Iterable[tuple[str, bytes]]]) -> None:
        if self.payload is None:
            return
        partition, emitted = group
        asked, emitted = self.payload[1], list(emitted)
        leaves = [digest for digest, _ in emitted]
        task = library.reduce_task(asked.step, asked.work, partition, leaves, asked.store, asked.shared)
        with self.job.at_work(f"partition-{partition}"):
            record = self.job.attempt(lambda: execute(
                task, lambda io: task.body.finish(partition, [_unpack(rows) for _, rows in emitted], io)))
        if record is not None:
            self.job.note(record.key)
            self.count(record)


def _pack(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(rows)
    return sink.getvalue().to_pybytes()


def _unpack(rows: bytes) -> pa.Table:
    return pa.ipc.open_stream(rows).read_all()
