"""`BUILD.lock`: which fitted model each fit step of a build uses.

A fit is pinned by what was *asked* (the fitter, its options, the models it builds on), not by the documents it saw:
a crawl that grows or loses documents keeps its models, and only a changed option or `refit` makes new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus import keys, results
from corpus.registry import identity
from corpus.results import Folder
from corpus.store import Store
from pipelines.step import Step


@dataclass(frozen=True)
class Pinned:
    """What the lock says of one fit step."""

    asked: str
    folder: Folder
    task: str


class Lock:
    """The lock of one build, kept in its store beside the models that it names."""

    def __init__(self, store: Store, build: str) -> None:
        self.store, self.path = store, f"builds/{build}/BUILD.lock"
        found = store.read_json(self.path) or {"schema": 1, "models": {}}
        self._models: dict[str, Any] = found["models"]

    def pinned(self, step: Step) -> Pinned | None:
        """The model that a fit step uses, if it was fitted as it is asked for now and is still in the store."""
        entry = self._models.get(step.name)
        if entry is None or entry["asked"] != asked(step):
            return None
        folder = results.item_from_json(entry["folder"])
        if not self.store.intact([folder]):
            return None
        return Pinned(entry["asked"], folder, entry["task"])

    def pin(self, step: Step, folder: Folder) -> None:
        self._models[step.name] = {"asked": asked(step), "task": step.tasks[0].key, "folder": results.item_to_json(folder)}
        self.store.write_json(self.path, {"schema": 1, "models": self._models})


def asked(step: Step) -> str:
    """What a fit was asked for: its body, the models it reads, and what its inputs' columns came from."""
    models = {
        name: [i.digest for i in items]
        for name, items in sorted(step.tasks[0].inputs.items())
        if items and all(isinstance(i, Folder) for i in items)
    }
    return keys.key_of({"identity": identity(step.work), "models": models, "upon": step.upon})
