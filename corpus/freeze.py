"""Freezing: what dedup kept of some shards becomes one shard of the frozen set. From here on no row moves."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from corpus.document import DOCUMENT
from corpus.registry import register
from corpus.tasks import Body, TaskIO


@register("body", "freeze")
@dataclass(frozen=True)
class Freeze(Body):
    """Keeps the rows of `documents` that `groups` keeps, shard beside shard, and writes them as one `documents` shard."""

    def run(self, io: TaskIO) -> None:
        documents, groups = io.items("documents"), io.items("groups")
        if len(documents) != len(groups):
            raise ValueError(f"{len(documents)} 'documents' shards for {len(groups)} 'groups' shards")
        kept = [DOCUMENT.empty_table()]
        for rows, group in zip(io.tables("documents"), io.tables("groups", ["id", "kept"])):
            if not rows.column("id").combine_chunks().equals(group.column("id").combine_chunks()):
                raise ValueError("'groups' is not aligned with 'documents'")
            kept.append(rows.filter(group.column("kept")).select(DOCUMENT.names).cast(DOCUMENT))
        frozen = pa.concat_tables(kept)
        io.write("documents", frozen)
        io.count("documents", frozen.num_rows)
