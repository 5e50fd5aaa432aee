"""The straight line, one call a stage. Walked once to plan and once to build; see `pipelines.step.Line`."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.config.load import Build
from pipelines.stages import (
    annotate,
    cluster,
    compile,
    dedup,
    domains,
    edit,
    embed,
    evidence,
    extract,
    filter,
    freeze,
    holdout,
    ingest,
    search,
    shards,
)
from pipelines.stages.evidence import Evidence
from pipelines.stages.shards import Shards
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Made:
    """What the report, the receipt and the exports need of a walked line."""

    verdicts: Result
    frozen: Result
    tokenizer: Result  # of the draw
    clusters: Result
    taxonomy: Result
    domains: Items
    index: Items
    cells: Result
    search: Result
    evidence: Evidence
    seen: Items | None
    plan: Result
    shards: Shards
    holdout_written: dict[str, Result]  # the holdout in each format that has no place for it among its shards ...
    holdout_finish: dict[str, Result]  # ... and what belongs to the whole of it


def recipe(line: Line, build: Build) -> Made:
    raw = ingest.stage(line, build)
    extracted = extract.stage(line, build, raw)
    edited = edit.stage(line, build, extracted)
    filtered = filter.stage(line, build, raw, edited or extracted)
    groups = dedup.stage(line, build, filtered)
    frozen, verdicts = freeze.stage(line, build, raw, extracted, edited, filtered, groups)  # from here on, rows stay put
    marks = annotate.stage(line, build, frozen)  # tokenizer, tokens, quality
    vectors = embed.stage(line, build, frozen)
    clusters = cluster.stage(line, build, vectors)
    spaces = domains.stage(line, build, frozen, marks, vectors, clusters)  # taxonomy, domain, meta-domains
    held = holdout.stage(line, build, frozen, marks, groups)
    found = search.stage(line, build, frozen, marks, spaces, held.held)  # cells, what was read, mixture
    drift = evidence.stage(line, build, frozen, marks, spaces, found)  # what given weights were found on
    plan = compile.stage(line, build, found, found.seen)  # the exact draw
    written = shards.stage(line, build, frozen, marks, spaces, found, plan, found.seen, held.texts)
    apart = holdout.write(line, build, held.texts, written.tokenizer) if held.texts is not None else ({}, {})
    return Made(
        verdicts,
        frozen,
        marks.tokenizer,
        clusters.assigned,
        spaces.taxonomy,
        spaces.domains,
        found.index,
        found.cells,
        found.search,
        drift,
        found.seen,
        plan,
        written,
        *apart,
    )
