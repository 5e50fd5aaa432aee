"""Cells: what a mixture has weights over. A cell is named by the values of the build's attributes, joined by "/".

The index is all that a draw needs of a document (its cell, its tokens, its one random number), so that no text is read to
plan a mixture. It holds no ids: what is aligned with it is recognised by the numbers that its ids give. A row that lacks
any of the attributes (a pruned cluster) has no cell and is never drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.errors import ConfigError
from corpus.registry import register
from corpus.tasks import Body, TaskIO
from corpus.text.addresses import hosts

#: One row a frozen document, row for row. `key` is the document's one random number; `cell` is null where it is never drawn;
#: `tokens` are all ids that it gives, BOS and EOS among them. One string column for each capped attribute comes after.
INDEX = pa.schema([
    ("key", pa.uint64()),
    ("cell", pa.string()),
    ("source", pa.string()),
    ("tokens", pa.int64()),
])

UNKNOWN = "unknown"

#: The attribute that is made from the documents' addresses.
HOST = "host"


@register("body", "cells", version=2)
@dataclass(frozen=True)
class CellIndex(Body):
    """A shard's documents, token counts and attributes → its `index`.

    beside: the names of the inputs, aligned row for row; the first has the documents, one of them `token_count`. An
    attribute is taken from the first input after the documents that has it, else from the documents. What was not found
    of a document among the `marks` (no licence, no language) is the value "unknown". capped: attributes that the draw
    caps, each a column of the index; `host` is made from the documents' `url`.

    A document that a shard of `tombstones` or of `holdout` names has no cell: what is removed or held out is not drawn,
    whatever is frozen.
    """

    attributes: tuple[str, ...]
    seed: int
    beside: tuple[str, ...] = ("documents", "tokens", "domains")
    capped: tuple[str, ...] = ()

    def run(self, io: TaskIO) -> None:
        columns, ids = self._columns(io)
        cell = cell_names([columns[a] for a in self.attributes])
        for name, reason in (("tombstones", "removed"), ("holdout", "held_out")):
            for named in io.tables(name, ["id"]):
                out = pc.is_in(ids, value_set=named.column("id").combine_chunks().drop_null())
                io.count(reason, pc.sum(out).as_py() or 0)
                cell = pc.if_else(out, pa.scalar(None, pa.string()), cell)
        index = {
            "key": chance.hash64(self.seed, "draw", ids),
            "cell": cell,
            "source": columns["source"],
            "tokens": columns["token_count"],
        }
        for name in self.capped:
            index.setdefault(name, hosts(columns["url"]) if name == HOST else columns[name].cast(pa.string()))
        fields = [*INDEX, *(pa.field(name, pa.string()) for name in index if name not in INDEX.names)]
        io.write("index", pa.table(list(index.values()), schema=pa.schema(fields)))
        io.count("documents", len(ids))
        io.count("no_cell", cell.null_count)

    def _columns(self, io: TaskIO) -> tuple[dict[str, pa.ChunkedArray], pa.Array]:
        """Every column that is asked for, by name, and the documents' ids."""
        wanted = (*self.attributes, *(name for name in self.capped if name != HOST))
        columns: dict[str, pa.ChunkedArray] = {}
        others, known = {}, set()
        for name in self.beside[1:]:
            there = ["id", "token_count"] if name == "tokens" else io.columns(name)
            known |= set(there)
            table = io.table(name, [c for c in there if c in ("id", "token_count", *wanted)])
            others[name] = table.column("id")
            for column in table.column_names:
                values = table.column(column)
                if name == "marks" and column in self.attributes:
                    values = pc.fill_null(values.cast(pa.string()), UNKNOWN)
                columns.setdefault(column, values)
        own = [a for a in wanted if a not in columns]
        url = ["url"] if HOST in self.capped else []
        try:
            documents = io.table(self.beside[0], list(dict.fromkeys(["id", "source", *url, *own])))
        except (pa.ArrowInvalid, KeyError):
            if not own:
                raise
            where = "cells" if set(own) & set(self.attributes) else "mixture.caps"
            raise ConfigError(where, f"none of {', '.join(self.beside)} has " + " or ".join(f"'{a}'" for a in own),
                              "columns of the documents, or of " + ", ".join(sorted(known))) from None
        columns |= {name: documents.column(name) for name in documents.column_names}
        same_documents(documents.column("id"), others)
        return columns, columns["id"].combine_chunks()


@register("body", "cell_table", version=2)
@dataclass(frozen=True)
class CellTable(Body):
    """All `index` shards → `cells` and `sources`: documents, tokens and share of tokens of each, by name; and `names`, the
    cells' names alone.
    """

    def run(self, io: TaskIO) -> None:
        cells = cell_table(io.tables("index", ["cell", "tokens"]), "cell")
        io.write("cells", cells)
        io.write("sources", cell_table(io.tables("index", ["source", "tokens"]), "source"))
        io.write("names", cells.select(["cell"]))


def index_is_of(index: pa.Table, ids: pa.Array | pa.ChunkedArray, seed: int) -> bool:
    """Whether the rows of the index (column key) are these documents, in this order. seed: that the index was made with."""
    return index.num_rows == len(ids) and bool((index.column("key").to_numpy() == chance.hash64(seed, "draw", ids)).all())


def cell_names(values: list[pa.ChunkedArray]) -> pa.Array:
    """(n,) string: the row's values joined by "/", null where any is null. A "/" inside a value is written %2F."""
    parts = []
    for column in values:
        text = column.cast(pa.string())
        text = pc.replace_substring(text, "%", "%25")
        parts.append(pc.replace_substring(text, "/", "%2F"))
    joined = pc.binary_join_element_wise(*parts, "/", null_handling="emit_null")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def cell_parts(cell: str) -> list[str]:
    """The attribute values that a cell's name is made of."""
    return [part.replace("%2F", "/").replace("%25", "%") for part in cell.split("/")]


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


def cell_codes(cells: pa.ChunkedArray, known: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n,) int64 position of each name in `known`; -1 where it is null or not there."""
    known = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
    return pc.fill_null(pc.index_in(cells, known), -1).to_numpy().astype(np.int64)


def same_documents(ids: pa.ChunkedArray, others: dict[str, pa.ChunkedArray]) -> None:
    """Raises where an input is not of the same documents in the same order."""
    ids = ids.combine_chunks()
    for name, other in others.items():
        if not other.combine_chunks().equals(ids):
            raise ValueError(f"'{name}' is not aligned with the documents")
