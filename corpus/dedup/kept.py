"""The documents that an exchange of dedup reads: a source shard's, or those that an earlier build kept of one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.results import Shard
from corpus.tasks import TaskIO


@dataclass(frozen=True)
class Documents:
    """Rows of one shard. `at`: (n,) int32, the row of the shard that each is; `standing` is beside `rows`."""

    shard: Shard
    rows: pa.Table
    at: np.ndarray
    old: bool
    standing: pa.Table | None


def documents(io: TaskIO, columns: list[str]) -> Iterator[Documents]:
    """Of `shingles` every row, of `old_shingles` those that `old_groups` kept; with `standing` and `old_standing` beside
    them where there are such.
    """
    for shard in io.items("shingles"):
        rows = io.table("shingles", columns)
        at = np.arange(rows.num_rows, dtype=np.int32)
        yield Documents(shard, rows, at, False, _beside(io, "standing", rows))
    for shard in io.items("old_shingles"):
        rows = io.table("old_shingles", columns)
        groups, standing = _beside(io, "old_groups", rows, ["id", "kept"]), _beside(io, "old_standing", rows)
        kept = groups.column("kept").combine_chunks()
        at = np.flatnonzero(kept.to_numpy(zero_copy_only=False)).astype(np.int32)
        yield Documents(shard, rows.filter(kept), at, True, None if standing is None else standing.filter(kept))


def _beside(io: TaskIO, name: str, rows: pa.Table, columns: list[str] | None = None) -> pa.Table | None:
    """The input of that name, if there is one; it has to be of the same documents."""
    if not io.items(name):
        return None
    found = io.table(name, columns)
    if not found.column("id").combine_chunks().equals(rows.column("id").combine_chunks()):
        raise ValueError(f"'{name}' is not aligned with the shingles")
    return found
