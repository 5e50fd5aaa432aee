"""Probabilities made into frequencies: fitted on documents that the classifier was not trained on.

`temperature` keeps the order of labels and has one parameter; `isotonic` bends each label's probability and needs some
hundreds of documents. Gives up calibration by kind of document: the fit is over all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

TEMPERATURE, ISOTONIC = "temperature", "isotonic"
METHODS = (TEMPERATURE, ISOTONIC)
LEAST = 1e-6


def fit(method: str, p: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """What `apply` takes. p: (n, k) probabilities. truth: (n,) int, columns of the right labels."""
    if method == TEMPERATURE:
        return {"method": method, "temperature": temperature(p, truth)}
    curves = []
    for label in range(p.shape[1]):
        x, y = isotonic(p[:, label].astype(float), (truth == label).astype(float))
        curves.append([np.round(x, 7).tolist(), np.round(y, 7).tolist()])
    return {"method": method, "curves": curves}


def apply(calibration: dict[str, Any], p: np.ndarray) -> np.ndarray:
    """(n, k) float32, rows that sum to 1. p: (n, k) raw probabilities."""
    p = np.maximum(np.asarray(p, float), LEAST)
    if calibration["method"] == TEMPERATURE:
        logits = np.log(p) / calibration["temperature"]
        p = np.exp(logits - logits.max(1, keepdims=True)) if len(p) else p
    else:
        p = np.column_stack([np.interp(column, *curve) for column, curve in zip(p.T, calibration["curves"])])
        p = np.maximum(p, LEAST)
    return (p / p.sum(1, keepdims=True)).astype(np.float32)


def temperature(p: np.ndarray, truth: np.ndarray) -> float:
    """The T in 0.05 to 20 that minimises the log loss of p^(1/T), normalised (Guo et al. 2017)."""
    from scipy.optimize import minimize_scalar

    logits = np.log(np.maximum(np.asarray(p, float), LEAST))
    rows = np.arange(len(truth))

    def loss(log_t: float) -> float:
        z = logits / np.exp(log_t)
        top = z.max(1)
        return float((top + np.log(np.exp(z - top[:, None]).sum(1)) - z[rows, truth]).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded", options={"xatol": 1e-6})
    return round(float(np.exp(found.x)), 6)


def isotonic(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares increasing fit of y on x by pooling adjacent violators: knots (x, y) for linear interpolation.

    x, y: (n,). Equal x are one point. A pool gives its first and its last x, so that it is flat in between.
    """
    points, at, counts = np.unique(x, return_inverse=True, return_counts=True)
    means = np.bincount(at, y) / counts
    pools: list[list[float]] = []                     # mean, weight, first x, last x
    for point, mean, count in zip(points, means, counts):
        pools.append([mean, float(count), point, point])
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            mean_b, count_b, _, last = pools.pop()
            mean_a, count_a, first, _ = pools.pop()
            weight = count_a + count_b
            pools.append([(mean_a * count_a + mean_b * count_b) / weight, weight, first, last])
    knots = [(x, pool[0]) for pool in pools for x in dict.fromkeys((pool[2], pool[3]))]
    return np.array([k[0] for k in knots]), np.array([k[1] for k in knots])
