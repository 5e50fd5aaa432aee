"""How good a classifier is on documents that it never saw: what it finds, how far off it is, whether its probabilities
are frequencies. Counts from a confusion matrix; intervals are of a bootstrap over documents. Gives up curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from corpus import chance

BINS = 10
DRAWS = 1000
INTERVAL = (2.5, 97.5)


def measure(p: np.ndarray, truth: np.ndarray, labels: Sequence[str], ordinal: bool, seed: int = 0) -> dict[str, Any]:
    """Figures of n held-out documents; a 95 % interval stands beside a figure as `NAME_interval`.

    p: (n, k) probabilities. truth: (n,) int, columns of the right labels. labels: k names. ordinal: they are numbers.
    An interval comes from `DRAWS` resamples of the documents, drawn as multinomial counts of the confusion matrix, which
    is the same thing. A figure with nothing in its denominator is null.
    """
    k, said = len(labels), p.argmax(1)
    matrix = np.bincount(truth * k + said, minlength=k * k).reshape(k, k)
    values = np.array([int(name) for name in labels], float) if ordinal else None
    found = {"documents": len(truth), "confusion": matrix.tolist()}
    found |= _with_intervals(matrix, values, labels, chance.generator(seed, "quality-bootstrap"))
    if ordinal and len(truth):
        expected = p @ values / np.maximum(p.sum(1), 1e-12)
        found["mean_absolute_error_expected"] = _number(np.abs(expected - values[truth]).mean())
    return found | {"calibration": calibration(p, truth)}


def _with_intervals(matrix: np.ndarray, values: np.ndarray | None, labels: Sequence[str],
                    draw: np.random.Generator) -> dict[str, Any]:
    n, k = int(matrix.sum()), len(labels)
    draws = draw.multinomial(n, matrix.ravel() / max(n, 1), DRAWS).reshape(DRAWS, k, k) if n else np.zeros((0, k, k))
    figures, spread = _figures(matrix[None], values), _figures(draws, values)
    out = {name: _number(one[0]) for name, one in figures.items() if one.ndim == 1}
    out |= {f"{name}_interval": _interval(spread[name]) for name in list(out)}
    out["labels"] = {}
    for at, label in enumerate(labels):
        row: dict[str, Any] = {"support": int(matrix[at].sum())}
        for name in ("precision", "recall", "f1"):
            row[name], row[f"{name}_interval"] = _number(figures[name][0, at]), _interval(spread[name][:, at])
        out["labels"][label] = row
    return out


def _figures(m: np.ndarray, values: np.ndarray | None) -> dict[str, np.ndarray]:
    """Figures of b confusion matrices (b, k, k), rows the truth. A macro mean is over labels that occur."""
    m = m.astype(float)
    right, said, is_ = np.diagonal(m, axis1=1, axis2=2), m.sum(1), m.sum(2)
    n = m.sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        found = {
            "accuracy": right.sum(1) / n,
            "precision": right / said,
            "recall": right / is_,
            "f1": np.where(is_ + said > 0, 2 * right / (is_ + said), np.nan),
        }
        for name in ("precision", "recall", "f1"):
            # a label that occurs and is never said has no precision; for the macro mean that is 0
            each = np.where(is_ > 0, np.nan_to_num(found[name]), 0.0)
            found[f"macro_{name}"] = each.sum(1) / (is_ > 0).sum(1)
        if values is not None:
            apart = np.abs(values[:, None] - values[None, :])
            found["mean_absolute_error"] = (m * apart).sum((1, 2)) / n
            by_chance = (is_[:, :, None] * said[:, None, :] * apart**2).sum((1, 2)) / n
            found["quadratic_kappa"] = 1 - (m * apart**2).sum((1, 2)) / by_chance
    return found


def calibration(p: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Whether probabilities are frequencies. p: (n, k). truth: (n,) int.

    `bins`: of documents by the probability of their most likely label, how often it is right, with Wilson's 95 %
    interval. `expected_error` (ECE): |mean probability − share right| over the bins, weighted by documents. `brier`: mean
    squared distance of the probabilities from the truth, 0 to 2. `log_loss`: mean −log of the right label's probability.
    """
    n = len(truth)
    if not n:
        return {"expected_error": None, "brier": None, "log_loss": None, "bins": []}
    top, right = p.max(1).astype(float), p.argmax(1) == truth
    bins = np.minimum((top * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    said, were = np.bincount(bins, top, BINS), np.bincount(bins, right, BINS)
    rows = []
    for b in np.flatnonzero(counts):
        rows.append({"from": b / BINS, "to": (b + 1) / BINS, "documents": int(counts[b]),
                     "said": _number(said[b] / counts[b]), "right": _number(were[b] / counts[b]),
                     "right_interval": _wilson(were[b], counts[b])})
    own = p[np.arange(n), truth].astype(float)
    brier = (p.astype(float) ** 2).sum(1) - 2 * own + 1
    return {"expected_error": _number(np.abs(said - were).sum() / n), "brier": _number(brier.mean()),
            "log_loss": _number(-np.log(np.maximum(own, 1e-7)).mean()), "bins": rows}


def _wilson(successes: float, n: float, z: float = 1.959964) -> list[float | None]:
    middle, spread = successes + z * z / 2, z * np.sqrt(successes * (n - successes) / n + z * z / 4)
    return [_number((middle - spread) / (n + z * z)), _number((middle + spread) / (n + z * z))]


def _interval(values: np.ndarray) -> list[float | None]:
    values = values[np.isfinite(values)]
    return [_number(v) for v in np.percentile(values, INTERVAL)] if len(values) else [None, None]


def _number(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
