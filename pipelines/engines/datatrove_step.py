"""What of the datatrove engine imports datatrove: the step that runs tasks, and an executor silent on the console."""

from __future__ import annotations

import multiprocess
from datatrove.executor.local import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.utils.logging import logger
from datatrove.utils.stats import PipelineStats

from pipelines import operators
from pipelines.engines.watch import Job

#: Imported once, in the process that workers are forked from, where a pool a step would import it for each worker again.
#: Nothing among it is heavy or starts threads (but Arrow's allocator, which is made to be forked).
PRELOADED = ("__main__", "pipelines.engines.datatrove_step", "pyarrow.dataset", "fsspec.implementations.local")


class RunTasks(PipelineStep):
    """Runs this rank's share of a job's tasks: every `world_size`-th, in order, until one fails."""

    name = "tasks"
    type = "corpus"

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def run(self, data: None = None, rank: int = 0, world_size: int = 1) -> None:
        with self.job.at_work(f"rank-{rank}"):
            for task in (self.job.payload() or [])[rank::world_size]:
                with self.track_time():
                    record = self.job.run(task)
                if record is None:
                    return
                self.stat_update("tasks", unit="task")
                for reason, n in record.counts.items():
                    self.stat_update(reason, value=n, unit="task")


class SilentExecutor(LocalPipelineExecutor):
    """Logs to its logging folder alone. datatrove's console sink is left to errors by any local rank but 0, and what it
    says between ranks is switched off.
    """

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> PipelineStats:
        logger.enable("datatrove")
        try:
            return super()._run_for_rank(rank, local_rank + 1, node_rank)
        finally:
            logger.disable("datatrove")


def local(job: Job, ranks: int, workers: int, logs: str, start_method: str) -> SilentExecutor:
    """Ready to run. With one worker, ranks run in this process, one after the other."""
    logger.disable("datatrove")
    if multiprocess.get_start_method(allow_none=True) is None:
        multiprocess.set_start_method(start_method)     # the executor's queue has a process too: never forked from threads
        multiprocess.set_forkserver_preload([*PRELOADED, *operators.MODULES])
    return SilentExecutor([RunTasks(job)], tasks=ranks, workers=workers, logging_dir=logs, start_method=start_method)
