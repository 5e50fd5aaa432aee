"""Operators by name, and what of an operator counts as its identity.

Identity is the registered kind and name, the version, the options that are declared, and the provider where a
library's release decides the output. Where the class lives, who runs it and how fast never count.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

from corpus import assets
from corpus.errors import UnknownName

T = TypeVar("T", bound=type)

_KNOWN: dict[str, dict[str, type]] = {}

#: A provider that is no distribution: the interpreter's Unicode tables, which say what a letter and its lower case are.
UNICODE = "python-unicode"


def register(kind: str, name: str, version: int = 1, provider: str | tuple[str, ...] = ()) -> Callable[[T], T]:
    """Class decorator. `version` rises when the meaning of the operator changes; `provider` names the distributions
    whose release decides its output, or `python-unicode`.
    """

    def wrap(cls: T) -> T:
        known = _KNOWN.setdefault(kind, {})
        if name in known and known[name].__qualname__ != cls.__qualname__:
            raise ValueError(f"two operators claim the name {kind} '{name}': {known[name]} and {cls}")
        cls.kind, cls.name, cls.version = kind, name, version
        cls.provider = (provider,) if isinstance(provider, str) else provider
        known[name] = cls
        return cls

    return wrap


def lookup(kind: str, name: str, where: str = "") -> type:
    """The registered class; `UnknownName` with the nearest right word otherwise."""
    known = _KNOWN.get(kind, {})
    if name not in known:
        raise UnknownName(kind, name, known, where)
    return known[name]


def names(kind: str) -> list[str]:
    return sorted(_KNOWN.get(kind, {}))


def runtime(default: Any) -> Any:
    """A field that never enters a key (batch sizes, devices, threads that do not change results)."""
    return dataclasses.field(default=default, metadata={"identity": False}, compare=False)


def asset(default: Any = dataclasses.MISSING) -> Any:
    """A field that names a file or folder; its content's digest enters the key, its path does not."""
    return dataclasses.field(default=default, metadata={"asset": True})


def identity(op: Any) -> Any:
    """JSON-like identity of an operator, or of a plain value, tuple or dict that holds some."""
    if dataclasses.is_dataclass(op) and not isinstance(op, type):
        options = {}
        for field in dataclasses.fields(op):
            if not field.metadata.get("identity", True):
                continue
            value = getattr(op, field.name)
            if field.metadata.get("asset") and value is not None:
                value = assets.digest(value)
            options[field.name] = identity(value)
        kind = getattr(op, "kind", None)
        if kind is None:
            return options
        found = {"operator": f"{op.kind}/{op.name}", "version": op.version, "options": options}
        if op.provider:
            found["provider"] = [f"{p}=={_release(p)}" for p in op.provider]
        return found
    if isinstance(op, dict):
        return {str(k): identity(v) for k, v in op.items()}
    if isinstance(op, (tuple, list)):
        return [identity(v) for v in op]
    return op


def _release(distribution: str) -> str:
    if distribution == UNICODE:
        return unicodedata.unidata_version
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
