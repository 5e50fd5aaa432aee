"""Removal from a build and its store: what goes, the tombstones that keep it out, the build made again, and the receipt of
what went. With a purge, no artefact holds the text afterwards.

Any part can be ended by force and the same command finishes it: tombstones are written whole, the build resumes, and a purge
goes on from what it wrote down.
"""

from __future__ import annotations

import contextlib
import posixpath
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import keys
from corpus.dedup.shingle import Shingle
from corpus.document import ID, one_array, show_id
from corpus.errors import UserError
from corpus.mixture.holdouts import without
from corpus.registry import identity
from corpus.removal import tombstones
from corpus.removal.choose import Asked, Chosen, Records, choose, texts_of
from corpus.removal.live import builds_of
from corpus.removal.purge import Purged, models_that_saw, purge
from corpus.sources.listing import list_files
from corpus.store import Store
from pipelines.build import Outcome, run_build
from pipelines.config.load import Build
from pipelines.engines.placement import Placement
from pipelines.plan import read_state
from pipelines.progress import Progress
from pipelines.run import lease
from pipelines.view import View

LEASE = ".removals"         # one removal of a store at a time; no build's name begins with a dot


@dataclass
class Removal:
    """What a removal is about, and what of it the build has. Tokens count once for each document that was frozen."""

    chosen: Chosen
    kept: int = 0
    tokens: int = 0
    cells: dict[str, list[int]] = field(default_factory=dict)  # cell: [documents, tokens]
    sources: dict[str, list[int]] = field(default_factory=dict)
    shards: list[int] = field(default_factory=list)  # written ones that hold a copy
    copies: int = 0
    models: list[dict[str, str]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)  # where the records lie in the sources: not the store's
    looked: int = 0

    def told(self) -> dict[str, Any]:
        """As JSON: ids and reasons, never a text."""
        rows = self.chosen.documents
        return {
            "documents": [
                {"id": show_id(r["id"]), "source": r["source"], "why": r["why"], "jaccard": r["jaccard"]}
                for r in rows.to_pylist()
            ],
            "kept": self.kept,
            "tokens": self.tokens,
            "cells": self.cells,
            "sources": self.sources,
            "copies": self.copies,
            "shards": self.shards,
            "near": [
                {"id": show_id(r["id"]), "why": r["why"], "jaccard": r["jaccard"]} for r in self.chosen.near.to_pylist()
            ],
            "undated": self.chosen.undated,
            "missing": self.chosen.missing,
            "models": self.models,
            "trials": [],
            "files": self.files,
        }


def find(build: Build, asked: Asked, promote: bool) -> Removal:
    """What a removal would be about. Writes nothing."""
    view = View(build)
    records = records_of(build, view)
    chosen = choose(records, asked, promote)
    found = Removal(chosen, looked=records.rows)
    if len(chosen.ids):
        _weigh(view, found)
        found.models = models_that_saw(view.store, chosen.ids, build.name)
        found.files = list(_files(build, chosen))
    return found


def records_of(build: Build, view: View) -> Records:
    options, edited = build.file.dedup, "edit" if view.shards("edit", "documents") else "extract"
    return Records(
        view.store,
        view.shards("ingest", "raw"),
        view.shards(edited, "documents"),
        view.shards(edited, "facts"),
        view.shards("dedup.shingles", "shingles"),
        view.shards("dedup.groups", "groups"),
        Shingle(options.ngram, options.bands, options.rows),
        options.threshold,
        tuple(source.name for source in build.sources),
    )


def remove(build: Build, asked: Asked, found: Removal, promote: bool, note: str = "") -> tuple[str, int]:
    """Writes the tombstones and the removal's receipt; returns the name of the receipt and how many rows were new."""
    store = Store(build.store_url)
    told = {"schema": 1, "build": build.name, "near": "promote" if promote else "remove", "note": note,
            "rules": asked.rules, "digests": [d.hex() for d in asked.digests],
            "receipts": {"before": _written(store, build.name), "after": None}} | {"went": found.told()}
    name = keys.key_of([told["build"], told["near"], told["rules"], told["digests"],
                        sorted(d["id"] for d in told["went"]["documents"])])
    with lease(store, LEASE):
        texts = texts_of(records_of(build, View(build)), found.chosen.ids)
        signed = [(s, _rows(s, texts, asked, promote)) for s in shingles_in_use(store, build)]
        rest = found.chosen.ids.filter(pc.invert(pc.is_in(found.chosen.ids, value_set=one_array(texts.column("id")))))
        rules = [*asked.rules, *({"text_digest": d} for d in asked.digests)]
        rows = pa.concat_tables([signed[0][1], tombstones.ghost_rows(pa.table({"id": rest})), tombstones.rule_rows(rules)])
        fresh = tombstones.add(store, build.name, rows, signed)
        without(store, found.chosen.ids.to_pylist())
        path = receipt_path(build, name)
        if store.read_json(path) is None:           # a second run of the same removal knows less of what went
            store.write_json(path, told | {"when": _now()})
    return name, fresh


def rebuild(build: Build, name: str, placement: Placement, progress: Progress) -> tuple[Outcome, dict[str, Any]]:
    """Makes the build again without what was removed; returns its outcome and the removal's receipt, completed."""
    store = Store(build.store_url)
    outcome = run_build(build, placement, progress)
    told = store.read_json(receipt_path(build, name))
    if "shards" not in told:            # `before` is of when the tombstones were written, however often this was begun
        before = told["receipts"]["before"]
        told["shards"] = compared(before["files"], _files_of(outcome.receipt))
        told["receipts"] = {"before": before["digest"], "after": outcome.receipt_digest}
        store.write_json(receipt_path(build, name), told)
    return outcome, told


def purge_all(build: Build, ids: pa.Array, tell: Callable[[str], None]) -> Purged:
    """Purges documents from the whole store, and writes the build's report again without them."""
    store = Store(build.store_url)
    with contextlib.ExitStack() as held:
        held_now = [name.removesuffix(".json") for name in store.names("leases") if name.endswith(".json")]
        names = {build.name, *store.names("builds"), *held_now}
        for name in (LEASE, *sorted(names - {LEASE})):      # nobody may read what is being masked, in a first build either
            held.enter_context(lease(store, name))
        done = purge(store, ids, build.name, tell)
        View(build).write_report()
        for other in builds_of(store):
            if other != build.name:         # it shows texts of its own shards, and its build file is not here to render it
                store.remove(f"builds/{other}/report.html")
    return done


def purgeable(build: Build) -> pa.Array:
    """Ids of everything that was ever removed from the store, and of what this build dropped for being like it."""
    view = View(build)
    gone = tombstones.removed_ids(view.store)
    signed = gone.filter(pc.invert(pc.is_in(gone, value_set=tombstones.named_alone(view.store))))
    found = [gone]
    for shard in view.shards("freeze.ledger", "verdicts"):
        rows = view.store.read_shard(shard, ["id", "reason", "keeper"])
        like = pc.or_(pc.fill_null(pc.equal(rows.column("reason"), "removed"), False),
                      pc.is_in(rows.column("keeper"), value_set=signed, skip_nulls=True))
        found.append(one_array(rows.column("id").filter(like)))
    return pc.unique(pa.concat_arrays(found))


def receipt_path(build: Build, name: str) -> str:
    return f"builds/{build.name}/removals/{name}.json"


def _written(store: Store, build: str) -> dict[str, Any]:
    receipt = store.read_json(f"builds/{build}/receipt.json") or {}
    return {"digest": receipt.get("digest"), "files": _files_of(receipt)}


def _files_of(receipt: dict[str, Any]) -> dict[str, str]:
    return {f["path"]: f["digest"] for s in receipt.get("shards", ()) for f in s["files"]}


def compared(old: dict[str, str], new: dict[str, str]) -> dict[str, int]:
    """How many exported files of shards are byte-equal, changed, new and gone: digests by path, before and after."""
    same = sum(new.get(path) == digest for path, digest in old.items())
    both = len(old.keys() & new.keys())
    return {"equal": same, "changed": both - same, "new": len(new) - both, "gone": len(old) - both}


def shingles_in_use(store: Store, build: Build) -> list[Shingle]:
    """The options that builds of the store shingle with, this build's first: removed texts are signed for all of them."""
    options = build.file.dedup
    found = {keys.key_of(identity(s)): s for s in [Shingle(options.ngram, options.bands, options.rows)]}
    for other in builds_of(store):
        said = read_state(store, other).get("dedup.shingles", {}).get("identity")
        if said is not None:
            shingle = Shingle(**said["options"])
            found.setdefault(keys.key_of(identity(shingle)), shingle)
    return list(found.values())


def _rows(shingle: Shingle, texts: pa.Table, asked: Asked, promote: bool) -> pa.Table:
    """Rows of the removed documents, and of the texts that were given, each under its own digest in place of an id."""
    rows = tombstones.signed_by(shingle, one_array(texts.column("id")), texts.column("text"), not promote)
    if not asked.texts:
        return rows
    given = shingle.of(pa.array([bytes(16)] * len(asked.texts), ID), list(asked.texts))
    given = given.set_column(0, "id", given.column("text_digest"))
    return pa.concat_tables([rows, tombstones.ghost_rows(given.select(["id", "text_digest"]) if promote else given)])


def _weigh(view: View, found: Removal) -> None:
    """Counts what of the chosen documents is frozen, and where its copies are."""
    ids = found.chosen.ids
    tokens, index = view.shards("annotate.tokens", "tokens"), view.shards("search.index", "index")
    for i, shard in enumerate(view.shards("freeze", "documents")):
        rows = view.store.read_shard(shard, ["id", "source"])
        at = pa.array(np.flatnonzero(pc.is_in(rows.column("id"), value_set=ids).to_numpy()))
        found.kept += len(at)
        if not len(at) or i >= len(tokens):
            continue
        counts = view.store.read_shard(tokens[i], ["token_count"]).column("token_count").take(at).to_pylist()
        found.tokens += sum(counts)
        cells = view.store.read_shard(index[i], ["cell"]).column("cell").take(at).to_pylist() if i < len(index) else []
        for sums, names in ((found.sources, rows.column("source").take(at).to_pylist()), (found.cells, cells)):
            for name, n in zip(names, counts):
                total = sums.setdefault(name or "no cell", [0, 0])
                total[0] += 1
                total[1] += n
    for number, shard in view.drawn():
        held = pc.sum(pc.is_in(view.store.read_shard(shard, ["id"]).column("id"), value_set=ids)).as_py() or 0
        if held:
            found.shards.append(number)
            found.copies += held


def _files(build: Build, chosen: Chosen) -> Iterable[dict[str, Any]]:
    """Where each record lies in its source: files that are not the store's, and stay as they are."""
    at: dict[tuple[str, str], list[str]] = {}
    for source in build.sources:
        try:
            urls = list_files(source.patterns, build.base)
        except UserError:                           # the files are not here any more, which is as well
            urls = []
        for url in urls:
            at.setdefault((source.name, posixpath.basename(url.rstrip("/"))), []).append(url)
    for row in chosen.documents.to_pylist():
        urls = at.get((row["source"], row["file"])) or [row["file"]]
        yield {"id": show_id(row["id"]), "file": urls[0], "offset": row["offset"]}


def told_purge(done: Purged) -> dict[str, Any]:
    return asdict(done) | {"masked": len(done.masked), "deleted": len(done.deleted)}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
