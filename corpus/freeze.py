"""Freezing: what dedup kept of some shards, and its marks, become one shard each. From here on no row moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from corpus.document import DOCUMENT
from corpus.registry import register
from corpus.tasks import Body, TaskIO


@register("body", "freeze", version=2)
@dataclass(frozen=True)
class Freeze(Body):
    """Keeps the rows of `documents` and of `marks` that `groups` keeps, shard beside shard, and writes them as one shard
    each, row for row.
    """

    def run(self, io: TaskIO) -> None:
        frozen = pa.concat_tables([DOCUMENT.empty_table(), *(t.select(DOCUMENT.names).cast(DOCUMENT)
                                                             for t in _kept(io, "documents"))])
        io.write("documents", frozen)
        io.write("marks", pa.concat_tables(_kept(io, "marks")))
        io.count("documents", frozen.num_rows)


def _kept(io: TaskIO, name: str) -> Iterator[pa.Table]:
    items, groups = io.items(name), io.items("groups")
    if len(items) != len(groups):
        raise ValueError(f"{len(items)} '{name}' shards for {len(groups)} 'groups' shards")
    for rows, group in zip(io.tables(name), io.tables("groups", ["id", "kept"])):
        if not rows.column("id").combine_chunks().equals(group.column("id").combine_chunks()):
            raise ValueError(f"'groups' is not aligned with '{name}'")
        yield rows.filter(group.column("kept"))
