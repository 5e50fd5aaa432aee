"""Arrow columns as values of records: which of them a name means, of what kind they are, their strings as bytes.

A file may hold strings that are no UTF-8, which Arrow hands out as errors; as bytes they are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from corpus.sources.values import BOOLEAN, LIST, OBJECT, VALUE, plain

_types = pa.types


def is_text(kind: pa.DataType | None) -> bool:
    if kind is None:
        return False
    if _types.is_dictionary(kind):
        return is_text(kind.value_type)
    return any(test(kind) for test in (_types.is_string, _types.is_large_string, _types.is_string_view,
                                       _types.is_binary, _types.is_large_binary))


def kind_of_type(kind: pa.DataType | None) -> str | None:
    """As `corpus.sources.values.kind_of` has it for the values of a column; None where it is absent or all null."""
    if kind is None or _types.is_null(kind):
        return None
    if _types.is_dictionary(kind):
        return kind_of_type(kind.value_type)
    if _types.is_nested(kind):
        return OBJECT if _types.is_struct(kind) or _types.is_map(kind) else LIST
    return BOOLEAN if _types.is_boolean(kind) else VALUE


def members(schema: pa.Schema, name: str) -> pa.DataType | None:
    """The type under a name or path of structs, None where there is none."""
    if name in schema.names:
        return schema.field(name).type
    head, *inner = name.split(".")
    kind = schema.field(head).type if inner and schema.names.count(head) == 1 else None
    for part in inner if kind is not None else ():
        at = kind.get_field_index(part) if _types.is_struct(kind) else -1
        if at < 0:
            return None
        kind = kind.field(at).type
    return kind


def picked(schema: pa.Schema, name: str) -> str | None:
    """What to read for a name: that column or member alone, else the column that its path begins with; None for nothing."""
    if members(schema, name) is not None:
        return name
    head = name.partition(".")[0]
    return head if head in schema.names else None


def as_bytes(column: pa.Array) -> pa.Array:
    """The column with all strings as bytes, times as text and dictionaries undone, inside structs and lists too.

    Times with a zone are told in UTC, for which no machine needs a list of zones.
    """
    for leaf in (_in_utc, _bytes):
        kind = _with_leaves(column.type, leaf)
        column = column if kind == column.type else column.cast(kind)
    return column


def values_of(column: pa.Array) -> list[Any]:
    """The values of a column as `corpus.sources.values` takes them: a map is an object as a struct is."""
    values = as_bytes(column).to_pylist()
    if not _types.is_map(column.type):
        return values
    return [None if pairs is None else {plain(name) or "": value for name, value in pairs} for pairs in values]


def _in_utc(kind: pa.DataType) -> pa.DataType:
    return pa.timestamp(kind.unit, "UTC") if _types.is_timestamp(kind) and kind.tz else kind


def _bytes(kind: pa.DataType) -> pa.DataType:
    if _types.is_duration(kind):
        return pa.int64()
    return pa.large_binary() if is_text(kind) else pa.string() if _types.is_temporal(kind) else kind


def _with_leaves(kind: pa.DataType, leaf: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    if _types.is_dictionary(kind):
        return _with_leaves(kind.value_type, leaf)
    if _types.is_struct(kind):
        return pa.struct([f.with_type(_with_leaves(f.type, leaf)) for f in kind])
    if _types.is_map(kind):
        return pa.map_(_with_leaves(kind.key_type, leaf), _with_leaves(kind.item_type, leaf))
    if _types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_with_leaves(kind.value_type, leaf)))
    if _types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_with_leaves(kind.value_type, leaf)))
    return leaf(kind)
