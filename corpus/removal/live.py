"""What the builds of a store refer to right now, and the records that name a file: what a purge has to keep in step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import fsspec

from corpus import keys, results
from corpus.ghosts import HOLDOUTS, INDEX, PURGED
from corpus.results import Folder, Shard
from corpus.store import Store

#: Stages whose outputs hold signatures and decisions, never a text or what was measured of one.
SIGNATURES = ("dedup",)


@dataclass
class Live:
    """Paths that current states, locks and holdouts name. `signed`: those of signatures, which a purge leaves alone;
    `builds`: which builds name a path.
    """

    paths: set[str] = field(default_factory=set)
    signed: set[str] = field(default_factory=set)
    folders: dict[str, Folder] = field(default_factory=dict)
    models: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)  # task key: (build, step, digest)
    builds: dict[str, set[str]] = field(default_factory=dict)


def builds_of(store: Store) -> list[str]:
    """Names of all builds of a store."""
    return [name for name in store.names("builds") if store.exists(f"builds/{name}/state.json")]


def live(store: Store) -> Live:
    found = Live()
    for build in builds_of(store):
        state = (store.read_json(f"builds/{build}/state.json") or {}).get("steps", {})
        for entry in state.values():
            for item in _outputs(store, entry):
                _add(found, build, item, entry["stage"] in SIGNATURES)
        lock = store.read_json(f"builds/{build}/BUILD.lock") or {}
        for step, entry in lock.get("models", {}).items():
            items = [results.item_from_json(o) for o in entry.get("outputs") or [entry["folder"]]]
            for item in items:
                _add(found, build, item, False)
            found.models.setdefault(entry["task"], []).extend(
                (build, step, i.digest) for i in items if isinstance(i, Folder))
    for item in _entries(store):
        found.paths.add(item.path)
        found.signed.add(item.path)
    for name in store.names(HOLDOUTS):
        entry = store.read_json(f"{HOLDOUTS}/{name}") if name.endswith(".json") else None
        for text in (entry or {}).get("texts", ()):
            _add(found, entry["build"], results.item_from_json(text), False)
    return found


def _add(found: Live, build: str, item: Shard | Folder, signed: bool) -> None:
    found.paths.add(item.path)
    found.builds.setdefault(item.path, set()).add(build)
    if signed:
        found.signed.add(item.path)
    if isinstance(item, Folder):
        found.folders[item.path] = item


def _outputs(store: Store, entry: dict[str, Any]) -> Iterator[Shard | Folder]:
    """What a step left, and what its own tasks did (an exchange's runs are in no manifest)."""
    manifest = store.read_json(f"steps/{entry['key'][:2]}/{entry['key']}.json") or {"tasks": []}
    for task in manifest["tasks"]:
        yield from (results.item_from_json(o) for o in task["outputs"])
    for key in entry["tasks"]:
        record = store.read_json(f"tasks/{key[:2]}/{key}.json")
        if record is not None:
            yield from (results.item_from_json(o) for o in record["outputs"])


def _entries(store: Store) -> Iterator[Shard]:
    """Shards of ghosts, and of ids that were purged."""
    found = [store.read_json(path) for path in (INDEX, PURGED)]
    found += [store.read_json(f"{HOLDOUTS}/{name}") for name in store.names(HOLDOUTS) if name.endswith(".json")]
    for entry in found:
        for part in (entry, *(entry or {}).get("parts", ())):
            if part is not None and part.get("documents"):
                yield results.item_from_json(part["documents"])


def files_under(store: Store, folder: str) -> list[str]:
    """Paths of all files below a folder of the store."""
    fs, root = fsspec.core.url_to_fs(store.full("") if store.is_local else store.url)
    root = root.rstrip("/")
    try:
        found = fs.find(f"{root}/{folder}")
    except FileNotFoundError:
        return []
    return sorted(path[len(root) + 1 :] for path in found)


def parts_in(store: Store) -> list[str]:
    """Files of a store that a kill has left half written, in folders or by themselves; none of a remote store."""
    return [path for path in (files_under(store, "") if store.is_local else ())
            if any(name.endswith(".part") for name in path.split("/"))]


def records(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    """(path, JSON) of every task's record and every step's manifest."""
    for folder in ("tasks", "steps"):
        for path in files_under(store, folder):
            found = store.read_json(path) if path.endswith(".json") else None
            if found is not None:
                yield path, found


def outputs_in(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The outputs that a record, a manifest, a lock or a holdout names, as they stand in its JSON."""
    yield from found.get("outputs", ())
    for task in found.get("tasks", ()):
        if isinstance(task, dict):
            yield from task.get("outputs", ())
    for entry in found.get("models", {}).values():
        yield from entry.get("outputs") or [entry["folder"]]
    yield from found.get("texts", ())


def renew(store: Store, paths: Iterable[str]) -> int:
    """Writes the bytes and digest that files have now into everything that names them; returns how many did not say so.

    paths: of shards, or of folders.
    """
    wanted = set(paths)
    known: dict[str, tuple[str, int]] = {}

    def now(path: str) -> tuple[str, int]:
        if path not in known:
            data = store.read_bytes(path) or b""
            known[path] = (keys.digest_bytes(data), len(data))
        return known[path]

    changed = 0
    for path, found in (*records(store), *_named(store)):
        stale = False
        for output in outputs_in(found):
            if output["path"] not in wanted:
                continue
            if output["is"] == "shard":
                digest, size = now(output["path"])
                stale |= (output["file_digest"], output["bytes"]) != (digest, size)
                output["file_digest"], output["bytes"] = digest, size
            else:
                files = [[name, *now(f"{output['path']}/{name}")] for name, _, _ in output["files"]]
                stale |= files != [list(f) for f in output["files"]]
                output["files"] = files
        if stale:
            store.write_json(path, found)
            changed += 1
    return changed


def _named(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    """Locks and holdouts."""
    paths = [f"builds/{build}/BUILD.lock" for build in store.names("builds")]
    paths += [f"{HOLDOUTS}/{name}" for name in store.names(HOLDOUTS) if name.endswith(".json")]
    for path in paths:
        found = store.read_json(path)
        if found is not None:
            yield path, found
