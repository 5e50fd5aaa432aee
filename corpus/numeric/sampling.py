"""Bounded samples that do not depend on how rows were split into shards: the rows with the smallest keyed hashes win."""

from __future__ import annotations

import numpy as np


class Smallest:
    """Of all rows added, the `size` with the smallest (draw, id), for each group apart. Memory is bounded by twice that."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._chunks: list[dict[str, np.ndarray]] = []
        self._kept = self._pending = 0
        self._limit: dict[int, np.uint64] = {}   # the largest draw that a full group still holds

    def add(self, draws: np.ndarray, ids: np.ndarray, group: np.ndarray | None = None, **columns: np.ndarray) -> None:
        """draws: (n,) uint64. ids: (n, 2) uint64. group: (n,) int64, one group when None. columns: (n, …) each."""
        rows = {"draws": draws, "ids": ids, "group": np.zeros(len(draws), np.int64) if group is None else group, **columns}
        if self._limit:
            highest = np.uint64(np.iinfo(np.uint64).max)
            found, at = np.unique(rows["group"], return_inverse=True)
            limit = np.array([self._limit.get(int(g), highest) for g in found], np.uint64)
            rows = {name: values[rows["draws"] <= limit[at]] for name, values in rows.items()} if len(found) else rows
        self._chunks.append(rows)
        self._pending += len(rows["draws"])
        if self._pending > max(self._kept, self.size):
            self._trim()

    def rows(self) -> dict[str, np.ndarray]:
        """The sample: draws, ids, group and the other columns, ordered by (group, draw, id). Empty when nothing came."""
        self._trim()
        return self._chunks[0] if self._chunks else {}

    def _trim(self) -> None:
        if not self._chunks:
            return
        rows = {name: np.concatenate([c[name] for c in self._chunks]) for name in self._chunks[0]}
        order = np.lexsort((rows["ids"][:, 1], rows["ids"][:, 0], rows["draws"], rows["group"]))
        group = rows["group"][order]
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.zeros(0, np.int64)
        rank = np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))
        last = np.flatnonzero(rank == self.size - 1)
        self._limit = {int(group[i]): rows["draws"][order[i]] for i in last}
        order = order[rank < self.size]
        self._chunks = [{name: values[order] for name, values in rows.items()}]
        self._kept, self._pending = len(order), 0
