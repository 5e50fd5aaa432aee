"""Builds: walks the recipe, gives an engine what is missing, writes each step's manifest, and tells what happens."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from corpus import results
from corpus.errors import StepError, StoreError
from corpus.registry import identity
from corpus.results import Record
from corpus.store import Store
from corpus.tasks import Task
from pipelines.engines.base import ExchangeJob
from pipelines.engines.placement import Placement
from pipelines.lock import Lock
from pipelines.plan import read_state, result_of
from pipelines.progress import Progress
from pipelines.step import Line, Result, Step, documents_of, merged_counts, task_rows

LEASE_SECONDS = 60


class Run(Line):
    """Makes what is missing. `made` counts the tasks that ran, `kept` those that were there."""

    may_write = True

    def __init__(
        self, store: Store, build: str, placement: Placement, progress: Progress, refit: Collection[str] = ()
    ) -> None:
        """refit: fit steps that are made anew, whatever the lock keeps of them."""
        super().__init__(store, build)
        self.placement, self.progress, self.refit = placement, progress, refit
        self.lock = Lock(store, build)
        self.state = read_state(store, build)
        self.walked: dict[str, Any] = {}
        self.made = self.kept = 0
        self.now = ""                    # the step at work, for what is said when a build stops
        self._counted: set[str] = set()

    def wait(self, name: str, pending: Sequence[str]) -> Result:
        raise StepError(name, f"its inputs were never made: {', '.join(pending)}")

    def settle(self, step: Step) -> Result:
        self.now = step.name
        if step.fit and step.name not in self.refit and (pinned := self.lock.pinned(step)):
            self.lock.use(step)
            self._walked(step, [pinned.task])
            self.progress.kept(step.stage)
            return Result(step.name, pinned.outputs)
        manifest = self.found(step)
        if manifest is None:
            manifest = self._make(step)
        else:
            self.kept += len(manifest["tasks"])
            self.progress.kept(step.stage)
        self._walked(step, [t.key for t in step.tasks])
        result = result_of(step.name, manifest)
        if step.fit:
            self.lock.pin(step, result.outputs or ())
        return result

    def _make(self, step: Step) -> dict[str, Any]:
        started = time.time()
        self.event("step", step=step.name, key=step.key, tasks=len(step.tasks))
        with self.progress.step(step.stage, step.name, step.rows, len(step.tasks)):
            if step.is_exchange:
                job = ExchangeJob(step.name, step.work, tuple(t.inputs for t in step.tasks), self.store)
                engine, needs = self.placement.engine(step.name)
                found = list(engine.exchange(job, lambda tasks: self._map(step, tasks), needs))
                for record in found:
                    self._count_native(record, started)
                records = sorted(found, key=lambda r: r.extra["partition"])
            else:
                by_key = {r.key: r for r in self._map(step, step.tasks)}
                records = [by_key[t.key] for t in step.tasks]
        counts = merged_counts(records)
        manifest = {
            "schema": results.SCHEMA,
            "step": step.name,
            "stage": step.stage,
            "key": step.key,
            "identity": identity(step.work),
            "tasks": [
                {
                    "key": r.key,
                    "extra": r.extra,
                    "outputs": [results.item_to_json(o) for o in r.outputs],
                    "counts": r.counts,
                }
                for r in records
            ],
            "counts": counts,
            "made": {
                "when": _stamp(started),
                "seconds": round(time.time() - started, 3),
                "engine": self.placement.describe(step.name),
                "packages": packages(),
                "platform": platform.platform(),
            },
        }
        self.store.write_json(self.manifest_path(step.key), manifest)
        self.event("done", step=step.name, key=step.key, seconds=manifest["made"]["seconds"], counts=counts)
        return manifest

    def _map(self, step: Step, tasks: Sequence[Task]) -> Iterator[Record]:
        """Records of all tasks: those in the store at once, the others as the engine finishes them; equal tasks run once."""
        missing: dict[str, Task] = {}
        for task in tasks:
            if task.key in missing:
                continue
            record = self.store.record(task.key)
            self._counted.add(task.key)
            if record is not None:
                self.kept += 1
                self.progress.advance(task_rows(task), documents_of(task, record), reused=True)
                yield record
            else:
                missing[task.key] = task
        if not missing:
            return
        engine, needs = self.placement.engine(step.name)
        for record in engine.map(list(missing.values()), needs):
            self.made += 1
            task = missing[record.key]
            self.progress.advance(task_rows(task), documents_of(task, record))
            self.event("task", step=record.step, key=record.key, seconds=record.made["seconds"])
            yield record

    def _count_native(self, record: Record, started: float) -> None:
        """Counts a reduce task that an engine ran without `_map`: one that groups keys by itself."""
        if record.key in self._counted:
            return
        if record.made["when"] < _stamp(started):
            self.kept += 1
        else:
            self.made += 1
            self.event("task", step=record.step, key=record.key, seconds=record.made["seconds"])

    def _walked(self, step: Step, tasks: list[str]) -> None:
        self.walked[step.name] = {"stage": step.stage, "key": step.key, "identity": identity(step.work), "tasks": tasks}

    def finish(self) -> None:
        """Remembers what was walked, for `plan`'s reasons, `status`, `show` and `explain`."""
        state = {"schema": 1, "steps": self.walked}
        if self.store.read_json(f"builds/{self.build}/state.json") != state:
            self.store.write_json(f"builds/{self.build}/state.json", state)

    def remember(self) -> None:
        """As `finish` where a build stopped half way: what it did not reach keeps its last entry."""
        self.walked = {**self.state, **self.walked}
        self.finish()

    def event(self, kind: str, **fields: Any) -> None:
        line = {"at": round(time.time(), 3), "event": kind} | fields
        self.store.append(f"builds/{self.build}/events.jsonl", json.dumps(line))


def _stamp(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def packages() -> dict[str, str]:
    found = {}
    for name in ("corpus-builder", "numpy", "pyarrow", "torch", "transformers", "faiss-cpu", "datatrove", "apache-beam"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@contextlib.contextmanager
def lease(store: Store, build: str) -> Iterator[None]:
    """One driver a build: refuses while another is alive, takes over from one that died."""
    path = f"leases/{build}.json"
    me = {"host": socket.gethostname(), "pid": os.getpid()}
    if not store.write_json(path, me | {"at": time.time()}, fresh=True):
        held = store.read_json(path)
        if held and _alive(held, me):
            raise StoreError(
                f"build '{build}' is being driven by process {held['pid']} on {held['host']}; wait for it or end it"
            )
        store.write_json(path, me | {"at": time.time()})
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(LEASE_SECONDS / 4):
            with contextlib.suppress(OSError):
                store.write_json(path, me | {"at": time.time()})

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        held = store.read_json(path) or {}
        if held.get("pid") == me["pid"] and held.get("host") == me["host"]:
            store.remove(path)


def _alive(held: dict[str, Any], me: dict[str, Any]) -> bool:
    if held["host"] == me["host"]:
        if held["pid"] == me["pid"]:
            return False
        try:
            os.kill(held["pid"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
    return time.time() - held["at"] < LEASE_SECONDS
