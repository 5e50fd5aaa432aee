"""Texts as ids of white-space-free chunks, looked up in a vocabulary that the process keeps.

What is a pure function of a chunk (its tokens, its matching words) is then found once a distinct chunk. The vocabulary
starts afresh when it is large, between batches: nothing that is measured depends on it. What it gives up: ids mean
nothing outside their vocabulary, and a batch's own distinct chunks are all held while it is measured.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.operators import Batch

T = TypeVar("T")

MOST_CHUNKS = 300_000                               # a vocabulary of more, or of more bytes, is not used again
MOST_BYTES = 12 << 20


class Strings:
    """Distinct strings without white space, numbered from 0 as they are first seen."""

    def __init__(self, room: int = 1 << 12) -> None:
        self._known = 0
        self._slots = np.zeros(2 * room, np.uint64)
        self._hashes = np.empty(room, np.uint64)
        self._ends = np.zeros(room + 1, np.int64)
        self._pool = np.empty(16 * room, np.uint8)

    def __len__(self) -> int:
        return self._known

    @property
    def bytes(self) -> int:
        """Bytes of all strings, one more for each."""
        return int(self._ends[self._known])

    def ids_of(self, data: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """data: (b,) uint8 with text i at data[offsets[i] : offsets[i + 1]]. Returns ids (c,) int32, gaps (c,) uint8,
        starts (m + 1,) int64 and lines (m,) int64, as `corpus.text.kernels.cut` says.
        """
        from corpus.text import kernels

        m = len(offsets) - 1
        most = int(offsets[-1] - offsets[0] + m) // 2 + 1          # chunks have a space between them
        ids, gaps = np.empty(most, np.int32), np.empty(most, np.uint8)
        starts, lines = np.empty(m + 1, np.int64), np.empty(m, np.int64)
        state = np.zeros(7, np.int64)
        state[kernels.BYTE] = -1
        state[kernels.KNOWN] = self._known
        while not kernels.cut(data, offsets, state, ids, gaps, starts, lines, self._slots, self._hashes, self._pool,
                              self._ends):
            self._known = int(state[kernels.KNOWN])
            self._grow(len(data))
        self._known = int(state[kernels.KNOWN])
        n = int(state[kernels.OUT])
        return ids[:n], gaps[:n], starts, lines

    def _grow(self, size: int) -> None:
        from corpus.text import kernels

        room = 2 * len(self._hashes)
        if self._known + 2 > len(self._hashes) or 2 * self._known > len(self._slots):
            self._hashes = grown(self._hashes, room)
            self._ends = grown(self._ends, room + 1)
            self._slots = np.zeros(2 * room, np.uint64)
            kernels.place(self._hashes, self._known, self._slots)
        else:
            self._pool = grown(self._pool, min(2 * len(self._pool), len(self._pool) + size + (1 << 20)))

    def raw(self, first: int, past: int) -> tuple[np.ndarray, np.ndarray]:
        """Bytes of strings first … past - 1, each with a line feed behind it, and (k + 1,) int64 offsets into them."""
        ends = self._ends[first : past + 1]
        return self._pool[ends[0] : ends[-1]], ends - ends[0]

    def listed(self, first: int, past: int) -> list[str]:
        """Strings first … past - 1."""
        data, _ = self.raw(first, past)
        return data.tobytes().decode().split("\n")[:-1]


class Vocabulary(Strings):
    """Chunks, and what has been derived from each of them."""

    def __init__(self) -> None:
        super().__init__(1 << 16)
        self.lock = threading.RLock()
        self._layers: dict[Hashable, Any] = {}

    def layer(self, key: Hashable, make: Callable[[Vocabulary], T]) -> T:
        """What is kept beside the chunks under a key, made at most once: of a weak reference, so that a vocabulary that is
        given up is gone at once and with all its layers.
        """
        with self.lock:
            if key not in self._layers:
                self._layers[key] = make(weakref.proxy(self))
            return self._layers[key]


class Lists:
    """Some integers for each of a growing number of things: list k is flat[first[k] : first[k + 1]]."""

    def __init__(self, dtype: type[np.generic]) -> None:
        self.count = 0
        self.first = np.zeros(1, np.int64)
        self.flat = np.empty(0, dtype)

    def append(self, counts: np.ndarray, flat: np.ndarray) -> None:
        """counts: (k,) integers of each new list, flat: all of them."""
        used, past = int(self.first[self.count]), self.count + len(counts)
        if past + 1 > len(self.first):
            self.first = grown(self.first, max(past + 1, 2 * len(self.first)))
        if used + len(flat) > len(self.flat):
            self.flat = grown(self.flat, max(used + len(flat), len(self.flat) * 3 // 2))
        self.first[self.count + 1 : past + 1] = used + np.cumsum(counts)
        self.flat[used : used + len(flat)] = flat
        self.count = past


@dataclass(frozen=True)
class Chunks:
    """White-space-free chunks of m texts.

    ids: (c,) int32 into vocabulary; gaps: (c,) uint8, what lies before each (`corpus.text.kernels`); starts: (m + 1,)
    int64, text i has ids[starts[i] : starts[i + 1]]; lines: (m,) int64, lines of each text by `str.splitlines`.
    """

    vocabulary: Vocabulary
    ids: np.ndarray
    gaps: np.ndarray
    starts: np.ndarray
    lines: np.ndarray

    def __len__(self) -> int:
        return len(self.lines)


_current: Vocabulary | None = None
_start_afresh = threading.Lock()


def vocabulary() -> Vocabulary:
    """The process's vocabulary, a new one where it has grown too large."""
    global _current
    with _start_afresh:
        if _current is None or len(_current) > MOST_CHUNKS or _current.bytes > MOST_BYTES:
            _current = Vocabulary()
        return _current


def forget() -> None:
    """Gives the process's vocabulary up, so that the next batch starts afresh: for measuring what that costs."""
    global _current
    with _start_afresh:
        _current = None


def chunks_of(batch: Batch) -> Chunks:
    """Chunks of the batch's texts, cut once a batch."""
    return batch.shared("chunks", lambda: cut_texts(*bytes_of(batch)))


def bytes_of(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """The UTF-8 of the batch's texts, as `utf8` gives it."""
    return batch.shared("bytes", lambda: utf8(batch.column("text")))


def cut_texts(data: np.ndarray, offsets: np.ndarray, within: Vocabulary | None = None) -> Chunks:
    """Chunks of texts given as `utf8` gives them, in the process's vocabulary where none is given."""
    words = within if within is not None else vocabulary()
    with words.lock:
        return Chunks(words, *words.ids_of(data, offsets))


def utf8(texts: pa.Array | pa.ChunkedArray | Sequence[str | None]) -> tuple[np.ndarray, np.ndarray]:
    """(b,) uint8, read-only, and (m + 1,) int64: the bytes of texts, copied only where they have to be. A null is an empty
    text.
    """
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        texts = pa.array(texts, pa.large_string())
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.chunk(0) if texts.num_chunks == 1 else texts.cast(pa.large_string()).combine_chunks()
        texts = pa.concat_arrays(texts.chunks) if isinstance(texts, pa.ChunkedArray) else texts
    if not len(texts):
        return _NO_BYTES, np.zeros(1, np.int64)
    if texts.null_count:
        texts = pc.fill_null(texts, "")
    wide = pa.types.is_large_string(texts.type)
    if not wide and not pa.types.is_string(texts.type):
        raise TypeError(f"texts are strings, not {texts.type}")
    _, ends, data = texts.buffers()
    offsets = np.frombuffer(ends, np.int64 if wide else np.int32)[texts.offset : texts.offset + len(texts) + 1]
    bytes_ = np.frombuffer(data, np.uint8) if data is not None and data.size else _NO_BYTES
    bytes_.flags.writeable = False                  # whoever made them: a kernel is compiled for each kind that it is given
    return bytes_, offsets.astype(np.int64)


def joined(strings: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Strings without white space as the bytes of one text, for `Strings.ids_of`."""
    data = np.frombuffer("\n".join(strings).encode() or b"\n", np.uint8)
    return data, np.array([0, len(data)], np.int64)


def grown(array: np.ndarray, rows: int) -> np.ndarray:
    """The array with room for more rows; the new ones hold anything."""
    out = np.empty((rows, *array.shape[1:]), array.dtype)
    out[: len(array)] = array
    return out


_NO_BYTES = np.frombuffer(b"\0", np.uint8)
