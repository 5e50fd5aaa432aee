"""Evidence bound to data: what documents a mixture was found on, cell by cell, and how far other documents are from those.

A cell is known by the 1,024 smallest keyed hashes of its documents' ids (a bottom-k sketch: Cohen and Kaplan 2007), a few
kilobytes however large it is. Two sketches tell the overlap |A∩B| / |A∪B|, exactly where both cells are smaller than that,
else with a standard error of 0.7 % at an overlap of 95 %. It is the overlap and not the containment, so growth counts as
drift: a cell that doubled is half other documents, and no trial has seen those. Given up: what the documents say.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance, keys
from corpus.errors import ConfigError, UserError
from corpus.registry import register
from corpus.tasks import Body, TaskIO

SCHEMA = 1
KEPT = 1024
#: Overlap under which a cell is another one.
SAME = 0.95

#: One row a cell, by name. tokens counts EOS; keys: at most `KEPT`, ascending.
SKETCH = pa.schema([
    ("cell", pa.string()),
    ("documents", pa.int64()),
    ("tokens", pa.int64()),
    ("keys", pa.large_list(pa.uint64())),
])

#: One row a cell that is there then or now. Shares are of the tokens of all cells.
DRIFT = pa.schema([
    ("cell", pa.string()),
    ("overlap", pa.float64()),
    ("tokens_then", pa.int64()),
    ("tokens_now", pa.int64()),
    ("share_then", pa.float64()),
    ("share_now", pa.float64()),
])


@dataclass
class Sketch:
    """A cell: documents, tokens, and the smallest keys of its documents, (at most KEPT,) uint64 ascending."""

    documents: int
    tokens: int
    keys: np.ndarray

    def with_(self, other: Sketch) -> Sketch:
        """Both cells' documents; no document may be in both."""
        return Sketch(self.documents + other.documents, self.tokens + other.tokens,
                      np.union1d(self.keys, other.keys)[:KEPT])


@register("body", "cell_sketch")
@dataclass(frozen=True)
class CellSketch(Body):
    """One shard's `documents` (id) and `index` (cell, tokens), row for row → its `sketch`; rows in no cell do not count."""

    def run(self, io: TaskIO) -> None:
        ids, index = io.table("documents", ["id"]).column("id"), io.table("index", ["cell", "tokens"])
        if len(ids) != index.num_rows:
            raise ValueError("'index' is not aligned with the documents")
        io.write("sketch", sketch_table(sketches_of(ids, index.column("cell"), index.column("tokens").to_numpy())))


@register("body", "cell_sketches")
@dataclass(frozen=True)
class CellSketches(Body):
    """All shards' `sketch` → one `sketch`. Memory is that of one sketch a cell."""

    def run(self, io: TaskIO) -> None:
        merged = merge(sketches_in(table) for table in io.tables("sketch"))
        io.write("sketch", sketch_table(merged))
        io.count("documents", sum(s.documents for s in merged.values()))


@register("body", "evidence")
@dataclass(frozen=True)
class CheckEvidence(Body):
    """Compares the documents that a mixture was found on with those it is to be used on.

    Inputs: `now` and `then` (`SKETCH`), the folders `taxonomy` and `tokenizer`. Options: what the evidence says of itself.
    Output: `drift` (`DRIFT`). Raises UserError where the taxonomy is another one; and, unless `carry`, where a cell's
    overlap is under `SAME`, or the attributes or the tokenizer differ.
    """

    taxonomy: str | None
    tokenizer: str | None
    attributes_then: tuple[str, ...]
    attributes: tuple[str, ...]
    carry: bool = False

    def run(self, io: TaskIO) -> None:
        ((taxonomy,), (tokenizer,)) = io.items("taxonomy"), io.items("tokenizer")
        if self.taxonomy != taxonomy.digest:
            raise UserError(
                f"mixture.weights: found on another taxonomy ({self.taxonomy}); this build's is {taxonomy.digest}. Its "
                "cells are other cells: search on this one (leave mixture.weights out), or give plain {cell: weight}, "
                "which claims no evidence")
        drift = drift_of(sketches_in(io.table("then")), sketches_in(io.table("now")))
        changed = []
        if self.attributes_then != self.attributes:
            changed.append(f"cells were {'/'.join(self.attributes_then)} and are {'/'.join(self.attributes)}")
        if self.tokenizer != tokenizer.digest:
            changed.append(f"the tokenizer was {self.tokenizer} and is {tokenizer.digest}")
        apart = pc.sum(pc.less(drift.column("overlap"), SAME)).as_py() or 0
        io.write("drift", drift)
        io.count("cells", drift.num_rows)
        io.count("drifted", apart)
        io.count("changed", len(changed))
        if (apart or changed) and not self.carry:
            if apart:
                changed.insert(0, f"{apart} of {drift.num_rows} cells share under {SAME:.0%} of their documents")
            raise UserError(f"mixture.weights: found on other data: {'; '.join(changed)}\n{drift_text(drift)}\n"
                            "search again, or carry the weights over as they are: --carry, or mixture.carry: true")


def sketches_of(ids: pa.Array | pa.ChunkedArray, cells: pa.Array | pa.ChunkedArray,
                tokens: np.ndarray) -> dict[str, Sketch]:
    """Sketches by cell of some documents. ids: (n,) binary(16). cells: (n,) string, null for none. tokens: (n,) int64."""
    coded = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    coded = coded.dictionary_encode()
    names = coded.dictionary.to_pylist()
    codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    at = np.flatnonzero(codes >= 0)
    codes, drawn = codes[at], chance.hash64(0, "evidence", ids)[at]
    order = np.lexsort((drawn, codes))
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    sums = np.zeros(len(names), np.int64)
    np.add.at(sums, codes, np.asarray(tokens, np.int64)[at])
    found = {}
    for name, end, start, total in zip(names, ends, np.r_[0, ends[:-1]] if len(ends) else (), sums.tolist()):
        found[name] = Sketch(int(end - start), total, np.unique(drawn[order[start:end]])[:KEPT])
    return found


def merge(several: Iterable[Mapping[str, Sketch]]) -> dict[str, Sketch]:
    """Sketches of all the documents together, in any order."""
    found: dict[str, Sketch] = {}
    for one in several:
        for cell, sketch in one.items():
            found[cell] = found[cell].with_(sketch) if cell in found else sketch
    return found


def sketch_table(sketches: Mapping[str, Sketch]) -> pa.Table:
    """`SKETCH` rows, by name."""
    rows = sorted(sketches.items())
    lengths = np.cumsum([0, *(len(s.keys) for _, s in rows)])
    values = np.concatenate([s.keys for _, s in rows]) if rows else np.zeros(0, np.uint64)
    columns = [
        pa.array([cell for cell, _ in rows], pa.string()),
        pa.array([s.documents for _, s in rows], pa.int64()),
        pa.array([s.tokens for _, s in rows], pa.int64()),
        pa.LargeListArray.from_arrays(pa.array(lengths, pa.int64()), pa.array(values, pa.uint64())),
    ]
    return pa.Table.from_arrays(columns, schema=SKETCH)


def sketches_in(table: pa.Table) -> dict[str, Sketch]:
    """The inverse of `sketch_table`."""
    found = {}
    for cell, documents, tokens, kept in zip(*(table.column(name) for name in SKETCH.names)):
        values = kept.values.to_numpy().astype(np.uint64) if kept.values is not None else np.zeros(0, np.uint64)
        found[cell.as_py()] = Sketch(documents.as_py(), tokens.as_py(), values)
    return found


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """|A∩B| / |A∪B| as two sketches tell it; 1 where both are empty."""
    union = np.union1d(a, b)
    union = union[:KEPT] if len(a) >= KEPT or len(b) >= KEPT else union
    if not len(union):
        return 1.0
    both = np.intersect1d(a, b, assume_unique=True)
    return float(np.isin(union, both, assume_unique=True).sum() / len(union))


def drift_of(then: Mapping[str, Sketch], now: Mapping[str, Sketch]) -> pa.Table:
    """`DRIFT`, the cells of least overlap first."""
    none = Sketch(0, 0, np.zeros(0, np.uint64))
    all_then, all_now = (max(1, sum(s.tokens for s in side.values())) for side in (then, now))
    rows = []
    for cell in then.keys() | now.keys():
        was, is_ = then.get(cell, none), now.get(cell, none)
        rows.append({"cell": cell, "overlap": overlap(was.keys, is_.keys),
                     "tokens_then": was.tokens, "tokens_now": is_.tokens,
                     "share_then": was.tokens / all_then, "share_now": is_.tokens / all_now})
    return pa.Table.from_pylist(sorted(rows, key=lambda r: (r["overlap"], r["cell"])), DRIFT)


def drift_text(drift: pa.Table, most: int = 20) -> str:
    """The table for people: a line a cell, those of least overlap first."""
    head = ("cell", "overlap", "tokens then", "tokens now", "share then", "share now")
    rows = [(r["cell"], f"{r['overlap']:.1%}", f"{r['tokens_then']:,}", f"{r['tokens_now']:,}", f"{r['share_then']:.2%}",
             f"{r['share_now']:.2%}") for r in drift.slice(0, most).to_pylist()]
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    lines = ["  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths)))
             for row in (head, *rows)]
    more = drift.num_rows - len(rows)
    return "\n".join(lines + ([f"and {more} more"] if more > 0 else []))


def mixture_value(weights: Mapping[str, float], sketches: pa.Table | None = None, attributes: Iterable[str] = (),
                  taxonomy: str | None = None, tokenizer: str | None = None) -> dict[str, Any]:
    """A mixture file: weights and what they were found on (`cells` is null where that is nothing). Of the same documents it
    is the same, byte for byte.
    """
    cells = None if sketches is None else {
        cell: {"documents": s.documents, "tokens": s.tokens,
               "sketch": base64.b64encode(s.keys.astype("<u8").tobytes()).decode()}
        for cell, s in sketches_in(sketches).items()
    }
    return {"schema": SCHEMA, "weights": dict(sorted(weights.items())), "attributes": list(attributes), "taxonomy": taxonomy,
            "tokenizer": tokenizer, "cells": cells}


def evidence_table(evidence: Mapping[str, Any], where: str) -> pa.Table:
    """The sketches of a mixture file (`SKETCH`). Raises ConfigError where it is damaged."""
    if evidence.get("schema") != SCHEMA:
        raise ConfigError(where, f"schema {evidence.get('schema')!r}", f"{SCHEMA}, or plain {{cell: weight}}")
    found = {}
    for cell, entry in evidence["cells"].items():
        try:
            kept = np.frombuffer(base64.b64decode(entry["sketch"], validate=True), "<u8").astype(np.uint64)
            found[cell] = Sketch(int(entry["documents"]), int(entry["tokens"]), kept)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{where}: cells.{cell}", f"is damaged: {error}", "documents, tokens and a sketch") from None
        if len(kept) > KEPT or (np.diff(kept.astype(object)) <= 0).any():
            raise ConfigError(f"{where}: cells.{cell}", "is damaged: its sketch is not in order",
                              f"{KEPT} ascending keys at most")
    return sketch_table(found)


def evidence_digest(evidence: Mapping[str, Any]) -> str:
    """Names what the weights were found on; the weights themselves do not count."""
    return keys.key_of({name: value for name, value in evidence.items() if name != "weights"})
