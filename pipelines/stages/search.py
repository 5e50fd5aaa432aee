"""Cells, their domain vectors, the target's, and a mixture from an optimizer that holds no state but its journal."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.annotate import Annotate
from corpus.domains.domain2vec import DomainVectors, MetaDomains, TargetVector
from corpus.extract.body import Extract
from corpus.mixture.cells import HOST, CellIndex, CellTable
from corpus.mixture.space import Limit
from corpus.optimize.search import Search
from pipelines.config.load import Build
from pipelines.stages import after
from pipelines.stages.annotate import Marks
from pipelines.stages.domains import Spaces
from pipelines.stages.ingest import ingest
from pipelines.stages.tombstones import tombstones
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Found:
    index: Items
    cells: Result
    search: Result
    seen: Items | None             # row for row with the index, where a trainer has read some of it


def stage(line: Line, build: Build, frozen: Result, marks: Marks, spaces: Spaces, held: Items | None = None) -> Found:
    """held: shards of ids that stay out of every draw, beside what was removed."""
    options, mixture = build.file.search, build.file.mixture
    with line.stage("search"):
        each = {"documents": frozen["documents"], "tokens": marks.tokens, "domains": spaces.domains}
        capped = capped_attributes(build)
        if {*build.file.cells, *capped} - {"domain", "source", HOST}:
            each["marks"] = frozen["marks"]
        shared = {"tombstones": tombstones(line)} | ({} if held is None else {"holdout": held})
        body = CellIndex(tuple(build.file.cells), build.seed, tuple(each), capped)
        index = line.map("search.index", body, each, shared)["index"]
        cells = line.gather("search.cells", CellTable(), {"index": index})
        vectors = line.gather(
            "search.vectors", DomainVectors(options.samples, seed=build.seed), {"meta": spaces.profiles, "index": index}
        )
        over = {"cells": cells["cells"], "vectors": vectors["vectors"]}
        if build.targets is not None:
            over["target"] = target(line, build, spaces)
        upon = [cells["names"], spaces.taxonomy["taxonomy"], marks.tokenizer["tokenizer"]]
        seen = after.seen(line, build, index, spaces.taxonomy["taxonomy"])
        if seen is not None:
            over |= {"index": index, "seen": seen}
            upon.append(seen)
        search = line.fit(  # pinned: documents that come or go change no weight, cells that come or go do
            "search.mixture",
            Search(
                method=build.method,
                attributes=tuple(build.file.cells),
                limits=limits_of(build),
                budget=mixture.budget_tokens,
                max_epochs=mixture.max_epochs,
                on_shortfall=mixture.on_shortfall,
                seed=build.seed,
            ),
            over,
            upon=upon,
        )
    return Found(index, cells, search, seen)


def capped_attributes(build: Build) -> tuple[str, ...]:
    """Attributes that the mixture caps, each a column of the index."""
    return tuple(dict.fromkeys(cap.attribute for cap in build.file.mixture.caps if cap.high < 1))


def limits_of(build: Build) -> tuple[Limit, ...]:
    return tuple(
        Limit(li.low, li.high, li.attribute, li.value, within=li.within or "") for li in build.file.search.limits
    )


def target(line: Line, build: Build, spaces: Spaces) -> Items:
    """The target texts' domain vector; they are read, embedded and profiled as the sources are."""
    raw = ingest(line, build, (build.targets,), "search.target.ingest")
    documents = line.map("search.target.extract", Extract(build.extractor), {"raw": raw["raw"]})["documents"]
    vectors = line.map("search.target.embed", Annotate((build.encoder,), output="vectors"), {"documents": documents})[
        "vectors"
    ]
    profiles = line.map("search.target.profiles", MetaDomains(), {"vectors": vectors}, shared={"meta": spaces.meta})["meta"]
    return line.gather("search.target.vector", TargetVector(), {"meta": profiles})["target"]
