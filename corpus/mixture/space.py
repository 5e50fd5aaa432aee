"""The mixtures that a build allows: weights over cells that sum to 1, under caps on epochs and limits on shares.

Where there are none, `Infeasible` says which cap or limit binds and the least change that would do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from corpus.errors import ConfigError, Infeasible
from corpus.mixture.limits import LIMITS, TOLERANCE, Bound, Limit, check_limits
from corpus.numeric import convex


@dataclass(frozen=True)
class Space:
    """Allowed weights over cells. lower, upper: one bound a cell. limits: joint bounds, with `attributes` naming the
    parts of a cell's name; errors name the i-th as `search.limits[i]`, where build files have it.
    """

    cells: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    limits: tuple[Limit, ...] = ()
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_limits(self.limits)

    @staticmethod
    def free(cells: Sequence[str]) -> Space:
        """The whole simplex."""
        return Space(tuple(cells), (0.0,) * len(cells), (1.0,) * len(cells))

    @staticmethod
    def from_caps(tokens: Mapping[str, int], budget: int, max_epochs: float, limits: Sequence[Limit] = (),
                  attributes: Sequence[str] = ()) -> Space:
        """Caps w_j ≤ max_epochs · tokens_j / budget. tokens: available tokens of each cell. budget: tokens to write.

        Raises Infeasible where nothing is allowed.
        """
        if budget <= 0:
            raise ConfigError("mixture.budget_tokens", str(budget), "a number of tokens over 0")
        if max_epochs <= 0:
            raise ConfigError("mixture.max_epochs", str(max_epochs), "a number of passes over 0")
        upper = tuple(min(1.0, max_epochs * t / budget) for t in tokens.values())
        space = Space(tuple(tokens), (0.0,) * len(upper), upper, tuple(limits), tuple(attributes))
        space.check(np.array(list(tokens.values()), float), budget, max_epochs)
        return space

    @cached_property
    def polytope(self) -> convex.Polytope:
        bounds = self.bounds
        matrix = np.array([bound.row for bound in bounds]) if bounds else np.zeros((0, len(self.cells)))
        most = np.array([bound.most for bound in bounds])
        return convex.Polytope(np.array(self.lower, float), np.array(self.upper, float), matrix, most)

    @cached_property
    def bounds(self) -> list[Bound]:
        """What the limits say, in their order."""
        return [bound for i, limit in enumerate(self.limits)
                for bound in limit.bounds(self.cells, self.attributes, f"{LIMITS}[{i}]")]

    def broken(self, weights: np.ndarray, tolerance: float = 1e-6) -> list[str]:
        """Limits that weights (n,) break, and by how much: "limit style=qa ≤ 0.2, which has 0.25: 0.05 over"."""
        w = np.asarray(weights, float)
        return [f"{bound}, which has {bound.held(w):.4g}: {bound.over(w):.2g} {'over' if bound.above else 'under'}"
                for bound in self.bounds if bound.over(w) > tolerance]

    def contains(self, weights: np.ndarray, tolerance: float = TOLERANCE) -> bool:
        w, p = np.asarray(weights, float), self.polytope
        return bool(abs(w.sum() - 1) <= tolerance and (w >= p.lower - tolerance).all() and (w <= p.upper + tolerance).all()
                    and (p.rows @ w <= p.most + tolerance).all())

    def project(self, weights: np.ndarray) -> np.ndarray:
        """The nearest allowed mixture, (n,); the weights themselves where they are allowed. Raises Infeasible."""
        w = np.asarray(weights, float)
        if self.contains(w, 1e-12):
            return w
        try:
            return convex.project(w, self.polytope)
        except convex.NoSolution:
            self.check()
            raise

    def binding(self, weights: np.ndarray, tolerance: float = 1e-6) -> list[str]:
        """What holds the mixture back: "cap d03/web", "limit style=qa ≤ 0.2", "limit style=qa within domain=d03 ≥ 0.1"."""
        w = np.asarray(weights, float)
        found = [f"cap {c}" for c, x, top in zip(self.cells, w, self.upper) if top < 1 and x > 0 and x >= top - tolerance]
        found += [f"at least {c}" for c, x, least in zip(self.cells, w, self.lower) if least > 0 and x <= least + tolerance]
        found += [str(bound) for bound in self.bounds if bound.over(w) >= -tolerance]
        return found

    def check(self, tokens: np.ndarray | None = None, budget: int = 0, max_epochs: float = 0) -> None:
        """Raises Infeasible where no mixture is allowed; with tokens (n,), budget and max_epochs it names the largest
        budget that would do.
        """
        slack = self._least_slack()
        if slack is None:
            return
        if tokens is not None:
            most = self._largest_budget(tokens, max_epochs)
            if most >= 1:
                raise Infeasible(
                    f"a budget of {budget:,} tokens is more than the data and the caps allow at {max_epochs:g} epochs"
                    f"{self._short(tokens, budget, max_epochs)}; it would do with a budget of {most:,} tokens or less, "
                    f"or with max_epochs of {_up(max_epochs * budget / most)} or more")
        if not slack:
            raise Infeasible(f"the caps of all cells add up to {sum(self.upper):.4g}, less than 1")
        raise Infeasible("no mixture satisfies the limits; the least change that would do: " + "; ".join(slack))

    def _short(self, tokens: np.ndarray, budget: int, max_epochs: float) -> str:
        """Names the first limit that asks for more than its cells have, else says what all cells have."""
        for bound in self.bounds:
            have = tokens[bound.members].sum() * max_epochs
            if not bound.above and bound.group is None and bound.share * budget > have:
                return f": {bound} needs {bound.share * budget:,.0f} and there are {have:,.0f}"
        have = tokens.sum() * max_epochs
        if have < budget:
            return f": all cells together give {have:,.0f}"
        return ": the caps of cells and the limits exclude each other"

    def _largest_budget(self, tokens: np.ndarray, max_epochs: float) -> int:
        """Most tokens that can be written within caps and limits: a linear programme in tokens a cell."""
        from scipy.optimize import linprog

        p = self.polytope
        rows = p.rows - p.most[:, None]      # rows @ x ≤ most · sum(x)
        found = linprog(-np.ones(len(tokens)), A_ub=rows if len(rows) else None,
                        b_ub=np.zeros(len(rows)) if len(rows) else None,
                        bounds=[(0, max_epochs * t) for t in tokens], method="highs")
        return int(np.floor(-found.fun * (1 + 1e-9))) if found.status == 0 else 0

    def _least_slack(self) -> list[str] | None:
        """None where the space has a mixture; else the limits that would have to give and by how much, least in sum."""
        from scipy.optimize import linprog

        p, n, m = self.polytope, len(self.cells), len(self.polytope.rows)
        cost = np.r_[np.zeros(n), np.ones(m)]
        rows = np.hstack([p.rows, -np.eye(m)]) if m else None
        found = linprog(cost, A_ub=rows, b_ub=p.most if m else None, A_eq=np.r_[np.ones(n), np.zeros(m)][None], b_eq=[1],
                        bounds=[*zip(p.lower, p.upper), *[(0, None)] * m], method="highs")
        if found.status != 0:
            return []
        if found.fun <= TOLERANCE:
            return None
        weights, gives = found.x[:n], found.x[n:]
        return [f"{bound} {'raised' if bound.above else 'lowered'} to {_changed(bound, weights, give):.4g}"
                for bound, give in zip(self.bounds, gives) if give > TOLERANCE]


def _changed(bound: Bound, weights: np.ndarray, give: float) -> float:
    """The share that a bound would have to be for weights that break it by `give` of all tokens."""
    if bound.group is not None:
        give /= max(weights[bound.group].sum(), TOLERANCE)
    return bound.share + (give if bound.above else -give)


def _up(x: float) -> str:
    """Rounded up in the fourth digit, so that what is advised is enough."""
    digits = 10.0 ** (3 - int(np.floor(np.log10(x))))
    return f"{np.ceil(x * digits * (1 - 1e-12)) / digits:g}"
