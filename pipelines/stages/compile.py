"""The mixture and a token budget → the exact draw of whole documents, phase by phase and cell by cell."""

from __future__ import annotations

from corpus.mixture.caps import Cap
from corpus.mixture.draw import SolveDraw
from corpus.mixture.schedule import Phase, PhaseSpec, phases_of
from pipelines.config.load import Build
from pipelines.stages.search import Found, limits_of
from pipelines.step import Items, Line, Result


def shard_count(build: Build) -> int:
    """Output shards of a build: pinned by budget, schedule and shard size, never by what was drawn."""
    return sum(phase.shards for phase in phases(build))


def phases(build: Build) -> tuple[PhaseSpec, ...]:
    """The stretches of constant weights that the build file asks for. Raises ConfigError where its schedule is wrong."""
    mixture = build.file.mixture
    schedule = [Phase(p.tokens, tuple(sorted((p.weights or {}).items())), p.ramp_tokens) for p in mixture.schedule]
    return phases_of(mixture.budget_tokens, mixture.shard_tokens, schedule)


def stage(line: Line, build: Build, found: Found, seen: Items | None = None) -> Result:
    """seen: row for row with the index, what a trainer has read (`pipelines.stages.after`)."""
    mixture = build.file.mixture
    over = {"index": found.index, "cells": found.cells["cells"], "mixture": found.search["mixture"]}
    with line.stage("compile"):
        return line.gather(
            "compile.draw",
            SolveDraw(
                phases=phases(build),
                seed=build.seed,
                max_epochs=mixture.max_epochs,
                on_shortfall=mixture.on_shortfall,
                caps=tuple(Cap(cap.attribute, cap.high, cap.value) for cap in mixture.caps),
                limits=limits_of(build),
                attributes=tuple(build.file.cells),
            ),
            over | ({} if seen is None else {"seen": seen}),
        )
