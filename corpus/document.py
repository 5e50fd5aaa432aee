"""The records that flow through a build, as Arrow schemas, and how a document gets its id.

An id is 128 bits of blake2b over what the document *is* (its source's name and the record's own id, or else its bytes
and its ordinal among equal records of the file), never over where it lies: moving a file changes no id.
"""

from __future__ import annotations

import base64
import hashlib

import pyarrow as pa

ID = pa.binary(16)

#: What a reader yields: one row for every record or damaged span of a file. `payload` is null where `problem` is set.
#: `kind` is html, text or robots (a robots.txt, kept for its opt-outs); `charset` is what the HTTP header said; `offset`
#: is in bytes of the file, or a line number. `headers`: JSON object of the HTTP headers that say how a page may be used,
#: lower-case names → values. `fields`: JSON object of what else of its record the source asked to carry. Both are null
#: where there are none.
RAW = pa.schema([
    ("id", ID),
    ("url", pa.string()),
    ("source", pa.string()),
    ("file", pa.string()),
    ("offset", pa.int64()),
    ("date", pa.string()),
    ("kind", pa.string()),
    ("charset", pa.string()),
    ("headers", pa.string()),
    ("fields", pa.string()),
    ("payload", pa.large_binary()),
    ("problem", pa.string()),
])

#: A document. Text is valid UTF-8, otherwise as extracted.
DOCUMENT = pa.schema([
    ("id", ID),
    ("text", pa.large_string()),
    ("source", pa.string()),
    ("url", pa.string()),
    ("date", pa.string()),
])

#: What became of a record: one row for each that came in. `stage`, `rule`, `reason` are null where it was kept.
VERDICT = pa.schema([
    ("id", ID),
    ("url", pa.string()),
    ("source", pa.string()),
    ("file", pa.string()),
    ("offset", pa.int64()),
    ("kept", pa.bool_()),
    ("stage", pa.string()),
    ("rule", pa.string()),
    ("reason", pa.string()),
    ("value", pa.float64()),
    ("bound", pa.float64()),
    ("keeper", ID),
    ("group", ID),
])


def record_id(source: str, own: bytes | None, digest: bytes = b"", ordinal: int = 0) -> bytes:
    """16-byte id of a record: from its own id where it has one, else from its digest and ordinal among equals."""
    h = hashlib.blake2b(digest_size=16, person=b"corpus-document")
    h.update(source.encode("utf-8", "surrogatepass") + b"\x00")
    if own is not None:
        h.update(b"own\x00" + own)
    else:
        h.update(b"bytes\x00" + digest + ordinal.to_bytes(8, "little"))
    return h.digest()


def show_id(raw: bytes) -> str:
    """Base32 for people: 26 lower-case characters."""
    return base64.b32encode(raw).decode().rstrip("=").lower()


def parse_id(shown: str) -> bytes | None:
    """The inverse of `show_id`; None where the text is not an id."""
    try:
        raw = base64.b32decode(shown.strip().upper() + "======", casefold=True)
    except (ValueError, TypeError):
        return None
    return raw if len(raw) == 16 else None


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array, whatever its chunks."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks) if column.num_chunks else \
        pa.array([], column.type)
