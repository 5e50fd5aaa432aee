"""`corpus diff`: two builds, document by document, or two receipts, cell by cell. What was asked differently comes first,
then what came of it.

What it gives up: of receipts, which documents; they name none, so two builds of one name can be told apart only by sums.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from corpus.results import Folder
from pipelines.config.load import load_build
from pipelines.diff_documents import diff_documents
from pipelines.plan import differences, read_state
from pipelines.receipt import read_receipt, receipt_at
from pipelines.view import View

#: What a receipt was asked and made with, in the order in which changes are told.
ASKED = ("tokenizer", "draw_tokenizer", "taxonomy", "seed", "pack", "asked", "mixture", "evidence", "after", "holdout",
         "unit", "shard_count", "formats", "schema")  # fmt: skip
SUMS = (("available", "documents"), ("available", "tokens"), ("drawn", "documents"), ("drawn", "tokens"))


def diff(a: str, b: str, examples: int = 0) -> dict[str, Any]:
    """What is different in B. a, b: build files; or receipts, or folders that hold one: where either is one, a build's
    receipt stands for it. examples: documents named of each kind of change.
    """
    if is_receipt(a) or is_receipt(b):
        return {"kind": "receipts", "a": a, "b": b} | diff_receipts(receipt_in(a), receipt_in(b))
    views = View(load_build(a)), View(load_build(b))
    before, after = (v.build.file.model_dump(mode="json") for v in views)
    return {
        "kind": "builds",
        "a": a,
        "b": b,
        "keys": differences(before, after),
        "taxonomies": [_taxonomy(v) for v in views],
        "steps": diff_steps(*(read_state(v.store, v.build.name) for v in views)),
    } | diff_documents(*views, examples)


def _taxonomy(view: View) -> str | None:
    """The digest of a build's taxonomy; of different ones, cells of one name are different cells."""
    manifest = view.manifests.get("domains.taxonomy")
    return next((o.digest for o in view.outputs(manifest) if isinstance(o, Folder)), None) if manifest else None


def is_receipt(path: str) -> bool:
    return os.path.isdir(path) or path.endswith(".json") or "://" in path and not path.endswith((".yaml", ".yml"))


def receipt_in(path: str) -> dict[str, Any]:
    """The receipt in a file, in a folder, or of a build."""
    if path.endswith(".json"):
        return read_receipt(path)
    told = receipt_at(path)
    return told.receipt | {"digest": told.said}


def diff_steps(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Steps whose declared identity changed, with the fields that did; and those that only one build has."""
    changed = []
    for step, entry in after.items():
        if step in before and (found := differences(before[step]["identity"], entry["identity"])):
            changed.append({"step": step, "fields": found})
    return {
        "changed": changed,
        "only_a": [step for step in before if step not in after],
        "only_b": [step for step in after if step not in before],
    }


def diff_receipts(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, Any]:
    """asked: fields that differ. cells, sources: [in A, in B] of those that differ, those that gave or took most first."""
    names = [*ASKED, *sorted((a.keys() | b.keys()) - {*ASKED, *_TOLD_APART})]
    streams = [{s["shard"]: s["stream"] for s in r["shards"]} for r in (a, b)]
    return {
        "digests": [a.get("digest"), b.get("digest")],
        "asked": [said for name in names for said in differences({name: _asked(a, name)}, {name: _asked(b, name)})]
        + differences({"caps": _rules(a)}, {"caps": _rules(b)}),
        "total": {name: [a["total"][name], b["total"][name]] for name in ("documents", "tokens")},
        "cells": _rows(a["cells"], b["cells"], ("phase", "cell"), ("weight", "target_tokens", "epochs")),
        "sources": _rows(a["sources"], b["sources"], ("source",), ("epochs",)),
        "shards": {
            "a": len(streams[0]),
            "b": len(streams[1]),
            "equal": sum(streams[1].get(shard) == stream for shard, stream in streams[0].items()),
        },
    }


def _asked(receipt: Mapping[str, Any], name: str) -> Any:
    """A part of a receipt without what came of it: of packing, its options alone."""
    found = receipt.get(name)
    return {key: found.get(key) for key in ("use", "length", "rest")} if name == "pack" and found else found


#: Parts of a receipt that are compared in their own way, or follow from others.
_TOLD_APART = {"build", "cells", "sources", "shards", "finish", "total", "target_tokens", "phases", "caps", "frozen", "made",
               "digest", "long_documents"}  # fmt: skip


def _rules(receipt: Mapping[str, Any]) -> list[str]:
    """The values that a cap held back, in words."""
    return sorted(f"{row.get('attribute')}={row.get('value')}" for row in receipt.get("caps") or ())


def _rows(a: Iterable[Mapping], b: Iterable[Mapping], by: tuple[str, ...], plain: tuple[str, ...]) -> list[dict[str, Any]]:
    was, now = ({tuple(row.get(k, 0) for k in by): row for row in rows} for rows in (a, b))
    found = []
    for key in sorted(was.keys() | now.keys()):
        x, y = was.get(key, {}), now.get(key, {})
        row: dict[str, Any] = {name: [x.get(name), y.get(name)] for name in plain}
        row |= {f"{group}_{name}": [x.get(group, {}).get(name, 0), y.get(group, {}).get(name, 0)] for group, name in SUMS}
        if any(one != other for one, other in row.values()):
            moved = [row[f"drawn_{name}"][1] - row[f"drawn_{name}"][0] for name in ("documents", "tokens")]
            found.append(dict(zip(by, key)) | row | {"documents_in": moved[0], "tokens_in": moved[1]})
    return sorted(found, key=lambda r: -abs(r["tokens_in"]))
