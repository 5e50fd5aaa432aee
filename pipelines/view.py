"""Reading a finished (or half finished) build: its manifests by step, the funnel, domains, cells, rows by id."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus import results
from corpus.document import show_id
from corpus.errors import MissingFile, UnknownName
from corpus.results import Folder, Shard
from corpus.store import Store
from pipelines.config.load import Build
from pipelines.plan import read_state, result_of

#: Stages that may drop a record, in order.
STAGES = ("ingest", "extract", "edit", "filter", "dedup")


class View:
    """The state that the last run of a build left."""

    def __init__(self, build: Build) -> None:
        self.build, self.store = build, Store(build.store_url)
        self.folder = f"builds/{build.name}"

    @cached_property
    def manifests(self) -> dict[str, dict[str, Any]]:
        """Manifests of the steps that are complete, in the recipe's order."""
        found = {}
        for step, entry in read_state(self.store, self.build.name).items():
            manifest = self.store.read_json(f"steps/{entry['key'][:2]}/{entry['key']}.json") or self._pinned(step, entry)
            if manifest is not None:
                found[step] = manifest
        if not found:
            raise MissingFile(
                self.store.full(f"{self.folder}/state.json"), remedy=f"build it first: corpus build {self.build.where}"
            )
        return found

    def _pinned(self, step: str, entry: dict[str, Any]) -> dict[str, Any] | None:
        """A fit that the lock keeps has no manifest of its own for these inputs: its task's record says the same."""
        record = self.store.record(entry["tasks"][0]) if entry["tasks"] else None
        if record is None:
            return None
        return {
            "step": step,
            "stage": entry["stage"],
            "key": entry["key"],
            "identity": record.identity,
            "counts": record.counts,
            "tasks": [
                {"key": record.key, "outputs": [results.item_to_json(o) for o in record.outputs], "counts": record.counts}
            ],
            "made": {"seconds": record.made["seconds"], "engine": "pinned by BUILD.lock"},
        }

    def outputs(self, manifest: dict[str, Any], name: str | None = None) -> list[Shard | Folder]:
        found = [results.item_from_json(o) for task in manifest["tasks"] for o in task["outputs"]]
        return [o for o in found if name is None or o.name == name]

    def shards(self, step: str, name: str | None) -> list[Shard]:
        """Shards of a step's output, of all its outputs where `name` is None; none where the step was not reached."""
        manifest = self.manifests.get(step)
        return [] if manifest is None else [o for o in self.outputs(manifest, name) if isinstance(o, Shard)]

    def rows(self, step: str, name: str, columns: list[str] | None = None) -> pa.Table | None:
        """All rows of a step's output (small outputs only), or None."""
        shards = self.shards(step, name)
        return pa.concat_tables(self.store.read_shard(s, columns) for s in shards) if shards else None

    def about(self, step: str) -> dict[str, Any]:
        """What a fit tells people."""
        manifest = self.manifests.get(step)
        folders = [o for o in self.outputs(manifest)] if manifest else []
        return next((o.about for o in folders if isinstance(o, Folder)), {})

    @cached_property
    def receipt(self) -> dict[str, Any] | None:
        return self.store.read_json(f"{self.folder}/receipt.json")

    # summaries ---------------------------------------------------------------------------------------------------

    @property
    def stages(self) -> list[str]:
        """Stages of this build that may drop a record, in order."""
        return [s for s in STAGES if s != "edit" or self.build.editors]

    def funnel(self) -> list[dict[str, Any]]:
        """Per stage: records left, dropped, reasons (most frequent first), from the ledger's verdicts."""
        dropped: dict[str, dict[str, int]] = {}
        total = 0
        for shard in self.shards("freeze.ledger", "verdicts"):
            table = self.store.read_shard(shard, ["kept", "stage", "reason"])
            total += table.num_rows
            lost = table.filter(pc.invert(table.column("kept")))
            for row in lost.group_by(["stage", "reason"]).aggregate([([], "count_all")]).to_pylist():
                reasons = dropped.setdefault(row["stage"], {})
                reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["count_all"]
        left, found = total, [{"stage": "records", "left": total, "dropped": 0, "reasons": []}]
        for stage in self.stages:
            reasons = sorted(dropped.pop(stage, {}).items(), key=lambda item: (-item[1], item[0]))
            gone = sum(n for _, n in reasons)
            left -= gone
            found.append({"stage": stage, "left": left, "dropped": gone, "reasons": reasons})
        return found

    def domains(self) -> list[dict[str, Any]]:
        manifest = self.manifests.get("domains.taxonomy")
        if manifest is None:
            return []
        taxonomy = self.taxonomy()
        found = []
        for domain in taxonomy["domains"]:
            members = [c for c in taxonomy["clusters"] if c["domain"] == domain["id"] and c["mean_quality"] is not None]
            documents = sum(c["documents"] for c in members)
            quality = sum(c["documents"] * c["mean_quality"] for c in members) / documents if documents else None
            found.append(domain | {"quality": quality})
        return found

    def pruned(self) -> dict[str, int]:
        """How many clusters there are, how many were pruned, and how many documents lie in those."""
        if "domains.taxonomy" not in self.manifests:
            return {"clusters": 0, "pruned": 0, "documents": 0}
        clusters = self.taxonomy()["clusters"]
        gone = [c for c in clusters if c["pruned"]]
        return {"clusters": len(clusters), "pruned": len(gone), "documents": sum(c["documents"] for c in gone)}

    def taxonomy(self) -> dict[str, Any]:
        """`taxonomy.json` of the build's taxonomy."""
        (folder,) = [o for o in self.outputs(self.manifests["domains.taxonomy"]) if isinstance(o, Folder)]
        return self.store.read_json(f"{folder.path}/taxonomy.json")

    def cells(self) -> list[dict[str, Any]]:
        """Asked, achieved and natural share (of tokens), residue and epochs of each cell over all phases, largest first."""
        if self.receipt is None:
            return []
        by_cell: dict[str, list[dict[str, Any]]] = {}
        for c in self.receipt["cells"]:
            by_cell.setdefault(c["cell"], []).append(c)
        available = sum(phases[0]["available"]["tokens"] for phases in by_cell.values()) or 1
        target = sum(c["target_tokens"] for c in self.receipt["cells"]) or 1
        drawn = sum(c["drawn"]["tokens"] for c in self.receipt["cells"]) or 1
        found = []
        for cell, phases in by_cell.items():
            tokens = sum(c["drawn"]["tokens"] for c in phases)
            have = phases[0]["available"]
            found.append(
                {
                    "cell": cell,
                    "asked": phases[0]["weight"] if len(phases) == 1 else sum(c["target_tokens"] for c in phases) / target,
                    "achieved": tokens / drawn,
                    "natural": have["tokens"] / available,
                    "tokens": tokens,
                    "documents": sum(c["drawn"]["documents"] for c in phases),
                    # the unseen come first, so phases share a document only once all of the cell has been drawn
                    "distinct": min(sum(c["drawn"]["distinct"] for c in phases), have["documents"]),
                    "residue": sum(c["residue_tokens"] for c in phases),
                    "epochs": tokens / max(1, have["tokens"]),
                    "available": have,
                }
            )
        return sorted(found, key=lambda c: (-c["asked"], c["cell"]))

    def licences(self) -> list[dict[str, Any]]:
        """Documents of each licence that came to the filter, that stayed, and that went for it alone."""
        table = self.rows("filter.admitted.table", "licences")
        return [] if table is None else table.to_pylist()

    def summary(self) -> dict[str, Any]:
        licences = self.licences()
        found = {"funnel": self.funnel(), "domains": self.domains(), "pruned": self.pruned(), "cells": self.cells()}
        return found | ({"licences": licences} if licences else {})

    def step(self, name: str) -> dict[str, Any]:
        """One step in detail, with the first rows of its first shard, made JSON-like."""
        if name not in self.manifests:
            raise UnknownName("step", name, self.manifests)
        manifest = self.manifests[name]
        outputs = self.outputs(manifest)
        first = next((o for o in outputs if isinstance(o, Shard) and o.rows), None)
        rows = self.store.read_shard(first).slice(0, 3).to_pylist() if first else []
        return {
            "step": name,
            "stage": manifest["stage"],
            "seconds": manifest["made"]["seconds"],
            "engine": manifest["made"]["engine"],
            "identity": manifest["identity"],
            "counts": manifest["counts"],
            "outputs": [
                {"name": o.name, "rows": getattr(o, "rows", None), "bytes": o.bytes, "path": o.path} for o in outputs
            ],
            "first": [{k: show_value(v) for k, v in row.items()} for row in rows],
        }

    def row(self, step: str, name: str, raw: bytes, columns: list[str] | None = None) -> dict[str, Any] | None:
        """The first row of a step's output that has this id, or None."""
        for shard in self.shards(step, name):
            table = self.store.read_shard(shard, columns)
            found = table.filter(pc.equal(table.column("id"), pa.scalar(raw, pa.binary(16))))
            if found.num_rows:
                return found.slice(0, 1).to_pylist()[0]
        return None

    def drawn(self) -> Iterator[tuple[int, Shard]]:
        """Each drawn shard with its number; one that no document went to has no shard."""
        manifest = self.manifests.get("shards.place")
        if manifest is not None:
            drawn = result_of("shards.place", manifest)["drawn"]
            yield from zip(drawn.numbers or (), drawn)

    def write_report(self) -> str:
        """Writes the report from what is there; returns its path."""
        from pipelines.report.page import render

        self.store.write_bytes(f"{self.folder}/report.html", render(self).encode())
        return self.store.full(f"{self.folder}/report.html")


def show_value(value: Any) -> Any:
    """A cell of a table for people and JSON: ids in base32, long lists and texts cut."""
    if isinstance(value, bytes):
        return (
            show_id(value)
            if len(value) == 16
            else base64.b64encode(value[:24]).decode() + ("..." if len(value) > 24 else "")
        )
    if isinstance(value, list):
        return [show_value(v) for v in value[:8]] + (["..."] if len(value) > 8 else [])
    if isinstance(value, str) and len(value) > 200:
        return value[:200] + "..."
    return value
