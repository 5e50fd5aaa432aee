"""Values of records that came as JSON or Arrow: read within limits, followed by name, told as text, spelled as JSON.

What it gives up: brackets nested deeper than any record needs, since the parser's own limit moves with the stack it is
called from and a result may not.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
from itertools import chain
from typing import Any

VALUE, BOOLEAN, LIST, OBJECT = "a string or a number", "true or false", "a list", "an object"
NOT_JSON = object()
DEPTH = 200

_MISSING = object()
_TIMES = (datetime.date, datetime.time)
_VALUES = (str, bytes, int, float, decimal.Decimal, *_TIMES)
_DECODER = json.JSONDecoder(parse_constant=lambda name: None)   # NaN and the infinities are no JSON; they hold nothing


def parse(line: bytes) -> Any:
    """What a line of JSON holds; NOT_JSON where it is none. Bytes that are no UTF-8 become U+FFFD."""
    try:
        found = _DECODER.decode(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return NOT_JSON
    deep = line.count(b"[") + line.count(b"{") > DEPTH and _deeper(found, DEPTH)
    return NOT_JSON if deep else found


def _deeper(value: Any, limit: int) -> bool:
    """Whether lists and objects are nested more than `limit` deep."""
    level = [value]
    for _ in range(limit):
        inner = (v.values() if isinstance(v, dict) else v for v in level)
        level = [v for v in chain.from_iterable(inner) if isinstance(v, (dict, list))]
        if not level:
            return False
    return True


def follow(record: Any, name: str) -> Any:
    """The value under a name, or else under a path of names; None where there is none."""
    while isinstance(record := as_object(record), dict):
        value = record.get(name, _MISSING)
        if value is not _MISSING:
            return value
        head, dot, name = name.partition(".")
        record = record.get(head) if dot else None
    return None


def has(record: dict[str, Any], name: str) -> bool:
    """Whether a record has something under a name or path, be it null."""
    head, _, rest = name.rpartition(".")
    inner = as_object(follow(record, head)) if head else None
    return name in record or isinstance(inner, dict) and rest in inner


def as_object(value: Any) -> Any:
    """The object that a string spells as JSON, as some data sets keep their metadata; any other value as it is."""
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if isinstance(value, bytes) and value.lstrip()[:1] == b"{":
        found = parse(value)
        return found if isinstance(found, dict) else None
    return value


def plain(value: Any) -> str | None:
    """A string, number or time as valid text; None for anything else."""
    if isinstance(value, str):
        return valid_utf8(value).decode()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return json.dumps(value)
    return _told(value) if isinstance(value, _VALUES) and not isinstance(value, bool) else None


def own_bytes(value: Any) -> bytes | None:
    """The bytes of a record's own id; None where it is empty, or nothing that can be an id."""
    if isinstance(value, bytes):
        return value or None
    found = plain(value)
    return found.encode() if found else None


def spelled(value: dict[str, Any]) -> str | None:
    """A JSON object on one line, valid whatever was in it: numbers that are none become null. None where it is empty."""
    if not value:
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=_told, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, sort_keys=True, default=_told)
    return valid_utf8(text).decode()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(v) for name, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _told(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, _TIMES) else str(value)


def kind_of(value: Any) -> str | None:
    """Numbers, strings and times are one kind: they are told alike. None for null."""
    if value is None:
        return None
    return (BOOLEAN if isinstance(value, bool) else OBJECT if isinstance(value, dict)
            else VALUE if isinstance(value, _VALUES) else LIST)


def valid_utf8(text: str) -> bytes:
    """UTF-8 of a string. Surrogates that form a pair become their character, lone ones U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
