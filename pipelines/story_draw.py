"""Of one kept document: how often it is drawn and why, and where its copies lie. The draw is asked again for its one row of
the index, so what is told is what was done; offsets are those of the sidecar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.document import ID, show_id
from corpus.ghosts import HELD_OUT, reason_of
from corpus.mixture.copies import Copies, copies_of, left_out
from corpus.results import Folder
from pipelines.view import View

#: Outputs that name documents which a build's own holdout keeps out.
_HELD = (("holdout.held", "held"), ("holdout.near", "held"), ("holdout.groups", "held"))


@dataclass(frozen=True)
class Row:
    """A document's row of the index (one row), and how often a trainer has read it already."""

    index: pa.Table
    seen: int

    @property
    def cell(self) -> str | None:
        return self.index.column("cell")[0].as_py()

    @property
    def key(self) -> int:
        return self.index.column("key")[0].as_py()


def drawn_story(view: View, raw: bytes) -> dict[str, Any]:
    """cell, seen, drawn (why, or why not) and shards (where) of a kept document; what is not reached yet is left out."""
    row = _row(view, raw)
    if row is None:
        return {}
    story: dict[str, Any] = {"cell": row.cell or f"none: {_no_cell(view, raw)}"}
    if row.seen:
        story["seen"] = f"{row.seen} {'copy' if row.seen == 1 else 'copies'} read by --after"
    plan, caps = view.rows("compile.draw", "plan"), view.rows("compile.draw", "caps")
    if plan is None or row.cell is None:
        return story
    copies = copies_of(row.index, plan, caps, np.array([row.seen], np.int64))
    if not len(copies.row):
        return story | {"drawn": f"not: {_why_not(row, plan, caps)}"}
    phases = sorted(set(copies.phase.tolist()))
    times = f"{len(copies.row)} {'time' if len(copies.row) == 1 else 'times'}"
    if plan.column("phase").unique().to_pylist() != [0]:
        times += ", in " + ("phase " if len(phases) == 1 else "phases ") + ", ".join(map(str, phases))
    return story | {"drawn": times, "shards": "; ".join(_places(view, raw, copies))}


def _row(view: View, raw: bytes) -> Row | None:
    indices, seen = view.shards("search.index", "index"), seen_shards(view)
    for i, documents in enumerate(view.shards("freeze", "documents")[: len(indices)]):
        ids = view.store.read_shard(documents, ["id"]).column("id")
        at = pc.index(ids, pa.scalar(raw, ID)).as_py()
        if at >= 0:
            read = view.store.read_shard(seen[i], ["seen"]).column("seen")[at].as_py() if i < len(seen) else 0
            return Row(view.store.read_shard(indices[i]).slice(at, 1), read)
    return None


def seen_shards(view: View) -> list:
    """What a trainer has read already, beside the index; none without --after."""
    return next((found for step in view.manifests if (found := view.shards(step, "seen"))), [])


def _no_cell(view: View, raw: bytes) -> str:
    """Why a document lies in no cell."""
    ghost = reason_of(view.store, raw, view.build.name)
    if ghost is not None:
        return "it is held out of every build" if ghost == HELD_OUT else "it was removed"
    if any(view.row(step, name, raw, ["id"]) is not None for step, name in _HELD):
        holdout = view.build.file.mixture.holdout
        named = f" '{holdout.name}'" if holdout is not None else ""
        return f"it is in the holdout{named}, or near a document of it"
    return "it lacks " + " or ".join(view.build.file.cells)


def _why_not(row: Row, plan: pa.Table, caps: pa.Table | None) -> str:
    if caps is not None and left_out(row.index, row.index.column("key").to_numpy(), caps)[0]:
        for cap in caps.to_pylist():
            value = row.index.column(cap["attribute"])[0].as_py()
            if value == cap["value"] and (cap["threshold"] is None or row.key > cap["threshold"]):
                return (f"{cap['attribute']} {value} is capped at {cap['tokens_allowed']:,} tokens, and its draw "
                        f"{row.key:016x} is over {_hex(cap['threshold'])}")  # fmt: skip
    own = plan.filter(pc.equal(plan.column("cell"), row.cell)).to_pylist()
    if not any(phase["weight"] for phase in own):
        return f"its cell '{row.cell}' weighs 0"
    if row.seen:
        return f"it was read {row.seen} times already, and the documents of its cell that come first were enough"
    highest = max((p["threshold"] for p in own if p["threshold"] is not None), default=None)
    return f"its draw {row.key:016x} is over its cell's threshold {_hex(highest)}: the share was met without it"


def _hex(key: int | None) -> str:
    return "any" if key is None else f"{key:016x}"


def _places(view: View, raw: bytes, copies: Copies) -> list[str]:
    """Where each copy lies: shard, sequence and token offset."""
    folders = {}
    manifest = view.manifests.get("shards.index")
    for output in view.outputs(manifest) if manifest else ():
        if isinstance(output, Folder) and "shard" in output.about:
            folders[output.about["shard"]] = output
    told = []
    for copy, shard in zip(copies.copy.tolist(), copies.shard.tolist()):
        pieces = _pieces(view, folders.get(shard), raw, copy)
        where = f"shard {shard}"
        if pieces:
            first = pieces[0]
            where += f" sequence {first['sequence']:,} offset {first['offset']:,}"
            where += f" in {len(pieces)} pieces" if len(pieces) > 1 else ""
        told.append(f"{where} (copy {copy})")
    return told


def _pieces(view: View, folder: Folder | None, raw: bytes, copy: int) -> list[dict[str, Any]]:
    """Rows of the sidecar that are of one copy, in the order of the document."""
    if folder is None:
        return []
    wanted = [("id", "=", show_id(raw)), ("copy", "=", copy)]
    found: list[dict[str, Any]] = []
    with view.store.local_folder(folder) as path:
        for name, _, _ in folder.files:
            if name.endswith(".parquet"):
                columns = ["sequence", "offset", "begin"]
                if not (path / name).exists():          # a purge took it away: it held another document that was removed
                    continue
                found += pq.read_table(path / name, columns=columns, filters=wanted, partitioning=None).to_pylist()
    return sorted(found, key=lambda piece: piece["begin"])
