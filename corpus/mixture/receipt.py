"""The receipt: what a set of shards was asked to hold and what it holds, per cell, per source and per file, as one JSON
value that a stranger can check the files against. `made` (when, by whom) is outside its digest; all the rest is in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from corpus import keys
from corpus.document import show_id
from corpus.errors import Mismatch
from corpus.results import Folder

SCHEMA = 1
UNIT = "tokens incl. EOS"
TOKENIZER = ("vocab_size", "eos", "eos_id", "dtype")


def make_receipt(*, build: str, budget_tokens: int, max_epochs: float, on_shortfall: str, plan: pa.Table,
                 sources: pa.Table, shards: Iterable[Folder], tokenizer: Folder, mixture: Mapping[str, Any],
                 taxonomy: str | None = None, made: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """plan: `corpus.mixture.draw.PLAN`. sources: source, documents, tokens (`CellTable`). shards: the folders that
    `WriteShard` left, of every format. tokenizer: its folder. mixture: how the weights were found (method, digests).
    taxonomy: digest of the frozen centroids and their map. Raises Mismatch where the shards are not what was drawn.
    """
    written = sorted((shard_entry(f) for f in shards), key=lambda s: (s["format"], s["shard"]))
    held = _held(written)
    cells = [_cell(row) for row in plan.to_pylist()]
    _agree(cells, held["cells"])
    seed, number = plan.column("seed")[0].as_py(), plan.column("shards")[0].as_py()
    total = {name: sum(c["drawn"][name] for c in cells) for name in ("documents", "tokens")}
    return {
        "schema": SCHEMA,
        "build": build,
        "unit": UNIT,
        "seed": seed,
        "shard_count": number,
        "asked": {"budget_tokens": budget_tokens, "max_epochs": max_epochs, "on_shortfall": on_shortfall},
        "target_tokens": sum(c["target_tokens"] for c in cells),
        "total": total,
        "tokenizer": {"digest": tokenizer.digest} | {name: tokenizer.about[name] for name in TOKENIZER},
        "taxonomy": taxonomy,
        "mixture": dict(mixture),
        "cells": cells,
        "sources": _sources(sources, held, total["tokens"]),
        "shards": written,
        "made": dict(made or {}),
    }


def receipt_digest(receipt: Mapping[str, Any]) -> str:
    """Of everything that the receipt says but `made`."""
    return keys.key_of({name: value for name, value in receipt.items() if name != "made"})


def shard_entry(folder: Folder) -> dict[str, Any]:
    """One shard in one format. Paths are relative to where the shards are exported: FORMAT/FILE."""
    about = folder.about
    return {
        "shard": about["shard"],
        "format": about["format"],
        "files": [{"path": f"{about['format']}/{name}", "digest": digest, "bytes": size}
                  for name, digest, size in folder.files],
        "rows": about["rows"],
        "tokens": about["tokens"],
        "stream": about["stream"],
        "cells": about["cells"],
        "sources": about["sources"],
    }


def _cell(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell": row["cell"],
        "weight": row["weight"],
        "target_tokens": row["target"],
        "available": {"documents": row["documents"], "tokens": row["tokens"]},
        "drawn": {"documents": row["drawn_documents"], "distinct": row["distinct_documents"], "tokens": row["drawn_tokens"]},
        "share": row["share"],
        "epochs": row["epochs"],
        "whole_copies": row["whole"],
        "threshold": row["threshold"],
        "threshold_id": None if row["threshold_id"] is None else show_id(row["threshold_id"]),
        "residue_tokens": row["residue"],
    }


def _held(written: list[dict[str, Any]]) -> dict[str, dict[str, list[int]]]:
    """[rows, tokens] by cell and by source over all shards, which every format has to agree on."""
    by_format: dict[str, dict[str, dict[str, list[int]]]] = {}
    for entry in written:
        sums = by_format.setdefault(entry["format"], {"cells": {}, "sources": {}})
        for kind, totals in sums.items():
            for name, (rows, tokens) in entry[kind].items():
                total = totals.setdefault(name, [0, 0])
                total[0] += rows
                total[1] += tokens
    first = next(iter(by_format), None)
    for name, sums in by_format.items():
        if sums != by_format[first]:
            raise Mismatch("receipt", f"the formats {first} and {name} do not hold the same documents")
    return by_format[first] if first else {"cells": {}, "sources": {}}


def _agree(cells: list[dict[str, Any]], held: dict[str, list[int]]) -> None:
    drawn = {cell["cell"]: [cell["drawn"]["documents"], cell["drawn"]["tokens"]] for cell in cells}
    for cell in sorted({*drawn, *held}):
        asked, found = drawn.get(cell, [0, 0]), held.get(cell, [0, 0])
        if found != asked:
            raise Mismatch("receipt", f"cell '{cell}' was drawn with {asked[0]:,} documents and {asked[1]:,} tokens; "
                                      f"the shards hold {found[0]:,} and {found[1]:,}")


def _sources(sources: pa.Table, held: dict[str, dict[str, list[int]]], total: int) -> list[dict[str, Any]]:
    found = []
    for row in sources.select(["source", "documents", "tokens"]).to_pylist():
        documents, tokens = held["sources"].get(row["source"], [0, 0])
        found.append({
            "source": row["source"],
            "available": {"documents": row["documents"], "tokens": row["tokens"]},
            "drawn": {"documents": documents, "tokens": tokens},
            "share": tokens / max(1, total),
            "epochs": tokens / max(1, row["tokens"]),
        })
    return found
