"""Pages parsed in a process of their own, so that one that never ends, or takes its process down, costs itself alone.

The child is one a thread of a worker, started by its first page and kept for its next tables. The kernel's timer ends it
when a page takes too long, also within a parser's C code and also when its parent is gone; it ends by itself when its
pipe is closed. A page that ended it gets one more try, alone in a fresh child and for ten times as long. What it gives
up: a table's pages cross a pipe.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import pickle
import signal
import struct
import subprocess
import sys
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Protocol

Page = tuple[bytes, str | None]
Found = tuple[str | None, str | None]

_WINDOW_PAGES, _WINDOW_BYTES = 64, 4 << 20
_RENEWED_AFTER = 50_000   # pages: what parsers do not give back stays bounded
_SIZE = struct.Struct("<Q")
_START = ("import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
          "from corpus.extract.sandbox import serve; serve()")
_idle: list[_Child] = []
_children: weakref.WeakSet[_Child] = weakref.WeakSet()


class Pages(Protocol):
    """What runs in the child: an operator that can be pickled."""

    def record(self, payload: bytes, charset: str | None) -> Found: ...


class Sandbox:
    """A child for the pages of one table. `seconds` of wall time for a page, ten times that alone."""

    def __init__(self, operator: Pages, seconds: float) -> None:
        self._operator, self._seconds = pickle.dumps(operator), seconds
        self._child: _Child | None = None

    @classmethod
    @contextlib.contextmanager
    def of(cls, operator: Pages, seconds: float) -> Iterator[Sandbox]:
        sandbox = cls(operator, seconds)
        try:
            yield sandbox
        except BaseException:   # the child may be in the middle of a page
            sandbox._end()
            raise
        sandbox._give_back()

    def run(self, pages: Iterable[Page]) -> Iterator[Found]:
        """(text, reason) of each page, in order."""
        for window in _windows(pages):
            done = 0
            while done < len(window):
                for found in self._ask(window[done:], self._seconds):
                    done += 1
                    yield found
                if done < len(window):   # the child ended in this page
                    self._child = _Child()
                    again = list(self._ask(window[done : done + 1], 10 * self._seconds))
                    yield again[0] if again else (None, self._why)
                    done += 1

    def _ask(self, pages: list[Page], seconds: float) -> Iterator[Found]:
        """What the child finds, up to the page that ends it."""
        child = self._child = self._child or _waiting() or _Child()
        try:
            child.send((self._operator, seconds, pages))
            for _ in pages:
                yield child.receive()
        except (EOFError, BrokenPipeError):
            self._why = "extractor_timeout" if child.ended() == -signal.SIGALRM else "extractor_crashed"
            self._child = None

    def _give_back(self) -> None:
        if self._child and self._child.pages < _RENEWED_AFTER:
            _idle.append(self._child)
        else:
            self._end()
        self._child = None

    def _end(self) -> None:
        if self._child:
            self._child.end()
            self._child = None


class _Child:
    """One process and the pipes to it; `pages` is how many it was sent."""

    def __init__(self) -> None:
        self.pages = 0
        self._process = subprocess.Popen([sys.executable, "-c", _START], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        _children.add(self)
        try:
            pickle.dump(sys.path, self._in)
            self._in.flush()
            ready = self._out.read(1)
        except BrokenPipeError:
            ready = b""
        if not ready:
            raise RuntimeError(f"the process that parses pages did not start; it ended with status {self.ended()}")

    @property
    def _in(self) -> io.BufferedWriter:
        return self._process.stdin   # type: ignore[return-value]

    @property
    def _out(self) -> io.BufferedReader:
        return self._process.stdout   # type: ignore[return-value]

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def send(self, message: tuple[bytes, float, list[Page]]) -> None:
        self.pages += len(message[2])
        pickle.dump(message, self._in, protocol=5)
        self._in.flush()

    def receive(self) -> Found:
        found = _read(self._out)
        if isinstance(found, Exception):
            raise found
        return found

    def end(self) -> int:
        """Ends the child, whatever it is doing; its exit status, negative for a signal."""
        self._process.kill()
        return self.ended()

    def ended(self) -> int:
        """The exit status of a child that has closed its pipe."""
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        self._out.close()
        return status

    def forget(self) -> None:
        """In a forked process, whose copies of the pipes would keep the child from seeing that its parent is gone."""
        for pipe in (self._in, self._out):
            pipe.raw.close()   # not the buffer above it: what that holds is the parent's to send


def _waiting() -> _Child | None:
    """A child that has nothing to do."""
    with contextlib.suppress(IndexError):   # another thread may take the last
        while True:
            child = _idle.pop()
            if child.runs:
                return child
            child.ended()
    return None


def serve() -> None:
    """The child: answers windows of pages until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)    # the terminal's Ctrl-C is its parent's business
    signal.signal(signal.SIGALRM, signal.SIG_DFL)   # ends the process, whatever it is doing
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)                                   # what a parser prints is no answer
    source = sys.stdin.buffer
    out.write(b"r")
    out.flush()
    pickled, operator = b"", None
    while True:
        try:
            wanted, seconds, pages = pickle.load(source)
        except EOFError:
            return
        try:
            if wanted != pickled:
                pickled, operator = wanted, pickle.loads(wanted)
        except Exception as error:  # noqa: BLE001 - raised again in the parent
            _write(out, RuntimeError(f"the process that parses pages cannot make the extractor: {error!r}"))
            return
        for payload, charset in pages:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            found = operator.record(payload, charset)
            signal.setitimer(signal.ITIMER_REAL, 0)
            try:
                _write(out, found)
            except BrokenPipeError:  # the worker was killed: nobody waits, and nothing is wrong here
                os._exit(0)


def _write(out: BinaryIO, value: Any) -> None:
    data = pickle.dumps(value, protocol=5)
    out.write(_SIZE.pack(len(data)) + data)
    out.flush()


def _read(source: BinaryIO) -> Any:
    head = source.read(_SIZE.size)
    data = source.read(_SIZE.unpack(head)[0]) if len(head) == _SIZE.size else b""
    if not data or len(data) < _SIZE.unpack(head)[0]:
        raise EOFError
    return pickle.loads(data)


def _windows(pages: Iterable[Page]) -> Iterator[list[Page]]:
    """Pages in groups that the child reads whole before it answers, so that neither side waits on a full pipe."""
    window: list[Page] = []
    size = 0
    for page in pages:
        window.append(page)
        size += len(page[0])
        if len(window) >= _WINDOW_PAGES or size >= _WINDOW_BYTES:
            yield window
            window, size = [], 0
    if window:
        yield window


def close() -> None:
    """Ends the children that wait for pages."""
    with contextlib.suppress(IndexError):
        while True:
            _idle.pop().end()


def _forget() -> None:
    _idle.clear()
    for child in list(_children):
        child.forget()


atexit.register(close)
os.register_at_fork(after_in_child=_forget)
