"""Apache Beam: tasks on any runner, by its ordinary pipeline options, and exchanges by Beam's own GroupByKey.

Runners see task numbers and Arrow batches, never documents. Workers read the task list from the store, so the store has
to be reachable from where they run, and `corpus` installed there.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from corpus.errors import ConfigError, MissingExtra
from corpus.exchange import emit_tasks
from corpus.results import Record
from corpus.tasks import Task
from pipelines.engines.base import ExchangeJob, Map, Resources
from pipelines.engines.watch import Job, Notes, Queues, watch
from pipelines.threads import single_threaded

#: How a worker process of the direct runner is started. Its logs come to the driver by another way than its stderr.
WORKER = f"{shlex.quote(sys.executable)} -m apache_beam.runners.worker.sdk_worker_main 2>{os.devnull}"


class Beam:
    """`options`: pipeline options by name (runner, job_endpoint, environment_type, ...; default: the direct runner).
    `workers`: processes of the direct runner (default: this one alone); other runners have options of their own for that.
    """

    def __init__(self, options: dict[str, Any] | None = None, workers: int | None = None) -> None:
        self.options = {"runner": "DirectRunner", "save_main_session": False} | (options or {})
        self.direct = self.options["runner"] == "DirectRunner"
        self.workers = workers or self.options.get("direct_num_workers") or 1
        mode = self.options.get("direct_running_mode", "multi_processing")
        self._processes = self.direct and self.workers > 1 and mode == "multi_processing"
        if workers and not self.direct:
            raise ConfigError("engine 'beam': workers", f"{workers}, but the runner is {self.options['runner']}",
                              "an option of that runner, among 'options'")

    def map(self, tasks: Sequence[Task], needs: Resources) -> Iterator[Record]:
        transforms = _transforms()
        if not tasks:
            return
        job = Job.begin(tasks[0].store, list(tasks))
        queues = Queues(job.store, [[task.key] for task in tasks])
        yield from self._watched(tasks[0].step, job, transforms.run_tasks, queues)

    def exchange(self, job: ExchangeJob, run: Map, needs: Resources) -> Iterator[Record]:
        """What emit tasks emit goes through a GroupByKey over (partition, Arrow batch) instead of through the store.

        Reduce tasks have the keys that the library's exchange gives them, so those that are there are not run again.
        """
        transforms = _transforms()
        if not job.inputs:
            return
        place = Job.begin(job.store, (emit_tasks(job.step, job.work, job.inputs, job.store), job))
        yield from self._watched(job.step, place, transforms.exchange, Notes(place))

    def close(self) -> None:
        """Nothing to let go of: a pipeline's workers end with it."""

    def _watched(self, step: str, job: Job, graph: Callable[[Any, Job], None], look: Queues | Notes) -> Iterator[Record]:
        """Runs the pipeline that `graph` draws. The direct runner blocks where others submit and return."""
        running: list[Any] = []

        def submit() -> None:
            with _quiet():
                import apache_beam as beam
                from apache_beam.options.pipeline_options import PipelineOptions

                options = PipelineOptions.from_dictionary(self.options | self._own_options())
                pipeline = beam.Pipeline(runner=self._runner() if self.direct else None, options=options)
                graph(pipeline, job)
                running.append(pipeline.run())

        def drive() -> None:
            if self.direct:
                submit()
            with _quiet():
                state = running[0].wait_until_finish()
            if state != "DONE":
                raise RuntimeError(f"the pipeline ended as {state}")

        single_threaded()
        yield from watch(step, job, drive, look, self._processes, None if self.direct else submit)

    def _own_options(self) -> dict[str, Any]:
        """The direct runner is given its processes by `_runner`; told of them here, it would start others."""
        own: dict[str, Any] = {"direct_num_workers": self.workers} if self.direct else {}
        return own | ({"direct_running_mode": "in_memory"} if self._processes else {})

    def _runner(self) -> Any:
        """The direct runner itself. By its name Beam would rather download Prism, and take no word on workers' stderr."""
        from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
        from apache_beam.transforms.environments import SubprocessSDKEnvironment

        return FnApiRunner(SubprocessSDKEnvironment.from_command_string(WORKER) if self._processes else None)


def _transforms() -> Any:
    try:
        with _quiet():
            from pipelines.engines import beam_transforms
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "apache_beam":
            raise
        raise MissingExtra("apache-beam", "beam") from None
    return beam_transforms


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Beam logs to the root logger, warnings of no consequence among it; errors still show."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
