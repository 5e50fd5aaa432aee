"""pydantic's findings in our words: the place in the file, what is there, what would be right."""

from __future__ import annotations

import typing
from typing import Any

from pydantic import BaseModel, ValidationError

from corpus.errors import ConfigError, UnknownName, UserError
from pipelines.config.reading import short, show_place

_RIGHT = {
    "string_type": "text",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "a boolean: true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping, {key: value}",
    "model_type": "a mapping, {key: value}",
    "string_pattern_mismatch": "letters a-z, digits, '_', '-' and '.', the first a letter, a digit or '_'",
}


def first_error(error: ValidationError, model: type[BaseModel], raw: Any) -> UserError:
    """The most useful of the findings about `raw`, a file's value, as one of our errors.

    Of a value that may be one of several types, those findings count that come from deepest inside: where a mapping
    could be read, it is of no interest that it is no text.
    """
    found = [(_place(e["loc"], raw, e["type"] == "missing"), e) for e in error.errors()]
    places = [loc for loc, _ in found]
    deepest = [(loc, e) for loc, e in found if not any(len(p) > len(loc) and p[: len(loc)] == loc for p in places)]
    loc, first = min(deepest, key=lambda f: f[1]["type"] != "extra_forbidden")
    where = show_place(loc)
    if first["type"] == "extra_forbidden":
        return UnknownName("key", str(loc[-1]), _fields_at(model, loc[:-1]), where)
    if first["type"] == "missing":
        return ConfigError(where, "is missing")
    return ConfigError(where, f"{short(first['input'])} is wrong", right([e for at, e in deepest if at == loc]))


def right(errors: list[Any]) -> str:
    """What a value should have been; each of its possible types has an error."""
    words = dict.fromkeys(_RIGHT.get(e["type"]) or _plainly(e) for e in errors)
    value = errors[0].get("input")
    if isinstance(value, str) and "a number" in words and _is_number(value):
        return "a number: no quotes, and a dot before the e, as in 1.0e-5"
    if "text" in words and isinstance(value, (int, float)):
        words = {("text, in quotes" if w == "text" else w): None for w in words}
    return " or ".join(words)


def _plainly(error: Any) -> str:
    if error["type"] == "too_short":
        return f"{error['ctx']['min_length']} or more of them"
    return error["msg"].removeprefix("Input should be ").removeprefix("Value should be ").removeprefix("String should have ")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _place(loc: tuple, raw: Any, missing: bool) -> tuple:
    """A location without the parts that name a type instead of a place in the file."""
    place: list = []
    for i, part in enumerate(loc):
        if isinstance(raw, dict) and part in raw or isinstance(raw, list) and isinstance(part, int) and part < len(raw):
            place.append(part)
            raw = raw[part]
        elif missing and i == len(loc) - 1:
            place.append(part)
    return tuple(place)


def _fields_at(model: type[BaseModel], loc: tuple) -> list[str]:
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
