"""A mixture from recorded runs: a law for each metric, an exact solve under caps, and honest comparisons.

The default recipe of Olmix (2026). Laws are only as good as the runs reach: what lies beyond them is said, not hidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import ConfigError, UnknownName
from corpus.mixture import baselines
from corpus.mixture.space import Space
from corpus.numeric import convex
from corpus.optimize import runs as tables
from corpus.optimize.runs import Runs
from corpus.surrogates import mixing_law
from corpus.surrogates.mixing_law import LogLinear

FEWEST_RUNS = 8


def recommend_from_csv(mixtures: str | Path, metrics: str | Path | None = None, metric: Sequence[str] = (),
                       prior: str | Path | None = None, max_weight: float | None = None,
                       caps: Mapping[str, float] | None = None, kl: float = 0.05, maximize: bool = False,
                       seed: int = 0) -> dict[str, Any]:
    """Reads runs (see `runs.read`) and returns what `recommend` does. prior: see `runs.prior_weights`."""
    found = tables.read(mixtures, metrics, metric)
    shares = None if prior is None else tables.prior_weights(prior, found.domains)
    return recommend(found, shares, max_weight, caps, kl, maximize, seed)


def recommend(found: Runs, prior: np.ndarray | None = None, max_weight: float | None = None,
              caps: Mapping[str, float] | None = None, kl: float = 0.05, maximize: bool = False,
              seed: int = 0) -> dict[str, Any]:
    """The mixture that minimises mean_i f_i(w) + kl · KL(w ‖ prior) under caps, as a JSON-able report.

    prior: (n,) shares; the mean of the runs when None. max_weight: a cap on every weight; caps: on some. kl: in the
    metrics' unit (0.05 suits losses in nats or bits; accuracies between 0 and 1 want less). Metrics are losses; with
    `maximize` they are scores, modelled by their distance from a ceiling one range above the best run.
    """
    rows, n = found.weights.shape
    if rows < FEWEST_RUNS:
        raise ConfigError("runs", f"{rows} runs", f"{FEWEST_RUNS} or more; 3 × (domains + 1) = {3 * (n + 1)} are advised")
    if kl < 0:
        raise ConfigError("--kl", str(kl), "0 or more")
    notes = list(found.notes)
    if rows < 3 * (n + 1):
        notes.append(f"{rows} runs are fewer than the advised 3 × (domains + 1) = {3 * (n + 1)}")
    seen = found.weights.max(axis=0)
    shares = found.weights.mean(axis=0) if prior is None else np.asarray(prior, float)
    space = _space(found, seen, max_weight, caps or {}, notes)
    ceiling = np.zeros(len(found.metrics))
    losses = found.values
    if maximize:
        ceiling = 2 * losses.max(axis=0) - losses.min(axis=0)
        losses = ceiling - losses
    _check_losses(found, losses, maximize)
    laws = [mixing_law.fit(found.weights, losses[:, i], seed) for i in range(losses.shape[1])]
    slopes = np.stack([law.slopes for law in laws])
    weights = convex.log_linear(slopes, space.polytope, shares, kl)

    candidates = {"recommended": (weights, False)}
    for name, other in (("natural", shares), ("uniform", baselines.uniform(n)), ("best_observed", _best_row(found, losses)),
                        ("single", _single(laws, n))):
        kept = baselines.within(space, other)
        candidates[name] = (kept.weights, kept.projected)
    scores = {name: np.array([law.predict(w)[0] for law in laws]) for name, (w, _) in candidates.items()}
    compared: dict[str, dict[str, Any]] = {}
    for name, (other, projected) in candidates.items():
        predicted = _named(found, _undo(scores[name], ceiling, maximize))
        compared[name] = {"weights": _clean(found, other), "predicted": predicted, "projected": projected}
    compared["best_observed"]["measured"] = _named(found, _undo(losses[losses.mean(axis=1).argmin()], ceiling, maximize))
    worse = [m for m, mine, theirs in zip(found.metrics, scores["recommended"], scores["natural"]) if mine > theirs + 1e-9]
    beyond = [d for d, w, top in zip(found.domains, weights, seen) if w > top + 1e-6]
    return {"runs": rows, "domains": list(found.domains), "metrics": list(found.metrics), "maximize": maximize, "kl": kl,
            "weights": _clean(found, weights), "compared": compared, "fit": _validate(found, losses, laws, seed),
            "prior": _clean(found, shares), "moved": round(float(np.abs(weights - shares).sum() / 2), 6),
            "binding": space.binding(weights), "worse_than_natural": worse, "beyond_runs": beyond, "notes": notes}


def _space(found: Runs, seen: np.ndarray, max_weight: float | None, caps: Mapping[str, float], notes: list[str]) -> Space:
    unknown = sorted(set(caps) - set(found.domains))
    if unknown:
        raise UnknownName("domain", unknown[0], found.domains, "--cap")
    for name, cap in [("--max-weight", max_weight), *((f"--cap {d}", c) for d, c in caps.items())]:
        if cap is not None and not 0 <= cap <= 1:
            raise ConfigError(name, str(cap), "a share, 0 to 1")
    upper = [min(1.0 if max_weight is None else max_weight, caps.get(d, 1.0)) for d in found.domains]
    never = [d for d, top in zip(found.domains, seen) if top <= 0]
    if never:
        notes.append("no run holds " + ", ".join(never) + ": nothing is known of them, and they get no weight")
    upper = [0.0 if d in never else u for d, u in zip(found.domains, upper)]
    space = Space(found.domains, (0.0,) * len(upper), tuple(upper))
    space.check()
    return space


def _check_losses(found: Runs, losses: np.ndarray, maximize: bool) -> None:
    for i, name in enumerate(found.metrics):
        if np.ptp(losses[:, i]) == 0:
            raise ConfigError(f"metric '{name}'", "the same in every run", "a metric that mixtures move")
        if losses[:, i].min() <= 0 and not maximize:
            raise ConfigError(f"metric '{name}'", f"{losses[:, i].min():g} is not positive",
                              "a loss over 0, or --maximize for scores")


def _best_row(found: Runs, losses: np.ndarray) -> np.ndarray:
    return found.weights[losses.mean(axis=1).argmin()]


def _single(laws: Sequence[LogLinear], n: int) -> np.ndarray:
    """The one domain whose pure mixture is predicted best."""
    pure = np.eye(n)
    return pure[np.mean([law.predict(pure) for law in laws], axis=0).argmin()]


def _validate(found: Runs, losses: np.ndarray, laws: Sequence[LogLinear], seed: int) -> dict[str, Any]:
    """Five-fold rank correlation of each law and of their mean, beside ranking by the one best column of weights.

    Both are chosen on the other folds, predicted on the held-out one, and correlated over all rows at once.
    """
    fold = mixing_law.folds(len(losses), seed)
    law, column = np.zeros_like(losses), np.zeros((len(losses), losses.shape[1] + 1))
    target = np.column_stack([losses, losses.mean(axis=1)])
    for k in range(int(fold.max()) + 1):
        held, rest = fold == k, fold != k
        for i in range(losses.shape[1]):
            law[held, i] = mixing_law.fit(found.weights[rest], losses[rest, i], seed, starts=1).predict(found.weights[held])
        for i in range(target.shape[1]):
            place, sign = _best_column(found.weights[rest], target[rest, i])
            column[held, i] = sign * found.weights[held, place]
    predicted = np.column_stack([law, law.mean(axis=1)])
    fit: dict[str, Any] = {}
    for i, name in enumerate([*found.metrics, "mean"]):
        place, _ = _best_column(found.weights, target[:, i])
        fit[name] = {"spearman": round(mixing_law.spearman(predicted[:, i], target[:, i]), 4),
                     "single_column": {"column": found.domains[place],
                                       "spearman": round(mixing_law.spearman(column[:, i], target[:, i]), 4)}}
    return fit


def _best_column(weights: np.ndarray, values: np.ndarray) -> tuple[int, float]:
    """The column that ranks the values best by itself, and the sign with which it does."""
    rho = np.array([mixing_law.spearman(weights[:, j], values) for j in range(weights.shape[1])])
    place = int(np.abs(rho).argmax())
    return place, float(np.sign(rho[place])) or 1.0


def _undo(losses: np.ndarray, ceiling: np.ndarray, maximize: bool) -> np.ndarray:
    return ceiling - losses if maximize else losses


def _named(found: Runs, values: np.ndarray) -> dict[str, float]:
    return {m: round(float(v), 6) for m, v in zip(found.metrics, values)} | {"mean": round(float(values.mean()), 6)}


def _clean(found: Runs, weights: np.ndarray) -> dict[str, float]:
    return {d: round(float(w), 12) for d, w in zip(found.domains, weights)}
