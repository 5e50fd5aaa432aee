"""Compressed files as a run of events, past any damage: where a member starts, its bytes, and where the run breaks.

A member is what gzip and Zstandard call a member or frame; crawlers write one a record. After damage the next member is
found by its magic number and by whether it inflates to something plausible. What it gives up: the rest of a member that
is damaged, and resuming inside a file that is one single member. Memory is flat; time is linear in inflated bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from corpus.sources.members import Codec, Damage, Gzip, Zstd, dictionary_in, dictionary_size, with_dictionary
from corpus.sources.opened import File

_BLOCK = 1 << 20
_PROBE = 1 << 10
_RESCAN = 256 << 20      # bytes read a second time in search of members inside damage, a file


class Start(NamedTuple):
    """A member starts at this byte of the file."""

    offset: int


class Break(NamedTuple):
    """What follows does not continue what came before. `torn`: it happened inside a member, which began at `offset`;
    otherwise bytes at `offset` belong to no member. `sample` is the beginning of what is lost.
    """

    offset: int
    problem: str
    torn: bool
    sample: bytes


Event = Start | bytes | Break


class Inflated:
    """Events of a file, and whether it is compressed. plausible: whether inflated bytes may be a member's beginning.

    What the file is shows in its first bytes, or, where those are damaged, in the first member that is found. A plain
    file is one member.
    """

    def __init__(self, stream: BinaryIO, plausible: Callable[[bytes], bool]) -> None:
        self._file, self._plausible = File(stream), plausible
        self._codec: type[Codec] | None = None
        self._budget, self._seen = _RESCAN, False
        head = self._file.peek(64)
        if head.startswith(Zstd.magic) or _is_skippable(head):
            self._codec = with_dictionary(dictionary_in(self._file.peek(dictionary_size(head))))
        elif head.startswith(Gzip.magic) or head and not _printable(head) and self._next_member(0, Gzip) is not None:
            self._codec = Gzip
        self.rewind(0)

    @property
    def compressed(self) -> bool:
        return self._codec is not None

    def rewind(self, offset: int) -> None:
        """Goes on from the member that starts at a byte of the file."""
        self._file.seek(offset)
        self._events = self._members(self._codec) if self._codec else self._plain()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def _plain(self) -> Iterator[Event]:
        yield Start(self._file.at)
        while block := self._file.peek(_BLOCK):
            self._file.seek(self._file.at + len(block))
            yield block

    def _members(self, codec: type[Codec]) -> Iterator[Event]:
        file = self._file
        while head := file.peek(8):
            start, torn, named = file.at, head.startswith(codec.magic), None
            file.furthest = start
            if codec is not Gzip and _is_skippable(head):
                file.seek(start + 8 + int.from_bytes(head[4:8], "little"))
                continue
            if torn:
                yield Start(start)
                try:
                    if (yield from _member(file, codec())):
                        self._seen = True
                        continue
                except Damage as damage:
                    named = damage.problem
            elif not _rest_has(file, start):
                return
            cut_short = torn and not file.peek(1)
            again = start + 1
            if self._budget < file.furthest - start:
                again = max(again, file.furthest)
            self._budget -= file.furthest - start
            file.seek(start)
            sample = file.peek(1024)
            found = self._next_member(again, codec)
            last = "truncated_record" if cut_short else "trailing_garbage" if self._seen and not torn else "damaged_span"
            yield Break(start, named or (last if found is None else "damaged_span"), torn, sample)
            if found is None:
                return
            file.seek(found)

    def _next_member(self, offset: int, codec: type[Codec]) -> int | None:
        """Where the next member at or after `offset` starts, None where there is none; leaves the position anywhere."""
        file, overlap = self._file, len(codec.magic) - 1
        while True:
            file.seek(offset)
            block = file.peek(_BLOCK)
            at = block.find(codec.magic)
            while at >= 0:
                file.seek(offset + at)
                if _begins(codec(), file.peek(_PROBE), self._plausible):
                    return offset + at
                at = block.find(codec.magic, at + 1)
            if len(block) < _BLOCK:
                return None
            offset += len(block) - overlap


def _member(file: File, member: Codec) -> Iterator[bytes]:
    """Inflates one member; returns whether it came to its end before the file did. Raises Damage."""
    start = file.at
    if (whole := member.whole(file)) is not None:
        yield whole
        return True
    file.seek(start)
    file.furthest = start     # as if nothing had been read: what is done with damage may not depend on what is installed
    while data := file.peek(member.feed):
        yield from member.inflate(data)
        file.seek(file.at + len(data) - len(member.inflater.unused_data))
        if member.inflater.eof:
            return True
    return False


def _begins(member: Codec, data: bytes, plausible: Callable[[bytes], bool]) -> bool:
    try:
        return plausible(next(iter(member.inflate(data)), b""))
    except Damage:
        return False


def _is_skippable(head: bytes) -> bool:
    return len(head) >= 8 and head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50


def _printable(head: bytes) -> bool:
    return all(b >= 32 or b in (9, 10, 13) for b in head) and max(head) < 0x80 or head.startswith(b"\xef\xbb\xbf")


def _rest_has(file: File, start: int) -> bool:
    """Whether anything but zero bytes follows: writers may pad with those."""
    while block := file.peek(_BLOCK):
        if block.strip(b"\x00"):
            file.seek(start)
            return True
        file.seek(file.at + len(block))
    return False
