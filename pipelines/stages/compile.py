"""The mixture and a token budget → the exact draw of whole documents, cell by cell."""

from __future__ import annotations

from corpus.mixture.draw import SolveDraw
from pipelines.config.load import Build
from pipelines.stages.search import Found
from pipelines.step import Line, Result


def shard_count(build: Build) -> int:
    """Output shards of a build: pinned by budget and shard size, never by what was drawn."""
    mixture = build.file.mixture
    return max(1, -(-mixture.budget_tokens // mixture.shard_tokens))


def stage(line: Line, build: Build, found: Found) -> Result:
    mixture = build.file.mixture
    with line.stage("compile"):
        return line.gather(
            "compile.draw",
            SolveDraw(
                weights=(),
                budget_tokens=mixture.budget_tokens,
                shards=shard_count(build),
                seed=build.seed,
                max_epochs=mixture.max_epochs,
                on_shortfall=mixture.on_shortfall,
            ),
            {"index": found.index, "cells": found.cells["cells"], "mixture": found.search["mixture"]},
        )
