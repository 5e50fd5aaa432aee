"""Operators from specs of a build file, and errors that say where in the file they come from."""

from __future__ import annotations

import contextlib
import dataclasses
import typing
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from corpus import assets, registry
from corpus.errors import ConfigError, MissingExtra, MissingFile, UnknownName, UserError
from pipelines.config import schema
from pipelines.config.messages import right
from pipelines.config.places import resolve
from pipelines.config.reading import short

ASSET = "a path, package:NAME/FILE, or hf:ORG/NAME"


@contextlib.contextmanager
def located(where: str) -> Iterator[None]:
    """Errors that name a place of the build file name the file too, whenever they come up."""
    try:
        yield
    except UnknownName as error:
        raise UnknownName(error.kind, error.name, error.known, prefixed(where, error.where)) from None
    except ConfigError as error:
        raise ConfigError(prefixed(where, error.where), error.wrong, error.right) from None
    except MissingFile as error:
        if error.path == where:
            raise
        raise MissingFile(error.path, prefixed(where, error.where), str(error).partition("; ")[2]) from None


def prefixed(where: str, place: str) -> str:
    """A place of the file with the file's name before it, once."""
    return where if not place else place if place == where or place.startswith(f"{where}: ") else f"{where}: {place}"


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
