"""Caps on values: no host (author, licence) may have more than its share of the tokens that are drawn.

Of a value that would have more, the documents of smallest keys stay for as long as what is drawn of them fits the bound; the
draw then knows the others no longer. Cells make up for them with other documents, of which a value may have too many again,
so this is repeated until none has; what is admitted only shrinks, which ends it. Memory does not grow with the number of
values: sums of hashed values first, then only those that may be over the bound. Given up: what several attributes leave out
is not made up for between them, and a bound is met from below; should the rounds be many, by more than a document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import ConfigError, Infeasible
from corpus.mixture.cells import cell_codes
from corpus.mixture.copies import Rule, phases_of
from corpus.mixture.levels import Chunk, Ladder, Sums, Want, whole_of

if TYPE_CHECKING:
    from corpus.mixture.draw import Index

#: One row a value that has to be held back: documents of it whose key is over the threshold (null: all) are not drawn.
CAPS = pa.schema([
    ("attribute", pa.string()),
    ("value", pa.string()),
    ("threshold", pa.uint64()),
    ("tokens_allowed", pa.int64()),
    ("tokens_drawn", pa.int64()),
])

BUCKETS = 1 << 22

#: After so many rounds a document counts with the most copies that its cell may give; after as many again, that any may.
ROUNDS = 24

#: Steps of the search for the least bound that would do.
STEPS = 10

Solve = Callable[[Sums], np.ndarray]


@dataclass(frozen=True)
class Cap:
    """At most `high` of all tokens drawn have this value of an attribute; value None: each value, for itself."""

    attribute: str
    high: float
    value: str | None = None

    @property
    def title(self) -> str:
        return f"{self.attribute}={self.value}" if self.value is not None else f"any one {self.attribute}"


def check_caps(caps: Sequence[Cap]) -> None:
    """Raises ConfigError for the first cap whose bound is no share."""
    for i, cap in enumerate(caps):
        if not 0 < cap.high <= 1:
            raise ConfigError(f"mixture.caps[{i}].high", f"{cap.high:g}", "a share of tokens, over 0 and up to 1")


def admit(caps: Sequence[Cap], index: Index, sums: Sums, solve: Solve) -> tuple[Sums, np.ndarray, pa.Table]:
    """What is there within the caps, the targets (phases, cells) from it, and the caps' table (`CAPS`).

    sums: of the whole index. solve: targets from what is there. Raises Infeasible, naming the cap that binds and the least
    bound that would do, where it does not go.
    """
    try:
        return _settle(caps, index, sums, solve)
    except Infeasible as error:
        raise _least(caps, index, sums, solve, error) from None


def _settle(caps: Sequence[Cap], index: Index, sums: Sums, solve: Solve) -> tuple[Sums, np.ndarray, pa.Table]:
    targets, table = solve(sums), CAPS.empty_table()
    budget = int(targets.sum())
    for _ in range(ROUNDS):
        held = bounds_of(caps, index, level_of(sums, targets, index, table), budget, table)
        if held is None:
            return sums, targets, table
        table, sums = held, Sums.of(index.chunks(held), len(index.cells))
        targets = solve(sums)
        budget = min(budget, int(targets.sum()))
    return _settle_coarsely(caps, index, sums, targets, solve)


def _settle_coarsely(caps: Sequence[Cap], index: Index, sums: Sums, targets: np.ndarray, solve: Solve,
                     ) -> tuple[Sums, np.ndarray, pa.Table]:
    """The same in few rounds: a document weighs the most copies that its cell may give. These only grow, and end it."""
    most, budget, rounds = most_copies(sums, targets), int(targets.sum()), 0
    while True:
        table = bounds_of(caps, index, most_of(most), budget, CAPS.empty_table()) or CAPS.empty_table()
        within = Sums.of(index.chunks(table), len(index.cells))
        found = solve(within)
        need, total, rounds = most_copies(within, found), int(found.sum()), rounds + 1
        if (need <= most).all() and total >= budget:
            return within, found, table
        if rounds > 4 * ROUNDS:
            raise Infeasible("mixture.caps: the budget that they leave shrinks to nothing")
        most, budget = np.maximum(most, need), min(budget, total)
        if rounds >= ROUNDS:
            most = np.maximum(most, most.max())


def level_of(sums: Sums, targets: np.ndarray, index: Index, caps: pa.Table) -> Rule:
    """What is drawn when all phases are done. sums: of the index within `caps`. targets: (phases, cells) of it."""
    cells = len(index.cells)
    whole, rest = (a[0] for a in whole_of(sums, np.cumsum(targets, axis=0)[-1:]))
    rule = most_of(whole)
    wants = [Want(c, int(whole[c]), int(rest[c])) for c in range(cells)]
    if some := [want for want in wants if want.rest > 0]:
        ladder = Ladder(np.minimum(np.where(sums.documents > 0, np.arange(sums.documents.shape[1]), 0).max(axis=1), whole))
        ladder.fill(index.chunks(caps))
        ladder.resolve(some, index.chunks(caps))
        for want in some:
            threshold = ladder.cut(want).threshold
            rule.any[want.group] = threshold is not None
            rule.threshold[want.group] = threshold or 0
    return rule


def most_of(most: np.ndarray) -> Rule:
    """Every document in `most` copies of its cell. most: (cells,)."""
    nowhere = np.zeros(len(most) + 1, bool)
    return Rule(0, 1, np.append(most, 0), nowhere, np.zeros(len(most) + 1, np.uint64))


def most_copies(sums: Sums, targets: np.ndarray) -> np.ndarray:
    """(cells,) int64: copies that a document may have when all phases are done, those that were read included."""
    whole, rest = whole_of(sums, np.cumsum(targets, axis=0)[-1:])
    return whole[0] + (rest[0] > 0)


def bounds_of(caps: Sequence[Cap], index: Index, rule: Rule, budget: int, before: pa.Table) -> pa.Table | None:
    """The values that have to be held back and the largest key of each that is admitted: those of the table `before`, and
    those that `rule` draws too much of. None where it draws too much of none.
    """
    rows = {(row["attribute"], row["value"]): row for row in before.to_pylist()}
    more = False
    for attribute in dict.fromkeys(cap.attribute for cap in caps):
        mine = [cap for cap in caps if cap.attribute == attribute and cap.high < 1]
        every = min((cap.high for cap in mine if cap.value is None), default=None)
        named: dict[str, float] = {}
        for cap in mine:
            if cap.value is not None:
                named[cap.value] = min(cap.high, named.get(cap.value, 1.0), 1.0 if every is None else every)
        weighed = Weighed(index, attribute, rule, before)
        every_bound = None if every is None else int(every * budget)
        bounds = {value: int(high * budget) for value, high in named.items()}
        heavy = [v for v, tokens in weighed.sums(every_bound, list(named)).items() if tokens > bounds.get(v, every_bound)]
        heavy.sort()
        for value, threshold in zip(heavy, weighed.thresholds(heavy, [bounds.get(v, every_bound) for v in heavy])):
            more = True
            rows[attribute, value] = {"attribute": attribute, "value": value, "threshold": threshold,
                                      "tokens_allowed": bounds.get(value, every_bound), "tokens_drawn": 0}
    return pa.Table.from_pylist([rows[name] for name in sorted(rows)], CAPS) if more else None


@dataclass(frozen=True)
class Weighed:
    """What a rule draws of the index within `caps`, by one attribute: a document weighs its tokens times its copies."""

    index: Index
    attribute: str
    rule: Rule
    caps: pa.Table

    def sums(self, bound: int | None, named: Sequence[str]) -> dict[str, int]:
        """Tokens of the values that may be over the bound, and of the named ones. bound: None for the named ones alone."""
        from corpus.mixture import kernels

        buckets = np.zeros(BUCKETS if bound is not None else 1, np.int64)
        if bound is not None:
            for cells, weights, values in self._rows():
                kernels.add_values(cells, weights, *_strings(values), buckets)
            if not named and not (buckets > bound).any():
                return {}
        found: dict[str, int] = {}
        for cells, weights, values in self._rows():
            wanted = np.zeros(len(cells), bool)
            if bound is not None:
                rows = np.empty(len(cells), np.int64)
                wanted[rows[:kernels.pick_values(cells, weights, *_strings(values), buckets, bound, rows)]] = True
            if named:
                mine = pc.is_in(values, value_set=pa.array(named, pa.string())).to_numpy(zero_copy_only=False)
                wanted |= mine & (cells >= 0)
            part = pa.table({"value": values, "tokens": weights}).filter(pa.array(wanted))
            part = part.group_by("value").aggregate([("tokens", "sum")])
            for value, tokens in zip(part.column("value").to_pylist(), part.column("tokens_sum").to_pylist()):
                found[value] = found.get(value, 0) + tokens
        return found

    def thresholds(self, heavy: list[str], bounds: list[int]) -> list[int | None]:
        """The largest key of each value that is admitted; None where no document is. Every value is over its bound."""
        if not heavy:
            return []
        known = pa.array(heavy, pa.string())
        ladder, wants = Ladder(np.zeros(len(heavy), np.int64)), [Want(g, 0, bound) for g, bound in enumerate(bounds)]
        ladder.fill(self._chunks(known))
        ladder.resolve([want for want in wants if want.rest > 0], self._chunks(known))
        return [ladder.cut(want, nearest=False).threshold for want in wants]

    def _chunks(self, known: pa.Array) -> Iterator[Chunk]:
        """The rows of some values, as chunks whose cells are the values."""
        for chunk, table in self._read():
            groups = cell_codes(table.column(self.attribute), known)
            weights = self._weights(chunk)
            groups[(chunk.cells < 0) | (weights == 0)] = -1
            yield Chunk(groups, chunk.keys, weights, np.zeros(len(groups), np.uint8))

    def _rows(self) -> Iterator[tuple[np.ndarray, np.ndarray, pa.Array]]:
        """Cells (-1 where a row has none, or no value), weights and values of each piece of the index."""
        for chunk, table in self._read():
            values = table.column(self.attribute).combine_chunks()
            cells = np.where(values.is_valid().to_numpy(zero_copy_only=False), chunk.cells, -1)
            yield cells, self._weights(chunk), values

    def _read(self) -> Iterator[tuple[Chunk, pa.Table]]:
        return self.index.with_columns([self.attribute, *self.caps.column("attribute").unique().to_pylist()], self.caps)

    def _weights(self, chunk: Chunk) -> np.ndarray:
        return chunk.tokens * self.rule.counts(chunk.cells, chunk.keys, chunk.seen.astype(np.int64))


def with_drawn(caps: pa.Table, index: Index, plan: pa.Table) -> pa.Table:
    """The caps' table with what the plan draws of each value."""
    if not caps.num_rows:
        return caps
    drawn = np.zeros(caps.num_rows, np.int64)
    attributes = np.array(caps.column("attribute").to_pylist(), object)
    rules = [rule for _, rule in phases_of(plan, index.cells)]
    for chunk, table in index.with_columns(list(dict.fromkeys(attributes)), caps):
        had = chunk.seen.astype(np.int64)
        tokens = np.zeros(len(had), np.int64)
        for rule in rules:
            count = rule.counts(chunk.cells, chunk.keys, had)
            had, tokens = had + count, tokens + count * chunk.tokens
        for attribute in dict.fromkeys(attributes):
            mine = np.flatnonzero(attributes == attribute)
            at = cell_codes(table.column(attribute), caps.column("value").take(pa.array(mine)))
            drawn[mine] += np.bincount(at[at >= 0], tokens[at >= 0], len(mine)).astype(np.int64)
    return caps.set_column(caps.schema.get_field_index("tokens_drawn"), "tokens_drawn", pa.array(drawn))


def _least(caps: Sequence[Cap], index: Index, sums: Sums, solve: Solve, error: Infeasible) -> Infeasible:
    """Names the cap that binds and the least bound (three digits) with which the rest goes."""
    try:
        solve(sums)
    except Infeasible:
        return error                                            # the caps are not to blame

    def goes(i: int, high: float) -> bool:
        try:
            _settle([replace(cap, high=high) if j == i else cap for j, cap in enumerate(caps)], index, sums, solve)
        except Infeasible:
            return False
        return True

    what = str(error).partition("; ")[0]
    for i, cap in enumerate(caps):
        if cap.high < 1 and goes(i, 1.0):
            low, high = cap.high, 1.0
            for _ in range(STEPS):
                middle = float(f"{np.sqrt(low * high):.3g}")
                if not low < middle < high:
                    break
                low, high = (low, middle) if goes(i, middle) else (middle, high)
            return Infeasible(f"mixture.caps[{i}]: with {cap.title} at {cap.high:g} or less, {what}; "
                              f"feasible is high {high:g}")
    titles = " and ".join(f"{cap.title} ≤ {cap.high:g}" for cap in caps if cap.high < 1)
    return Infeasible(f"mixture.caps: with {titles} together, {what}; no change of one of them alone is enough")


def _strings(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of a string column and where each value begins and ends, (n + 1,) int32."""
    _, offsets, data = values.buffers()
    if not len(values):
        return np.zeros(0, np.uint8), np.zeros(1, np.int32)
    at = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    return np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8), at
