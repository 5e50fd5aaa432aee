"""Mixtures that need no evidence. Every recommendation is printed beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.mixture.space import Space

NAMES = ("natural", "uniform", "unimax")


@dataclass(frozen=True)
class Baseline:
    """weights: (n,), allowed. projected: whether the baseline itself was not, so that the nearest allowed one stands in."""

    weights: np.ndarray
    projected: bool


def natural(tokens: np.ndarray) -> np.ndarray:
    """Shares as they are found. tokens: (n,)."""
    return temperature(tokens, 1.0)


def uniform(n: int) -> np.ndarray:
    """The same share for each of n cells."""
    return np.full(n, 1.0 / n)


def temperature(tokens: np.ndarray, tau: float = 0.5) -> np.ndarray:
    """Shares proportional to tokens^tau; a cell without tokens has none. tokens: (n,)."""
    tokens = np.asarray(tokens, float)
    if tokens.sum() <= 0:
        return uniform(len(tokens))
    powered = np.where(tokens > 0, np.power(np.maximum(tokens, 1e-300) / tokens.max(), tau), 0.0)
    return powered / powered.sum()


def unimax(tokens: np.ndarray, budget: float, max_epochs: float) -> np.ndarray:
    """UniMax (Chung et al. 2023): the budget spread as evenly as `max_epochs` passes over each cell allow.

    Cells are visited from the smallest; each takes its even part of what is left, or all its passes if that is less.
    tokens: (n,). Returns shares (n,) of what could be given, which is less than the budget where all cells run out.
    """
    tokens = np.asarray(tokens, float)
    given, left = np.zeros(len(tokens)), float(budget)
    order = np.argsort(tokens, kind="stable")
    for visited, j in enumerate(order):
        given[j] = min(left / (len(tokens) - visited), max_epochs * tokens[j])
        left -= given[j]
    return given / given.sum() if given.sum() > 0 else uniform(len(tokens))


def weights(name: str, tokens: np.ndarray, budget: float, max_epochs: float) -> np.ndarray:
    """(n,) shares of the baseline of that name."""
    if name == "natural":
        return natural(tokens)
    if name == "uniform":
        return uniform(len(tokens))
    return unimax(tokens, budget, max_epochs)


def within(space: Space, found: np.ndarray) -> Baseline:
    """A mixture as a baseline of the space: the nearest allowed one, flagged, where it is not allowed itself."""
    return Baseline(found, False) if space.contains(found) else Baseline(space.project(found), True)


def baselines(space: Space, tokens: Sequence[int] | np.ndarray, budget: float, max_epochs: float) -> dict[str, Baseline]:
    """natural, uniform and unimax, each within the space. tokens: (n,), in the order of the space's cells."""
    tokens = np.asarray(tokens, float)
    return {name: within(space, weights(name, tokens, budget, max_epochs)) for name in NAMES}
