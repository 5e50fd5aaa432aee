"""Builds that are killed, and what has to hold of their store: nothing half written can be read, nothing finished is made
again, and the end is the same. Looks at files alone, so that no engine can lend the store its memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus import keys
from corpus.store import Store

Stamp = tuple[int, int, str]          # inode, time of last change in ns, digest of the bytes


def run_and_kill(command: Sequence[str], seconds: float | None = None, env: Mapping[str, str] | None = None,
                 log: Path | None = None) -> int:
    """Runs a command in a session of its own; after `seconds` (None: never) SIGKILL goes to its whole process group.

    Returns its exit code: -9 where it was killed, by us or by itself.
    """
    with open(log or os.devnull, "ab") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True, env=env and dict(env))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    while _group_lives(process.pid):
        time.sleep(0.02)
    return code


def _group_lives(group: int) -> bool:
    """Whether a process of the group still runs (one that is dead and not waited for does not)."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, its_group = path.read_text().rpartition(") ")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def stamps(store: Store) -> dict[str, Stamp]:
    """Every task record of a local store: what stays the same as long as nobody writes it again."""
    found = {}
    for path in _files(store, "tasks", ".json"):
        stat = path.stat()
        found[path.stem] = (stat.st_ino, stat.st_mtime_ns, keys.digest_file(path))
    return found


def half_files(store: Store) -> list[str]:
    """Files of a local store that can be found by their names and not be read, and outputs that a record names and that
    are not what it says. Empty where all is well; what a kill left under `.part` names does not count.
    """
    faults = []
    for folder in ("shards", "runs"):
        for path in _files(store, folder, ".parquet"):
            try:
                pq.read_table(path)
            except (pa.ArrowException, OSError) as error:
                faults.append(f"{path}: {error}")
    for folder in ("tasks", "steps"):
        for path in _files(store, folder, ".json"):
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                faults.append(f"{path}: {error}")
                continue
            for output in (o for t in found.get("tasks", [found]) for o in t["outputs"]):
                faults += [f"{path}: {name} is not what it says" for name, digest in _named(output)
                           if not _has(store, name, digest)]
    return faults


def contents(store: Store, build: str) -> dict[str, Any]:
    """What a finished build is, by step: its key, its outputs' names and digests in order, its counts; and the receipt's
    digest. Equal on every engine.
    """
    state, lock = store.read_json(f"builds/{build}/state.json"), store.read_json(f"builds/{build}/BUILD.lock")
    found: dict[str, Any] = {}
    for step, walked in state["steps"].items():
        manifest = store.read_json(f"steps/{walked['key'][:2]}/{walked['key']}.json")
        if manifest is not None:
            outputs = [(o["name"], o["digest"]) for t in manifest["tasks"] for o in t["outputs"]]
            found[step] = (walked["key"], outputs, manifest["counts"])
        else:
            found[step] = [(o["name"], o["digest"]) for o in lock["models"][step]["outputs"]]
    found["receipt"] = store.read_json(f"builds/{build}/receipt.json")["digest"]
    return found


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Steps in which two builds' `contents` differ, in order: the first is where to look."""
    return [step for step in dict.fromkeys([*a, *b]) if a.get(step) != b.get(step)]


def _files(store: Store, folder: str, suffix: str) -> Iterator[Path]:
    root = Path(store.full(folder))
    return (p for p in sorted(root.rglob(f"*{suffix}")) if p.is_file())


def _named(output: Mapping[str, Any]) -> list[tuple[str, str]]:
    if output["is"] == "shard":
        return [(output["path"], output["file_digest"])]
    return [(f"{output['path']}/{name}", digest) for name, digest, _ in output["files"]]


def _has(store: Store, name: str, digest: str) -> bool:
    path = Path(store.full(name))
    return path.is_file() and keys.digest_file(path) == digest
