"""Asking afterwards: which documents of a build are near-duplicates of a text or of a document, and who is in its group.

`shingles` and `groups` of the source shards are all it takes, so a removal finds what it has to close over without the
sources. One shard is read at a time; shingles are read only where a band key is equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.dedup.verify import pair_jaccard
from corpus.document import ID, one_array
from corpus.results import Shard
from corpus.store import Store


@dataclass(frozen=True)
class Near:
    """A document near the one that was asked for: its place, and the exact Jaccard of the two shingle sets."""

    id: bytes
    shard: Shard
    row: int
    jaccard: float


def near_of(store: Store, shards: Sequence[Shard], wanted: str | bytes, shingle: Shingle | None = None,
            threshold: float = 0.8) -> list[Near]:
    """Documents of `shingles` shards at Jaccard `threshold` or more with a text (str) or the document of an id (bytes).

    shingle: as the shards were made. In the order of the shards and their rows; the document of the id is among them, and
    nothing is found where no shard has it. What bands miss is missed (see `corpus.dedup.minhash`).
    """
    if isinstance(wanted, str):
        own = (shingle or Shingle()).of(pa.array([bytes(16)], ID), [wanted])
    else:
        own = _row_of(store, shards, wanted)
    if not own.num_rows:
        return []
    sets, keys = one_array(own.column("shingles")), one_array(own.column("bands")).flatten()
    found = []
    for shard in shards:
        bands = one_array(store.read_shard(shard, ["bands"]).column("bands"))
        meets = pc.is_in(bands.flatten(), value_set=keys).to_numpy(zero_copy_only=False)
        rows = np.unique(pc.list_parent_indices(bands).to_numpy()[meets])
        if not len(rows):
            continue
        candidates = store.read_shard(shard, ["id", "shingles"]).take(pa.array(rows))
        both = pa.concat_arrays([sets, *candidates.column("shingles").chunks])
        values = pair_jaccard(both, np.zeros(len(rows), np.int64), np.arange(1, len(rows) + 1))
        ids = candidates.column("id").to_pylist()
        found += [Near(i, shard, int(row), float(j)) for i, row, j in zip(ids, rows, values) if j >= threshold]
    return found


def group_of(store: Store, groups: Sequence[Shard], member: bytes) -> pa.Table:
    """All rows (`corpus.dedup.components.GROUPS`) of the group that the document of an id is in, in the shards' order; of an
    older build's keeper, those that were dropped for it.
    """
    names: set[bytes] = set()
    for rows in _each(store, groups):
        own = pc.or_(pc.equal(rows.column("id"), _id(member)), pc.equal(rows.column("keeper"), _id(member)))
        names |= set(rows.filter(own).column("group").to_pylist())
    wanted = pa.array(sorted(names), ID)
    return pa.concat_tables(rows.filter(pc.is_in(rows.column("group"), value_set=wanted)) for rows in _each(store, groups))


def _row_of(store: Store, shards: Sequence[Shard], wanted: bytes) -> pa.Table:
    for shard in shards:
        at = np.flatnonzero(pc.equal(store.read_shard(shard, ["id"]).column("id"), _id(wanted)).to_numpy())
        if len(at):
            return store.read_shard(shard).slice(int(at[0]), 1)
    return SHINGLES.empty_table()


def _each(store: Store, shards: Sequence[Shard]) -> Iterator[pa.Table]:
    return (store.read_shard(shard) for shard in shards)


def _id(raw: bytes) -> pa.Scalar:
    return pa.scalar(raw, ID)
