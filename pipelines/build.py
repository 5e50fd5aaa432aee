"""One build from a build file: plan, run, export, verify, report. What the command line calls, and tests too."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from corpus import keys
from corpus.cluster.kmeans import FitClusters
from corpus.errors import Interrupted, Mismatch, StoreError
from corpus.operators import Operator
from corpus.store import Store
from pipelines.config.load import Build
from pipelines.config.make import located, option_of
from pipelines.engines.placement import Placement
from pipelines.export import export
from pipelines.plan import Plan
from pipelines.progress import Progress
from pipelines.receipt import receipt_of
from pipelines.recipe import Made, recipe
from pipelines.run import Run, lease

#: What a finished build has beside its shards.
PUBLISHED = ("receipt.json", "receipt.html", "mixture.json", "report.html")


@dataclass(frozen=True)
class Outcome:
    """What a finished build left. Paths are those of the store's file system; `made` counts tasks that ran, `restored`
    exported files that were put in place.
    """

    receipt: dict[str, Any]
    receipt_digest: str
    folder: str
    made: int
    kept: int
    restored: int
    seconds: float

    @property
    def fresh(self) -> bool:
        """Whether anything had to be done."""
        return self.made > 0 or self.restored > 0


def plan_build(build: Build) -> Plan:
    """What there is and what a run would do. Writes nothing."""
    store = Store(build.store_url)
    store.check_format()
    plan = Plan(store, build.name)
    with located(build.where):
        recipe(plan, build)
    return plan


def require(build: Build) -> None:
    """Raises a UserError for the first operator that lacks a package, or a file of the kind that it reads."""
    placed: list[tuple[str, Operator]] = [("extract", build.extractor), ("tokens", build.tokenizer)]
    placed += [("embed", build.encoder), ("cluster", FitClusters())]
    placed += [("retokenize", build.retokenizer)] if build.retokenizer is not None else []
    for place, several in (("edits", build.editors), ("filter.signals", build.signals), ("shards", build.writers)):
        placed += [(f"{place}[{i}]", operator) for i, operator in enumerate(several)]
    for place, operator in placed:
        with located(build.where), option_of(place, vars(operator)):
            operator.require_packages()


def run_build(build: Build, placement: Placement, progress: Progress) -> Outcome:
    """Makes what is missing, exports the shards, verifies them against the receipt and writes the report."""
    started = time.monotonic()
    require(build)
    store = Store(build.store_url).prepare()
    with lease(store, build.name):
        plan = plan_build(build)
        progress.begin(_stages(plan))
        run = Run(store, build.name, placement, progress)
        run.event("start", build=build.name, engine=placement.describe(""))
        with driven(run):
            with located(build.where):
                made = recipe(run, build)
            run.finish()
            receipt, digest, restored = publish(build, store, made)
        run.event("end", receipt=digest, made=run.made, kept=run.kept)
    seconds = time.monotonic() - started
    return Outcome(receipt, digest, store.full(f"builds/{build.name}"), run.made, run.kept, restored, seconds)


@contextlib.contextmanager
def driven(run: Run) -> Iterator[None]:
    """Around what a run does: whatever stops it, what it did is remembered, and its engines and its display are ended."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError, StoreError):
            run.event("failed", step=getattr(error, "step", run.now), cause=str(error) or type(error).__name__)
            run.remember()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted("stopped; the same command goes on from here") from None
        raise
    finally:
        run.progress.end()
        run.placement.close()


def publish(build: Build, store: Store, made: Made) -> tuple[dict[str, Any], str, int]:
    """Exports, verifies and reports where anything is not as it should be: (receipt, its digest, files put in place)."""
    from corpus.mixture.receipt import receipt_digest
    from pipelines.report.receipt import render_receipt
    from pipelines.stages.evidence import mixture_file
    from pipelines.view import View

    folder = f"builds/{build.name}"
    receipt = receipt_of(build, store, made)
    digest = receipt_digest(receipt)
    state = keys.digest_bytes(store.read_bytes(f"{folder}/state.json") or b"")
    now = {"receipt": digest, "state": state}
    restored = export(store, build.name, made.shards.written, made.shards.finish)
    if (held := build.file.mixture.holdout) is not None:
        place = f"holdout-{held.name}"
        restored += export(store, build.name, made.holdout_written, made.holdout_finish, place)
    there = all(store.exists(f"{folder}/{name}") for name in PUBLISHED)
    if restored or not there or store.read_json(f"{folder}/published.json") != now:
        store.remove(f"{folder}/published.json")
        verify(store, build.name, receipt)
        store.write_json(f"{folder}/receipt.json", {"digest": digest} | receipt)
        store.write_bytes(f"{folder}/receipt.html", render_receipt({"digest": digest} | receipt).encode())
        found = made.search["mixture"], made.taxonomy["taxonomy"], made.tokenizer["tokenizer"]
        store.write_json(f"{folder}/mixture.json", mixture_file(build, store, made.evidence, *found))
        View(build).write_report()
        store.write_json(f"{folder}/published.json", now)      # last: all of it is there and belongs together
    return receipt, digest, restored


def verify(store: Store, name: str, receipt: dict[str, Any]) -> None:
    """Reads every exported shard back; `Mismatch` names the first faults."""
    from corpus.verify import verify_shards

    root = f"builds/{name}/shards"
    faults = verify_shards(receipt, store.full(root) if store.is_local else f"{store.url.rstrip('/')}/{root}")
    if faults:
        shown = "; ".join(str(f) for f in faults[:3])
        raise Mismatch("verify", f"{len(faults)} fault{'s' if len(faults) > 1 else ''}: {shown}")


def _stages(plan: Plan) -> list[tuple[str, int, bool]]:
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        found.setdefault(step.stage, []).append(step.status)
    return [(stage, len(s), all(x in ("done", "pinned") for x in s)) for stage, s in found.items()]
