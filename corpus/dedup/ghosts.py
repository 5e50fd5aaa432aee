"""Ghosts as the documents of an older build: they keep, and so whatever is near one of them is dropped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.components import GROUPS
from corpus.dedup.shingle import SHINGLES
from corpus.registry import register
from corpus.tasks import Body, TaskIO


@register("body", "ghost_shingles")
@dataclass(frozen=True)
class GhostShingles(Body):
    """All shards of `ghosts` (`corpus.ghosts.GHOST`) → `shingles` of those that have any, each id once, and beside them
    `groups`, which keep all of them.
    """

    def run(self, io: TaskIO) -> None:
        some = [rows.filter(pc.greater(pc.list_value_length(rows.column("bands")), 0)) for rows in
                io.tables("ghosts", SHINGLES.names)]
        rows = pa.concat_tables([SHINGLES.empty_table(), *(t.select(SHINGLES.names).cast(SHINGLES) for t in some)])
        rows = rows.sort_by("id").combine_chunks()
        ids = rows.column("id").combine_chunks()
        first = np.ones(len(ids), bool)
        first[1:] = pc.not_equal(ids.slice(1), ids.slice(0, max(0, len(ids) - 1))).to_numpy(zero_copy_only=False)
        rows = rows.filter(pa.array(first, pa.bool_()))
        n, ids = rows.num_rows, rows.column("id")
        io.write("shingles", rows)
        io.write("groups", pa.table([ids, pa.array(np.ones(n, bool)), ids, ids, pa.nulls(n, pa.string()),
                                     pa.nulls(n, pa.float64())], schema=GROUPS))
        io.count("documents", n)
