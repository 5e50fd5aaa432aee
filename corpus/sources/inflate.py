"""Compressed files as a run of events, past any damage: where a member starts, its bytes, and where the run breaks.

A member is what gzip and Zstandard call a member or frame; crawlers write one a record. After damage the next member is
found by its magic number and by whether it inflates to something plausible. What it gives up: the rest of a member that
is damaged, and resuming inside a file that is one single member. Memory is flat; time is linear in inflated bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

import zstandard

GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
_DICTIONARY = b"\x5d\x2a\x4d\x18"
_BLOCK = 1 << 20
_FEED = 64 << 10
_OUT = 4 << 20
_ZSTD_FEED = 1 << 10     # what a kilobyte of Zstandard can inflate to bounds the memory of a step
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


class Damage(ValueError):
    """A member does not inflate."""


class File:
    """A file read in blocks, with a position that can be looked at before it moves."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._block = b""
        self._base = 0
        self.at = 0
        self.furthest = 0

    def seek(self, offset: int) -> None:
        self.at = offset
        if not self._base <= offset <= self._base + len(self._block):
            self._stream.seek(offset)
            self._base, self._block = offset, b""

    def peek(self, n: int) -> bytes:
        """Up to n bytes from here; fewer only at the end of the file."""
        have = self.at - self._base
        while len(self._block) - have < n:
            more = self._stream.read(max(_BLOCK, n))
            if not more:
                break
            self._block, self._base, have = self._block[have:] + more, self.at, 0
        found = self._block[have : have + n]
        self.furthest = max(self.furthest, self.at + len(found))
        return found


def inflated(stream: BinaryIO, plausible: Callable[[bytes], bool]) -> tuple[Iterator[Event], bool]:
    """Events of a file, and whether it is compressed. plausible: whether inflated bytes may be a member's beginning.

    What the file is shows in its first bytes, or, where those are damaged, in the first member that is found. A plain
    file is one member.
    """
    file = File(stream)
    head = file.peek(64)
    if head.startswith(GZIP):
        return _members(file, _Gzip, plausible), True
    if head.startswith(ZSTD) or _is_skippable(head):
        return _members(file, _zstd(file), plausible), True
    compressed = bool(head) and not _printable(head) and _next_member(file, 0, _Gzip, plausible) is not None
    file.seek(0)
    return (_members(file, _Gzip, plausible) if compressed else _plain(file)), compressed


def _plain(file: File) -> Iterator[Event]:
    yield Start(0)
    while block := file.peek(_BLOCK):
        file.seek(file.at + len(block))
        yield block


def _members(file: File, codec: type[_Gzip | _Zstd], plausible: Callable[[bytes], bool]) -> Iterator[Event]:
    budget, seen = _RESCAN, False
    while head := file.peek(8):
        start, torn, ended = file.at, head.startswith(codec.magic), False
        if codec is not _Gzip and _is_skippable(head):
            file.seek(start + 8 + int.from_bytes(head[4:8], "little"))
            continue
        if torn:
            yield Start(start)
            try:
                ended = yield from _member(file, codec())
            except Damage:
                pass
            if ended:
                seen = True
                continue
        elif not _rest_has(file, start):
            return
        cut_short = torn and not file.peek(1)
        again = start + 1
        if budget < file.furthest - start:
            again = max(again, file.furthest)
        budget -= file.furthest - start
        file.seek(start)
        sample = file.peek(1024)
        found = _next_member(file, again, codec, plausible)
        last = "truncated_record" if cut_short else "trailing_garbage" if seen and not torn else "damaged_span"
        yield Break(start, last if found is None else "damaged_span", torn, sample)
        if found is None:
            return
        file.seek(found)


def _member(file: File, member: _Gzip | _Zstd) -> Iterator[bytes]:
    """Inflates one member; returns whether it came to its end before the file did. Raises Damage."""
    while data := file.peek(member.feed):
        yield from member.inflate(data)
        file.seek(file.at + len(data) - len(member.inflater.unused_data))
        if member.inflater.eof:
            return True
    return False


class _Gzip:
    magic, feed = GZIP, _FEED

    def __init__(self) -> None:
        self.inflater = zlib.decompressobj(31)

    def inflate(self, data: bytes) -> Iterator[bytes]:
        full = True
        while (data or full) and not self.inflater.eof:
            before = self.inflater.copy()
            try:
                piece = self.inflater.decompress(data, _OUT)
            except zlib.error as error:
                yield _up_to_damage(before, data)
                raise Damage(str(error)) from None
            yield piece
            data, full = self.inflater.unconsumed_tail, len(piece) == _OUT


def _up_to_damage(inflater: zlib._Decompress, data: bytes) -> bytes:
    """What inflates before the error: the longest prefix that raises none, found by halving."""
    pieces, at, step = [], 0, len(data) // 2
    while step:
        attempt = inflater.copy()
        try:
            pieces.append(attempt.decompress(data[at : at + step], _OUT))
            inflater, at = attempt, at + step
        except zlib.error:
            pass
        step //= 2
    return b"".join(pieces)


class _Zstd:
    magic, feed = ZSTD, _ZSTD_FEED
    decompressor: zstandard.ZstdDecompressor

    def __init__(self) -> None:
        self.inflater = self.decompressor.decompressobj()

    def inflate(self, data: bytes) -> Iterator[bytes]:
        try:
            yield self.inflater.decompress(data)
        except zstandard.ZstdError as error:
            raise Damage(str(error)) from None


def _zstd(file: File) -> type[_Zstd]:
    """Zstandard with the dictionary that a WARC may carry in a skippable frame at its beginning."""
    head = file.peek(8)
    dictionary = None
    if head.startswith(_DICTIONARY):
        size = int.from_bytes(head[4:8], "little")
        data = file.peek(8 + min(size, _BLOCK * 16))[8:]
        if data.startswith(ZSTD):
            try:
                data = zstandard.ZstdDecompressor().decompress(data, max_output_size=_BLOCK * 16, allow_extra_data=True)
            except zstandard.ZstdError:
                data = b""
        dictionary = zstandard.ZstdCompressionDict(data) if data else None
    decompressor = zstandard.ZstdDecompressor(dict_data=dictionary) if dictionary else zstandard.ZstdDecompressor()
    return type("_ZstdOfFile", (_Zstd,), {"decompressor": decompressor})


def _next_member(file: File, offset: int, codec: type[_Gzip | _Zstd], plausible: Callable[[bytes], bool]) -> int | None:
    """Where the next member at or after `offset` starts, None where there is none; leaves the position anywhere."""
    overlap = len(codec.magic) - 1
    while True:
        file.seek(offset)
        block = file.peek(_BLOCK)
        at = block.find(codec.magic)
        while at >= 0:
            file.seek(offset + at)
            if _begins(codec(), file.peek(_PROBE), plausible):
                return offset + at
            at = block.find(codec.magic, at + 1)
        if len(block) < _BLOCK:
            return None
        offset += len(block) - overlap


def _begins(member: _Gzip | _Zstd, data: bytes, plausible: Callable[[bytes], bool]) -> bool:
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
