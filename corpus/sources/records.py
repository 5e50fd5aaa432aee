"""WARC records out of a file's inflated bytes, past any damage: each record once, each damaged span once.

A record's declared length is believed only where what follows it is a record's end. After a lie, the next record is
looked for after the liar's head; after damage, at the next member. What it gives up: in a file compressed as one single
member, records swallowed by a length that is over the limit and a lie; and a lie that ends exactly at a later record's
end in a file that is not compressed by record.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from corpus.sources.fields import end_of_head, parse_fields
from corpus.sources.inflate import Break, Event, Start, inflated

HEAD_BYTES = 64 << 10
_MAGIC = b"WARC/"
_RECORD = re.compile(rb"WARC/[01]\.[0-9]\r?\n[A-Za-z-]+:")
_BLANKS = re.compile(rb"[\r\n]*+")
_LENGTH = re.compile(rb"[0-9]{1,18}")
_SAMPLE = 4096
_OVERLAP = 64


class Frame(NamedTuple):
    """A record, or a damaged span: its place in the file, its fields if it has a head, its block unless `problem`.

    `sample`: the first bytes, to tell spans without a block apart by.
    """

    offset: int
    fields: dict[bytes, bytes]
    block: bytes | None
    problem: str | None
    sample: bytes


def begins_record(data: bytes) -> bool:
    return data.startswith(_MAGIC)


class Window:
    """The bytes of a file that are being looked at. Positions are in inflated bytes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._size = stream.seek(0, 2)
        stream.seek(0)
        self._events, self.compressed = inflated(stream, begins_record)
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
            self.fill(position + len(_MAGIC))
            if self.looks_at(position):
                return position
            at += 1
        return None

    def looks_at(self, position: int) -> bool:
        return self.buffer.startswith(_MAGIC, position - self.base)

    def blank(self, position: int) -> int:
        """The position after up to 64 CR and LF."""
        self.fill(position + 64)
        at = position - self.base
        return self.base + _BLANKS.match(self.buffer, at, at + 64).end()

    def head_end(self, start: int) -> int:
        """Where the block of the record at `start` begins, -1 where it has no head."""
        if not self.looks_at(start):
            return -1
        for ahead in (_SAMPLE, HEAD_BYTES):
            self.fill(start + ahead)
            found = end_of_head(self.buffer, start - self.base, start - self.base + ahead)
            if found >= 0:
                return self.base + found
        return -1

    def skip(self, position: int) -> bool:
        """Like `fill`, without keeping what it passes; stops before a member that starts as a record does."""
        if not self.compressed:
            self._reopen(min(position, self._size))
            return position <= self._size
        while self.end < position:
            if self.record_start(self.base + 1, position) is not None:
                return False
            self.drop(max(self.base, self.end - len(_MAGIC)))
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

    def find_record(self, position: int) -> int | None:
        """The first position from here on at which a record starts, None where the file ends or breaks before one.

        What was skipped is gone over again only where the file is not compressed.
        """
        if position < self.base and not self.compressed:
            self._reopen(position)
        position = max(position, self.base)
        while True:
            self.fill(position + _SAMPLE)
            found = _RECORD.search(self.buffer, max(0, position - self.base))
            text = self.base + found.start() if found else self.end
            member = self.record_start(position, text)
            if member is not None or found:
                return text if member is None else member
            position = max(position, self.end - _OVERLAP)
            self.drop(position)
            if not self.fill(self.end + 1):
                return None

    def take(self, start: int, end: int) -> bytes:
        with memoryview(self.buffer) as view:
            return bytes(view[start - self.base : end - self.base])


def frames(stream: BinaryIO, wanted: frozenset[bytes], limit: int) -> Iterator[Frame]:
    """Records of a WARC file in order. Blocks of types that are not `wanted` are passed over: they are empty.

    limit: most bytes of a block that are held; a longer one is `record_too_large`.
    """
    window, at, seen = Window(stream), 0, False
    while True:
        while (after := window.blank(at)) > at:
            at = after
            window.drop(at)
        if window.fill(at + 1):
            frame, at = _frame(window, at, wanted, limit, seen)
            window.drop(at)
        elif window.broken is not None:
            frame = Frame(window.broken.offset, {}, None, window.broken.problem, window.broken.sample)
            at = window.resume()
        else:
            return
        seen = True
        yield frame


def _frame(window: Window, start: int, wanted: frozenset[bytes], limit: int, seen: bool) -> tuple[Frame, int]:
    """The record or damaged span at `start`, and the position from which to go on."""
    offset, body = window.offset(start), window.head_end(start)
    sample, claims = window.take(start, min(start + _SAMPLE, window.end)), window.looks_at(start)
    cut = window.record_start(start + 1, body) if body >= 0 else None
    if body < 0 or cut is not None:
        following = window.find_record(start + 1) if cut is None else cut
        ending = "truncated_record" if claims else "trailing_garbage" if seen and not window.broken else "damaged_span"
        return _damaged(window, Frame(offset, {}, None, ending, sample), following, "damaged_span")

    fields = parse_fields(window.take(start, body))
    lie = Frame(offset, fields, None, "bad_length", sample)
    length = _LENGTH.fullmatch(fields.get(b"content-length", b""))
    if not length:
        return _damaged(window, lie, window.find_record(body), "bad_length")
    size = int(length[0])
    end = body + size
    whole = window.fill(end) if size <= limit else window.skip(end)
    early = window.record_start(body, end)
    if early is not None:
        return lie, early
    if not whole:
        ending = "bad_length" if window.compressed else "truncated_record"
        return _damaged(window, lie._replace(problem=ending), window.find_record(body), "bad_length")
    after = _end_of_record(window, end)
    if after is None:
        return _damaged(window, lie, window.find_record(body), "bad_length")
    alone = window.at_start(start) and window.blank(after) == window.end
    if alone and not window.fill(window.end + 1) and window.tore(offset):
        return _damaged(window, lie, None, "bad_length")
    if fields.get(b"warc-type", b"").lower() not in wanted:
        return Frame(offset, fields, b"", None, sample), after
    if size > limit:
        return Frame(offset, fields, None, "record_too_large", sample), after
    return Frame(offset, fields, window.take(body, end), None, sample), after


def _damaged(window: Window, frame: Frame, following: int | None, problem: str) -> tuple[Frame, int]:
    """A frame with `problem` where a record follows; else with the problem of the break that it fell to, or its own."""
    if following is not None:
        return frame._replace(problem=problem), following
    if window.torn:
        return frame._replace(problem=window.broken.problem), window.resume()
    return frame, window.end


def _end_of_record(window: Window, end: int) -> int | None:
    """The position after a record whose block ends at `end`, None where no record ends there."""
    window.fill(end + 4)
    if window.buffer.startswith(b"\r\n\r\n", end - window.base):
        return end + 4
    after = window.blank(end)
    window.fill(after + len(_MAGIC))
    return after if after == window.end or window.looks_at(after) or window.at_start(after) else None
