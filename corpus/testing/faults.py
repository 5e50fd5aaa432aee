"""Fault injection: an engine that ends its whole process group, or fails, at a chosen moment of another engine's work."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.errors import StepError
from corpus.results import Record
from corpus.tasks import Task, TaskIO


class FaultEngine:
    """Wraps `inner` and does what it does, until

    - `kill_after_tasks` records came (over all steps) or `kill_after_seconds` passed since the first task: SIGKILL to
      the process group, of which nobody can clean anything up;
    - `fail_after_tasks` records came: a `StepError` in the driver;
    - a task of the step `fail_step` is to run: an error in the worker that runs it.
    """

    def __init__(self, inner: Any, kill_after_tasks: int | None = None, kill_after_seconds: float | None = None,
                 fail_after_tasks: int | None = None, fail_step: str | None = None) -> None:
        self.inner = inner
        self.kill_after_tasks, self.kill_after_seconds = kill_after_tasks, kill_after_seconds
        self.fail_after_tasks, self.fail_step = fail_after_tasks, fail_step
        self._seen: set[str] = set()
        self._timer: threading.Timer | None = None

    def map(self, tasks: Sequence[Task], needs: Any) -> Iterator[Record]:
        self._start()
        yield from self._counted(self.inner.map([self._sabotaged(task) for task in tasks], needs))

    def exchange(self, job: Any, run: Callable[[Sequence[Task]], Iterable[Record]], needs: Any) -> Iterator[Record]:
        self._start()
        yield from self._counted(self.inner.exchange(job, run, needs))

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.inner.close()

    def _start(self) -> None:
        if self._timer is None and self.kill_after_seconds is not None:
            self._timer = threading.Timer(self.kill_after_seconds, kill_group)
            self._timer.daemon = True
            self._timer.start()

    def _counted(self, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            self._seen.add(record.key)          # a library exchange's records come by `map` and by `exchange`
            if self.kill_after_tasks is not None and len(self._seen) >= self.kill_after_tasks:
                kill_group()
            if self.fail_after_tasks is not None and len(self._seen) >= self.fail_after_tasks:
                raise StepError(record.step, f"a fault was injected after {len(self._seen)} tasks", record.key)
            yield record

    def _sabotaged(self, task: Task) -> Task:
        if task.step != self.fail_step:
            return task
        return FailingTask(task.step, task.body, task.inputs, task.store, task.extra, stands_for=task)


@dataclass(frozen=True)
class FailingTask(Task):
    """Has another task's key and fails where that would have run."""

    stands_for: Task | None = None

    @property
    def key(self) -> str:
        assert self.stands_for is not None
        return self.stands_for.key

    def run(self, io: TaskIO) -> None:
        raise RuntimeError("a fault was injected")


def kill_group() -> None:
    """SIGKILL to every process of this one's group, itself too."""
    os.killpg(os.getpgid(0), signal.SIGKILL)
