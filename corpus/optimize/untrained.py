"""Optimizers that ask for nothing: natural, uniform and UniMax mixtures within the space, and a mixture that is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.errors import ConfigError, Infeasible
from corpus.mixture.weights import matched
from corpus.optimize.base import Compared, Evidence, Journal, Method, Problem, Recommendation, Request
from corpus.registry import register


@dataclass
class _Fixed:
    name: str
    problem: Problem

    def ask(self, n: int) -> Sequence[Request]:
        return []

    def tell(self, evidence: Evidence) -> None:
        raise ConfigError("search.method", f"'{self.name}' was told evidence", "a method that asks for some")

    def recommend(self) -> Recommendation:
        compared = {n: Compared(b.weights, None, b.projected) for n, b in self.problem.baselines().items()}
        own = compared[self.name]
        return self.problem.recommendation(self.name, own.weights, compared, projected=own.projected)


class _Untrained(Method):
    def open(self, problem: Problem, journal: Journal) -> _Fixed:
        return _Fixed(self.name, problem)


@register("optimizer", "natural")
@dataclass(frozen=True)
class Natural(_Untrained):
    """Token shares as the data has them."""


@register("optimizer", "uniform")
@dataclass(frozen=True)
class Uniform(_Untrained):
    """The same share for each cell."""


@register("optimizer", "unimax")
@dataclass(frozen=True)
class UniMax(_Untrained):
    """As even as the epoch cap allows (Chung et al. 2023)."""


@dataclass(frozen=True)
class _Given:
    weights: tuple[tuple[str, float], ...]
    problem: Problem

    def ask(self, n: int) -> Sequence[Request]:
        return []

    def tell(self, evidence: Evidence) -> None:
        raise ConfigError("mixture.weights", "a given mixture was told evidence", "a search method")

    def recommend(self) -> Recommendation:
        given = matched(dict(self.weights), self.problem.space.cells, "mixture.weights")
        weights = np.array([given.get(cell, 0.0) for cell in self.problem.space.cells])
        weights = weights / weights.sum()
        if broken := self.problem.space.broken(weights):
            raise Infeasible("mixture.weights break " + "; ".join(broken) + "; change the weights or the limit")
        compared = {n: Compared(b.weights, None, b.projected) for n, b in self.problem.baselines().items()}
        return self.problem.recommendation("given", weights, compared | {"given": Compared(weights, None)})


@register("optimizer", "given")
@dataclass(frozen=True)
class Given(Method):
    """Weights by cell from the build file or a file of weights: taken as they are, whether there is enough or not (the
    draw decides that); where they break a limit they are refused.
    """

    weights: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        total = sum(w for _, w in self.weights)
        for cell, weight in self.weights:
            if not 0 <= weight <= 1:
                raise ConfigError(f"mixture.weights.{cell}", f"{weight:g}", "a share of tokens, 0 to 1")
        if abs(total - 1) > 1e-3:
            raise ConfigError("mixture.weights", f"they sum to {total:g}", "shares that sum to 1")

    def open(self, problem: Problem, journal: Journal) -> _Given:
        return _Given(self.weights, problem)
