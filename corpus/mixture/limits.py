"""Limits: bounds on the share of tokens that some cells have together, of all or within each value of another attribute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.errors import ConfigError, UnknownName
from corpus.mixture.cells import cell_parts

TOLERANCE = 1e-7

LIMITS = "search.limits"


@dataclass(frozen=True)
class Limit:
    """A bound on the joint share (of tokens) of some cells: those named in `cells`, or those whose part for
    `attribute` is `value`. With `within`, another attribute, the share is of the tokens of each of its values.
    """

    low: float = 0.0
    high: float = 1.0
    attribute: str = ""
    value: str = ""
    cells: tuple[str, ...] = ()
    within: str = ""

    def check(self, where: str) -> None:
        """Raises ConfigError where the bounds are no shares. where: the limit's place in a build file."""
        for name in ("low", "high"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{where}.{name}", f"{getattr(self, name)}", "a share of tokens, 0 to 1")
        if self.low > self.high:
            raise ConfigError(where, f"low {self.low:g} is over high {self.high:g}", "low ≤ high")
        if self.within and self.within == self.attribute:
            raise ConfigError(f"{where}.within", f"'{self.within}' is the limit's own attribute", "another of the cells'")

    @property
    def title(self) -> str:
        return f"{self.attribute}={self.value}" if self.attribute else "+".join(self.cells)

    def members(self, cells: Sequence[str], attributes: Sequence[str], where: str) -> np.ndarray:
        """(n,) bool: which cells it is about. Cells are attribute values joined by "/", in the order of `attributes`.

        Raises UnknownName where it is about none: a limit that binds nothing is a slip of the pen.
        """
        if not self.attribute:
            unknown = sorted(set(self.cells) - set(cells))
            if unknown:
                raise UnknownName("cell", unknown[0], cells, f"{where}.cells")
            return np.isin(np.array(cells, object), np.array(self.cells, object))
        values = parts_of(cells, self.attribute, attributes, f"{where}.attribute")
        if self.value not in values:
            raise UnknownName(f"{self.attribute} of a cell", self.value, set(values), f"{where}.value")
        return np.array([value == self.value for value in values], bool)

    def bounds(self, cells: Sequence[str], attributes: Sequence[str], where: str) -> list[Bound]:
        """What it says of weights, one bound after another; high before low."""
        members = self.members(cells, attributes, where)
        groups = {"": np.ones(len(cells), bool)}
        if self.within:
            values = parts_of(cells, self.within, attributes, f"{where}.within")
            groups = {f" within {self.within}={v}": np.array([value == v for value in values]) for v in sorted(set(values))}
        found = []
        for title, group in groups.items():
            mine = members & group
            if self.high < 1 and mine.any():
                found.append(Bound(f"limit {self.title}{title}", self.high, True, mine, group if self.within else None))
            if self.low > 0:
                found.append(Bound(f"limit {self.title}{title}", self.low, False, mine, group if self.within else None))
        return found


@dataclass(frozen=True)
class Bound:
    """One inequality: the share of `members`, of all or of the `group`, is at most (else at least) `share`."""

    title: str
    share: float
    above: bool
    members: np.ndarray
    group: np.ndarray | None

    @property
    def row(self) -> np.ndarray:
        """(n,) float64: row @ weights ≤ `most`."""
        row = self.members.astype(float) - (0 if self.group is None else self.share * self.group)
        return row if self.above else -row

    @property
    def most(self) -> float:
        return 0.0 if self.group is not None else self.share if self.above else -self.share

    def held(self, weights: np.ndarray) -> float | None:
        """The share that weights give; None where the group has no weight."""
        whole = weights.sum() if self.group is None else weights[self.group].sum()
        return float(weights[self.members].sum() / whole) if whole > TOLERANCE else None

    def over(self, weights: np.ndarray) -> float:
        """By how much weights break it; below 0 where they do not."""
        held = self.held(weights)
        return -np.inf if held is None else (held - self.share) * (1 if self.above else -1)

    def __str__(self) -> str:
        return f"{self.title} {'≤' if self.above else '≥'} {self.share:g}"


def parts_of(cells: Sequence[str], attribute: str, attributes: Sequence[str], where: str) -> list[str]:
    """Each cell's value of an attribute."""
    if attribute not in attributes:
        raise UnknownName("cell attribute", attribute, attributes, where)
    place = list(attributes).index(attribute)
    return [cell_parts(cell)[place] for cell in cells]


def check_limits(limits: Sequence[Limit]) -> None:
    """Raises ConfigError for the first limit whose bounds are wrong."""
    for i, limit in enumerate(limits):
        limit.check(f"{LIMITS}[{i}]")
