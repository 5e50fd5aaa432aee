"""A build's search made again, on purpose: the pinned mixture stays until the new one is there, and both are told.

What it gives up: nothing after the search runs; `corpus build` goes on from the new mixture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.results import Folder, Shard
from corpus.store import Store
from pipelines.build import driven, plan_build, require
from pipelines.config.load import Build
from pipelines.config.make import located
from pipelines.engines.placement import Placement
from pipelines.lock import Pinned
from pipelines.progress import Progress
from pipelines.recipe import recipe
from pipelines.run import Run, lease
from pipelines.step import Result, Step

SEARCH = "search.mixture"


@dataclass(frozen=True)
class Searched:
    """Weights by cell; `before` is None where nothing was pinned. `ran`: whether there was anything new to search on."""

    before: dict[str, float] | None
    after: dict[str, float]
    ran: bool


class _Reached(Exception):
    def __init__(self, before: Pinned | None, now: Pinned) -> None:
        self.before, self.now = before, now


class _UpToSearch(Run):
    """A run that ends with its search."""

    def settle(self, step: Step) -> Result:
        before = self.lock.pinned(step) or self.lock.kept(step.name) if step.name == SEARCH else None
        result = super().settle(step)
        if step.name == SEARCH:
            now = self.lock.pinned(step)
            assert now is not None  # it was pinned just now
            raise _Reached(before, now)
        return result


def search_again(build: Build, placement: Placement, progress: Progress) -> Searched:
    """Makes what a search needs, searches without regard to the lock, and pins what was found."""
    require(build)
    store = Store(build.store_url).prepare()
    with lease(store, build.name):
        stages = dict.fromkeys(s.stage for s in plan_build(build).steps)
        reached = list(stages)[: list(stages).index("search") + 1]
        progress.begin([(stage, 1, False) for stage in reached])
        run = _UpToSearch(store, build.name, placement, progress, refit=(SEARCH,))
        run.event("start", build=build.name, engine=placement.describe(""), until=SEARCH)
        with driven(run):
            try:
                with located(build.where):
                    recipe(run, build)
                raise AssertionError(f"the recipe has no step {SEARCH}")
            except _Reached as found:
                run.remember()
                before = None if found.before is None else weights_in(store, found.before.outputs)
                after = weights_in(store, found.now.outputs)
                fresh = found.before is None or found.before.task != found.now.task
        run.event("end", made=run.made, kept=run.kept)
        return Searched(before, after, fresh)


def weights_in(store: Store, outputs: Sequence[Shard | Folder]) -> dict[str, float]:
    """Cell → weight of a search's outputs."""
    (mixture,) = [o for o in outputs if o.name == "mixture" and isinstance(o, Shard)]
    table = store.read_shard(mixture, ["cell", "weight"])
    return dict(zip(table.column("cell").to_pylist(), table.column("weight").to_pylist()))
