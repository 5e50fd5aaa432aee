"""Bands → candidate pairs: documents that share a band key, brought together by key.

A key that more than `MANY` documents share (a template, a licence, copies of one page) would give a square of pairs.
There each document is paired with the one of the least id and with its neighbours in id order alone: copies still
join one component, while a near-duplicate that is close to none of those two can be missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.ids import one_array, rank
from corpus.document import ID
from corpus.exchange import partition_of
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import TaskIO

MANY = 64
PAIRS = pa.schema([("a", ID), ("b", ID)])


@register("exchange", "candidates")
@dataclass(frozen=True)
class Candidates(Exchange):
    """Pairs of documents that share a band key (Broder 1997). Emits `shingles` by key; writes `pairs` (a < b, distinct)."""

    partitions: int = 64
    sort: ClassVar[tuple[str, ...]] = ("band", "id")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for rows in io.tables("shingles", ["id", "bands"]):
            bands = one_array(rows.column("bands"))
            keys = bands.flatten()
            ids = one_array(rows.column("id")).take(pc.list_parent_indices(bands))
            yield partition_of(keys.to_numpy(zero_copy_only=False), self.partitions), pa.table({"band": keys, "id": ids})

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        (ids,), distinct = rank(rows.column("id"))
        a, b = bucket_pairs(rows.column("band").to_numpy(), ids)
        pairs = np.unique(a * len(distinct) + b)
        a, b = np.divmod(pairs, max(1, len(distinct)))
        io.write("pairs", pa.table([distinct.take(pa.array(a)), distinct.take(pa.array(b))], schema=PAIRS))
        io.count("pairs", len(pairs))


def bucket_pairs(keys: np.ndarray, ids: np.ndarray, many: int = MANY) -> tuple[np.ndarray, np.ndarray]:
    """Pairs a < b of ids that share a key; rows sorted by (key, id). Repeats between keys are left in."""
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    new = np.r_[True, (keys[1:] != keys[:-1]) | (ids[1:] != ids[:-1])]           # one row for each document and key
    keys, ids = keys[new], ids[new]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    first, end, large = (np.repeat(x, sizes) for x in (starts, starts + sizes, sizes > many))
    at = np.flatnonzero(large & (first < np.arange(len(keys))))
    left, right = [first[at]], [at]                                              # everything with the least id
    at = np.arange(len(keys))
    for step in range(1, many):
        at = at[(at + step < end[at]) & (~large[at] | (step == 1))]
        if not len(at):
            break
        left.append(at)
        right.append(at + step)
    return ids[np.concatenate(left)], ids[np.concatenate(right)]
