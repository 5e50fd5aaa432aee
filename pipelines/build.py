"""One build from a build file: plan, run, export, verify, report. What the command line calls, and tests too."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from corpus.cluster.kmeans import FitClusters
from corpus.errors import Mismatch, StepError
from corpus.store import Store
from pipelines.config.load import Build
from pipelines.engines.placement import Placement
from pipelines.export import export
from pipelines.plan import Plan
from pipelines.progress import Progress
from pipelines.receipt import receipt_of
from pipelines.recipe import Made, recipe
from pipelines.run import Run, lease


@dataclass(frozen=True)
class Outcome:
    """What a finished build left. Paths are those of the store's file system; `made` counts tasks that ran."""

    receipt: dict[str, Any]
    receipt_digest: str
    folder: str
    made: int
    kept: int
    seconds: float

    @property
    def fresh(self) -> bool:
        """Whether anything had to be done."""
        return self.made > 0


def plan_build(build: Build) -> Plan:
    """What there is and what a run would do. Writes nothing."""
    plan = Plan(Store(build.store_url), build.name)
    recipe(plan, build)
    return plan


def run_build(build: Build, placement: Placement, progress: Progress) -> Outcome:
    """Makes what is missing, exports the shards, verifies them against the receipt and writes the report."""
    from corpus.mixture.receipt import receipt_digest
    from pipelines.view import View

    started = time.monotonic()
    for operator in (build.extractor, *build.signals, build.tokenizer, build.encoder, FitClusters(), *build.writers):
        operator.require_packages()
    store = Store(build.store_url).prepare()
    with lease(store, build.name):
        plan = plan_build(build)
        progress.begin(_stages(plan))
        run = Run(store, build.name, placement, progress)
        run.event("start", build=build.name, engine=placement.describe(""))
        try:
            made = recipe(run, build)
        except StepError as error:
            run.event("failed", step=error.step, key=error.key, cause=error.cause)
            run.remember()
            raise
        finally:
            progress.end()
            placement.close()
        run.finish()
        folder = f"builds/{build.name}"
        receipt = receipt_of(build, store, made)
        digest = receipt_digest(receipt)
        before = store.read_json(f"{folder}/receipt.json")
        if before is None or before.get("digest") != digest or not store.exists(f"{folder}/report.html"):
            export(store, build.name, made.written)
            verify(store, build.name, receipt)
            store.write_json(f"{folder}/receipt.json", {"digest": digest} | receipt)
            View(build).write_report()  # last: where it is, all of it is
        run.event("end", receipt=digest, made=run.made, kept=run.kept)
    return Outcome(receipt, digest, store.full(folder), run.made, run.kept, time.monotonic() - started)


def verify(store: Store, name: str, receipt: dict[str, Any]) -> None:
    """Reads every exported shard back; `Mismatch` names the first faults."""
    from corpus.verify import verify_shards

    faults = verify_shards(receipt, store.full(f"builds/{name}/shards"))
    if faults:
        shown = "; ".join(str(f) for f in faults[:3])
        raise Mismatch("verify", f"{len(faults)} fault{'s' if len(faults) > 1 else ''}: {shown}")


def _stages(plan: Plan) -> list[tuple[str, int, bool]]:
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        found.setdefault(step.stage, []).append(step.status)
    return [(stage, len(s), all(x in ("done", "pinned") for x in s)) for stage, s in found.items()]


def content_of(made: Made) -> dict[str, list[str]]:
    """Content digests of everything a walked line left, by step and output: equal on every engine."""
    found: dict[str, list[str]] = {}
    for result in (
        made.verdicts,
        made.frozen,
        made.tokenizer,
        made.clusters,
        made.taxonomy,
        made.cells,
        made.search,
        made.plan,
        made.drawn,
        *made.written.values(),
    ):
        for output in result.outputs or ():
            found.setdefault(f"{result.step}/{output.name}", []).append(output.digest)
    return found
