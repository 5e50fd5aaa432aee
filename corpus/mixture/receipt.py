"""The receipt: what a set of shards was asked to hold and what it holds, per phase and cell, per source and per file, as
one JSON value that a stranger can check the files against. `made` (when, by whom) is outside its digest; all the rest is
in. Given up: which documents; the sidecar beside the shards names them, and the receipt holds that one's digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from corpus import keys
from corpus.errors import Mismatch
from corpus.mixture.cells import cell_parts
from corpus.mixture.held import SIDECAR, Held, held_by
from corpus.results import Folder

SCHEMA = 2
UNIT = "tokens incl. BOS and EOS"
#: What is told of a shard once, in the sidecar's entry.
CENSUS = ("cells", "sources", "cut")


def make_receipt(*, build: str, asked: Mapping[str, Any], plan: pa.Table, sources: pa.Table, shards: Iterable[Folder],
                 tokenizer: Folder, mixture: Mapping[str, Any], pack: Mapping[str, Any] | None = None,
                 caps: pa.Table | None = None, formats: Mapping[str, Mapping[str, Any]] | None = None,
                 finish: Mapping[str, Folder] | None = None, draw_tokenizer: Folder | None = None,
                 taxonomy: str | None = None, evidence: Any = None, after: Mapping[str, Any] | None = None,
                 holdout: Sequence[Mapping[str, Any]] = (), frozen: Mapping[str, Any] | None = None,
                 made: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """asked: budget_tokens, max_epochs, on_shortfall, and caps, limits and schedule where there are some. plan, caps: of
    `corpus.mixture.draw`. sources: source, documents, tokens (`CellTable`). shards: the folders that `WriteShard` left, of
    every format. formats: the options of each format's writer. finish: what `FinishFormat` left, by format. tokenizer: of
    the shards; draw_tokenizer: that of the draw, where it is another. mixture: how the weights were found (method,
    weights, cells). frozen: digests of the shards that the draw read, by name. Raises Mismatch where the shards are not
    what was drawn.
    """
    folders = list(shards)
    written = sorted((shard_entry(f) for f in folders), key=lambda s: (s["format"], s["shard"]))
    held = held_by(written)
    if any(entry["format"] == SIDECAR for entry in written):     # all formats of a shard hold the same, as was just seen
        written = [e if e["format"] == SIDECAR else {n: v for n, v in e.items() if n not in CENSUS} for e in written]
    retokenized = draw_tokenizer is not None and draw_tokenizer.digest != tokenizer.digest
    phases, cells = _phases(plan), [_cell(row) for row in plan.to_pylist()]
    _agree(cells, held, retokenized)
    _shares(cells, held, retokenized)
    total = {name: sum(c["drawn"][name] for c in cells) for name in ("documents", "tokens")}
    return {
        "schema": SCHEMA,
        "build": build,
        "unit": UNIT,
        "seed": plan.column("seed")[0].as_py(),
        "shard_count": max(p["first_shard"] + p["shards"] for p in phases),
        "asked": {"caps": [], "limits": [], "schedule": []} | dict(asked),
        "target_tokens": sum(c["target_tokens"] for c in cells),
        "total": total | {"written_tokens": held.tokens},
        "phases": phases,
        "tokenizer": _tokenizer(tokenizer),
        "draw_tokenizer": _tokenizer(draw_tokenizer) if retokenized and draw_tokenizer else None,
        "taxonomy": taxonomy,
        "mixture": dict(mixture),
        "evidence": evidence,
        "pack": _pack(pack or {}, held),
        "cells": cells,
        "caps": [_cap(row) for row in caps.to_pylist()] if caps is not None else [],
        "sources": _sources(sources, cells, held, list(mixture.get("cells", ()))),
        "after": dict(after) if after else None,
        "holdout": [dict(h) for h in holdout],
        "frozen": dict(frozen or {}),
        "long_documents": sum(f.about.get("long_documents", 0) for f in folders if f.about["format"] == SIDECAR),
        "formats": {name: dict(options) for name, options in sorted((formats or {}).items())},
        "shards": written,
        "finish": [{"format": name, "files": _files(name, folder)} for name, folder in sorted((finish or {}).items())],
        "made": dict(made or {}),
    }


def receipt_digest(receipt: Mapping[str, Any]) -> str:
    """Of everything that the receipt says but `made`, and the digest that it is saved with."""
    return keys.key_of({name: value for name, value in receipt.items() if name not in ("made", "digest")})


def shard_entry(folder: Folder) -> dict[str, Any]:
    """One shard in one format, with [documents, tokens] of each cell and source. Paths are relative to where the shards are
    exported: FORMAT/FILE.
    """
    about = folder.about
    return {
        "shard": about["shard"],
        "phase": about.get("phase", 0),
        "format": about["format"],
        "files": _files(about["format"], folder),
        "rows": about["rows"],
        "sequences": about.get("sequences", about["rows"]),
        "tokens": about["tokens"],
        "stream": about["stream"],
        "cells": about["cells"],
        "sources": about["sources"],
        "cut": about.get("cut"),
        "cut_tokens": about.get("cut_tokens", 0),
        "padded_tokens": about.get("padded_tokens", 0),
    }


def _files(name: str, folder: Folder) -> list[dict[str, Any]]:
    return [{"path": f"{name}/{file}", "digest": digest, "bytes": size} for file, digest, size in folder.files]


def _tokenizer(folder: Folder) -> dict[str, Any]:
    return {"digest": folder.digest} | dict(folder.about)


def _phases(plan: pa.Table) -> list[dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    for row in plan.to_pylist():
        phase = found.setdefault(row["phase"], {"phase": row["phase"], "first_shard": row["first_shard"],
                                                "shards": row["shards"], "target_tokens": 0, "documents": 0, "tokens": 0})
        phase["target_tokens"] += row["target"]
        phase["documents"] += row["drawn_documents"]
        phase["tokens"] += row["drawn_tokens"]
    return [found[p] for p in sorted(found)]


def _cell(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "phase": row["phase"],
        "cell": row["cell"],
        "weight": row["weight"],
        "target_tokens": row["target"],
        "available": {"documents": row["documents"], "tokens": row["tokens"]},
        "drawn": {"documents": row["drawn_documents"], "distinct": row["distinct_documents"], "tokens": row["drawn_tokens"]},
        "share": row["share"],
        "epochs": row["epochs"],
        "whole_copies": row["whole"],
        "threshold": hex16(row["threshold"]),
        "residue_tokens": row["residue"],
    }


def _cap(row: dict[str, Any]) -> dict[str, Any]:
    return dict(row) | {"threshold": hex16(row["threshold"])}


def hex16(key: int | None) -> str | None:
    """A uint64 as 16 hex digits: JSON's numbers hold 53 bits in most readers."""
    return None if key is None else f"{key:016x}"


def _shares(cells: list[dict[str, Any]], held: Held, retokenized: bool) -> None:
    """Adds to each cell its share of documents and what packing did; where the shards are in another tokenizer's tokens,
    these and the shift of the share, too.
    """
    documents: dict[int, int] = {}
    tokens: dict[int, int] = {}
    for cell in cells:
        phase = cell["phase"]
        documents[phase] = documents.get(phase, 0) + cell["drawn"]["documents"]
        tokens[phase] = tokens.get(phase, 0) + held.cells.get((phase, cell["cell"]), [0, 0])[1]
    for cell in cells:
        phase = cell["phase"]
        there = held.cells.get((phase, cell["cell"]), [0, 0])[1]
        cell["cut_tokens"] = held.cut_cells.get((phase, cell["cell"]), 0) if held.cut_is_told else None
        cell["document_share"] = cell["drawn"]["documents"] / max(1, documents[phase])
        if retokenized:
            share = there / max(1, tokens[phase])
            cell["retokenized"] = {"tokens": there, "share": share, "shift": share - cell["share"]}


def _pack(pack: Mapping[str, Any], held: Held) -> dict[str, Any]:
    stream = held.tokens + held.padded - held.cut
    return {"use": "documents", "length": None, "rest": None} | dict(pack) | {
        "sequences": held.sequences,
        "cut_tokens": held.cut,
        "padded_tokens": held.padded,
        "cut_share": held.cut / max(1, held.tokens),
        "padded_share": held.padded / max(1, stream),
    }


def _agree(cells: list[dict[str, Any]], held: Held, retokenized: bool) -> None:
    drawn = {(c["phase"], c["cell"]): [c["drawn"]["documents"], c["drawn"]["tokens"]] for c in cells}
    for phase, cell in sorted({*drawn, *held.cells}):
        asked, found = drawn.get((phase, cell), [0, 0]), held.cells.get((phase, cell), [0, 0])
        if found[0] != asked[0] or (found[1] != asked[1] and not retokenized):
            raise Mismatch("receipt", f"cell '{cell}' of phase {phase} was drawn with {asked[0]:,} documents and "
                                      f"{asked[1]:,} tokens; the shards hold {found[0]:,} and {found[1]:,}")


def _sources(sources: pa.Table, cells: list[dict[str, Any]], held: Held, attributes: list[str]) -> list[dict[str, Any]]:
    """What was asked of a source is known where the cells are told apart by it; elsewhere it is null."""
    asked: dict[str, int] | None = None
    if "source" in attributes:
        asked, place = {}, attributes.index("source")
        for cell in cells:
            name = cell_parts(cell["cell"])[place]
            asked[name] = asked.get(name, 0) + cell["target_tokens"]
    documents_in_all = sum(n for n, _ in held.sources.values())
    tokens_in_all = sum(n for _, n in held.sources.values())
    found = []
    for row in sources.select(["source", "documents", "tokens"]).to_pylist():
        documents, tokens = held.sources.get(row["source"], [0, 0])
        found.append({
            "source": row["source"],
            "target_tokens": None if asked is None else asked.get(row["source"], 0),
            "available": {"documents": row["documents"], "tokens": row["tokens"]},
            "drawn": {"documents": documents, "tokens": tokens},
            "document_share": documents / max(1, documents_in_all),
            "share": tokens / max(1, tokens_in_all),
            "epochs": tokens / max(1, row["tokens"]),
            "cut_tokens": held.cut_sources.get(row["source"], 0) if held.cut_is_told else None,
        })
    return found
