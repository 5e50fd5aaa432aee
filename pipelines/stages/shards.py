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
    needs_text = any(writer.needs_text for writer in build.writers)
    with line.stage("shards"):
        drawn = line.exchange(
            "shards.place",
            Place(shard_count(build), build.seed, needs_text),
            [
                {
                    "documents": frozen["documents"],
                    "tokens": marks.tokens,
                    "index": found.index,
                    "domains": spaces.domains,
                }
            ],
            shared={"plan": plan["plan"]},
        )
        written = {}
        for writer in build.writers:
            written[writer.name] = line.map(
                f"shards.{writer.name}",
                WriteShard(writer),
                {"drawn": drawn["drawn"]},
                shared={"tokenizer": marks.tokenizer["tokenizer"]},
                number="shard",
            )
    return drawn, written
