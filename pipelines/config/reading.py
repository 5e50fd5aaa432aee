"""YAML files → plain values: text, numbers, lists and mappings. What no file of ours can mean is refused here, with its
place: keys that are no text or there twice, numbers that are not finite or over 64 bits, dates.

What it gives up: YAML's own types beyond JSON's.
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from corpus.errors import ConfigError, MissingFile, UserError

_INT64 = 2**63


def read_yaml(path: str, where: str = "", remedy: str = "") -> Any:
    """The file's value. `where` and `remedy` go into the message where there is no such file. JSON is YAML too."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise MissingFile(path, where, remedy) from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    return parse_yaml(text, path)


def parse_yaml(text: str, path: str) -> Any:
    """The value of a YAML text; errors name `path`."""
    try:
        found = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise ConfigError(path, f"not YAML{line}: {getattr(error, 'problem', None) or error}") from None
    except RecursionError:
        raise ConfigError(path, "not YAML that can be read: it is nested too deep") from None
    except ValueError as error:                     # what looks like a date or a number and is none
        raise ConfigError(path, f"not YAML: {error}", "quotes around what is text") from None
    _check(found, (), path, ())
    return found


def show_place(loc: list | tuple) -> str:
    """`("sources", 0, "name")` → `sources[0].name`."""
    place = ""
    for part in loc:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    return place


def short(value: Any) -> str:
    """A value as the file would have it, cut where it is long."""
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:57] + "..."


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key written twice instead of keeping the last."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict:
    seen: set = set()
    for key, _ in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        value = loader.construct_object(key, deep=True)
        if not isinstance(value, Hashable):
            raise yaml.constructor.ConstructorError(None, None, "a key that is a list or a mapping", key.start_mark)
        if value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key '{value}' is there twice", key.start_mark)
        seen.add(value)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _check(value: Any, loc: tuple, path: str, inside: tuple[int, ...]) -> None:
    where = f"{path}: {show_place(loc)}" if loc else path
    if isinstance(value, (dict, list)):
        if id(value) in inside:
            raise ConfigError(where, "contains itself", "a value of its own")
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict) and not isinstance(key, str):
                raise ConfigError(where, f"the key {short(key)} is no text", "quotes around it")
            _check(inner, (*loc, key), path, (*inside, id(value)))
    elif isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise ConfigError(where, f"{value!a} has what no text has", "characters as they are, in UTF-8")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ConfigError(where, f"{value} is not finite", "a number")
    elif isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise ConfigError(where, f"{short(value)} is wrong", "a number of 64 bits at most")
    elif value is not None:
        raise ConfigError(where, f"{short(value)} is a {type(value).__name__} to YAML", "quotes around what is text")
