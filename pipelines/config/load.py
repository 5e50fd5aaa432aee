"""From a build file to a `Build`: operators made, names looked up, paths resolved, and everything that can be wrong said
before any work starts, with its place in the file and the nearest right word.
"""

from __future__ import annotations

import dataclasses
import json
import os
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from corpus import assets, registry
from corpus.errors import ConfigError, MissingFile, UnknownName, UserError, nearest
from corpus.operators import Annotator, Extractor, Operator, Reader, Rule, Writer
from pipelines import operators
from pipelines.config import schema

READERS = {".warc": "warc", ".wet": "warc", ".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


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
    try:
        return _make(where, _parse(where))
    except UnknownName as error:
        raise UnknownName(error.kind, error.name, error.known, _prefix(where, error.where)) from None
    except ConfigError as error:
        raise ConfigError(_prefix(where, error.where), error.wrong, error.right) from None
    except MissingFile as error:
        if error.path == where:
            raise
        raise MissingFile(error.path, _prefix(where, error.where)) from None


def _prefix(where: str, place: str) -> str:
    return where if not place else place if place.startswith(where) else f"{where}: {place}"


def _parse(where: str) -> schema.BuildFile:
    try:
        text = Path(where).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingFile(where, remedy="make one with: corpus init FILE...") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{where}: cannot be read: {error}") from None
    try:
        raw = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise ConfigError(where, f"not YAML{line}: {getattr(error, 'problem', error)}") from None
    if not isinstance(raw, dict):
        raise ConfigError(where, "not a build file", "keys such as version, name, store, sources, mixture")
    try:
        return schema.BuildFile.model_validate(raw)
    except ValidationError as error:
        raise _first_error(error, schema.BuildFile) from None


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key written twice instead of keeping the last."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    seen: set = set()
    for key, _ in node.value:
        value = loader.construct_object(key, deep=True)
        if value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key '{value}' is there twice", key.start_mark)
        seen.add(value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _first_error(error: ValidationError, model: type[BaseModel]) -> UserError:
    """The most useful of pydantic's errors, as one of ours."""
    found = sorted(error.errors(), key=lambda e: (e["type"] != "extra_forbidden", len(e["loc"])))[0]
    loc = [part for part in found["loc"] if not (isinstance(part, str) and ("[" in part or part in _UNION_TAGS))]
    place = show_place(loc)
    if found["type"] == "extra_forbidden":
        known = _fields_at(model, loc[:-1])
        return UnknownName("key", str(loc[-1]), known, place)
    if found["type"] == "missing":
        return ConfigError(place, "is missing")
    value = found.get("input")
    right = found["msg"].removeprefix("Input should be ")
    return ConfigError(place, f"{_short(value)} is wrong", right)


_UNION_TAGS = {"str", "RuleSpec", "dict", "list", "dict[str,any]", "list[str]"}


def _fields_at(model: type[BaseModel], loc: list) -> list[str]:
    """Names that the model at a place of the file knows."""
    current: Any = model
    for part in loc:
        if isinstance(part, str) and isinstance(current, type) and issubclass(current, BaseModel):
            current = current.model_fields[part].annotation if part in current.model_fields else None
        current = _model_in(current)
    return list(current.model_fields) if current is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        if (found := _model_in(inner)) is not None:
            return found
    return None


def show_place(loc: list | tuple) -> str:
    place = ""
    for part in loc:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    return place


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:57] + "..."


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
            right = error.errors()[0]["msg"].removeprefix("Input should be ")
            raise ConfigError(f"{where}.{name}", f"{_short(value)} is wrong", right) from None
        if fields[name].metadata.get("asset") and isinstance(values[name], str):
            values[name] = resolve(values[name], base)
    try:
        op = cls(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(where, str(error)) from None
    for field in fields.values():
        if field.metadata.get("asset"):
            try:
                assets.locate(getattr(op, field.name))
            except MissingFile as error:
                raise MissingFile(f"{error.path}", f"{where}.{field.name}", _remedy(error)) from None
    return op


def _remedy(error: MissingFile) -> str:
    return str(error).partition("; ")[2]


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(v) for v in value)
    return value


def resolve(path: str, base: str) -> str:
    """A path of the build file as the process sees it: URLs, packages and hubs stay as they are."""
    if "://" in path or path.startswith(("package:", "hf:")) or os.path.isabs(path):
        return path
    return os.path.normpath(os.path.join(base, path))


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
    return SourceOf(where, name, tuple(listed), _reader_for(listed, reader, where, base), records)


def _rules(specs: list, where: str) -> tuple[Rule, ...]:
    from corpus.rules.presets import PRESETS

    rules: list[Rule] = []
    for i, spec in enumerate(specs):
        place = f"{where}[{i}]"
        preset = spec if isinstance(spec, str) else spec.preset
        if preset is not None:
            if preset not in PRESETS:
                raise UnknownName("preset", preset, PRESETS, place)
            rules.extend(PRESETS[preset])
            continue
        if spec.signal is None:
            raise ConfigError(place, "names neither a preset nor a signal", "{preset: NAME} or {signal: NAME, low: N}")
        if spec.low is None and spec.high is None and spec.among is None:
            raise ConfigError(place, "has no bound", "low, high or among")
        reason = spec.reason or spec.signal.replace(".", "_")
        among = tuple(spec.among) if spec.among else None
        # a rule of the file with a preset's reason takes that rule's place: bounds change, order and languages stay
        at = next((j for j, r in enumerate(rules) if r.reason == reason), None)
        if at is None:
            rules.append(Rule(spec.signal, reason, spec.low, spec.high, among))
        else:
            rules[at] = dataclasses.replace(rules[at], signal=spec.signal, low=spec.low, high=spec.high, among=among)
    return tuple(rules)


def _check_rules(rules: tuple[Rule, ...], signals: tuple[Annotator, ...], where: str) -> None:
    from corpus.rules.bounds import columns_of

    types = {field.name: field.type for s in signals for field in s.schema()}
    for rule in rules:
        for column in columns_of((rule,)):
            if column not in types:
                near = nearest(column, types)
                raise ConfigError(
                    where,
                    f"the rule '{rule.reason}' reads '{column}', which no signal of this build measures",
                    f"'{near}'" if near else "one of " + ", ".join(types),
                )
        if (rule.among is not None) != (str(types[rule.signal]) in ("string", "large_string")):
            raise ConfigError(
                where,
                f"the rule '{rule.reason}' on '{rule.signal}' ({types[rule.signal]})",
                "'among' for words, 'low' and 'high' for numbers",
            )


def _make(where: str, file: schema.BuildFile) -> Build:
    base = os.path.dirname(os.path.abspath(where))
    seen: set[str] = set()
    sources = []
    for i, s in enumerate(file.sources):
        if s.name in seen:
            raise ConfigError(f"sources[{i}].name", f"'{s.name}' is there twice", "a name of its own")
        seen.add(s.name)
        sources.append(_source(s.name, s.files, s.reader, s.shard_records, f"sources[{i}]", base))
    signals = tuple(make_operator("signal", s, f"filter.signals[{i}]", base) for i, s in enumerate(file.filter.signals))
    rules = _rules(file.filter.rules, "filter.rules")
    _check_rules(rules, signals, "filter.rules")
    for side in ("positive", "negative"):
        for i, name in enumerate(getattr(file.quality, side, ())):
            if name not in seen:
                raise UnknownName("source", name, seen, f"quality.{side}[{i}]")
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
    if "language" in file.cells and not any("language" in s.schema().names for s in signals):
        raise ConfigError("cells", "has 'language', but no signal measures it", "{use: language} in filter.signals")
    for i, limit in enumerate(file.search.limits):
        if limit.attribute not in file.cells:
            raise UnknownName("cell attribute", limit.attribute, file.cells, f"search.limits[{i}].attribute")
        if limit.attribute == "source" and limit.value not in seen:
            raise UnknownName("source", limit.value, seen, f"search.limits[{i}].value")
    return Build(
        where=where,
        base=base,
        file=file,
        store_url=resolve(file.store, base),
        sources=tuple(sources),
        extractor=make_operator("extractor", file.extract, "extract", base),
        signals=signals,
        rules=rules,
        tokenizer=make_operator("tokenizer", file.tokens, "tokens", base),
        encoder=make_operator("encoder", file.embed, "embed", base),
        method=method,
        targets=targets,
        writers=tuple(make_operator("writer", s, f"shards[{i}]", base) for i, s in enumerate(file.shards)),
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
    return _make(build.where, file)


def read_weights(path: str) -> dict[str, float]:
    """Weights by cell from {cell: weight} or nested {domain: {source: weight}}; shares have to sum to 1."""
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise MissingFile(path) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(path, f"neither JSON nor YAML: {error}") from None
    flat: dict[str, float] = {}

    def walk(value: Any, name: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{name}/{key}" if name else str(key))
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigError(f"{path}: {name}", f"{_short(value)} is not a weight", "a share of tokens, 0 to 1")
        else:
            flat[name] = float(value)

    walk(found, "")
    if not flat:
        raise ConfigError(path, "has no weights", "{cell: weight}")
    return flat
