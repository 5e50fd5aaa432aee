"""Files of weights, in the forms that searches and trainers leave them in: JSON or YAML by cell, a mixture with evidence, a
receipt, Megatron's pairs of weight and path, and CSV with a column or a row a domain (RegMix, Olmix).

What it gives up: weights are shares that sum to 1. Relative weights are refused, so that a forgotten cell cannot pass.
"""

from __future__ import annotations

import csv
import io
import json
import math
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import ConfigError, MissingFile, UnknownName

#: Columns of a CSV that name a mixture instead of weighing a domain.
KEYS = ("run", "index", "name", "run_id", "id", "", "Unnamed: 0")
METRIC_PREFIXES = ("metric/", "metric_")
#: Headings of the one column of weights of a CSV with a row a domain.
WEIGHT_WORDS = ("weight", "weights", "share", "ratio")
#: RegMix prints three decimals of 17 domains: its rows sum to 0.996 to 1.003.
CSV_TOLERANCE = 5e-3

_SEPARATOR = re.compile(r"[_/.\-]")
_DATA_SET = re.compile(r"(_text_document|_document)?(\.bin|\.idx)?$")


@dataclass(frozen=True)
class WeightsFile:
    """What a file of weights said. evidence: a mixture file's value (see `corpus.mixture.evidence`), where there is one.
    notes: what was changed of what was read.
    """

    weights: dict[str, float]
    evidence: dict[str, Any] | None
    source: str
    notes: tuple[str, ...] = ()


def read_weights(path: str, cells: Sequence[str] | None = None, parse: Callable[[str], Any] | None = None) -> WeightsFile:
    """Reads weights by cell; shares that sum to 1 to within rounding.

    path: `FILE`, or `FILE.csv#ROW` where a CSV has several mixtures: ROW is what one of its columns run, index, name or id
    says, else a row's number from 1. cells: names to match (see `matched`); as the file names them where None.
    parse: reads a path that is neither CSV nor JSON nor pairs, such as YAML.
    """
    from corpus.mixture.targets import SUM_TOLERANCE  # which may want names matched

    file, _, row = path.partition("#") if not Path(path).is_file() else (path, "", "")
    text = _text(file)
    notes: list[str] = []
    evidence, tolerance = None, SUM_TOLERANCE
    if file.lower().endswith((".csv", ".tsv")):
        pairs, tolerance = _csv(file, text, row), CSV_TOLERANCE
    elif row:
        raise ConfigError(path, "a row of a file that is no CSV", "FILE.csv#ROW")
    elif (found := _pairs(file, text)) is not None:
        pairs = found
    else:
        value = _value(file, text, parse)
        pairs, evidence = _mapping(file, value)
    weights = _checked(file, pairs)
    total = sum(weights.values())
    if abs(total - 1) > tolerance:
        named = ", ".join(f"{c} {w:g}" for c, w in sorted(weights.items(), key=lambda i: -i[1])[:3])
        named += ", ..." if len(weights) > 3 else ""
        raise ConfigError(file, f"the weights sum to {total:.6g} ({named})", "a sum of 1")
    if abs(total - 1) > 1e-9:
        notes.append(f"the weights sum to {total:.6g} by rounding and were divided by it")
        weights = {cell: weight / total for cell, weight in weights.items()}
    if cells is not None:
        weights = matched(weights, cells, file)
    return WeightsFile(weights, evidence, path, tuple(notes))


def matched(weights: Mapping[str, float], cells: Sequence[str], where: str) -> dict[str, float]:
    """The same weights under the names of cells: each name is a cell, or is one without what all names (or all cells) begin
    with up to a separator: `train_the_pile_arxiv` → `arxiv`. Raises UnknownName where it is neither, or two cells.
    """
    known = set(cells)
    short: dict[str, set[str]] = {}
    for cell, rests in _rests(sorted(known)).items():
        for rest in rests:
            short.setdefault(rest, set()).add(cell)
    found: dict[str, float] = {}
    taken: dict[str, str] = {}
    for name, rests in _rests(list(weights)).items():
        cell = name if name in known else next((c for r in rests if len(short.get(r, ())) == 1 for c in short[r]), None)
        if cell is None:
            raise UnknownName("cell", name, cells, where)
        if cell in taken:
            raise ConfigError(f"{where}: {name}", f"is the cell '{cell}', as '{taken[cell]}' is", "one weight a cell")
        taken[cell], found[cell] = name, weights[name]
    return found


def _rests(names: Sequence[str]) -> dict[str, list[str]]:
    """Each name, and what is left of it after each separator of the part that all names begin with; longest first."""
    head = posixpath.commonprefix(list(names)) if len(names) > 1 else (names[0] if names else "")
    cuts = [0, *(m.end() for m in _SEPARATOR.finditer(head))]
    return {name: [name[cut:] for cut in cuts if name[cut:]] for name in names}


def _text(file: str) -> str:
    try:
        return Path(file).read_text("utf-8-sig")
    except FileNotFoundError:
        raise MissingFile(file, "weights") from None
    except (OSError, ValueError) as error:
        raise ConfigError(file, f"cannot be read: {getattr(error, 'strerror', None) or error}", "text in UTF-8") from None


def _pairs(file: str, text: str) -> list[tuple[str, Any]] | None:
    """Megatron's `WEIGHT PATH WEIGHT PATH ...`, on any number of lines; None where the text does not begin so."""
    words = text.split()
    if len(words) < 2 or isinstance(_number(words[0]), str):
        return None
    if len(words) % 2:
        raise ConfigError(f"{file}: {words[-1][:60]}", "has no partner", "pairs: WEIGHT PATH WEIGHT PATH ...")
    paths = [_DATA_SET.sub("", path.rstrip("/")) or path for path in words[1::2]]
    names = [posixpath.basename(path) or path for path in paths]
    if len(set(names)) < len(names):          # cells of several parts lie in folders: data/d00/books_text_document
        names = paths
    return [(name, _number(weight)) for name, weight in zip(names, words[::2])]


def _value(file: str, text: str, parse: Callable[[str], Any] | None) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        twice = next((n for n in names if names.count(n) > 1), None) if len(set(names)) < len(names) else None
        if twice is not None:
            raise ConfigError(f"{file}: {twice}", "is there twice", "one weight a cell")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError) as error:
        if parse is None:
            raise ConfigError(file, f"not JSON: {error}", "{cell: weight}") from None
    return parse(file)


def _mapping(file: str, value: Any) -> tuple[list[tuple[str, Any]], dict[str, Any] | None]:
    """(cell, weight) pairs and evidence, of a mixture file, a receipt, or weights by cell, nested or not."""
    if not isinstance(value, dict) or not value:
        raise ConfigError(file, "has no weights", "{cell: weight}")
    if "schema" in value and isinstance(value.get("weights"), dict) and "cells" in value:
        return list(value["weights"].items()), value if isinstance(value["cells"], dict) else None
    if "schema" in value and isinstance(value.get("cells"), list) and "asked" in value:
        return asked_weights(value), _beside(file)
    flat: list[tuple[str, Any]] = []
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        name, inner = stack.pop()
        if isinstance(inner, dict):
            stack += [(f"{name}/{key}" if name else str(key), v) for key, v in reversed(inner.items())]
        else:
            flat.append((name, inner))
    return flat, None


def asked_weights(receipt: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Each cell's asked share in a receipt; of several phases, their mean by the tokens that each was to have."""
    phases = {p["phase"]: p["target_tokens"] for p in receipt.get("phases") or ()}
    whole = sum(phases.values()) if len(phases) > 1 else 0
    found: dict[str, float] = {}
    for row in receipt["cells"]:
        part = phases[row["phase"]] / whole if whole else 1.0
        found[row["cell"]] = found.get(row["cell"], 0.0) + part * row["weight"]
    return list(found.items())


def _beside(receipt: str) -> dict[str, Any] | None:
    """The mixture file that lies beside a receipt, where one does."""
    try:
        found = json.loads(Path(receipt).with_name("mixture.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("cells"), dict) else None


def _checked(file: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, float]:
    weights: dict[str, float] = {}
    for cell, given in pairs:
        number = isinstance(given, (int, float)) and not isinstance(given, bool)
        if not (number and math.isfinite(given) and 0 <= given <= 1):
            shown = str(given)
            shown = shown if len(shown) <= 60 else shown[:57] + "..."
            raise ConfigError(f"{file}: {cell}", f"{shown!r} is not a weight" if isinstance(given, str) else
                              f"{shown} is not a weight", "a share of tokens, 0 to 1")
        if cell in weights:
            raise ConfigError(f"{file}: {cell}", "is there twice", "one weight a cell")
        weights[cell] = float(given)
    if not weights:
        raise ConfigError(file, "has no weights", "{cell: weight}")
    return weights


def _number(text: str) -> float | str:
    """The number that a text spells, or the text itself."""
    try:
        return float(text)
    except ValueError:
        return text


def _csv(file: str, text: str, row: str) -> list[tuple[str, Any]]:
    """(domain, weight) pairs of a CSV: a row a domain, or a column a domain and a row a mixture."""
    delimiter = "\t" if file.lower().endswith(".tsv") else ","
    try:
        rows = [r for r in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(c.strip() for c in r)]
    except csv.Error as error:
        raise ConfigError(file, f"cannot be read: {error}", "CSV") from None
    rows = [[cell.strip() for cell in r] for r in rows]
    ragged = next((i for i, r in enumerate(rows) if len(r) != len(rows[0])), None)
    if ragged is not None:
        raise ConfigError(f"{file}: row {ragged + 1}", f"{len(rows[ragged])} fields",
                          f"{len(rows[0])}, as the first row has")
    if rows and len(rows[0]) == 2 and _is_long(rows):
        if row:
            raise ConfigError(f"{file}#{row}", "has a row a domain and is one mixture", f"the file alone: {file}")
        return [(name, _number(weight)) for name, weight in rows[isinstance(_number(rows[0][1]), str):]]
    if len(rows) < 2:
        raise ConfigError(file, "has no weights", "a heading, and a row of weights under it")
    head = rows[0]
    twice = next((c for c in head if head.count(c) > 1), None)
    if twice is not None:
        raise ConfigError(f"{file}: {twice}", "is the heading of two columns", "one column a domain")
    chosen = _row(file, head, rows[1:], row)
    return [(c, _number(w)) for c, w in zip(head, chosen) if c not in KEYS and not c.startswith(METRIC_PREFIXES)]


def _is_long(rows: list[list[str]]) -> bool:
    """Whether two columns are a domain and its weight, with a heading or without."""
    if rows[0][1].lower() in WEIGHT_WORDS:
        return True
    return rows[0][0] not in KEYS and all(isinstance(_number(r[0]), str) for r in rows[1:] or rows)


def _row(file: str, head: list[str], rows: list[list[str]], wanted: str) -> list[str]:
    """The one row that is wanted: by what a column of names says of it, else by its number from 1."""
    keys = [i for i, column in enumerate(head) if column in KEYS]
    if not wanted:
        if len(rows) == 1:
            return rows[0]
        names = [rows[0][keys[0]], rows[-1][keys[0]]] if keys else [1, len(rows)]
        raise ConfigError(file, f"has {len(rows)} mixtures", f"which one: {file}#{names[0]} to {file}#{names[1]}")
    for i in keys:
        named = [r for r in rows if r[i] == wanted]
        if len(named) == 1:
            return named[0]
    if wanted.isdigit() and 1 <= int(wanted) <= len(rows):
        return rows[int(wanted) - 1]
    raise UnknownName("row", wanted, [r[keys[0]] for r in rows] if keys else map(str, range(1, len(rows) + 1)), file)
