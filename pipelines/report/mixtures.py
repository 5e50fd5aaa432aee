"""What the report says of mixtures: the chosen one beside the others, and the profiles that the choice was made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.numeric import vectors
from pipelines.view import View


@dataclass(frozen=True)
class Mixture:
    """weights and epochs: by cell. distance: to the target, lower is better. moved: total variation from the natural
    shares of tokens, 0 to 1. projected: the method's own mixture is not allowed, this is the nearest one that is.
    """

    method: str
    weights: dict[str, float]
    epochs: float | None
    distance: float | None
    moved: float
    projected: bool
    chosen: bool


def compared(view: View) -> list[Mixture]:
    """The chosen mixture first, the others as the search compared them; none where the search was not reached."""
    table = view.rows("search.mixture", "comparison")
    if table is None or not table.num_rows:
        return []
    found: dict[str, list[dict]] = {}
    for row in table.to_pylist():
        found.setdefault(row["method"], []).append(row)
    mixtures = []
    for method, rows in found.items():
        natural = np.array([r["tokens"] for r in rows], float)
        natural /= natural.sum() or 1
        weights = np.array([r["weight"] for r in rows])
        epochs = [r["epochs"] for r in rows if r["epochs"] is not None]
        moved = float(np.abs(weights - natural).sum() / 2)
        mixtures.append(Mixture(method, {r["cell"]: r["weight"] for r in rows}, max(epochs, default=None),
                                rows[0]["distance"], moved, rows[0]["projected"], rows[0]["chosen"]))
    return sorted(mixtures, key=lambda m: not m.chosen)


@dataclass(frozen=True)
class Profiles:
    """Shares over the meta-domains (k,), each summing to 1: of the target, of the chosen mixture and of the natural one."""

    target: np.ndarray
    chosen: np.ndarray
    natural: np.ndarray
    documents: int


def profiles(view: View, chosen: Mixture | None) -> Profiles | None:
    """None where there is no target, or the vectors are of other cells than the mixture."""
    target = view.rows("search.target.vector", "target")
    cells = view.rows("search.vectors", "vectors")
    available = view.rows("search.cells", "cells", ["cell", "tokens"])
    if chosen is None or target is None or cells is None or available is None:
        return None
    names = cells.column("cell").to_pylist()
    tokens = dict(zip(available.column("cell").to_pylist(), available.column("tokens").to_pylist()))
    matrix, goal = vectors.matrix(cells.column("vector")).astype(np.float64), vectors.matrix(target.column("vector"))[0]
    if matrix.shape[1] != len(goal) or any(w > 0 and c not in names for c, w in chosen.weights.items()):
        return None
    natural = np.array([tokens.get(n, 0) for n in names], float)
    weights = np.array([chosen.weights.get(n, 0.0) for n in names])
    return Profiles(goal.astype(np.float64), weights @ matrix, natural / (natural.sum() or 1) @ matrix,
                    target.column("documents")[0].as_py())
