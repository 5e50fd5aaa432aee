"""DA2: the mixture whose domain vector is nearest to the target's. No training at all.

When the target's own documents are a cell, the answer is that cell alone: use a held-out target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from corpus import chance
from corpus.errors import ConfigError
from corpus.numeric import convex
from corpus.optimize.base import Compared, DomainVectors, Evidence, Journal, Method, Problem, Recommendation, Request
from corpus.registry import register


@register("optimizer", "domain2vec")
@dataclass(frozen=True)
class Domain2Vec(Method):
    """Distribution alignment (Domain2Vec, Zhang et al. 2025, algorithm 2), solved exactly by default.

    `method` convex: the exact minimum over the space. dirichlet: the paper's search, the mean of the best `top` of
    `draws` candidates from Dirichlet(natural shares), those outside the space rejected. `distance` l2, huber (quadratic
    within `delta`, which the paper does not print) or l1.
    """

    needs_target: ClassVar[bool] = True

    method: str = "convex"
    distance: str = "l2"
    delta: float = 0.01
    draws: int = 100_000
    top: int = 100

    def __post_init__(self) -> None:
        if self.method not in ("convex", "dirichlet"):
            raise ConfigError("search.method.method", f"'{self.method}'", "convex or dirichlet")
        if self.distance not in convex.DISTANCES:
            raise ConfigError("search.method.distance", f"'{self.distance}'", "one of " + ", ".join(convex.DISTANCES))
        if self.delta <= 0 or self.draws < 1 or self.top < 1:
            raise ConfigError("search.method", f"delta {self.delta}, draws {self.draws}, top {self.top}", "numbers over 0")

    def open(self, problem: Problem, journal: Journal) -> Aligned:
        return Aligned(self, problem, journal)


@dataclass
class Aligned:
    """A running search of `Domain2Vec`; its state is the journal."""

    options: Domain2Vec
    problem: Problem
    journal: Journal

    def ask(self, n: int) -> Sequence[Request]:
        request = Request("domain_vectors")
        if n < 1 or self.journal.evidence("domain_vectors") or self.journal.pending():
            return []
        self.journal.asked(request)
        return [request]

    def tell(self, evidence: Evidence) -> None:
        if not isinstance(evidence, DomainVectors):
            raise ConfigError("search.method", f"'domain2vec' was told a {evidence.what}", "domain vectors")
        missing = sorted(set(self.problem.space.cells) - set(evidence.vectors))
        if missing:
            raise ConfigError("search", f"cell '{missing[0]}' has no domain vector", "a vector for each cell")
        self.journal.told(evidence)

    def recommend(self) -> Recommendation:
        found = self.journal.evidence("domain_vectors")
        if not found:
            raise ConfigError("search.method", "'domain2vec' was told no domain vectors",
                              "domain vectors of cells and target")
        evidence = found[-1]
        space, options = self.problem.space, self.options
        vectors = np.array([evidence.vectors[c] for c in space.cells], float).T
        target = np.array(evidence.target, float)
        if vectors.shape[0] != len(target):
            raise ConfigError("search.targets", f"a vector of {len(target)} meta-domains",
                              f"{vectors.shape[0]}, as the cells have")

        def score(weights: np.ndarray) -> float:
            return convex.distance(vectors, weights, target, options.distance, options.delta)

        compared = {n: Compared(b.weights, score(b.weights), b.projected) for n, b in self.problem.baselines().items()}
        if options.method == "convex":
            weights, about = convex.nearest(vectors, target, space.polytope, options.distance, options.delta), {}
        else:
            weights, about = self._simulate(vectors, target)
        compared["domain2vec"] = Compared(weights, score(weights))
        return self.problem.recommendation("domain2vec", weights, compared, distance=options.distance,
                                           score=compared["domain2vec"].score, **about)

    def _simulate(self, vectors: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, dict]:
        """Mean of the best candidates, which is allowed as they are: the space is convex."""
        options, space = self.options, self.problem.space
        rng = chance.generator(self.problem.seed, "domain2vec")
        own = np.flatnonzero(self.problem.natural > 0)
        best, scores, accepted = np.zeros((0, len(space.cells))), np.zeros(0), 0
        for start in range(0, options.draws, 10_000):
            draws = np.zeros((min(10_000, options.draws - start), len(space.cells)))
            draws[:, own] = rng.dirichlet(self.problem.natural[own], len(draws))
            draws = draws[self._allowed(draws)]
            accepted += len(draws)
            fresh = convex.distances(vectors, draws, target, options.distance, options.delta)
            best, scores = np.concatenate([best, draws]), np.concatenate([scores, fresh])
            keep = np.argsort(scores, kind="stable")[: options.top]
            best, scores = best[keep], scores[keep]
        if not accepted:
            raise ConfigError("search.method.draws", f"none of {options.draws:,} candidates is within the caps",
                              "method convex, which needs no luck")
        return best.mean(axis=0), {"accepted": accepted, "best_candidate": float(scores[0])}

    def _allowed(self, draws: np.ndarray) -> np.ndarray:
        p = self.problem.space.polytope
        return ((draws >= p.lower - 1e-12).all(axis=1) & (draws <= p.upper + 1e-12).all(axis=1)
                & (draws @ p.rows.T <= p.most + 1e-12).all(axis=1))
