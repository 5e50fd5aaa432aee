"""Asking afterwards: which documents are near-duplicates of some others, and who is in a document's group.

`shingles` and `groups` of the source shards are all it takes, so a removal finds what it has to close over without the
sources, and a holdout what it has to keep out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.verify import pair_jaccard
from corpus.document import ID, one_array
from corpus.results import Shard
from corpus.store import Store


def near_pairs(rows: pa.Table, wanted: pa.Table, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of two tables of `SHINGLES` that share a band key and have their exact Jaccard at `threshold` or over.

    Returns their places in `rows` and in `wanted`, (m,) int64, in the order of both, and the Jaccard (m,) float64. Shingles
    are compared only where a band key is equal; what bands miss is missed (see `corpus.dedup.minhash`).
    """
    keys, owner = _bands(wanted)
    order = np.argsort(keys, kind="stable")
    here, row = _bands(rows)
    first, past = (np.searchsorted(keys[order], here, side=side) for side in ("left", "right"))
    count = past - first
    left = np.repeat(row, count)
    at = np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
    pairs = np.unique(np.stack([left, owner[order[at]]], axis=1), axis=0).astype(np.int64)
    if not len(pairs):
        return pairs[:, 0], pairs[:, 1], np.zeros(0)
    some, back = np.unique(pairs[:, 0], return_inverse=True)        # shingles of the rows that meet one, and no others
    sets = pa.concat_arrays([one_array(rows.column("shingles")).take(pa.array(some)), one_array(wanted.column("shingles"))])
    jaccard = pair_jaccard(sets, back.astype(np.int64), len(some) + pairs[:, 1])
    near = jaccard >= threshold
    return pairs[near, 0], pairs[near, 1], jaccard[near]


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


def _bands(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    bands = one_array(table.column("bands"))
    return bands.flatten().to_numpy(zero_copy_only=False), pc.list_parent_indices(bands).to_numpy()


def _each(store: Store, shards: Sequence[Shard]) -> Iterator[pa.Table]:
    return (store.read_shard(shard) for shard in shards)


def _id(raw: bytes) -> pa.Scalar:
    return pa.scalar(raw, ID)
