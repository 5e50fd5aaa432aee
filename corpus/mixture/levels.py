"""Levels: how far into a cell a draw reaches, found exactly in two passes over the index and flat memory.

A level is (whole, threshold): up to it every document has `whole` copies, and those whose key is at or under the threshold
one more. What a trainer has read already counts, so a document that is ahead of the level gets nothing until the level
reaches it. Histograms of tokens over keys say in which bucket a level ends; the few documents of that bucket say where.
Ties of keys are taken together: with 64 bits they are accidents that move a level by a document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

SEEN = 256

#: Entries of the histograms, all slots together: 64 MB of tokens and as many of documents.
ENTRIES = 1 << 23


@dataclass(frozen=True)
class Chunk:
    """Some rows of the index. cells: (n,) int64 codes, -1 for none. keys: (n,) uint64. tokens: (n,) int64. seen: (n,) uint8
    copies read already.
    """

    cells: np.ndarray
    keys: np.ndarray
    tokens: np.ndarray
    seen: np.ndarray


Chunks = Callable[[], Iterable[Chunk]]


@dataclass(frozen=True)
class Sums:
    """What there is. tokens, documents: (cells, 256) int64, by copies seen."""

    tokens: np.ndarray
    documents: np.ndarray

    @property
    def available(self) -> np.ndarray:
        """(cells,) int64 tokens of one pass."""
        return self.tokens.sum(axis=1)

    @property
    def seen(self) -> np.ndarray:
        """(cells,) int64 tokens that were read."""
        return self.tokens @ np.arange(SEEN)

    @staticmethod
    def unseen(tokens: np.ndarray, documents: np.ndarray) -> Sums:
        """Of cells of which nothing was read. tokens, documents: (cells,)."""
        found = np.zeros((2, len(tokens), SEEN), np.int64)
        found[0, :, 0], found[1, :, 0] = tokens, documents
        return Sums(*found)

    @staticmethod
    def of(chunks: Iterable[Chunk], cells: int) -> Sums:
        from corpus.mixture import kernels

        found = np.zeros((2, cells, SEEN), np.int64)
        for c in chunks:
            kernels.add_sums(c.cells, c.seen, c.tokens, *found)
        return Sums(*found)


def whole_of(sums: Sums, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole copies, and the tokens beyond them, of levels that draw these tokens in all. drawn: (phases, cells) int64, of a
    cell never falling. Returns two (phases, cells) int64; where nothing is drawn both are 0.
    """
    step = np.cumsum(sums.tokens, axis=1)                      # what the level's rise from w to w + 1 draws
    below = np.concatenate([np.zeros((len(step), 1), np.int64), np.cumsum(step, axis=1)], axis=1)       # drawn at level w
    whole, rest = np.zeros_like(drawn), np.zeros_like(drawn)
    for p, c in zip(*np.nonzero(drawn)):
        beyond = drawn[p, c] - below[c, -1]
        if beyond >= 0:
            w, r = divmod(int(beyond), int(step[c, -1]))
            whole[p, c], rest[p, c] = SEEN + w, r
        else:
            w = int(np.searchsorted(below[c], drawn[p, c], side="right")) - 1
            whole[p, c], rest[p, c] = w, drawn[p, c] - below[c, w]
    return whole, rest


def drawn_at(found: np.ndarray, whole: int) -> int:
    """Tokens (or documents) that a level of whole copies draws of one cell. found: (256,), a row of `Sums`."""
    return int((found * np.maximum(0, whole - np.arange(SEEN))).sum())


@dataclass(frozen=True)
class Want:
    """Among a group's documents of which `level` or fewer copies were seen: those of smallest keys, of `rest` tokens."""

    group: int
    level: int
    rest: int


@dataclass(frozen=True)
class Cut:
    """Where a want ends: the largest key (None: no document) and what is at or under it."""

    threshold: int | None = None
    documents: int = 0
    tokens: int = 0


class Ladder:
    """Tokens and documents of each group over keys: filled in one pass, cut exactly after another.

    top: (groups,) the most copies seen that any want asks for. bits: of buckets a slot at most; no cut depends on it.
    """

    def __init__(self, top: np.ndarray, bits: int = 16) -> None:
        top = np.minimum(np.asarray(top, np.int64), SEEN - 1)
        self._start = np.r_[0, np.cumsum(top + 1)]
        self._slots = np.where(np.arange(SEEN) <= top[:, None], self._start[:-1, None] + np.arange(SEEN), -1)
        slots = max(1, int(self._start[-1]))
        bits = min(bits, max(1, int(np.log2(ENTRIES / slots))))
        self._shift, self._buckets, self._top = np.uint64(64 - bits), 1 << bits, top
        self._tokens = np.zeros((slots, self._buckets), np.int64)
        self._documents = np.zeros((slots, self._buckets), np.int64)

    def fill(self, chunks: Iterable[Chunk]) -> None:
        from corpus.mixture import kernels

        for c in chunks:
            kernels.add_buckets(c.cells, c.seen, c.keys, c.tokens, self._slots, self._shift, self._tokens, self._documents)
        np.cumsum(self._tokens, axis=1, out=self._tokens)
        np.cumsum(self._documents, axis=1, out=self._documents)

    def resolve(self, wants: Iterable[Want], chunks: Iterable[Chunk]) -> None:
        """Keeps the documents of every bucket in which a want may end."""
        from corpus.mixture import kernels

        flags = np.zeros((len(self._top), self._buckets), np.uint8)
        for want in wants:
            at, before, last = self._ends(want)
            flags[want.group, min(at, self._buckets - 1)] = 1
            if before:
                flags[want.group, last] = 1
        kept: list[tuple[np.ndarray, ...]] = []
        for c in chunks:
            rows = np.empty(len(c.keys), np.int64)
            rows = rows[:kernels.pick(c.cells, c.seen, c.keys, self._slots, self._shift, flags, rows)]
            kept.append((c.cells[rows], c.keys[rows], c.seen[rows].astype(np.int64), c.tokens[rows]))
        kept.append((np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64)))
        group, key, seen, tokens = (np.concatenate(k) for k in zip(*kept))
        order = np.lexsort((key, group))
        self._near = key[order], seen[order], tokens[order]
        self._bounds = np.searchsorted(group[order], np.arange(len(self._top) + 1))

    def cut(self, want: Want, nearest: bool = True) -> Cut:
        """The documents of smallest keys whose tokens come nearest to what is wanted or, without `nearest`, fit it."""
        if want.rest <= 0:
            return Cut()
        at, tokens, last = self._ends(want)
        keys, sizes = self._bucket(want, at)
        ends = np.flatnonzero(np.r_[keys[1:] != keys[:-1], True]) if len(keys) else np.zeros(0, np.int64)
        through = np.r_[tokens, tokens + np.cumsum(sizes)[ends]]
        fits = np.flatnonzero(through <= want.rest)[-1]
        best = int(np.argmin(np.abs(through - want.rest))) if nearest else int(fits)
        if best:
            key = int(keys[ends[best - 1]])
        elif tokens:
            key = int(self._bucket(want, last)[0][-1])
        else:
            return Cut()
        documents, tokens = self.upto(want.group, want.level, key)
        return Cut(key, documents, tokens)

    def upto(self, group: int, level: int, key: int | None) -> tuple[int, int]:
        """Documents and tokens at or under a cut's `key` (None: none) of which `level` or fewer copies were seen."""
        if key is None or level < 0:
            return 0, 0
        at = key >> int(self._shift)
        slots = self._of(group, level)
        documents, tokens = (int(a[slots, at - 1].sum()) if at else 0 for a in (self._documents, self._tokens))
        keys, sizes = self._bucket(Want(group, level, 0), at)
        n = int(np.searchsorted(keys, np.uint64(key), side="right"))
        return documents + n, tokens + int(sizes[:n].sum())

    def _of(self, group: int, level: int) -> slice:
        return slice(self._start[group], self._start[group] + min(level, self._top[group]) + 1)

    def _ends(self, want: Want) -> tuple[int, int, int]:
        """The bucket in which a want ends, the tokens before it, and the last bucket before it that holds any."""
        through = self._tokens[self._of(want.group, want.level)].sum(axis=0)
        at = int(np.searchsorted(through, want.rest, side="right"))
        before = int(through[at - 1]) if at else 0
        return at, before, int(np.searchsorted(through, before, side="left"))

    def _bucket(self, want: Want, at: int) -> tuple[np.ndarray, np.ndarray]:
        """Keys, in order, and tokens of a resolved bucket's documents that a want is about."""
        mine = slice(self._bounds[want.group], self._bounds[want.group + 1])
        keys, seen, tokens = (a[mine] for a in self._near)
        here = (keys >> self._shift == np.uint64(at)) & (seen <= want.level)
        return keys[here], tokens[here]


def seen_of(table: pa.Table | None, rows: int) -> np.ndarray:
    """(rows,) uint8 of a `seen` shard; zeros where there is none."""
    return np.zeros(rows, np.uint8) if table is None else table.column("seen").to_numpy()
