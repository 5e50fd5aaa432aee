"""Drawn documents → globally shuffled shards, each written in every format that the build names."""

from __future__ import annotations

from corpus.mixture.place import Place
from corpus.writers.write import WriteShard
from pipelines.config.load import Build
from pipelines.stages.annotate import Marks
from pipelines.stages.compile import shard_count
from pipelines.stages.domains import Spaces
from pipelines.stages.search import Found
from pipelines.step import Line, Result


def stage(
    line: Line, build: Build, frozen: Result, marks: Marks, spaces: Spaces, found: Found, plan: Result
) -> tuple[Result, dict[str, Result]]:
    rows = {"documents": frozen["documents"], "tokens": marks.tokens, "index": found.index, "domains": spaces.domains}
    count = shard_count(build)
    with line.stage("shards"):
        drawn = line.exchange("shards.place", Place(count, build.seed), [rows], shared={"plan": plan["plan"]})
        with_text = drawn
        if any(writer.needs_text for writer in build.writers):    # apart, so that a text format touches no token shard
            place = Place(count, build.seed, text=True)
            with_text = line.exchange("shards.place_text", place, [rows], shared={"plan": plan["plan"]})
        written = {}
        for writer in build.writers:
            source = with_text if writer.needs_text else drawn
            written[writer.name] = line.map(
                f"shards.{writer.name}",
                WriteShard(writer),
                {"drawn": source["drawn"]},
                shared={"tokenizer": marks.tokenizer["tokenizer"]},
                number="shard",
            )
    return drawn, written
