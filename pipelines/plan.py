"""What a build would do and why: which steps are there, how much of the others, and which declared field changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus import results
from corpus.registry import identity
from corpus.store import Store
from pipelines.lock import Lock
from pipelines.step import Line, Result, Step


@dataclass(frozen=True)
class Planned:
    """One line of a plan. `status`: done, pinned, partial, to do, waiting."""

    stage: str
    step: str
    status: str
    done: int
    tasks: int | None
    reason: str


class Plan(Line):
    """Walks the recipe without running or writing anything."""

    def __init__(self, store: Store, build: str) -> None:
        super().__init__(store, build)
        self.lock = Lock(store, build)
        self.state = read_state(store, build)
        self.steps: list[Planned] = []

    @property
    def complete(self) -> bool:
        return all(s.status in ("done", "pinned") for s in self.steps)

    def settle(self, step: Step) -> Result:
        if step.fit and (pinned := self.lock.pinned(step)):
            drifted = pinned.task != step.tasks[0].key
            self._add(
                step,
                "pinned" if drifted else "done",
                1,
                1,
                "BUILD.lock keeps the model; its inputs have changed" if drifted else "",
            )
            return Result(step.name, pinned.outputs)
        manifest = self.found(step)
        if manifest is not None:
            self._add(step, "done", len(step.tasks), len(step.tasks), "")
            return result_of(step.name, manifest)
        done = sum(1 for t in step.tasks if self.store.record(t.key) is not None)
        self._add(step, "partial" if done else "to do", done, len(step.tasks), self.why(step))
        return Result(step.name, None)

    def wait(self, name: str, pending: Sequence[str]) -> Result:
        self.steps.append(Planned(self._stage, name, "waiting", 0, None, "depends on " + ", ".join(pending)))
        return Result(name, None)

    def why(self, step: Step) -> str:
        """Why a step has to run: never built, a field that changed, or inputs that did."""
        before = self.state.get(step.name)
        if before is None:
            return "never built"
        changed = list(differences(before["identity"], identity(step.work)))
        if changed:
            return "; ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        known = set(before["tasks"])
        fresh = sum(1 for t in step.tasks if t.key not in known)
        return f"inputs changed: {fresh} of {len(step.tasks)} tasks are new" if fresh else "was not finished"

    def _add(self, step: Step, status: str, done: int, tasks: int, reason: str) -> None:
        self.steps.append(Planned(step.stage, step.name, status, done, tasks, reason))


def result_of(name: str, manifest: dict[str, Any]) -> Result:
    outputs, numbers = [], []
    for task in manifest["tasks"]:
        outputs += [results.item_from_json(o) for o in task["outputs"]]
        numbers += [(task.get("extra") or {}).get("partition")] * len(task["outputs"])
    return Result(name, tuple(outputs), manifest["counts"], None if None in numbers else tuple(numbers))


def read_state(store: Store, build: str) -> dict[str, Any]:
    """What the last build of this name did, by step: {key, identity, tasks}."""
    return (store.read_json(f"builds/{build}/state.json") or {}).get("steps", {})


def differences(before: Any, after: Any, place: str = "") -> list[str]:
    """Fields that differ between two identities: `rules[3].low: 50 → 40`."""
    if isinstance(before, dict) and isinstance(after, dict):
        found = []
        for name in sorted(before.keys() | after.keys()):
            inner = place if name == "options" else f"{place}.{name}".lstrip(".")
            if name not in before:
                found.append(f"{inner}: added")
            elif name not in after:
                found.append(f"{inner}: no longer there")
            else:
                found += differences(before[name], after[name], inner)
        return found
    if isinstance(before, list) and isinstance(after, list):
        was, now = ({_called(one, i): one for i, one in enumerate(each)} for each in (before, after))
        if len(before) != len(after) and all(isinstance(name, str) for name in (*was, *now)):
            found = [f"{place}: {said} {_several(names)}" for said, names in (
                ("without", [n for n in was if n not in now]), ("with", [n for n in now if n not in was])) if names]
            return found + [d for n in now if n in was for d in differences(was[n], now[n], f"{place}[{n}]")]
        if len(before) == len(after):
            return [d for i, (b, a) in enumerate(zip(before, after)) for d in differences(b, a, f"{place}[{_called(a, i)}]")]
    return [] if before == after else [f"{place}: {_brief(before)} → {_brief(after)}"]


def _called(item: Any, place: int) -> Any:
    """A rule goes by its reason, an operator by its name, anything else by its place in the list."""
    if isinstance(item, dict):
        return item.get("reason") or item.get("operator", place)
    return place


def _several(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _brief(value: Any) -> str:
    shown = str(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
