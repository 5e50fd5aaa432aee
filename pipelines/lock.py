"""`BUILD.lock`: which fitted model each fit step of a build uses.

A fit is pinned by what was *asked* (the fitter, its options, the models it builds on), not by the documents it saw:
a crawl that grows or loses documents keeps its models, and only a changed option or `refit` makes new ones. A search is
a fit too, whose model is a mixture: `corpus mix search` makes a new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from corpus import keys, results
from corpus.registry import identity
from corpus.results import Folder, Shard
from corpus.store import Store
from pipelines.step import Step


@dataclass(frozen=True)
class Pinned:
    """What the lock says of one fit step: what it was asked for, all outputs of its task, and the task's key."""

    asked: str
    outputs: tuple[Shard | Folder, ...]
    task: str


class Lock:
    """The lock of one build, kept in its store beside the models that it names: under a step's name what it uses, and under
    `STEP@ASKED` what it used when it was asked for something else. So a mixture or an option that is tried and taken back
    finds again what was pinned before it.
    """

    def __init__(self, store: Store, build: str) -> None:
        self.store, self.path = store, f"builds/{build}/BUILD.lock"
        found = store.read_json(self.path) or {"schema": 1, "models": {}}
        self._models: dict[str, Any] = found["models"]

    def pinned(self, step: Step) -> Pinned | None:
        """What a fit step uses, if it was ever fitted as it is asked for now and all of it is still in the store."""
        return self._whole(self._entry(step.name, asked(step)))

    def kept(self, name: str) -> Pinned | None:
        """What the step of a name used last, whatever it was asked for."""
        return self._whole(self._models.get(name))

    def use(self, step: Step) -> None:
        """An earlier fit that is asked for again is what the step uses from now on."""
        entry = self._entry(step.name, asked(step))
        if entry is not None and entry is not self._models.get(step.name):
            self._write(step.name, entry)

    def pin(self, step: Step, outputs: Sequence[Shard | Folder]) -> None:
        told = [results.item_to_json(o) for o in outputs]
        self._write(step.name, {"asked": asked(step), "task": step.tasks[0].key, "outputs": told})

    def _entry(self, name: str, wanted: str) -> dict[str, Any] | None:
        entry = self._models.get(name)
        return entry if entry is not None and entry["asked"] == wanted else self._models.get(f"{name}@{wanted}")

    def _whole(self, entry: dict[str, Any] | None) -> Pinned | None:
        if entry is None:
            return None
        record = self.store.record(entry["task"])
        if record is not None:
            return Pinned(entry["asked"], record.outputs, entry["task"])
        there = tuple(results.item_from_json(o) for o in entry.get("outputs") or [entry["folder"]])
        return Pinned(entry["asked"], there, entry["task"]) if self.store.intact(there) else None

    def _write(self, name: str, entry: dict[str, Any]) -> None:
        before = self._models.get(name)
        if before is not None and before["asked"] != entry["asked"]:
            self._models[f"{name}@{before['asked']}"] = before
        self._models.pop(f"{name}@{entry['asked']}", None)
        self._models[name] = entry
        self.store.write_json(self.path, {"schema": 1, "models": self._models})


def asked(step: Step) -> str:
    """What a fit was asked for: its body, the models it reads, and what its inputs' columns came from."""
    models = {
        name: [i.digest for i in items]
        for name, items in sorted(step.tasks[0].inputs.items())
        if items and all(isinstance(i, Folder) for i in items)
    }
    return keys.key_of({"identity": identity(step.work), "models": models, "upon": step.upon})
