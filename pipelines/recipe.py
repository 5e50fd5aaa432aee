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
    extract,
    filter,
    freeze,
    ingest,
    search,
    shards,
)
from pipelines.step import Line, Result


@dataclass(frozen=True)
class Made:
    """What the report, the receipt and the exports need of a walked line."""

    verdicts: Result
    frozen: Result
    tokenizer: Result
    clusters: Result
    taxonomy: Result
    cells: Result
    search: Result
    plan: Result
    drawn: Result
    written: dict[str, Result]


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
    found = search.stage(line, build, frozen, marks, spaces)  # cells, domain vectors, mixture
    plan = compile.stage(line, build, found)  # the exact draw
    drawn, written = shards.stage(line, build, frozen, marks, spaces, found, plan)
    return Made(
        verdicts,
        frozen,
        marks.tokenizer,
        clusters.assigned,
        spaces.taxonomy,
        found.cells,
        found.search,
        plan,
        drawn,
        written,
    )
