"""A member of a gzip file or a frame of a Zstandard file, inflated piece by piece; what is wrong with it has a name.

Whole members that are small are inflated by ISA-L where the package `isal` is installed, which is twice as fast; only what
its checksum vouches for is taken from it, so results do not depend on it. Windows of Zstandard over 128 MiB are not read.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import Protocol

import zstandard

from corpus.sources.opened import File

_FEED = 64 << 10
_ZSTD_FEED = 1 << 10     # what a kilobyte of Zstandard can inflate to, 32 MiB, bounds the memory of a step
_OUT = 1 << 20
_STEP = 16 << 10         # what lies behind a member is copied, so no more of it than this
_WHOLE = 1 << 20
_LARGEST_WHOLE = 4 << 20
_DICTIONARY = b"\x5d\x2a\x4d\x18"
_LARGEST_DICTIONARY = 16 << 20
_LARGEST_WINDOW = 128 << 20


class Damage(ValueError):
    """A member does not inflate; `problem` names the cause where it is no damage but something that is not read."""

    def __init__(self, message: str, problem: str | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class Codec(Protocol):
    """magic: how a member begins. feed: most bytes to give at a time. inflater: has `eof` and `unused_data`."""

    magic: bytes
    feed: int

    def __init__(self) -> None: ...

    def whole(self, file: File) -> bytes | None:
        """The member at the file's position, which then is its end; None where it has to be inflated in pieces."""

    def inflate(self, data: bytes) -> Iterator[bytes]:
        """Goes on with the next bytes of the member. Raises Damage."""


class Gzip:
    magic, feed = b"\x1f\x8b\x08", _FEED

    def __init__(self) -> None:
        self.inflater = zlib.decompressobj(31)

    def whole(self, file: File) -> bytes | None:
        isal_zlib = _isal()
        if isal_zlib is None:
            return None
        inflater, pieces, left, end = isal_zlib.decompressobj(31), [], _LARGEST_WHOLE, file.at + _WHOLE
        try:
            while left > 0 and file.at < end and (data := file.peek(_STEP)):
                pieces.append(inflater.decompress(data, left))
                left -= len(pieces[-1])
                file.seek(file.at + len(data) - len(inflater.unused_data))
                if inflater.eof:
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
                if inflater.unconsumed_tail:
                    return None
        except isal_zlib.error:
            pass
        return None

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


@functools.cache
def _isal() -> ModuleType | None:
    try:
        from isal import isal_zlib
    except ImportError:
        return None
    return isal_zlib


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


class Zstd:
    magic, feed = b"\x28\xb5\x2f\xfd", _ZSTD_FEED
    decompressor: zstandard.ZstdDecompressor
    dictionary = False

    def __init__(self) -> None:
        self.inflater = self.decompressor.decompressobj()
        self._head = b""

    def whole(self, file: File) -> None:
        return None

    def inflate(self, data: bytes) -> Iterator[bytes]:
        self._head += data[: 18 - len(self._head)]
        try:
            yield self.inflater.decompress(data)
        except zstandard.ZstdError as error:
            raise Damage(str(error), self._unread()) from None

    def _unread(self) -> str | None:
        """Why a frame cannot be read although nothing is wrong with it."""
        try:
            frame = zstandard.get_frame_parameters(self._head)
        except zstandard.ZstdError:
            return None
        if frame.window_size > _LARGEST_WINDOW:
            return "window_too_large"
        return "missing_dictionary" if frame.dict_id and not self.dictionary else None


def dictionary_size(head: bytes) -> int:
    """Bytes of the skippable frame at a file's beginning in which a .warc.zst file carries its dictionary; 0 where none is.

    Zstandard Compression for WARC Files 1.0 (IIPC).
    """
    size = int.from_bytes(head[4:8], "little")
    return 8 + size if head.startswith(_DICTIONARY) and size <= _LARGEST_DICTIONARY else 0


def dictionary_in(frame: bytes) -> bytes | None:
    """The dictionary in that frame, which may be a frame itself; None where it does not inflate or is too large."""
    data = frame[8:]
    if not data.startswith(Zstd.magic):
        return data
    try:
        if zstandard.frame_content_size(data) > _LARGEST_DICTIONARY:
            return None
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=_LARGEST_DICTIONARY, allow_extra_data=True)
    except zstandard.ZstdError:
        return None


def with_dictionary(data: bytes | None) -> type[Zstd]:
    """Zstandard as a file has it, with its dictionary if there is one. A class, since each member needs an object of it."""
    dictionary = zstandard.ZstdCompressionDict(data) if data else None
    decompressor = zstandard.ZstdDecompressor(dict_data=dictionary) if dictionary else zstandard.ZstdDecompressor()
    return type("ZstdOfFile", (Zstd,), {"decompressor": decompressor, "dictionary": dictionary is not None})
