"""The part of an archive that is being looked at: inflated bytes, and where in them members start and the run breaks."""

from __future__ import annotations

import bisect
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from corpus.sources.inflate import Break, Event, Inflated, Start
from corpus.sources.syntax import Syntax

HEAD_BYTES = 64 << 10
SAMPLE = 4096
_MARGIN = 8
_BLANKS = re.compile(rb"[\r\n]*+")
_AGAIN = 1 << 30     # inflated bytes that are gone over a second time behind lengths that were lies, a file


class Window:
    """The bytes of a file that are being looked at. Positions are in inflated bytes."""

    def __init__(self, stream: BinaryIO, syntax: Syntax) -> None:
        self.syntax = syntax
        self._stream = stream
        self._size: int | None = None
        self._inflated = Inflated(stream, lambda data: syntax.member.match(data) is not None)
        self._events: Iterator[Event] = self._inflated
        self.compressed = self._inflated.compressed
        self._passed: tuple[int, int] | None = None     # the member in which `skip` began: position, byte of the file
        self._again = _AGAIN
        self._starts: list[int] = []      # positions of members, ascending
        self._offsets: list[int] = []     # the byte of the file that each starts at
        self.buffer = bytearray()
        self.base = 0
        self.broken: Break | None = None

    @property
    def end(self) -> int:
        return self.base + len(self.buffer)

    @property
    def torn(self) -> bool:
        return self.broken is not None and self.broken.torn

    def tore(self, offset: int) -> bool:
        """Whether the break is inside the member that starts at a byte of the file, and nothing of it is left."""
        return self.torn and self.broken.offset == offset

    def fill(self, until: int) -> bool:
        """Reads up to a position; False where the file ends or breaks before it."""
        while self.end < until:
            event: Event | None = None if self.broken else next(self._events, None)
            if isinstance(event, bytes):
                self.buffer += event
            elif isinstance(event, Start):
                self._starts.append(self.end)
                self._offsets.append(event.offset)
            else:
                self.broken = self.broken or event
                return False
        return True

    def resume(self) -> int:
        """Goes on after a break; the position of what follows."""
        self.base, self.broken = self.end, None
        self.buffer.clear()
        return self.base

    def drop(self, position: int) -> None:
        """Forgets what lies before a position."""
        del self.buffer[: position - self.base]
        self.base = position
        passed = bisect.bisect_right(self._starts, position) - 1
        if passed > 0:
            del self._starts[:passed], self._offsets[:passed]

    def offset(self, position: int) -> int:
        """Where in the file the member starts that holds a position; the position itself where nothing is compressed."""
        at = bisect.bisect_right(self._starts, position) - 1
        return self._offsets[at] if self.compressed and at >= 0 else position

    def at_start(self, position: int) -> bool:
        """Whether a compressed member starts here."""
        at = bisect.bisect_left(self._starts, position)
        return self.compressed and at < len(self._starts) and self._starts[at] == position

    def record_start(self, first: int, before: int) -> int | None:
        """The first member in a range of positions that starts as a record does."""
        at = bisect.bisect_left(self._starts, first)
        while self.compressed and at < len(self._starts) and (position := self._starts[at]) < before:
            if self.looks_at(position):
                return position
            at += 1
        return None

    def looks_at(self, position: int) -> bool:
        """Whether a record starts here."""
        if self.end < position + self.syntax.ahead:
            self.fill(position + self.syntax.ahead)
        return self.syntax.begins.match(self.buffer, position - self.base) is not None

    def blank(self, position: int) -> int:
        """The position after up to 64 CR and LF."""
        self.fill(position + 64)
        at = position - self.base
        return self.base + _BLANKS.match(self.buffer, at, at + 64).end()

    def head_end(self, start: int) -> int:
        """Where the block of the record at `start` begins, -1 where it has no head."""
        if not self.looks_at(start):
            return -1
        for ahead in (SAMPLE, HEAD_BYTES):
            self.fill(start + ahead)
            found = self.syntax.end_of_head(self.buffer, start - self.base, start - self.base + ahead)
            if found >= 0:
                return self.base + found
        return -1

    def skip(self, position: int) -> bool:
        """Like `fill`, without keeping what it passes; stops before a member that starts as a record does."""
        if not self.compressed:
            if position > self.end:
                self._size = self._stream.seek(0, os.SEEK_END) if self._size is None else self._size
            self._reopen(position if self._size is None else min(position, self._size))
            return self._size is None or position <= self._size
        self._passed = (self._starts[0], self._offsets[0]) if self._starts else None
        while self.end < position:
            if self.record_start(self.base + 1, position) is not None:
                return False
            self.drop(max(self.base, self.end - _MARGIN))
            if not self.fill(self.end + 1):
                return False
        self.drop(position)
        return True

    def _reopen(self, position: int) -> None:
        """Goes to a position of a file that is not compressed."""
        if not self.base <= position <= self.end:
            self._stream.seek(position)
            self._events = iter(lambda: self._stream.read(1 << 20), b"")
            self.buffer.clear()
            self.base = position

    def _inflate_again(self, position: int) -> None:
        """Goes back to a position behind the beginning of the member in which `skip` began, while there is budget for it."""
        if self._passed is None or self._again < self.end - self._passed[0]:
            return
        self._again -= self.end - self._passed[0]
        self.base, offset = self._passed
        self._passed, self.broken = None, None
        self._inflated.rewind(offset)
        for held in (self.buffer, self._starts, self._offsets):
            held.clear()
        while self.end < position and self.fill(self.end + 1):
            self.drop(min(self.end, position))

    def find_record(self, position: int) -> int | None:
        """The first position from here on at which a record starts, None where the file ends or breaks before one."""
        if position < self.base:
            self._inflate_again(position) if self.compressed else self._reopen(position)
        position = max(position, self.base)
        while True:
            self.fill(position + max(SAMPLE, self.syntax.ahead))
            found = self.syntax.inside.search(self.buffer, max(0, position - self.base))
            text = self.base + found.start() if found else self.end
            member = self.record_start(position, text)
            if member is not None or found:
                return text if member is None else member
            position = max(position, self.end - self.syntax.ahead)
            self.drop(position)
            if not self.fill(self.end + 1):
                return None

    def take(self, start: int, end: int) -> bytes:
        with memoryview(self.buffer) as view:
            return bytes(view[start - self.base : end - self.base])
