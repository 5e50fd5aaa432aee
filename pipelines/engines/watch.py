"""How a driver and workers that share nothing but the store know of each other: a job's folder, and waiting for records.

    jobs/<id>/payload.pkl    what the workers are to do; gone once the job is over
    jobs/<id>/failed.pkl     the first failure
    jobs/<id>/done/<key>     a finished task whose key the driver could not know beforehand
    jobs/<id>/at_work/<name> host and process of a worker that is at work

For engines whose executor blocks, or submits and returns: tasks commit their records whichever way they were started, so
the driver looks for those instead of listening to the executor. It gives up promptness: a record is seen up to half a
second late.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import fsspec

from corpus.errors import CorpusError, StepError
from corpus.results import Record
from corpus.store import Store
from corpus.tasks import Task, execute

PAUSE = (0.02, 0.5)          # seconds between looks: right after news, and after a long silence
PULSE = 2.0                  # seconds between looks at whether the workers' processes live


@dataclass(frozen=True)
class Job:
    """One call of an engine, as a folder of the store. Small: this is what engines send, never the tasks."""

    store: Store
    folder: str

    @classmethod
    def begin(cls, store: Store, payload: Any) -> Job:
        job = cls(store, f"jobs/{uuid.uuid4().hex}")
        store.write_bytes(f"{job.folder}/payload.pkl", pickle.dumps(payload))
        return job

    def payload(self) -> Any:
        """What the job was begun with; None once it is over."""
        found = self.store.read_bytes(f"{self.folder}/payload.pkl")
        return None if found is None else pickle.loads(found)

    @property
    def over(self) -> bool:
        """Whether there is no use in going on: the driver left, or another worker failed."""
        return not self.store.exists(f"{self.folder}/payload.pkl") or self.store.exists(f"{self.folder}/failed.pkl")

    def attempt(self, work: Callable[[], Any]) -> Any:
        """What `work` returns, or None where the job is over or `work` fails. A failure is noted, not raised: the
        driver raises it, and no executor retries or logs what would fail again.
        """
        if self.over:
            return None
        try:
            return work()
        except CorpusError as error:
            self.store.write_bytes(f"{self.folder}/failed.pkl", pickle.dumps(error), fresh=True)
            return None

    def run(self, task: Task) -> Record | None:
        return self.attempt(lambda: execute(task))

    def failure(self) -> CorpusError | None:
        found = self.store.read_bytes(f"{self.folder}/failed.pkl")
        return None if found is None else pickle.loads(found)

    def note(self, key: str) -> None:
        """Tells the driver of a task that it could not name beforehand."""
        self.store.write_bytes(f"{self.folder}/done/{key}", b"")

    @contextlib.contextmanager
    def at_work(self, name: str) -> Iterator[None]:
        """While inside, the driver can see that this process is at work."""
        path = f"{self.folder}/at_work/{name}"
        self.store.write_json(path, {"host": socket.gethostname(), "pid": os.getpid()})
        yield
        self.store.remove(path)

    def lost(self) -> bool:
        """Whether a process on this machine died at work. Pools start another, or wait for ever, and never say so."""
        for name in self.files("at_work"):
            at = self.store.read_json(f"{self.folder}/at_work/{name}")
            if at and at["host"] == socket.gethostname() and not _lives(at["pid"]) \
                    and self.store.exists(f"{self.folder}/at_work/{name}"):
                return True
        return False

    def files(self, inside: str) -> list[str]:
        """Names of the files of one of its folders."""
        fs, _ = fsspec.core.url_to_fs(self.store.url)
        path = self.store.full(f"{self.folder}/{inside}")
        fs.invalidate_cache(path)
        with contextlib.suppress(FileNotFoundError):
            return [name.rsplit("/", 1)[-1] for name in fs.ls(path, detail=False) if not name.endswith(".part")]
        return []

    def end(self) -> None:
        """Tells the workers to stop before their next task."""
        self.store.remove(f"{self.folder}/payload.pkl")

    def remove(self) -> None:
        fs, _ = fsspec.core.url_to_fs(self.store.url)
        with contextlib.suppress(FileNotFoundError):
            fs.rm(self.store.full(self.folder), recursive=True)


class Queues:
    """Records of tasks whose workers go through known queues in order, so that one look a queue finds all that is new."""

    def __init__(self, store: Store, queues: Sequence[Sequence[str]]) -> None:
        self.store = store
        self.left = [deque(q) for q in queues]

    def __call__(self) -> Iterator[Record]:
        for queue in self.left:
            while queue and (record := self.store.record(queue[0])) is not None:
                queue.popleft()
                yield record
        self.left = [q for q in self.left if q]

    def missing(self) -> list[str]:
        return [key for queue in self.left for key in queue]


class Notes:
    """Records of the tasks that a job's workers noted."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.seen: set[str] = set()

    def __call__(self) -> Iterator[Record]:
        for key in self.job.files("done"):
            if key not in self.seen and (record := self.job.store.record(key)) is not None:
                self.seen.add(key)
                yield record

    def missing(self) -> list[str]:
        return []


def watch(step: str, job: Job, drive: Callable[[], None], look: Queues | Notes, processes: bool = False,
          submit: Callable[[], None] | None = None) -> Iterator[Record]:
    """Yields records as `look` finds them while `drive`, which blocks, runs in a thread; raises the first failure.

    submit: called before, in this thread (some clients set signal handlers). With `processes`, the death of one at work
    on this machine is a failure. Leaving early (an error, a closed generator) stops the workers before their next task
    and waits for them.
    """
    crash: list[BaseException] = []

    def attempt(call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:      # noqa: BLE001 - whatever an engine raises, the driver's thread raises it again
            crash.append(error)

    thread = threading.Thread(target=attempt, args=(drive,), name=f"engine of {step}", daemon=True)
    lost = False
    try:
        if submit is not None:
            attempt(submit)
        if not crash:
            thread.start()
        pause, pulse = PAUSE[0], time.monotonic()
        while True:
            ended = not thread.is_alive()   # asked before looking: what came in between is seen by this very look
            began, news = time.monotonic(), False
            for record in look():
                news = True
                yield record
            if failure := job.failure():
                raise failure
            if ended:
                break
            if processes and time.monotonic() - pulse > PULSE:
                pulse = time.monotonic()
                if lost := job.lost():
                    raise StepError(step, "a worker process died (killed, or out of memory?)")
            pause = PAUSE[0] if news else min(2 * pause, PAUSE[1])
            thread.join(pause if news else max(pause, 10 * (time.monotonic() - began)))
        if crash:
            _raise(step, crash[0])
        if missing := look.missing():
            raise StepError(step, f"the engine ended with {len(missing)} tasks not done", missing[0])
    except KeyboardInterrupt:               # Ctrl-C reached the workers too
        lost = True
        raise
    finally:
        job.end()
        if thread.ident is not None and not lost:       # a pool that lost a worker waits for it for ever
            thread.join()
        job.remove()


def _raise(step: str, error: BaseException) -> NoReturn:
    if isinstance(error, CorpusError | KeyboardInterrupt):
        raise error
    raise StepError(step, f"the engine failed: {type(error).__name__}: {error}") from error


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
