"""A pool of processes on this machine: the default. The pool lives as long as the build, so models stay loaded."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from corpus.errors import StepError
from corpus.results import Record
from corpus.tasks import Task, execute
from pipelines.engines.base import LibraryExchange, Resources
from pipelines.threads import become_worker, cores, single_threaded


class Local(LibraryExchange):
    """`workers` processes (default: one a core that this process may use), started fresh, never forked from threads."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cores()
        self._pool: ProcessPoolExecutor | None = None

    def map(self, tasks: Sequence[Task], needs: Resources) -> Iterator[Record]:
        if self._pool is None:
            single_threaded()
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=become_worker)
        queue = iter(tasks)
        running: dict[Future[Record], Task] = {}
        try:
            while True:
                while len(running) < 2 * self.workers and (task := next(queue, None)) is not None:
                    running[self._pool.submit(execute, task)] = task
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    task = running.pop(future)
                    yield future.result()
        except BrokenProcessPool:
            self._pool = None
            raise StepError(tasks[0].step, "a worker process died (killed, or out of memory?)") from None
        finally:
            for future in running:
                future.cancel()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
