"""From weights and a budget to whole tokens a cell, under the cap on epochs. Ratios never change in silence: a budget
that the data do not allow is refused with the least change that would do, unless shrinking or redistributing was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from corpus.errors import ConfigError, Infeasible, UnknownName
from corpus.mixture.weights import matched

SHORTFALL = ("refuse", "shrink", "redistribute")

#: Published weights are rounded; a sum that is off by more than this is not a rounding.
SUM_TOLERANCE = 1e-3

#: A solver's weights meet a cap to within this share of the budget; that much over a cap is moved, not refused.
ROUNDING = 1e-6


def check_weights(weights: Mapping[str, float], where: str = "mixture.weights") -> None:
    """Raises ConfigError where these are no shares that sum to 1."""
    for name, weight in weights.items():
        if not (np.isfinite(weight) and weight >= 0):
            raise ConfigError(f"{where}.{name}", f"{weight} is no share", "a number from 0 to 1")
    total = float(sum(weights.values()))
    if abs(total - 1.0) > SUM_TOLERANCE:
        raise ConfigError(where, f"the weights sum to {total:.6g}", "a sum of 1")


def weights_of(weights: Mapping[str, float], cells: Sequence[str], where: str = "mixture.weights") -> np.ndarray:
    """(cells,) float64 that sum to 1, in the order of `cells`; cells that are not named weigh 0."""
    weights = matched(weights, cells, where)
    check_weights(weights, where)
    return np.array([weights.get(c, 0.0) for c in cells], np.float64) / float(sum(weights.values()))


def phase_targets(weights: np.ndarray, budgets: Sequence[int], available: np.ndarray, max_epochs: float,
                  on_shortfall: str = "refuse", cells: Sequence[str] = (), seen: np.ndarray | None = None,
                  where: Sequence[str] = ()) -> np.ndarray:
    """Tokens to draw from each cell in each phase, (phases, cells) int64: each phase takes from what those before it left.

    weights: (phases, cells). seen: (cells,) int64 tokens read already, which count against `max_epochs`. where: the phases'
    places in the build file.
    """
    seen = np.zeros(len(available), np.int64) if seen is None else seen
    left = np.maximum(0, _caps(available, max_epochs) - seen)
    asked = seen + sum(whole_shares(w, b) for w, b in zip(weights, budgets))
    targets = []
    for p, (shares, budget) in enumerate(zip(weights, budgets)):
        place = where[p] if where else "mixture"
        targets.append(token_targets(shares, available, budget, max_epochs, on_shortfall, cells, left, place, asked))
        left = left - targets[-1]
    return np.array(targets, np.int64).reshape(len(targets), len(available))


def token_targets(weights: np.ndarray, available: np.ndarray, budget: int, max_epochs: float,
                  on_shortfall: str = "refuse", cells: Sequence[str] = (), left: np.ndarray | None = None,
                  where: str = "mixture", asked: np.ndarray | None = None) -> np.ndarray:
    """Tokens to draw from each cell (cells,) int64. They sum to the budget, or to the largest feasible one below it
    where `on_shortfall` is shrink.

    weights: (cells,) float64, sum 1. available: (cells,) int64 tokens. max_epochs: passes over a cell, e.g. 4.0.
    left: (cells,) int64 tokens of those passes that are not taken yet. asked: (cells,) int64 tokens that all phases and
    what was read come to.
    """
    if on_shortfall not in SHORTFALL:
        raise UnknownName("choice", on_shortfall, SHORTFALL, "mixture.on_shortfall")
    tokens = "budget_tokens" if where == "mixture" else "tokens"
    if budget <= 0:
        raise ConfigError(f"{where}.{tokens}", f"{budget} is not above 0", "a number of tokens")
    if not (np.isfinite(max_epochs) and max_epochs > 0):
        raise ConfigError("mixture.max_epochs", f"{max_epochs} is not above 0", "a number of passes, such as 4")
    names = list(cells) or [str(i) for i in range(len(weights))]
    caps = _caps(available, max_epochs) if left is None else left
    wanted = whole_shares(weights, budget)
    short = np.flatnonzero(wanted > caps)
    if not len(short):
        return wanted
    if on_shortfall == "redistribute" or (wanted - caps).max() <= max(1, budget * ROUNDING):
        return _redistribute(weights, caps, budget, max_epochs, where)
    used = weights > 0
    feasible = int(np.floor((caps[used] / weights[used]).min() * (1 + 1e-12)))
    if on_shortfall == "shrink" and feasible > 0:
        return np.minimum(whole_shares(weights, feasible), caps)
    empty = [names[i] for i in short if available[i] == 0]
    if empty:
        raise Infeasible(f"{where}: no tokens are in {_list(empty)}, which has a weight; a weight of 0 would do")
    asked = wanted if asked is None else asked
    over = np.flatnonzero((available > 0) & (asked > _caps(available, max_epochs)) & (np.isin(np.arange(len(used)), short)))
    over = over if len(over) else short
    needed = int((-(-asked[over] * 100 // available[over])).max())   # hundredths, rounded up: what is advised is enough
    words = [f"{names[i]} ({wanted[i]:,} tokens of {available[i]:,}: {wanted[i] / available[i]:.2f} epochs"
             + (f", of which {caps[i] / available[i]:.2f} are left)" if left is not None and asked[i] > wanted[i] else ")")
             for i in short]
    less = f"{tokens} {feasible:,}, or " if feasible > 0 else ""
    raise Infeasible(f"{where}: {budget:,} tokens at these weights need more than {max_epochs:g} epochs of {_list(words)}; "
                     f"feasible are {less}max_epochs {needed / 100:g}, or on_shortfall: "
                     + ("shrink or redistribute" if less else "redistribute"))


def _caps(available: np.ndarray, max_epochs: float) -> np.ndarray:
    return np.floor(available * max_epochs + 1e-9).astype(np.int64)


def whole_shares(weights: np.ndarray, budget: int) -> np.ndarray:
    """`budget` whole tokens in these shares (cells,) int64: rounded down, the rest to the largest remainders."""
    exact = weights * float(budget)
    whole = np.floor(exact).astype(np.int64)
    rest = budget - int(whole.sum())
    order = np.lexsort((np.arange(len(weights)), -(exact - whole), weights == 0))
    whole[order[:max(0, rest)]] += 1
    return whole


def smallest_budget(weights: np.ndarray, available: np.ndarray, first: np.ndarray, budget: int, max_epochs: float,
                    on_shortfall: str = "refuse", seen: np.ndarray | None = None) -> int | None:
    """The least budget above `budget`, which draws nothing, that draws a document; None where the caps allow none.

    first: (cells,) int64 tokens of the document that each cell draws first: it is drawn once a target is over half of it.
    """
    enough = first // 2 + 1
    left = np.maximum(0, _caps(available, max_epochs) - (0 if seen is None else seen))

    def draws(tokens: int) -> bool:
        try:
            target = token_targets(weights, available, tokens, max_epochs, on_shortfall, left=left)
        except Infeasible:
            return False
        return bool(((target >= enough) & (weights > 0)).any())

    used = weights > 0
    shared = int(np.ceil(enough[used] / weights[used]).min())
    full = int(left[used].sum())        # where only redistributing fills a document
    some = next((b for b in (max(budget + 1, shared), full) if b > budget and draws(b)), None)
    if some is None:
        return None
    none = budget
    while some - none > 1:
        half = (none + some) // 2
        none, some = (none, half) if draws(half) else (half, some)
    return some


def _redistribute(weights: np.ndarray, caps: np.ndarray, budget: int, max_epochs: float, where: str) -> np.ndarray:
    """Fills cells to their caps and shares what is left among the others, in their own proportions."""
    full = np.zeros(len(weights), bool)
    while True:
        open_ = ~full & (weights > 0)
        rest = budget - int(caps[full].sum())
        if not open_.any():
            total = int(caps[weights > 0].sum())
            if total == budget:
                return np.where(full, caps, 0)
            tokens = "budget_tokens" if where == "mixture" else "tokens"
            raise Infeasible(f"{where}: {budget:,} tokens are more than {max_epochs:g} epochs of all weighted cells hold; "
                             f"feasible is {tokens} {total:,}")
        shared = whole_shares(np.where(open_, weights, 0.0) / weights[open_].sum(), rest)
        over = open_ & (shared > caps)
        if not over.any():
            return np.where(full, caps, shared)
        full |= over


def _list(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
