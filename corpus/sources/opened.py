"""A file of any file system that fsspec knows, as a stream that can be read, moved in and read again; nothing is held.

A server that gives no parts of a file is asked for all of it again where reading has to go back: where a file is damaged,
or lies about lengths, and for each column of Parquet. That costs traffic, and no memory.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

import fsspec

_BLOCK = 1 << 20


@contextlib.contextmanager
def opened_stream(url: str) -> Iterator[BinaryIO]:
    """The file's bytes from the beginning; `read`, `seek` and `tell` work on every file system."""
    fs, path = fsspec.core.url_to_fs(url)
    with contextlib.closing(fs.open(path, "rb")) as stream:
        if _moves(stream):
            yield stream
            return
    with contextlib.closing(Forward(lambda: fs.open(path, "rb"))) as stream:
        yield stream


def _moves(stream: BinaryIO) -> bool:
    try:
        stream.seek(0, os.SEEK_END)
        stream.seek(0)
    except (ValueError, OSError):
        return False
    return True


class Forward:
    """A stream that only goes forward, with `seek`: ahead by reading on, back by opening it anew."""

    def __init__(self, open_: Callable[[], BinaryIO]) -> None:
        self._open = open_
        self._stream = open_()
        self._at = 0

    def read(self, n: int = -1) -> bytes:
        pieces = []
        while n and (piece := self._stream.read(_BLOCK if n < 0 else min(n, _BLOCK))):
            pieces.append(piece)
            self._at += len(piece)
            n -= len(piece) if n > 0 else 0
        return b"".join(pieces)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._at
        elif whence == os.SEEK_END:
            while self.read(_BLOCK):
                pass
            offset += self._at
        if offset < self._at:
            self.close()
            self._stream, self._at = self._open(), 0
        while self._at < offset and self.read(min(_BLOCK, offset - self._at)):
            pass
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._stream.close()


class Head:
    """The first bytes of a stream, as if it ended there."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size

    def read(self, n: int) -> bytes:
        return self._stream.read(max(0, min(n, self._size - self._stream.tell())))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)


class File:
    """A file read in blocks, with a position that can be looked at before it moves. furthest: the byte after what was looked
    at; whoever counts sets it back.
    """

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
