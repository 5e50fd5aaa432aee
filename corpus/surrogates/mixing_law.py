"""The log-linear mixing law, one metric at a time: f(w) = exp(c) + exp(slopes · w).

Metrics are aggregated after prediction: a law fitted to an average of metrics ranks mixtures far worse.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus import chance

HUBER = 0.02
RIDGE = 1e-7


@dataclass(frozen=True)
class LogLinear:
    """A fitted law. floor: log of the part that no mixture removes. slopes: (n,)."""

    floor: float
    slopes: np.ndarray

    def predict(self, weights: np.ndarray) -> np.ndarray:
        """(rows,) of weights (rows, n); a value that is lower for a better mixture."""
        return np.exp(self.floor) + np.exp(np.atleast_2d(weights) @ self.slopes)


def fit(weights: np.ndarray, values: np.ndarray, seed: int = 0, starts: int = 4) -> LogLinear:
    """Least Huber loss (Data Mixing Laws, Ye et al. 2024; per metric as in Olmix, 2026) by L-BFGS from seeded starts.

    weights: (rows, n), rows on the simplex. values: (rows,), positive, lower is better. The best of `starts` wins; a
    start differs in how much of the smallest value is taken for the floor.
    """
    from scipy.optimize import minimize

    values = np.asarray(values, float)
    scale = float(values.mean())
    y, x = values / scale, np.asarray(weights, float)
    delta = HUBER / scale
    rng = chance.generator(seed, "mixing-law")

    def objective(p: np.ndarray) -> tuple[float, np.ndarray]:
        floor, power = np.exp(min(p[0], 50.0)), np.exp(np.minimum(x @ p[1:], 50.0))
        gap = floor + power - y
        small = np.abs(gap) <= delta
        loss = np.where(small, 0.5 * gap**2 / delta, np.abs(gap) - 0.5 * delta).mean()
        pull = np.where(small, gap / delta, np.sign(gap)) / len(y)
        slope = np.concatenate([[pull.sum() * floor], x.T @ (pull * power)])
        slope[1:] += 2 * RIDGE * p[1:]
        return float(loss + RIDGE * (p[1:] ** 2).sum()), slope

    best, least = None, np.inf
    for share in np.linspace(0.95, 0.3, starts):
        floor = share * max(y.min(), 1e-6)
        # where the floor is known, log(y - floor) is linear in the weights: a start that is nearly an answer
        power = np.log(np.maximum(y - floor, 1e-6))
        damped = np.vstack([x, 1e-3 * np.eye(x.shape[1])])
        slopes = np.linalg.lstsq(damped, np.r_[power, np.zeros(x.shape[1])], rcond=None)[0]
        start = np.concatenate([[np.log(floor)], slopes + rng.normal(0, 1e-3, len(slopes))])
        found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "maxcor": 20})
        if found.fun < least:
            best, least = found.x, float(found.fun)
    assert best is not None
    return LogLinear(float(best[0] + np.log(scale)), best[1:] + np.log(scale))


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation, ties at their mean rank; 0 where one side is constant."""
    from scipy.stats import rankdata

    x, y = rankdata(a), rankdata(b)
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt((x**2).sum() * (y**2).sum())
    return float((x * y).sum() / norm) if norm > 0 else 0.0


def folds(rows: int, seed: int, k: int = 5) -> np.ndarray:
    """(rows,) fold of each row, even in size, from the seed alone."""
    order = chance.generator(seed, "folds").permutation(rows)
    found = np.empty(rows, np.int64)
    found[order] = np.arange(rows) % min(k, rows)
    return found
