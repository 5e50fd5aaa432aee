"""Multinomial logistic regression by L-BFGS in float64: convex, no chance, one answer. Rows are visited in chunks."""

from __future__ import annotations

import numpy as np

CHUNK = 4096


def softmax(scores: np.ndarray) -> np.ndarray:
    """Rows that sum to 1. scores: (n, k)."""
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def fit(x: np.ndarray, y: np.ndarray, k: int, l2: float, iterations: int = 200) -> np.ndarray:
    """Minimises mean cross-entropy + l2/2 · |weights|² (the bias is free).

    x: (n, d). y: (n,) int in 0..k-1. Returns (d + 1, k) float64; the last row is the bias.
    """
    from scipy.optimize import minimize

    n, d = x.shape

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        w = flat.reshape(d + 1, k)
        loss, slope = 0.5 * l2 * float((w[:d] ** 2).sum()), np.zeros_like(w)
        slope[:d] = l2 * w[:d]
        for start in range(0, n, CHUNK):
            rows = np.asarray(x[start : start + CHUNK], np.float64)
            own = y[start : start + CHUNK]
            p = softmax(rows @ w[:d] + w[d])
            at = np.arange(len(own))
            loss -= float(np.log(np.maximum(p[at, own], 1e-300)).sum()) / n
            p[at, own] -= 1
            slope[:d] += rows.T @ p / n
            slope[d] += p.sum(axis=0) / n
        return loss, slope.ravel()

    start = np.zeros((d + 1) * k)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": iterations, "maxcor": 10})
    return found.x.reshape(d + 1, k)


def predict(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n, k) float64 probabilities. x: (n, d). weights: (d + 1, k), as `fit` returns them."""
    return softmax(np.asarray(x, np.float64) @ weights[:-1] + weights[-1])
