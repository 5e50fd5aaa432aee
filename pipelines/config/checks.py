"""What keys of a build file ask of one another: columns that are measured before a rule or a cell reads them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from corpus.decontaminate.measure import CONTAMINATION
from corpus.decontaminate.rephrased import REPHRASED
from corpus.errors import ConfigError, UnknownName
from corpus.extract.facts import FACTS
from corpus.operators import Annotator
from corpus.quality.buckets import bucket_schema
from corpus.signals.code import codes
from corpus.signals.licences import LICENCES
from corpus.signals.permissive import ADMITTED
from corpus.signals.robots import ROBOTS
from pipelines.config import schema


def measured(file: schema.BuildFile, signals: Sequence[Annotator]) -> dict[str, pa.DataType]:
    """Columns that rules may read and, if they are words or truths, cells may name: signals, facts, buckets, contamination.

    Raises UnknownName where `filter.buckets` names no score.
    """
    found = {field.name: field.type for s in signals for field in s.schema()}
    scores = [n for n, t in found.items() if pa.types.is_floating(t) or pa.types.is_integer(t)]
    for i, column in enumerate(file.filter.buckets):
        if column not in scores:
            raise UnknownName("column of scores", column, scores, f"filter.buckets[{i}]")
    refuse_twice([[c] for c in file.filter.buckets], "filter.buckets")
    if file.filter.buckets:
        found |= {field.name: field.type for field in bucket_schema(file.filter.buckets)}
    found |= {field.name: field.type for field in FACTS if field.name not in ("id", "fields")}
    if codes(signals):
        found |= {field.name: field.type for field in LICENCES if field.name != "id"}
    if file.filter.licence is not None:
        found |= {field.name: field.type for field in ADMITTED if field.name != "id"}
    if file.filter.robots:
        found |= {field.name: field.type for field in ROBOTS if field.name != "id"}
    if file.decontaminate is not None:
        found |= {field.name: field.type for field in CONTAMINATION}
        found |= {field.name: field.type for field in REPHRASED} if file.decontaminate.rephrased else {}
    return found


def check_cells(cells: list[str], columns: Mapping[str, pa.DataType]) -> None:
    """Cells are of domains, sources and columns of words or truths."""
    refuse_twice([[c] for c in cells], "cells")
    words = [n for n, t in columns.items() if str(t) in ("string", "large_string", "bool")]
    for i, cell in enumerate(cells):
        if cell not in ("domain", "source", *words):
            raise UnknownName("cell attribute", cell, ["domain", "source", *words], f"cells[{i}]")


def check_limits(file: schema.BuildFile, sources: Collection[str]) -> None:
    """Limits are on attributes of cells, and on sources that there are."""
    for i, limit in enumerate(file.search.limits):
        where = f"search.limits[{i}]"
        for key in ("attribute", "within"):
            name = getattr(limit, key)
            if name is not None and name not in file.cells:
                raise UnknownName("cell attribute", name, file.cells, f"{where}.{key}")
        if limit.within == limit.attribute:
            raise ConfigError(f"{where}.within", f"is '{limit.within}', as the attribute is", "another attribute of cells")
        if limit.attribute == "source" and limit.value not in sources:
            raise UnknownName("source", limit.value, sources, f"{where}.value")
        if limit.low > limit.high:
            raise ConfigError(where, f"low {limit.low:g} is over high {limit.high:g}", "low <= high")


def check_mixture(file: schema.BuildFile, columns: Mapping[str, pa.DataType]) -> None:
    """Caps are on hosts or columns of words, each once; a schedule's phases fill the budget."""
    mixture = file.mixture
    known = ["host", "domain", "source", *(n for n, t in columns.items() if str(t) in ("string", "large_string", "bool"))]
    for i, cap in enumerate(mixture.caps):
        if cap.attribute not in known:
            raise UnknownName("attribute", cap.attribute, known, f"mixture.caps[{i}].attribute")
    refuse_twice([[c.attribute if c.value is None else f"{c.attribute}={c.value}"] for c in mixture.caps], "mixture.caps")
    phases = mixture.schedule
    for i, phase in enumerate(phases):
        where = f"mixture.schedule[{i}]"
        if phase.ramp_tokens > phase.tokens:
            wrong = f"{phase.ramp_tokens:,} is more than the phase's {phase.tokens:,} tokens"
            raise ConfigError(f"{where}.ramp_tokens", wrong, "a part of the phase")
        if phase.ramp_tokens and not i:
            raise ConfigError(f"{where}.ramp_tokens", "there is no phase before the first", "no ramp there")
    total = sum(phase.tokens for phase in phases)
    if phases and total != mixture.budget_tokens:
        raise ConfigError("mixture.schedule", f"its phases have {total:,} tokens, mixture.budget_tokens is "
                          f"{mixture.budget_tokens:,}", "phases that fill the budget")


def check_keeper(dedup: schema.Dedup, columns: Mapping[str, pa.DataType], sources: Collection[str], build: str) -> None:
    """The keeper rule has what it needs, and nothing else; older builds are other builds."""
    if (dedup.keep == "score") != (dedup.score is not None):
        raise ConfigError("dedup.score", "goes with keep: score, and only with it", "{keep: score, score: COLUMN}")
    if (dedup.keep == "source") != (dedup.source_order is not None):
        right = "{keep: source, source_order: [...]}"
        raise ConfigError("dedup.source_order", "goes with keep: source, and only with it", right)
    numbers = [n for n, t in columns.items() if pa.types.is_floating(t) or pa.types.is_integer(t)]
    if dedup.score is not None and dedup.score not in numbers:
        raise UnknownName("column of numbers", dedup.score, numbers, "dedup.score")
    if dedup.source_order is not None and not dedup.source_order:
        raise ConfigError("dedup.source_order", "is empty", "sources, the best first; those left out come behind all")
    refuse_twice([[s] for s in dedup.source_order or ()], "dedup.source_order")
    for i, source in enumerate(dedup.source_order or ()):
        if source not in sources:
            raise UnknownName("source", source, sources, f"dedup.source_order[{i}]")
    if build in dedup.against:
        raise ConfigError("dedup.against", f"names this build, '{build}'", "other builds of the same store")


def refuse_twice(given: list[list[str]], where: str) -> None:
    """given: names that each entry of the list at `where` gives; no two may give one."""
    first: dict[str, int] = {}
    for i, names in enumerate(given):
        for name in names:
            if name in first:
                raise ConfigError(f"{where}[{i}]", f"gives '{name}', as {where}[{first[name]}] does", "each once")
            first[name] = i
