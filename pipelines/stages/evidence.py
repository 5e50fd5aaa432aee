"""What a mixture was found on is written down with it; weights that come with such evidence are held against the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus.mixture.evidence import (
    SAME,
    CellSketch,
    CellSketches,
    CheckEvidence,
    evidence_digest,
    evidence_table,
    mixture_value,
)
from corpus.mixture.weights import WeightsFile
from corpus.store import Store
from pipelines.config.load import Build
from pipelines.stages.annotate import Marks
from pipelines.stages.domains import Spaces
from pipelines.stages.search import Found
from pipelines.step import Items, Line, Result

WEIGHTS = "mixture.weights"


@dataclass(frozen=True)
class Evidence:
    """found_on: the cells that the build's search saw, pinned with what it found; None where the mixture is given.
    checked: how far this build's cells are from what given weights were found on; by the place
    in the build file of those that claim something.
    """

    found_on: Result | None
    checked: dict[str, Result]


def stage(line: Line, build: Build, frozen: Result, marks: Marks, spaces: Spaces, found: Found) -> Evidence:
    claims = claims_of(build)
    if build.file.mixture.weights is not None and not claims:
        return Evidence(None, {})
    with line.stage("compile"):
        each = {"documents": frozen["documents"], "index": found.index}
        over = {"sketch": line.map("compile.sketch", CellSketch(), each)["sketch"]}
        found_on = None
        if build.file.mixture.weights is None:
            # what a search compared has every cell's tokens in it, so a search on other data is another one
            found_on = line.fit("compile.found_on", CellSketches(), over, upon=[found.search["comparison"]])
        if not claims:
            return Evidence(found_on, {})
        sides = {
            "now": line.gather("compile.sketches", CellSketches(), over)["sketch"],
            "taxonomy": spaces.taxonomy["taxonomy"],
            "tokenizer": marks.tokenizer["tokenizer"],
        }
        return Evidence(found_on, {place: _checked(line, build, place, given, sides) for place, given in claims.items()})


def claims_of(build: Build) -> dict[str, WeightsFile]:
    """Files of weights that say what they were found on, by their place in the build file."""
    return {place: given for place, given in build.given.items() if given.evidence is not None}


def _checked(line: Line, build: Build, place: str, given: WeightsFile, sides: dict[str, Items]) -> Result:
    evidence = given.evidence or {}
    work = CheckEvidence(
        taxonomy=evidence.get("taxonomy"),
        tokenizer=evidence.get("tokenizer"),
        attributes_then=tuple(evidence.get("attributes") or ()),
        attributes=tuple(build.file.cells),
        carry=build.file.mixture.carry,
    )
    name = "compile.evidence" if place == WEIGHTS else f"compile.evidence.{list(build.given).index(place)}"
    then = line.given("then", evidence_table(evidence, given.source))
    return line.gather(name, work, {**sides, "then": Items(name, "then", (then,))})


def receipt_entry(build: Build, store: Store, made: Evidence) -> dict[str, Any] | None:
    """What a receipt says of the evidence: its digest, whether it was carried over, and the cells that drifted; of phases
    that have evidence of their own under `phases`, by place.
    """
    told = {place: _told(store, given, made.checked[place]) for place, given in claims_of(build).items()}
    if not told:
        return None
    own = told.pop(WEIGHTS, None)
    return (own or {"digest": None, "carried": False, "drift": []}) | ({"phases": told} if told else {})


def _told(store: Store, given: WeightsFile, checked: Result) -> dict[str, Any]:
    (drift,) = checked["drift"]
    rows = [row for row in store.read_shard(drift).to_pylist() if row["overlap"] < SAME]
    return {
        "digest": evidence_digest(given.evidence or {}),
        "carried": bool(checked.counts.get("drifted") or checked.counts.get("changed")),
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
        given = build.given[WEIGHTS].evidence if WEIGHTS in build.given else None
        return dict(given) | {"weights": weights} if given is not None else mixture_value(weights)
    (sketches,) = made.found_on["sketch"]
    found_on = store.read_shard(sketches)
    return mixture_value(weights, found_on, build.file.cells, taxonomy.folder.digest, tokenizer.folder.digest)
