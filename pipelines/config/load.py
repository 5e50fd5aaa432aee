"""From a build file to a `Build`: operators made, names looked up, paths resolved, and everything that can be wrong said
before any work starts, with its place in the file and the nearest right word.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from corpus import assets, registry
from corpus.errors import ConfigError, MissingExtra, MissingFile, UnknownName, UserError
from corpus.operators import Annotator, Editor, Extractor, Operator, Reader, Rule, Writer
from pipelines import operators
from pipelines.config import schema
from pipelines.config.checks import check_cells, check_keeper, measured, refuse_twice
from pipelines.config.messages import first_error, right
from pipelines.config.places import check_protocols, check_store, resolve, rooted
from pipelines.config.reading import read_yaml, short
from pipelines.config.rules import make_rules

ASSET = "a path, package:NAME/FILE, or hf:ORG/NAME"
READERS = {
    ".warc": "warc", ".wet": "warc", ".arc": "arc", ".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet",
}  # fmt: skip


@dataclass(frozen=True)
class SourceOf:
    """A source, ready to read; `where` is its place in the build file."""

    where: str
    name: str
    patterns: tuple[str, ...]
    reader: Reader
    shard_records: int


@dataclass(frozen=True)
class Build:
    """A build file whose operators exist. `file` is what the file said; `where` its path; `base` its folder."""

    where: str
    base: str
    file: schema.BuildFile
    store_url: str
    sources: tuple[SourceOf, ...]
    extractor: Extractor
    editors: tuple[Editor, ...]
    signals: tuple[Annotator, ...]
    rules: tuple[Rule, ...]
    tokenizer: Operator
    encoder: Annotator
    method: Operator
    targets: SourceOf | None
    writers: tuple[Writer, ...]

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def seed(self) -> int:
        return self.file.seed


def load_build(path: str) -> Build:
    """Reads and checks a build file. Every error is a `UserError` whose message starts with the file's name."""
    operators.load()
    where = os.fspath(path)
    with located(where):
        return _make(where, _parse(where))


@contextlib.contextmanager
def located(where: str) -> Iterator[None]:
    """Errors that name a place of the build file name the file too, whenever they come up."""
    try:
        yield
    except UnknownName as error:
        raise UnknownName(error.kind, error.name, error.known, _prefix(where, error.where)) from None
    except ConfigError as error:
        raise ConfigError(_prefix(where, error.where), error.wrong, error.right) from None
    except MissingFile as error:
        if error.path == where:
            raise
        raise MissingFile(error.path, _prefix(where, error.where), str(error).partition("; ")[2]) from None


def _prefix(where: str, place: str) -> str:
    return where if not place else place if place == where or place.startswith(f"{where}: ") else f"{where}: {place}"


def _parse(where: str) -> schema.BuildFile:
    raw = read_yaml(where, remedy="make one with: corpus init FILE...")
    if not isinstance(raw, dict):
        raise ConfigError(where, "not a build file", "keys such as version, name, store, sources, mixture")
    try:
        return schema.BuildFile.model_validate(raw)
    except ValidationError as error:
        raise first_error(error, schema.BuildFile, raw) from None


def make_operator(kind: str, spec: schema.Spec, where: str, base: str) -> Any:
    """An operator from `NAME` or `{use: NAME, option: value}`; options are checked against its fields and their types."""
    options = {"use": spec} if isinstance(spec, str) else dict(spec)
    if "use" not in options:
        raise ConfigError(where, "has no 'use'", f"{{use: NAME}} with one of {', '.join(registry.names(kind))}")
    cls = registry.lookup(kind, str(options.pop("use")), f"{where}.use" if not isinstance(spec, str) else where)
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    hints = typing.get_type_hints(cls)
    values = {}
    for name, value in options.items():
        if name not in fields:
            raise UnknownName("option", name, fields, f"{where}.{name}")
        try:
            values[name] = TypeAdapter(hints[name]).validate_python(_tuples(value), strict=True)
        except ValidationError as error:
            raise ConfigError(f"{where}.{name}", f"{short(value)} is wrong", right(error.errors())) from None
        if fields[name].metadata.get("asset") and isinstance(values[name], str):
            values[name] = resolve(values[name], base)
    needed = (f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING for f in fields.values())
    for name, need in zip(fields, needed):
        if need and name not in values:
            raise ConfigError(f"{where}.{name}", "is missing", f"{{use: {cls.name}, {name}: ...}}")
    with option_of(where, fields):
        try:
            op = cls(**values)
        except (TypeError, ValueError) as error:
            raise ConfigError(where, str(error)) from None
    for field in fields.values():
        if field.metadata.get("asset") and (spec := getattr(op, field.name)) is not None:
            try:
                assets.locate(spec)
            except MissingFile as error:
                raise MissingFile(f"{error.path}", f"{where}.{field.name}", _remedy(error)) from None
            except (ImportError, ValueError) as error:      # `package:` and what cannot be a package's name
                raise ConfigError(f"{where}.{field.name}", f"{short(spec)} cannot be found: {error}", ASSET) from None
    return op


@contextlib.contextmanager
def option_of(where: str, fields: Collection[str]) -> Iterator[None]:
    """What an operator says of its options gets the place that they have in the build file."""

    def place(said: str) -> str:
        name = said.rpartition(".")[2]
        return f"{where}.{name}" if name in fields else where

    try:
        yield
    except UnknownName as error:
        raise UnknownName(error.kind, error.name, error.known, place(error.where)) from None
    except ConfigError as error:
        raise ConfigError(place(error.where), error.wrong, error.right) from None
    except MissingFile as error:
        raise MissingFile(error.path, place(error.where), _remedy(error)) from None
    except MissingExtra:
        raise
    except UserError as error:  # of a file, named by what is said
        raise ConfigError(where, str(error)) from None


def _remedy(error: MissingFile) -> str:
    return str(error).partition("; ")[2]


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    return value


def _reader_for(files: list[str], spec: schema.Spec | None, where: str, base: str) -> Reader:
    if spec is not None:
        return make_operator("reader", spec, f"{where}.reader", base)
    kinds = set()
    for name in files:
        stem = name.lower()
        for packed in (".gz", ".zst", ".zstd"):
            stem = stem.removesuffix(packed)
        kinds.add(READERS.get(os.path.splitext(stem)[1]))
    if len(kinds) != 1 or None in kinds:
        raise ConfigError(
            f"{where}.reader",
            f"cannot be told from {', '.join(files)}",
            f"{{use: NAME}} with one of {', '.join(registry.names('reader'))}",
        )
    return make_operator("reader", kinds.pop(), f"{where}.reader", base)


def _source(name: str, files: str | list[str], reader: schema.Spec | None, records: int, where: str, base: str) -> SourceOf:
    listed = [files] if isinstance(files, str) else files
    if not listed:
        raise ConfigError(f"{where}.files", "is empty", "one path, glob or URL, or a list of them")
    for url in listed:
        check_protocols(url, f"{where}.files")
    return SourceOf(where, name, tuple(rooted(f, base) for f in listed), _reader_for(listed, reader, where, base), records)


def _make(where: str, file: schema.BuildFile) -> Build:
    base = os.path.dirname(os.path.abspath(where))
    seen: set[str] = set()
    sources = []
    for i, s in enumerate(file.sources):
        if s.name in seen:
            raise ConfigError(f"sources[{i}].name", f"'{s.name}' is there twice", "a name of its own")
        seen.add(s.name)
        sources.append(_source(s.name, s.files, s.reader, s.shard_records, f"sources[{i}]", base))
    store_url = resolve(file.store, base)
    check_store(store_url)
    signals = tuple(make_operator("signal", s, f"filter.signals[{i}]", base) for i, s in enumerate(file.filter.signals))
    for i, signal in enumerate(signals):
        with option_of(f"filter.signals[{i}]", vars(signal)):  # a schema may be told from a model's own file
            signal.schema()
    refuse_twice([s.schema().names for s in signals], "filter.signals")
    editors = tuple(make_operator("editor", s, f"edits[{i}]", base) for i, s in enumerate(file.edits))
    refuse_twice([[e.name] for e in editors], "edits")
    columns = measured(file, signals)
    rules = make_rules(file.filter.rules, columns, "filter.rules")
    check_cells(file.cells, columns)
    check_keeper(file.dedup, columns, seen, file.name)
    for side in ("positive", "negative"):
        for i, name in enumerate(getattr(file.quality, side, ())):
            if name not in seen:
                raise UnknownName("source", name, seen, f"quality.{side}[{i}]")
            if side == "negative" and name in file.quality.positive:
                raise ConfigError(f"quality.negative[{i}]", f"'{name}' is positive too", "a source on one side only")
    method = make_operator("optimizer", file.search.method, "search.method", base)
    if file.mixture.weights is not None:
        method = make_operator(
            "optimizer", {"use": "given", "weights": sorted(file.mixture.weights.items())}, "mixture", base
        )
    targets = None
    if file.search.targets is not None:
        targets = _source("target", file.search.targets, file.search.target_reader, 1024, "search.targets", base)
    elif getattr(method, "needs_target", False):
        raise ConfigError("search.targets", "is missing", f"files of target texts for the method '{method.name}'")
    if file.domains.prune_below > 0 and file.quality is None:
        raise ConfigError(
            "domains.prune_below", "prunes by quality, but the build has no quality score", "a 'quality' section"
        )
    for i, limit in enumerate(file.search.limits):
        if limit.attribute not in file.cells:
            raise UnknownName("cell attribute", limit.attribute, file.cells, f"search.limits[{i}].attribute")
        if limit.attribute == "source" and limit.value not in seen:
            raise UnknownName("source", limit.value, seen, f"search.limits[{i}].value")
        if limit.low > limit.high:
            raise ConfigError(f"search.limits[{i}]", f"low {limit.low:g} is over high {limit.high:g}", "low <= high")
    writers = tuple(make_operator("writer", s, f"shards[{i}]", base) for i, s in enumerate(file.shards))
    refuse_twice([[w.name] for w in writers], "shards")
    return Build(
        where=where,
        base=base,
        file=file,
        store_url=store_url,
        sources=tuple(sources),
        extractor=make_operator("extractor", file.extract, "extract", base),
        editors=editors,
        signals=signals,
        rules=rules,
        tokenizer=make_operator("tokenizer", file.tokens, "tokens", base),
        encoder=make_operator("encoder", file.embed, "embed", base),
        method=method,
        targets=targets,
        writers=writers,
    )


def with_mixture(build: Build, weights: str | None, budget: int | None) -> Build:
    """The same build with a given mixture (a JSON or YAML file of weights by cell, nested or not) or another budget."""
    change: dict[str, Any] = {}
    if budget is not None:
        change["budget_tokens"] = budget
    if weights is not None:
        change["weights"] = read_weights(weights)
    if not change:
        return build
    file = build.file.model_copy(update={"mixture": build.file.mixture.model_copy(update=change)})
    try:
        return _make(build.where, file)
    except ConfigError as error:
        raise ConfigError(_prefix(weights or build.where, error.where), error.wrong, error.right) from None


def read_weights(path: str) -> dict[str, float]:
    """Weights by cell from {cell: weight} or nested {domain: {source: weight}}; shares have to sum to 1."""
    flat: dict[str, float] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{name}/{key}" if name else key)
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ConfigError(f"{path}: {name}", f"{short(value)} is not a weight", "a share of tokens, 0 to 1")
        elif name in flat:
            raise ConfigError(f"{path}: {name}", "is there twice", "one weight a cell")
        else:
            flat[name] = float(value)

    found = read_yaml(path)
    if not found or not isinstance(found, dict):
        raise ConfigError(path, "has no weights", "{cell: weight}")
    walk(found, "")
    if not flat:
        raise ConfigError(path, "has no weights", "{cell: weight}")
    return flat
