"""Documents of two builds side by side: which came in or went out and for what reason, which moved to another cell, which
are drawn more or less often.

Shards that both builds have by content are read by neither. The others are joined by id, one partition of the ids at a
time, through files where they are many, so memory does not grow with them. Given up: a record that one build read twice
and the other once may be told as new.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.document import ID, show_id
from corpus.results import Item, Shard
from corpus.store import Store
from pipelines.view import View

ROWS_A_PARTITION = 500_000  # of each build; a few hundred bytes each while they are joined

#: Shards of the same rows.
Group = tuple[Shard, ...]

NO_CELL = "(no cell)"
SOURCES = "sources"  # the stage of a document that the other build has no record of

_VERDICTS = pa.schema([("id", ID), ("kept", pa.bool_()), ("stage", pa.string()), ("reason", pa.string()),
                       ("source", pa.string()), ("url", pa.string())])  # fmt: skip
_CELLS = pa.schema([("id", ID), ("url", pa.string()), ("cell", pa.string()), ("tokens", pa.int64())])
_DRAWN = pa.schema([("id", ID), ("cell", pa.string()), ("token_count", pa.int64()), ("url", pa.string())])
#: What is read of each shard of a group.
_READ = {"verdicts": (_VERDICTS.names,), "cells": (["id", "url"], ["cell", "tokens"]), "drawn": (_DRAWN.names,)}


def diff_documents(a: View, b: View, examples: int = 0) -> dict[str, Any]:
    """out, in: kept documents of one build alone, by stage, reason and cell. reasons: dropped by both, for another reason.
    moved: from cell to cell. drawn: copies and tokens by cell. records: dropped by one build and unknown to the other.
    shards: how many there are, and how many were equal and not read.
    """
    told: dict[str, Any] = {"shards": {}}
    work = []
    for name, schema, found in (("verdicts", _VERDICTS, _verdicts), ("cells", _CELLS, _cells), ("drawn", _DRAWN, _drawn)):
        sides = found(a), found(b)
        apart = _apart(*sides)
        told["shards"][name] = {"a": len(sides[0]), "b": len(sides[1]), "equal": len(sides[0]) - len(apart[0])}
        work += [(name, side, schema, view.store, items) for side, view, items in zip("ab", (a, b), apart)]
    rows = max((sum(group[0].rows for group in items) for *_, items in work), default=0)
    sums = Sums(examples)
    with tempfile.TemporaryDirectory() as folder:
        parts = Parts(max(1, -(-rows // ROWS_A_PARTITION)), Path(folder))
        for name, side, schema, store, items in work:
            for group in items:
                parts.add(name + side, read_group(store, group, _READ[name], schema))
        for tables in parts.each():
            compare(tables, sums)
    return told | sums.told()


def _verdicts(view: View) -> list[Group]:
    return [(shard,) for shard in view.shards("freeze.ledger", "verdicts")]


def _cells(view: View) -> list[Group]:
    return list(zip(view.shards("freeze", "documents"), view.shards("search.index", "index")))


def _drawn(view: View) -> list[Group]:
    return [(shard,) for _, shard in view.drawn()]


def _apart(a: list[Group], b: list[Group]) -> tuple[list[Group], list[Group]]:
    """Those of each side that the other has not, by content; one that is there twice needs two."""

    def digests(group: Sequence[Item]) -> tuple[str, ...]:
        return tuple(item.digest for item in group)

    both = Counter(map(digests, a)) & Counter(map(digests, b))
    left: list[list[Group]] = []
    for side in (a, b):
        known, rest = both.copy(), []
        for group in side:
            if known[digests(group)]:
                known[digests(group)] -= 1
            else:
                rest.append(group)
        left.append(rest)
    return left[0], left[1]


def read_group(store: Store, group: Group, read: Sequence[list[str]], schema: pa.Schema) -> pa.Table:
    """Shards of the same rows side by side, some columns of each."""
    columns: dict[str, pa.ChunkedArray] = {}
    for shard, names in zip(group, read):
        table = store.read_shard(shard, names)
        columns |= {n: table.column(n) for n in names}
    return pa.table({f.name: columns[f.name] for f in schema}).cast(schema)


class Parts:
    """Rows by table and partition of their ids: in memory where there is one partition, else in files. A file is open only
    while rows are added to it, so that there may be more of them than a process may have open.
    """

    def __init__(self, n: int, folder: Path) -> None:
        self.n, self.folder = n, folder
        self._held: dict[str, list[pa.Table]] = {}
        self._files: set[tuple[str, int]] = set()

    def add(self, name: str, table: pa.Table) -> None:
        if self.n == 1:
            self._held.setdefault(name, []).append(table)
            return
        where = (chance.id_words(table.column("id"))[:, 0] % np.uint64(self.n)).astype(np.int64)
        for part in np.unique(where).tolist():
            rows = table.filter(pa.array(where == part)).combine_chunks()
            self._files.add((name, part))
            with open(self._path(name, part), "ab") as file, pa.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(rows)

    def each(self) -> Iterator[dict[str, pa.Table]]:
        """The tables of one partition after the other."""
        if self.n == 1:
            yield {name: pa.concat_tables(tables) for name, tables in self._held.items()}
            return
        for part in range(self.n):
            yield {name: self._read(name, part) for name, other in sorted(self._files) if other == part}

    def _read(self, name: str, part: int) -> pa.Table:
        """All that was added: one stream after the other."""
        tables = []
        with pa.OSFile(str(self._path(name, part))) as file:
            while file.tell() < file.size():
                tables.append(pa.ipc.open_stream(file).read_all())
        return pa.concat_tables(tables)

    def _path(self, name: str, part: int) -> Path:
        return self.folder / f"{name}-{part}"


class Side:
    """One build's rows of a partition, aligned with `ids`; null where it has none."""

    def __init__(self, ids: pa.Array, verdicts: pa.Table, cells: pa.Table, drawn: pa.Table) -> None:
        copies = drawn.group_by("id", use_threads=False).aggregate(
            [("cell", "first"), ("token_count", "sum"), ("token_count", "count"), ("url", "first")]
        )
        kept_first = verdicts.take(pc.sort_indices(verdicts, sort_keys=[("kept", "descending")]))
        self.record, self._verdict = _rows_of(ids, kept_first)
        self.frozen, self._cell = _rows_of(ids, cells)
        self.written, self._copies = _rows_of(ids, copies)
        self.kept = pc.fill_null(self.verdict("kept"), False).to_numpy(zero_copy_only=False)
        self.copies = pc.fill_null(self._copies("token_count_count"), 0).to_numpy(zero_copy_only=False)
        self.copied_tokens = pc.fill_null(self._copies("token_count_sum"), 0).to_numpy(zero_copy_only=False)
        self.cell = pc.fill_null(pc.coalesce(self._cell("cell"), self._copies("cell_first")), NO_CELL)
        self.drawn_cell = pc.fill_null(self._copies("cell_first"), NO_CELL)
        self.tokens = pc.fill_null(self._cell("tokens"), 0)
        self.url = pc.coalesce(self.verdict("url"), self._cell("url"), self._copies("url_first"))

    def verdict(self, column: str) -> pa.Array:
        return self._verdict(column)


def _rows_of(ids: pa.Array, table: pa.Table) -> tuple[np.ndarray, Callable[[str], pa.Array]]:
    """Which of the ids a table has, and its columns in their order; of an id that is there twice, the first row."""
    table = table.combine_chunks()
    own = table.column("id").chunk(0) if table.num_rows else pa.array([], ID)
    at = pc.index_in(ids, value_set=own)

    def column(name: str) -> pa.Array:
        values = table.column(name)
        taken = values.take(at) if len(values) else pa.chunked_array([pa.nulls(len(ids), values.type)])
        return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken

    return at.is_valid().to_numpy(zero_copy_only=False), column


class Sums:
    """What was found so far: by kind of change and what it is told by, documents and tokens; and some documents of each."""

    def __init__(self, examples: int) -> None:
        self.most = examples
        self.examples: dict[str, list[dict[str, Any]]] = {}
        self._found: dict[str, dict[tuple, list[int]]] = {}

    def add(self, kind: str, rows: np.ndarray, by: dict[str, pa.Array], sums: dict[str, Any],
            ids: pa.Array, url: pa.Array) -> None:  # fmt: skip
        """rows: (n,) bool, those of the partition that it is true of. by: what they are told by. sums: what is added up."""
        at = np.flatnonzero(rows)
        if not len(at):
            return
        take = pa.array(at)
        names, given = list(by), {n: pa.array(v) if isinstance(v, np.ndarray) else v for n, v in sums.items()}
        table = pa.table({n: v.take(take) for n, v in (by | given).items()})
        grouped = table.group_by(names, use_threads=False).aggregate([(n, "sum") for n in given] + [([], "count_all")])
        totals = self._found.setdefault(kind, {})
        for row in grouped.to_pylist():
            entry = totals.setdefault(tuple(row[n] for n in names), [0] * (len(given) + 1))
            for i, value in enumerate([row["count_all"], *(row[f"{n}_sum"] for n in given)]):
                entry[i] += value or 0
        shown = self.examples.setdefault(kind, [])
        for i in at[: self.most - len(shown)] if self.most else ():
            said = {n: v[int(i)].as_py() for n, v in by.items()}
            shown.append({"id": show_id(ids[int(i)].as_py()), "url": url[int(i)].as_py()} | said)

    def rows(self, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """Most documents first."""
        found = self._found.get(kind, {})
        order = sorted(found.items(), key=lambda item: (-item[1][0], tuple(str(k) for k in item[0])))
        return [dict(zip(names, (*key, *values))) for key, values in order]

    def told(self) -> dict[str, Any]:
        drawn: dict[str, dict[str, Any]] = {}
        for way in ("in", "out"):
            for row in self.rows(f"drawn_{way}", ("cell", "documents", "copies", "tokens")):
                cell = drawn.setdefault(row["cell"], {"cell": row["cell"]} | {
                    f"{n}_{w}": 0 for n in ("documents", "copies", "tokens") for w in ("in", "out")})  # fmt: skip
                cell |= {f"{n}_{way}": row[n] for n in ("documents", "copies", "tokens")}
        why = ("stage", "reason", "cell", "documents", "tokens")
        return {
            "out": self.rows("out", why),
            "in": self.rows("in", why),
            "reasons": self.rows("reasons", ("stage_a", "reason_a", "stage_b", "reason_b", "documents")),
            "moved": self.rows("moved", ("from", "to", "documents", "tokens")),
            "drawn": sorted(drawn.values(), key=lambda c: -(c["tokens_in"] + c["tokens_out"])),
            "records": {side: self.rows(f"records_{side}", ("source", "reason", "documents")) for side in "ab"},
            "examples": self.examples,
        }


def compare(tables: dict[str, pa.Table], sums: Sums) -> None:
    """Adds what differs in one partition. tables: `verdictsa`, `verdictsb`, `cellsa`, ...; one that is missing is empty."""
    found = {
        name + side: tables.get(name + side, schema.empty_table())
        for name, schema in (("verdicts", _VERDICTS), ("cells", _CELLS), ("drawn", _DRAWN))
        for side in "ab"
    }
    ids = pc.unique(pa.chunked_array([c for t in found.values() for c in t.column("id").chunks], ID))
    ids = ids.take(pc.sort_indices(ids))
    a, b = (Side(ids, *(found[name + side] for name in ("verdicts", "cells", "drawn"))) for side in "ab")
    for kind, one, other in (("out", a, b), ("in", b, a)):
        lost = one.kept & ~other.kept & (other.record | ~other.frozen)
        known = pa.array(other.record)
        stage = pc.if_else(known, pc.fill_null(other.verdict("stage"), "?"), SOURCES)
        reason = pc.if_else(known, pc.fill_null(other.verdict("reason"), "?"), "no record of it")
        sums.add(kind, lost, {"stage": stage, "reason": reason, "cell": one.cell}, {"tokens": one.tokens}, ids, one.url)
    for side, one, other in (("a", a, b), ("b", b, a)):
        alone = one.record & ~one.kept & ~other.record
        by = {"source": one.verdict("source"), "reason": one.verdict("reason")}
        sums.add(f"records_{side}", alone, by, {}, ids, one.url)
    dropped = a.record & b.record & ~a.kept & ~b.kept
    said = {f"{n}_{s}": pc.fill_null(v.verdict(n), "?") for s, v in (("a", a), ("b", b)) for n in ("stage", "reason")}
    other_reason = ~(_equal(said["stage_a"], said["stage_b"]) & _equal(said["reason_a"], said["reason_b"]))
    sums.add("reasons", dropped & other_reason, said, {}, ids, b.url)
    moved = a.frozen & b.frozen & ~_equal(a.cell, b.cell)
    sums.add("moved", moved, {"from": a.cell, "to": b.cell}, {"tokens": b.tokens}, ids, b.url)
    elsewhere = a.written & b.written & ~_equal(a.drawn_cell, b.drawn_cell)
    for kind, one, other in (("drawn_out", a, b), ("drawn_in", b, a)):
        copies = np.where(elsewhere, one.copies, np.maximum(0, one.copies - other.copies))
        tokens = one.copied_tokens // np.maximum(1, one.copies) * copies
        sums.add(kind, copies > 0, {"cell": one.drawn_cell}, {"copies": copies, "tokens": tokens}, ids, one.url)


def _equal(a: pa.Array, b: pa.Array) -> np.ndarray:
    return pc.equal(a, b).to_numpy(zero_copy_only=False)
