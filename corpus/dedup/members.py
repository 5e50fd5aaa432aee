"""Stars → members: the documents of each text that is not alone, under the root of its component.

All documents pass here once, as about 70 bytes each, by their text; those that share theirs with none and have no edge go
no further, which is most of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.by_shard import shard_number
from corpus.dedup.ids import hash_ids, rank
from corpus.dedup.kept import Documents, documents
from corpus.document import ID, one_array
from corpus.exchange import partition_of
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import TaskIO

#: A document of a component. `standing`, `words`, `id`: see `corpus.dedup.components`. `old`: an earlier build's.
MEMBERS = pa.schema([("root", ID), ("text", ID), ("id", ID), ("words", pa.int32()), ("standing", pa.float64()),
                     ("url", pa.uint64()), ("old", pa.bool_()), ("shard", pa.uint64()), ("row", pa.int32())])
ROOTED = pa.schema([("root", ID), ("a", ID), ("b", ID), ("jaccard", pa.float64())])

_STAR, _EDGE, _DOCUMENT = 0, 1, 2
_ROW = pa.schema([("is", pa.int8()), *MEMBERS, ("b", ID), ("jaccard", pa.float64())])


@register("exchange", "members")
@dataclass(frozen=True)
class Members(Exchange):
    """Joins documents and edges with the root of their text.

    Emits one shard by text: of `stars`, of `edges`, of `shingles` (with `standing` beside it where there is one), or of
    `old_shingles` with `old_groups`. Writes `members` and `edges` with their `root`.
    """

    partitions: int = 64
    sort: ClassVar[tuple[str, ...]] = ("text", "is", "b", "id", "shard", "row", "root", "old")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for stars in io.tables("stars"):
            roots = stars.column("a").unique()
            yield self._keyed(_STAR, root=roots, text=roots)
            yield self._keyed(_STAR, root=stars.column("a"), text=stars.column("b"))
        for edges in io.tables("edges"):
            yield self._keyed(_EDGE, text=edges.column("a"), b=edges.column("b"), jaccard=edges.column("jaccard"))
        for found in documents(io, ["id", "text_digest", "words"]):
            yield self._keyed(_DOCUMENT, **_columns(found))

    def _keyed(self, kind: int, **given: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray, pa.Table]:
        n = len(given["text"])
        given["is"] = pa.array(np.full(n, kind, np.int8))
        rows = pa.table([given.get(f.name, pa.nulls(n, f.type)) for f in _ROW], schema=_ROW)
        return partition_of(hash_ids(rows.column("text")), self.partitions), rows

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        kind = rows.column("is").to_numpy()
        (text,), texts = rank(rows.column("text"))
        document, star = kind == _DOCUMENT, kind == _STAR
        root = np.full(len(texts), -1, np.int64)                      # the row that says a text's root
        root[text[star]] = np.flatnonzero(star)
        fresh = document & ~rows.column("old").fill_null(True).to_numpy(zero_copy_only=False)
        copies, new = (np.bincount(text[some], minlength=len(texts)) for some in (document, fresh))
        several = (copies > 1) & (new > 0)
        stays = (document & ((root >= 0) | several)[text]) | (kind == _EDGE)
        roots = pc.if_else(pa.array(root >= 0), one_array(rows.column("root")).take(pa.array(np.maximum(root, 0))), texts)
        rows, kind = rows.filter(pa.array(stays)), kind[stays]
        rows = rows.set_column(rows.schema.get_field_index("root"), "root", roots.take(pa.array(text[stays])))
        edge = pa.array(kind == _EDGE)
        io.write("members", rows.filter(pc.invert(edge)).select(MEMBERS.names))
        io.write("edges", rows.filter(edge).select(["root", "text", "b", "jaccard"]).rename_columns(ROOTED.names))
        io.count("members", int((kind == _DOCUMENT).sum()))


def _columns(found: Documents) -> dict[str, pa.Array | pa.ChunkedArray]:
    n = found.rows.num_rows
    columns = {"text": found.rows.column("text_digest"), "id": found.rows.column("id"), "words": found.rows.column("words"),
               "old": pa.array(np.full(n, found.old)), "row": pa.array(found.at),
               "shard": pa.array(np.full(n, shard_number(found.shard), np.uint64))}
    if found.standing is not None:
        columns |= {name: found.standing.column(name) for name in ("standing", "url")}
    return columns
