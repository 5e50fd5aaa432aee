"""Digests and keys. Content is hashed as Arrow values, not as file bytes: chunking, slicing, compression and the
garbage behind nulls do not count, so the same rows have the same digest however they were written.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

DIGEST_BYTES = 16


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces; the one spelling that gets hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def key_of(value: Any) -> str:
    """32 hex digits naming a JSON-like value."""
    return blake3(canonical(value)).hexdigest(DIGEST_BYTES)


def digest_bytes(data: bytes) -> str:
    return blake3(data).hexdigest(DIGEST_BYTES)


def digest_stream(stream: BinaryIO) -> str:
    h = blake3()
    while block := stream.read(1 << 20):
        h.update(block)
    return h.hexdigest(DIGEST_BYTES)


def digest_file(path: str | Path) -> str:
    with open(path, "rb") as stream:
        return digest_stream(stream)


def digest_folder(path: Path) -> str:
    """Digest of a folder's files: relative names and bytes; hidden files and caches do not count."""
    files = sorted(p for p in path.rglob("*") if p.is_file() and not any(
        part.startswith(".") or part == "__pycache__" for part in p.relative_to(path).parts))
    return key_of([[p.relative_to(path).as_posix(), digest_file(p)] for p in files])


def digest_table(table: pa.Table | pa.RecordBatch) -> str:
    """Content digest of a table: column names, types and values, in row order."""
    h = blake3()
    for name in table.schema.names:
        column = table.column(name)
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        if isinstance(column, pa.ChunkedArray):  # combine_chunks may keep several when offsets would overflow
            column = pa.concat_arrays(column.chunks)
        h.update(f"{name}\x00{_spelled(column.type)}\x00{len(column)}\x00".encode())
        _feed(h, column)
    return h.hexdigest(DIGEST_BYTES)


def _spelled(kind: pa.DataType) -> str:
    """A type's name, without what a Parquet file does not keep of it: the name and nullability of a list's field."""
    if pa.types.is_fixed_size_list(kind):
        return f"list<{_spelled(kind.value_type)}>[{kind.list_size}]"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"{'large_' if pa.types.is_large_list(kind) else ''}list<{_spelled(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return "struct<" + ", ".join(f"{field.name}: {_spelled(field.type)}" for field in kind) + ">"
    return str(kind)


def _feed(h: Any, a: pa.Array) -> None:
    kind = a.type
    if pa.types.is_dictionary(kind):
        return _feed(h, a.cast(kind.value_type))
    if isinstance(a, pa.ExtensionArray):
        return _feed(h, a.storage)
    if a.null_count:
        h.update(b"nulls" + np.packbits(a.is_valid().to_numpy(zero_copy_only=False)).tobytes())
    if pa.types.is_null(kind):
        return
    if pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            _feed(h, pc.struct_field(a, i))
        return
    if pa.types.is_fixed_size_list(kind):
        a = a.drop_null() if a.null_count else a
        return _feed(h, a.flatten())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        h.update(_lengths(a))
        return _feed(h, a.flatten())
    a = a.drop_null() if a.null_count else a
    if pa.types.is_boolean(kind):
        h.update(np.packbits(a.to_numpy(zero_copy_only=False)).tobytes())
    elif pa.types.is_fixed_size_binary(kind):
        data = a.buffers()[1]
        width = kind.byte_width
        h.update(memoryview(data)[a.offset * width : (a.offset + len(a)) * width] if len(a) else b"")
    elif pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind) \
            or pa.types.is_large_binary(kind):
        h.update(_lengths(a))
        wide = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
        if len(a):
            offsets = np.frombuffer(a.buffers()[1], dtype=np.int64 if wide else np.int32)
            lo, hi = int(offsets[a.offset]), int(offsets[a.offset + len(a)])
            data = a.buffers()[2]
            h.update(memoryview(data)[lo:hi] if data is not None and hi > lo else b"")
    elif pa.types.is_primitive(kind):
        h.update(np.ascontiguousarray(a.to_numpy(zero_copy_only=False)).tobytes())
    else:
        raise TypeError(f"no canonical form for a column of type {kind}")


def _lengths(a: pa.Array) -> bytes:
    kind = a.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = pc.list_value_length(a)
    else:
        lengths = pc.binary_length(a)
    return pc.fill_null(lengths, 0).cast(pa.int64()).to_numpy(zero_copy_only=False).tobytes()
