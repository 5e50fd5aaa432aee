"""Cells: what a mixture has weights over. A cell is named by the values of the build's attributes, joined by "/".

The index is all that a draw needs of a document (id, cell, tokens, its one random number), so that no text is read to
plan a mixture. A row that lacks any of the attributes (a pruned cluster) has no cell and is never drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.document import ID
from corpus.errors import ConfigError
from corpus.registry import register
from corpus.tasks import Body, TaskIO

#: One row a frozen document, row for row. `tokens` counts EOS; `u` is in [0, 1), the document's place in every draw.
INDEX = pa.schema([
    ("id", ID),
    ("cell", pa.string()),
    ("source", pa.string()),
    ("tokens", pa.int64()),
    ("u", pa.float64()),
])


UNKNOWN = "unknown"


@register("body", "cells")
@dataclass(frozen=True)
class CellIndex(Body):
    """A shard's documents, token counts and attributes → its `index`.

    beside: the names of the inputs, aligned row for row; the first has the documents, one of them `token_count`. An
    attribute is taken from the first input after the documents that has it, else from the documents. What was not found
    of a document among the `marks` (no licence, no language) is the value "unknown". A document that a shard of
    `tombstones` names has no cell: what is removed is not drawn, whatever is frozen.
    """

    attributes: tuple[str, ...]
    seed: int
    beside: tuple[str, ...] = ("documents", "tokens", "domains")

    def run(self, io: TaskIO) -> None:
        columns: dict[str, pa.ChunkedArray] = {}
        others = {}
        for name in self.beside[1:]:
            table = io.table(name, ["id", "token_count"] if name == "tokens" else None)
            others[name] = table.column("id")
            for column in table.column_names:
                values = table.column(column)
                if name == "marks" and column in self.attributes:
                    values = pc.fill_null(values.cast(pa.string()), UNKNOWN)
                columns.setdefault(column, values)
        own = [a for a in self.attributes if a not in columns]
        try:
            documents = io.table(self.beside[0], list(dict.fromkeys(["id", "source", *own])))
        except (pa.ArrowInvalid, KeyError):
            if not own:
                raise
            raise ConfigError("cells", f"none of {', '.join(self.beside)} has " + " or ".join(f"'{a}'" for a in own),
                              "columns of the documents, or of " + ", ".join(sorted(columns))) from None
        columns |= {name: documents.column(name) for name in documents.column_names}
        same_documents(documents.column("id"), others)
        ids = columns["id"].combine_chunks()
        cell = cell_names([columns[a] for a in self.attributes])
        for removed in io.tables("tombstones", ["id"]):
            gone = pc.is_in(ids, value_set=removed.column("id").combine_chunks().drop_null())
            io.count("removed", pc.sum(gone).as_py() or 0)
            cell = pc.if_else(gone, pa.scalar(None, pa.string()), cell)
        u = chance.uniform(self.seed, "draw", ids)
        index = pa.table([ids, cell, columns["source"], columns["token_count"], u], INDEX)
        io.write("index", index)
        io.count("documents", index.num_rows)
        io.count("no_cell", cell.null_count)


@register("body", "cell_table")
@dataclass(frozen=True)
class CellTable(Body):
    """All `index` shards → `cells` and `sources`: documents, tokens and share of tokens of each, by name."""

    def run(self, io: TaskIO) -> None:
        io.write("cells", cell_table(io.tables("index", ["cell", "tokens"]), "cell"))
        io.write("sources", cell_table(io.tables("index", ["source", "tokens"]), "source"))


def cell_names(values: list[pa.ChunkedArray]) -> pa.Array:
    """(n,) string: the row's values joined by "/", null where any is null. A "/" inside a value is written %2F."""
    parts = []
    for column in values:
        text = column.cast(pa.string())
        text = pc.replace_substring(text, "%", "%25")
        parts.append(pc.replace_substring(text, "/", "%2F"))
    joined = pc.binary_join_element_wise(*parts, "/", null_handling="emit_null")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def cell_table(tables: Iterable[pa.Table], by: str = "cell") -> pa.Table:
    """Documents, tokens and natural share (of tokens) of each cell, sorted by name; rows without a cell do not count.

    tables: of columns `by` (string) and tokens (int64), in any number of pieces.
    """
    found: dict[str, list[int]] = {}
    for table in tables:
        table = table.filter(pc.is_valid(table.column(by)))
        sums = table.group_by(by).aggregate([("tokens", "count"), ("tokens", "sum")])
        for name, documents, tokens in zip(sums.column(by).to_pylist(), sums.column("tokens_count").to_pylist(),
                                           sums.column("tokens_sum").to_pylist()):
            entry = found.setdefault(name, [0, 0])
            entry[0] += documents
            entry[1] += tokens
    names = sorted(found)
    tokens = np.array([found[n][1] for n in names], np.int64)
    return pa.table({
        by: pa.array(names, pa.string()),
        "documents": pa.array([found[n][0] for n in names], pa.int64()),
        "tokens": tokens,
        "share": tokens / max(1, tokens.sum()),
    })


def same_documents(ids: pa.ChunkedArray, others: dict[str, pa.ChunkedArray]) -> None:
    """Raises where an input is not of the same documents in the same order."""
    ids = ids.combine_chunks()
    for name, other in others.items():
        if not other.combine_chunks().equals(ids):
            raise ValueError(f"'{name}' is not aligned with the documents")
