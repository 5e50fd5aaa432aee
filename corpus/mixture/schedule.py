"""Schedules: what a build file says of phases and ramps, cut into the stretches of constant weights that a draw knows.

A ramp is cut into at most 16 steps, each with the weights of its middle: a trainer sees a staircase, not a slope. Every
stretch has whole shards of its own, which a trainer reads in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.errors import ConfigError
from corpus.mixture.targets import check_weights, weights_of

STEPS = 16

Weights = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class PhaseSpec:
    """A stretch of a build with constant weights.

    tokens: to draw. shards: its own. weights: by cell; none: those that the build found. part: below 1 on a ramp, where
    the weights are `part` of these and the rest of `start`'s. where: its place in the build file.
    """

    tokens: int
    shards: int
    weights: Weights = ()
    start: Weights = ()
    part: float = 1.0
    where: str = "mixture"

    def shares(self, found: Mapping[str, float], cells: Sequence[str]) -> np.ndarray:
        """(cells,) float64 that sum to 1. found: the mixture that stands for weights that are not given."""

        def of(weights: Weights) -> np.ndarray:
            given = bool(weights) and self.where != "mixture"
            return weights_of(dict(weights) or found, cells, f"{self.where}.weights" if given else "mixture.weights")

        return of(self.weights) if self.part >= 1 else (1 - self.part) * of(self.start) + self.part * of(self.weights)


@dataclass(frozen=True)
class Phase:
    """A phase as the build file says it. ramp_tokens: of its tokens, those on the way from the phase before."""

    tokens: int
    weights: Weights = ()
    ramp_tokens: int = 0


def phases_of(budget: int, shard_tokens: int, schedule: Sequence[Phase] = ()) -> tuple[PhaseSpec, ...]:
    """The stretches of a build, in order. Raises ConfigError where the schedule is wrong."""
    if not schedule:
        return (PhaseSpec(budget, _shards(budget, shard_tokens)),)
    total = sum(phase.tokens for phase in schedule)
    if total != budget:
        raise ConfigError("mixture.schedule", f"its phases have {total:,} tokens and mixture.budget_tokens is {budget:,}",
                          "phases that sum to the budget")
    found: list[PhaseSpec] = []
    for i, phase in enumerate(schedule):
        where = f"mixture.schedule[{i}]"
        if phase.weights:
            check_weights(dict(phase.weights), f"{where}.weights")
        if phase.ramp_tokens and not i:
            raise ConfigError(f"{where}.ramp_tokens", "nothing is before the first phase", "a ramp in a later phase")
        if phase.ramp_tokens > phase.tokens:
            raise ConfigError(f"{where}.ramp_tokens", f"{phase.ramp_tokens:,} is over the phase's {phase.tokens:,} tokens",
                              "a part of the phase")
        start = schedule[i - 1].weights if i else ()
        if phase.ramp_tokens and start != phase.weights:
            found += _ramp(phase, start, shard_tokens, where)
        elif phase.ramp_tokens:
            found.append(PhaseSpec(phase.ramp_tokens, _shards(phase.ramp_tokens, shard_tokens), phase.weights, where=where))
        if rest := phase.tokens - phase.ramp_tokens:
            found.append(PhaseSpec(rest, _shards(rest, shard_tokens), phase.weights, where=where))
    return tuple(found)


def _ramp(phase: Phase, start: Weights, shard_tokens: int, where: str) -> list[PhaseSpec]:
    """The steps of a ramp: of equal tokens, as many as it has shards and no more than `STEPS`."""
    steps = min(STEPS, _shards(phase.ramp_tokens, shard_tokens))
    ends = [phase.ramp_tokens * (i + 1) // steps for i in range(steps)]
    sizes = [end - begin for begin, end in zip([0, *ends], ends)]
    return [PhaseSpec(size, _shards(size, shard_tokens), phase.weights, start, (i + 0.5) / steps, where)
            for i, size in enumerate(sizes)]


def _shards(tokens: int, shard_tokens: int) -> int:
    return max(1, -(-tokens // shard_tokens))
