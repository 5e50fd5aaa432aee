"""Which copy of which document lies in which shard, and in what order: rows and pointers, never text or token ids.

A shard's rows say by content what is in it (a hash of each document's ids), so they are what a written shard is keyed by;
where the ids lie is told beside them, in a table of its own, and may change without anything being written again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import ID
from corpus.errors import Mismatch
from corpus.mixture.cells import index_is_of, same_documents
from corpus.mixture.copies import copies_of, seed_of, shard_count
from corpus.operators import Exchange
from corpus.registry import register
from corpus.results import Folder
from corpus.tasks import TaskIO

#: A drawn shard, one row a copy, in the order of (order, id, copy). `style` and `cluster_id` are null where a document has
#: none; `token_count` and `token_hash` are of all ids that the document gives.
DRAWN = pa.schema([
    ("order", pa.uint64()),
    ("id", ID),
    ("copy", pa.int32()),
    ("phase", pa.int32()),
    ("url", pa.string()),
    ("source", pa.string()),
    ("cell", pa.string()),
    ("style", pa.string()),
    ("cluster_id", pa.int64()),
    ("token_count", pa.int64()),
    ("token_hash", pa.uint64()),
])

#: A drawn shard of a text format.
DRAWN_TEXT = DRAWN.append(pa.field("text", pa.large_string()))

#: Where the ids of a drawn shard's rows lie, row for row. `file` is the first 64 bits of the digest of a folder `ids`;
#: `start` is the document's first id in it.
WHERE = pa.schema([("file", pa.uint64()), ("start", pa.int64())])


@register("exchange", "place", version=2)
@dataclass(frozen=True)
class Place(Exchange):
    """Frozen shards and a plan → drawn shards, one a partition: `drawn` (`DRAWN`) and beside it `where` (`WHERE`), or
    `drawn` with texts (`DRAWN_TEXT`) alone.

    Emit reads `plan` and, where they are there, `caps` (the same for all); `index`, and where it is there `seen`; `tokens`
    and `ids` as `Tokenize` leaves them; the documents (the first of `beside`) and the others of `beside`. There
    `cluster_id` is looked for, as the numbers of `cluster` or the digits that end its names ("d03" is 3), and `style`.
    partitions: shards of all phases of the plan.
    """

    partitions: int
    text: bool = False
    cluster: str = "cluster"
    beside: tuple[str, ...] = ("documents", "domains")

    sort: ClassVar[tuple[str, ...]] = ("order", "id", "copy")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        index, plan = io.table("index"), io.table("plan")
        if shard_count(plan) != self.partitions:
            raise Mismatch("place", f"the plan was drawn for {shard_count(plan)} shards, not {self.partitions}")
        caps = io.table("caps") if io.items("caps") else None
        seen = io.table("seen").column("seen").to_numpy() if io.items("seen") else None
        copies = copies_of(index, plan, caps, seen)
        if not len(copies.row):
            return
        take = pa.array(copies.row)
        tokens = io.table("tokens")
        documents = self._documents(io)
        others = {name: io.table(name) for name in self.beside[1:]}
        ids = documents.column("id")
        same_documents(ids, {"tokens": tokens.column("id")} | {name: t.column("id") for name, t in others.items()})
        if not index_is_of(index, ids, seed_of(plan)):
            raise ValueError("'index' is not aligned with the documents, or was made with another seed")
        columns = {
            "order": pa.array(copies.order),
            "id": ids.take(take),
            "copy": pa.array(copies.copy.astype(np.int32)),
            "phase": pa.array(copies.phase.astype(np.int32)),
            "url": documents.column("url").take(take),
            "source": index.column("source").take(take),
            "cell": index.column("cell").take(take),
            "style": _found("style", [*others.values(), documents], pa.string()).take(take),
            "cluster_id": cluster_numbers(_found(self.cluster, list(others.values()), pa.int64())).take(take),
            "token_count": tokens.column("token_count").take(take),
            "token_hash": tokens.column("token_hash").take(take),
        }
        if self.text:
            columns["text"] = documents.column("text").take(take)
            yield copies.shard, pa.table(columns, DRAWN_TEXT)
            return
        (folder,) = io.items("ids")
        count = tokens.column("token_count").to_numpy()
        assert isinstance(folder, Folder)
        if folder.about["tokens"] != count.sum():
            raise Mismatch("place", f"{folder.path} holds {folder.about['tokens']:,} ids, its rows say {count.sum():,}")
        start = (np.cumsum(count) - count)[copies.row]
        columns |= {"file": np.full(len(start), folder.number, np.uint64), "start": start}
        yield copies.shard, pa.table(columns, pa.schema([*DRAWN, *WHERE]))

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        io.write("drawn", rows.select((DRAWN_TEXT if self.text else DRAWN).names))
        if not self.text:
            io.write("where", rows.select(WHERE.names))
        io.count("documents", rows.num_rows)
        io.count("tokens", pc.sum(rows.column("token_count")).as_py() or 0)

    def _documents(self, io: TaskIO) -> pa.Table:
        wanted = ["id", "url", "text"] if self.text else ["id", "url"]
        try:
            return io.table(self.beside[0], [*wanted, "style"])
        except (pa.ArrowInvalid, KeyError):                       # only synthetic documents have a style
            return io.table(self.beside[0], wanted)


def cluster_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """(n,) int64: whole numbers as they are, names by the digits that end them."""
    if pa.types.is_integer(column.type):
        return column.cast(pa.int64())
    digits = pc.struct_field(pc.extract_regex(column.cast(pa.string()), r"(?P<n>[0-9]+)$"), "n")
    return digits.cast(pa.int64())


def _found(name: str, tables: list[pa.Table], kind: pa.DataType) -> pa.ChunkedArray:
    """The column of the first table that has it, else nulls."""
    rows = tables[0].num_rows
    return next((t.column(name) for t in tables if name in t.column_names), pa.chunked_array([pa.nulls(rows, kind)]))
