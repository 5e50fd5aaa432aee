"""What a mixture was found on is written down with it; weights that come with such evidence are held against the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus import keys
from corpus.mixture.evidence import (
    SAME,
    CellSketch,
    CellSketches,
    CheckEvidence,
    evidence_digest,
    evidence_table,
    mixture_value,
)
from corpus.results import Shard
from corpus.store import Store
from pipelines.config.load import Build
from pipelines.stages.annotate import Marks
from pipelines.stages.domains import Spaces
from pipelines.stages.search import Found
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Evidence:
    """found_on: the cells that the build's search saw, pinned with what it found; None where the mixture is given.
    checked: how far this build's cells are from what given weights were found on; None where they claim nothing.
    """

    found_on: Result | None
    checked: Result | None


def stage(line: Line, build: Build, frozen: Result, marks: Marks, spaces: Spaces, found: Found) -> Evidence:
    evidence = None if build.given is None else build.given.evidence
    if build.file.mixture.weights is not None and evidence is None:
        return Evidence(None, None)
    with line.stage("compile"):
        each = {"documents": frozen["documents"], "index": found.index}
        over = {"sketch": line.map("compile.sketch", CellSketch(), each)["sketch"]}
        if evidence is None or build.given is None:
            # what a search compared has every cell's tokens in it, so a search on other data is another one
            return Evidence(line.fit("compile.found_on", CellSketches(), over, upon=[found.search["comparison"]]), None)
        work = CheckEvidence(
            taxonomy=evidence.get("taxonomy"),
            tokenizer=evidence.get("tokenizer"),
            attributes_then=tuple(evidence.get("attributes") or ()),
            attributes=tuple(build.file.cells),
            carry=build.file.mixture.carry,
        )
        sides = {
            "now": line.gather("compile.sketches", CellSketches(), over)["sketch"],
            "then": _then(line, evidence, build.given.source),
            "taxonomy": spaces.taxonomy["taxonomy"],
            "tokenizer": marks.tokenizer["tokenizer"],
        }
        return Evidence(None, line.gather("compile.evidence", work, sides))


def _then(line: Line, evidence: dict[str, Any], where: str) -> Items:
    """The evidence's sketches as a shard; where nothing may be written, only what it would be called."""
    table = evidence_table(evidence, where)
    if line.may_write:
        return Items("compile.evidence", "then", (line.store.write_shard("then", table),))
    digest = keys.digest_table(table)
    return Items("compile.evidence", "then", (Shard("then", f"shards/{digest[:2]}/{digest}.parquet", digest, "", 0, 0),))


def receipt_entry(build: Build, store: Store, made: Evidence) -> dict[str, Any] | None:
    """What a receipt says of the evidence: its digest, whether it was carried over, and the cells that drifted."""
    if made.checked is None or build.given is None or build.given.evidence is None:
        return None
    (drift,) = made.checked["drift"]
    rows = [row for row in store.read_shard(drift).to_pylist() if row["overlap"] < SAME]
    return {
        "digest": evidence_digest(build.given.evidence),
        "carried": bool(made.checked.counts.get("drifted") or made.checked.counts.get("changed")),
        "drift": [
            {
                "cell": row["cell"],
                "overlap": row["overlap"],
                "tokens": [row["tokens_then"], row["tokens_now"]],
                "share": [row["share_then"], row["share_now"]],
            }
            for row in rows
        ],
    }


def mixture_file(
    build: Build, store: Store, made: Evidence, mixture: Items, taxonomy: Items, tokenizer: Items
) -> dict[str, Any]:
    """`mixture.json` of a build: its mixture and what that was found on, which growth does not change. Weights that were
    carried over keep their evidence, and those that came without have none. mixture: the search's output; taxonomy,
    tokenizer: the folders that its cells rest on.
    """
    (shard,) = mixture
    table = store.read_shard(shard, ["cell", "weight"])
    weights = dict(zip(table.column("cell").to_pylist(), table.column("weight").to_pylist()))
    if made.found_on is None:
        given = None if build.given is None else build.given.evidence
        return dict(given) | {"weights": weights} if given is not None else mixture_value(weights)
    (sketches,) = made.found_on["sketch"]
    found_on = store.read_shard(sketches)
    return mixture_value(weights, found_on, build.file.cells, taxonomy.folder.digest, tokenizer.folder.digest)
