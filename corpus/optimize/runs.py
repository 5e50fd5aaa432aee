"""Tables of recorded runs: RegMix's pair of CSVs, Olmix's pair, or one CSV with weights and metrics side by side."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpus.errors import ConfigError, MissingFile, UnknownName

#: Columns that name a run instead of measuring it, in the order in which two files are joined on them.
KEYS = ("run", "index", "name", "run_id", "id", "", "Unnamed: 0")
METRIC_PREFIXES = ("metric/", "metric_")
#: How far a row of weights may be from 1: tables are printed with a few decimals.
ROUNDING = 0.02


@dataclass(frozen=True)
class Runs:
    """weights: (rows, n), rows sum to 1. values: (rows, metrics). notes: what was changed of what was read."""

    domains: tuple[str, ...]
    metrics: tuple[str, ...]
    weights: np.ndarray
    values: np.ndarray
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Table:
    path: Path
    columns: list[str]
    rows: list[list[str]]

    def numbers(self, columns: Sequence[str], rows: Sequence[int]) -> np.ndarray:
        """(rows, columns) float64; names row and column of the first cell that is no finite number."""
        at = [self.columns.index(c) for c in columns]
        out = np.zeros((len(rows), len(at)))
        for i, row in enumerate(rows):
            for j, place in enumerate(at):
                text = self.rows[row][place].strip()
                try:
                    out[i, j] = float(text)
                except ValueError:
                    out[i, j] = np.nan
                if not np.isfinite(out[i, j]):
                    raise ConfigError(self.where(row, columns[j]), f"'{text}'", "a number")
        return out

    def where(self, row: int, column: str = "") -> str:
        return f"{self.path.name}, line {row + 2}" + (f", column '{column}'" if column else "")


def read(mixtures: str | Path, metrics: str | Path | None = None, metric: Sequence[str] = ()) -> Runs:
    """Reads runs. metrics: a second CSV, joined on the runs' names; without it, metrics are the columns called `metric/…`
    or named by `metric`. `metric` also picks some of them. Rows off 1 by rounding are renormalised.

    Raises ConfigError with file, line and column for anything that is no number, negative, or does not sum to 1.
    """
    table = _table(Path(mixtures))
    notes: list[str] = []
    if metrics is None:
        measured = _pick([c for c in table.columns if c not in KEYS], metric, only_prefixed=not metric)
        domains = [c for c in table.columns if c not in KEYS and c not in measured and not c.startswith(METRIC_PREFIXES)]
        rows = other_rows = list(range(len(table.rows)))
        other = table
    else:
        other = _table(Path(metrics))
        measured = _pick([c for c in other.columns if c not in KEYS and c not in table.columns], metric)
        domains = [c for c in table.columns if c not in KEYS]
        rows, other_rows = _join(table, other)
        left_out = len(table.rows) + len(other.rows) - 2 * len(rows)
        if left_out:
            notes.append(f"{left_out} rows have no partner in the other file and were left out")
    if not domains:
        raise ConfigError(table.path.name, "no column of weights", "a column for each domain, beside the metrics")
    weights = table.numbers(domains, rows)
    _check(table, domains, rows, weights)
    sums = weights.sum(axis=1, keepdims=True)
    off = int((np.abs(sums - 1) > 1e-9).sum())
    if off:
        notes.append(f"{off} rows sum to 1 only up to rounding and were renormalised")
    return Runs(tuple(domains), tuple(measured), weights / sums, other.numbers(measured, other_rows), tuple(notes))


def prior_weights(path: str | Path, domains: Sequence[str]) -> np.ndarray:
    """(n,) prior shares, normalised, from JSON {domain: number} (or Olmix's {"relative_sizes": …}) or a two-column CSV."""
    path = Path(path)
    if not path.is_file():
        raise MissingFile(str(path), "prior")
    if path.suffix == ".json":
        try:
            found = json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise ConfigError(path.name, f"not JSON: {error}", "an object of domain: number") from None
        found = found.get("relative_sizes", found) if isinstance(found, dict) else None
    else:
        with path.open(newline="", encoding="utf-8") as stream:
            found = {row[0]: row[1] for row in csv.reader(stream) if len(row) == 2}
    if not isinstance(found, dict):
        raise ConfigError(path.name, "not an object", "an object of domain: number")
    shares = []
    for domain in domains:
        if domain not in found:
            raise ConfigError(path.name, f"no share of '{domain}'", "a number for each domain of the runs")
        try:
            shares.append(float(found[domain]))
        except (TypeError, ValueError):
            raise ConfigError(f"{path.name}, '{domain}'", f"{found[domain]!r}", "a number, 0 or more") from None
        if not shares[-1] >= 0 or not np.isfinite(shares[-1]):
            raise ConfigError(f"{path.name}, '{domain}'", str(shares[-1]), "a number, 0 or more")
    if sum(shares) <= 0:
        raise ConfigError(path.name, "all shares are 0", "a prior over the domains")
    return np.array(shares) / sum(shares)


def _table(path: Path) -> _Table:
    if not path.is_file():
        raise MissingFile(str(path), "runs", "name a CSV of runs")
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(path.name, f"cannot be read: {error}", "a CSV in UTF-8") from None
    if len(rows) < 2:
        raise ConfigError(path.name, "no rows", "a header and a row for each run")
    columns = [c.strip() for c in rows[0]]
    twice = sorted({c for c in columns if columns.count(c) > 1})
    if twice:
        raise ConfigError(path.name, f"two columns are called '{twice[0]}'", "a name of its own for each column")
    table = _Table(path, columns, rows[1:])
    for i, row in enumerate(table.rows):
        if len(row) != len(columns):
            raise ConfigError(table.where(i), f"{len(row)} fields", f"{len(columns)}, as the header has")
    return table


def _pick(columns: list[str], asked: Sequence[str], only_prefixed: bool = False) -> list[str]:
    """Metric columns: those asked for, with or without their prefix, else all that could be."""
    found = []
    for name in asked:
        match = [c for c in (name, *(p + name for p in METRIC_PREFIXES)) if c in columns]
        if not match:
            raise UnknownName("metric", name, columns, "--metric")
        found += [c for c in match[:1] if c not in found]
    if not asked:
        found = [c for c in columns if c.startswith(METRIC_PREFIXES)] if only_prefixed else list(columns)
    if not found:
        raise ConfigError("runs", "no column is a metric", "columns called metric/…, or --metric NAME, or a second CSV")
    return found


def _join(table: _Table, other: _Table) -> tuple[list[int], list[int]]:
    """Rows of both files that name the same run, in the first file's order."""
    for key in KEYS:
        if key not in table.columns or key not in other.columns:
            continue
        mine = [row[table.columns.index(key)].strip() for row in table.rows]
        theirs = [row[other.columns.index(key)].strip() for row in other.rows]
        if len(set(mine)) < len(mine) or len(set(theirs)) < len(theirs):
            continue
        place = {name: i for i, name in enumerate(theirs)}
        rows = [i for i, name in enumerate(mine) if name in place]
        if not rows:
            raise ConfigError(other.path.name, f"no '{key}' is that of a run in {table.path.name}",
                              "the same runs in both files")
        return rows, [place[mine[i]] for i in rows]
    raise ConfigError(other.path.name, f"nothing names the runs of {table.path.name}",
                      "a column run, index or name in both, with a value of its own for each run")


def _check(table: _Table, domains: list[str], rows: list[int], weights: np.ndarray) -> None:
    if (weights < 0).any():
        i, j = map(int, np.argwhere(weights < 0)[0])
        raise ConfigError(table.where(rows[i], domains[j]), f"{weights[i, j]:g} is negative", "a share, 0 to 1")
    if (weights > 1 + ROUNDING).any():
        i, j = map(int, np.argwhere(weights > 1 + ROUNDING)[0])
        raise ConfigError(table.where(rows[i], domains[j]), f"{weights[i, j]:g} is no share",
                          "weights from 0 to 1; name metrics with --metric or call them metric/…")
    sums = weights.sum(axis=1)
    if (np.abs(sums - 1) > ROUNDING).any():
        i = int(np.argmax(np.abs(sums - 1) > ROUNDING))
        raise ConfigError(table.where(rows[i]), f"the weights sum to {sums[i]:.4g}", "1, give or take rounding")
