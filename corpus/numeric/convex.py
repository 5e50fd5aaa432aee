"""Exact convex solves over mixtures, by Clarabel (interior point, deterministic): the nearest domain vector, the best
value of log-linear laws, projection. Small problems: hundreds of weights, thousands of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

DISTANCES = ("l2", "huber", "l1")


@dataclass(frozen=True)
class Polytope:
    """Mixtures w (n,) with sum 1, lower ≤ w ≤ upper, rows @ w ≤ most. rows: (m, n)."""

    lower: np.ndarray
    upper: np.ndarray
    rows: np.ndarray
    most: np.ndarray


class NoSolution(Exception):
    """The solver found that nothing satisfies the constraints, or gave up; the caller knows what they mean."""


def distances(vectors: np.ndarray, weights: np.ndarray, target: np.ndarray, kind: str = "l2",
              delta: float = 0.01) -> np.ndarray:
    """(rows,) distances of mixtures' vectors from the target. vectors: (k, n), a column a cell. weights: (rows, n).
    target: (k,).

    l2: Euclidean length. l1: sum of absolute values. huber: sum of Huber losses, quadratic within `delta`.
    """
    gap = np.abs(weights @ vectors.T - target)
    if kind == "l2":
        return np.sqrt((gap**2).sum(axis=1))
    if kind == "l1":
        return gap.sum(axis=1)
    return np.where(gap <= delta, 0.5 * gap**2, delta * (gap - 0.5 * delta)).sum(axis=1)


def distance(vectors: np.ndarray, weights: np.ndarray, target: np.ndarray, kind: str = "l2", delta: float = 0.01) -> float:
    """`distances` of one mixture, (n,)."""
    return float(distances(vectors, np.asarray(weights)[None], target, kind, delta)[0])


def nearest(vectors: np.ndarray, target: np.ndarray, allowed: Polytope, kind: str = "l2", delta: float = 0.01) -> np.ndarray:
    """The allowed mixture whose vector is nearest to the target in `distance`; (n,). Raises NoSolution.

    The gap is split into a part that costs its square and a part that costs its size: a Huber loss is the cheaper of
    every such split, L2 has the first part alone, L1 the second.
    """
    from scipy import sparse

    k, n = vectors.shape
    square, size = kind != "l1", kind != "l2"
    width = n + k * (square + 2 * size)
    eye = sparse.identity(k)
    blocks = [sparse.csr_matrix(vectors)] + ([-eye] if square else []) + ([-eye, eye] if size else [])
    scale = float(np.abs(target).max()) or 1.0   # the sum of squares of small numbers would drown in the tolerance
    diagonal, linear = np.zeros(width), np.zeros(width)
    if square:
        diagonal[n : n + k] = 1 / scale**2
    if size:
        linear[width - 2 * k :] = (delta / scale**2) if square else 1 / scale
    problem = _Problem(width)
    problem.equal(sparse.hstack(blocks), target)
    problem.within(allowed)
    if size:
        rows = sparse.hstack([sparse.csr_matrix((2 * k, width - 2 * k)), -sparse.identity(2 * k)])
        problem.at_most(rows, np.zeros(2 * k))
    return _clean(problem.solve(sparse.diags(diagonal, format="csc"), linear)[:n], allowed)


def project(weights: np.ndarray, allowed: Polytope) -> np.ndarray:
    """The allowed mixture nearest to `weights` (n,) in Euclidean distance. Raises NoSolution."""
    from scipy import sparse

    problem = _Problem(len(weights))
    problem.within(allowed)
    return _clean(problem.solve(sparse.identity(len(weights), format="csc"), -np.asarray(weights, float)), allowed)


def log_linear(slopes: np.ndarray, allowed: Polytope, prior: np.ndarray, kl: float) -> np.ndarray:
    """Minimises mean_i exp(slopes_i · w) + kl · KL(w ‖ prior) over allowed mixtures; (n,). Raises NoSolution.

    slopes: (metrics, n). prior: (n,), sums to 1; where it is 0 and kl > 0, so is the weight. Constant terms of the laws
    do not move the minimum and stay outside.
    """
    from scipy import sparse

    m, n = slopes.shape
    if kl > 0 and (prior <= 0).any():
        allowed = Polytope(allowed.lower, np.where(prior > 0, allowed.upper, 0.0), allowed.rows, allowed.most)
    own = np.flatnonzero(prior > 0) if kl > 0 else np.zeros(0, int)
    width = n + m + len(own)   # weights, one bound on each exponential, one on each term of the divergence
    # a law's exponential may be far from 1; its bound is kept in units of the law at the prior, so that all are near 1
    level = slopes @ prior
    linear = np.concatenate([np.zeros(n), np.exp(level) / m, np.full(len(own), kl)])
    problem = _Problem(width)
    problem.within(allowed)
    for i in range(m):          # exp(slope · w - level) ≤ t: (slope · w - level, 1, t) in the exponential cone
        rows = sparse.lil_matrix((3, width))
        rows[0, :n] = -slopes[i]
        rows[2, n + i] = -1
        problem.exponential(rows, np.array([-level[i], 1.0, 0.0]))
    for place, j in enumerate(own):   # w log(w / p) ≤ u: (-u, w, p) in the exponential cone
        rows = sparse.lil_matrix((3, width))
        rows[0, n + m + place] = 1
        rows[1, j] = -1
        problem.exponential(rows, np.array([0.0, 0.0, prior[j]]))
    return _clean(problem.solve(sparse.csc_matrix((width, width)), linear)[:n], allowed)


def _clean(weights: np.ndarray, allowed: Polytope) -> np.ndarray:
    """Takes off the solver's last-digit residue: weights within bounds, sum 1."""
    weights = np.clip(weights, allowed.lower, allowed.upper)
    weights = np.where(weights < 1e-9, np.maximum(allowed.lower, 0), weights)
    spare = 1 - weights.sum()
    room = (allowed.upper - weights) if spare > 0 else (weights - allowed.lower)
    return weights + spare * room / room.sum() if room.sum() > 0 else weights


class _Problem:
    """Constraints over some variables, of which the first are mixture weights, as Clarabel takes them: b - A x in cones."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.rows: list[Any] = []
        self.right: list[np.ndarray] = []
        self.cones: list[Any] = []

    def _add(self, rows: Any, right: np.ndarray, cone: Any) -> None:
        from scipy import sparse

        rows = sparse.csc_matrix(rows)
        if rows.shape[1] < self.width:
            rows = sparse.hstack([rows, sparse.csc_matrix((rows.shape[0], self.width - rows.shape[1]))], format="csc")
        self.rows.append(rows)
        self.right.append(np.asarray(right, float))
        self.cones.append(cone)

    def equal(self, rows: Any, right: np.ndarray) -> None:
        import clarabel

        self._add(rows, right, clarabel.ZeroConeT(len(right)))

    def at_most(self, rows: Any, right: np.ndarray) -> None:
        import clarabel

        if len(right):
            self._add(rows, right, clarabel.NonnegativeConeT(len(right)))

    def exponential(self, rows: Any, right: np.ndarray) -> None:
        """b - A x = (x, y, z) with y exp(x / y) ≤ z."""
        import clarabel

        self._add(rows, right, clarabel.ExponentialConeT())

    def within(self, allowed: Polytope) -> None:
        from scipy import sparse

        n = len(allowed.lower)
        self.equal(np.ones((1, n)), np.ones(1))
        self.at_most(-sparse.identity(n), -allowed.lower)
        capped = np.flatnonzero(allowed.upper < 1)
        self.at_most(sparse.identity(n, format="csr")[capped], allowed.upper[capped])
        self.at_most(allowed.rows, allowed.most)

    def solve(self, quadratic: Any, linear: np.ndarray) -> np.ndarray:
        import clarabel
        from scipy import sparse

        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.max_threads = 1
        settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
        solver = clarabel.DefaultSolver(sparse.triu(quadratic, format="csc"), linear, sparse.vstack(self.rows, format="csc"),
                                        np.concatenate(self.right), self.cones, settings)
        found = solver.solve()
        if str(found.status) not in ("Solved", "AlmostSolved"):
            raise NoSolution(str(found.status))
        return np.array(found.x)
