"""datatrove's executors: each of its ranks runs its share of the tasks. One pool a call, so models load anew each step."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence

from corpus.errors import MissingExtra, StepError, UnknownName
from corpus.results import Record
from corpus.tasks import Task
from pipelines.engines.base import LibraryExchange, Resources
from pipelines.engines.watch import Job, Queues, watch
from pipelines.threads import cores, single_threaded

EXECUTORS = ("local",)
RANKS_A_WORKER = 4               # more ranks than workers, so that uneven tasks even out


class Datatrove(LibraryExchange):
    """Tasks on a datatrove executor. `logging_dir`: where each call leaves datatrove's logs and statistics (a path or
    URL; default: a temporary folder that stays only where the executor fails). `start_method`: of its processes.
    """

    def __init__(self, workers: int | None = None, executor: str = "local", logging_dir: str | None = None,
                 start_method: str = "forkserver") -> None:
        if executor not in EXECUTORS:
            raise UnknownName("executor", executor, EXECUTORS, "engine 'datatrove'")
        self.workers = workers or cores()
        self.executor, self.logging_dir, self.start_method = executor, logging_dir, start_method

    def map(self, tasks: Sequence[Task], needs: Resources) -> Iterator[Record]:
        try:
            from pipelines.engines import datatrove_step
        except ImportError as error:
            if (error.name or "").partition(".")[0] not in ("datatrove", "multiprocess"):
                raise
            raise MissingExtra("datatrove", "datatrove") from None
        if not tasks:
            return
        single_threaded()
        ranks = min(len(tasks), RANKS_A_WORKER * self.workers)
        workers = min(self.workers, ranks)
        job = Job.begin(tasks[0].store, list(tasks))
        keep = self.logging_dir is not None
        logs = f"{self.logging_dir}/{job.folder}" if keep else tempfile.mkdtemp(prefix="corpus-datatrove-")
        executor = datatrove_step.local(job, ranks, workers, logs, self.start_method)
        queues = Queues(job.store, [[t.key for t in tasks[rank::ranks]] for rank in range(ranks)])
        try:
            yield from watch(tasks[0].step, job, executor.run, queues, processes=workers > 1)
        except StepError as error:
            if not error.key:                       # not a task's failure but the executor's: its logs may tell
                keep = True
                error.args = (f"{error.args[0]}; datatrove's logs are in {logs}",)
            raise
        finally:
            if not keep:
                shutil.rmtree(logs, ignore_errors=True)
