"""Judges rows by rules: the verdict on a row is the first rule that fails, in the order given.

A null or NaN signal passes, so a rule says nothing of a text that its signal could not measure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import ConfigError
from corpus.operators import Rule

LANGUAGE = "language"


@dataclass(frozen=True)
class ScopedRule(Rule):
    """A rule for some rows: those of the languages in `languages` (None: all), except those in `other_than`, and those
    where the number in column `given` is `given_low` to `given_high`.

    Languages are in column `language`. Where the language is null, a rule for named languages does not apply, any other
    does; where the given number is null, the rule applies.
    """

    languages: tuple[str, ...] | None = None
    other_than: tuple[str, ...] = ()
    given: str | None = None
    given_low: float | None = None
    given_high: float | None = None


@dataclass(frozen=True)
class Judgement:
    """The verdict on each of n rows. `reason`, `signal`, `value`, `bound` are null where a row is kept; value and bound
    also where the rule is one of words (`among`).

    kept: (n,) bool. rule: (n,) int32, index of the first rule that failed, -1 where kept. The others are Arrow arrays:
    string, string, float64, float64.
    """

    kept: np.ndarray
    rule: np.ndarray
    reason: pa.Array
    signal: pa.Array
    value: pa.Array
    bound: pa.Array


def judge(table: pa.Table, rules: Sequence[Rule]) -> Judgement:
    """Judges each row of `table`. Raises ConfigError where a rule reads a column that is not there."""
    rows = table.num_rows
    rule, values, bounds = np.full(rows, -1, np.int32), np.full(rows, np.nan), np.full(rows, np.nan)
    for i, r in enumerate(rules):
        require(r, table.column_names, f"rules[{i}]")
        if r.among is not None:
            failed = _not_among(table.column(r.signal), r.among)
            value, bound = np.full(rows, np.nan), np.full(rows, np.nan)
        else:
            value = _numbers(table.column(r.signal))
            low, high = -np.inf if r.low is None else r.low, np.inf if r.high is None else r.high
            under = value < low
            failed = under | (value > high)
            bound = np.where(under, low, high)
        failed &= rule < 0
        if isinstance(r, ScopedRule):
            failed &= _in_scope(table, r)
        rule[failed], values[failed], bounds[failed] = i, value[failed], bound[failed]
    named = pa.array(rule, mask=rule < 0)
    return Judgement(rule < 0, rule, _take([r.reason for r in rules], named), _take([r.signal for r in rules], named),
                     pa.array(values, mask=np.isnan(values)), pa.array(bounds, mask=np.isnan(bounds)))


def columns_of(rules: Sequence[Rule]) -> list[str]:
    """Columns that rules read, each once."""
    return list(dict.fromkeys(c for rule in rules for c in _reads(rule)))


def require(rule: Rule, columns: Sequence[str], where: str) -> None:
    """Raises ConfigError where the rule reads a column that is not among `columns`."""
    for column in _reads(rule):
        if column not in columns:
            why = f"reads the signal '{column}', and no annotator of this build measures it"
            remedy = f"add the signal that gives '{column}', or leave the rule out"
            raise ConfigError(f"{where} ({rule.reason})", why, remedy)


def _reads(rule: Rule) -> Iterator[str]:
    yield rule.signal
    if not isinstance(rule, ScopedRule):
        return
    if rule.languages is not None or rule.other_than:
        yield LANGUAGE
    if rule.given is not None:
        yield rule.given


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()


def _not_among(column: pa.ChunkedArray, among: Sequence[str]) -> np.ndarray:
    inside = pc.is_in(column, value_set=pa.array(among, column.type))
    return pc.and_(pc.is_valid(column), pc.invert(inside)).to_numpy()


def _in_scope(table: pa.Table, rule: ScopedRule) -> np.ndarray:
    inside = np.ones(table.num_rows, bool)
    if rule.languages is not None:
        inside &= pc.is_in(table.column(LANGUAGE), value_set=pa.array(rule.languages, pa.string())).to_numpy()
    if rule.other_than:
        inside &= ~pc.is_in(table.column(LANGUAGE), value_set=pa.array(rule.other_than, pa.string())).to_numpy()
    if rule.given is not None:
        value = _numbers(table.column(rule.given))
        inside &= ~(value < (-np.inf if rule.given_low is None else rule.given_low))
        inside &= ~(value > (np.inf if rule.given_high is None else rule.given_high))
    return inside


def _take(names: list[str], index: pa.Array) -> pa.Array:
    return pa.array(names, pa.string()).take(index)

