"""Raw records on their way into tables: what every reader shares. Bounded by bytes and rows; ids are given here.

What it gives up: an id needs to know how often its record was seen before, so 8 bytes a record stay in memory for as long
as its file is read, and more for each that is repeated.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import RAW, record_id

TABLE_BYTES = 32 << 20


class Ids:
    """Ids of the records of one file. Records that claim one id, or are equal and claim none, are told apart by number."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen = Seen()
        self._repeats: dict[bytes, int] = {}

    def of(self, own: bytes | None, data: bytes) -> bytes:
        """16 bytes. own: the id that the record brings; data: the record's bytes, used where it brings none."""
        digest = b"" if own is not None else hashlib.blake2b(data, digest_size=16).digest()
        found = record_id(self._source, own, digest, 0)
        if self._seen.add(found):
            return found
        ordinal = self._repeats[found] = self._repeats.get(found, 0) + 1
        return record_id(self._source, None if own is None else own + b"\x00%d" % ordinal, digest, ordinal)


class Seen:
    """A set of ids that keeps 10 bytes of each: 2 say where, 8 are there. Among 10 million, two that are taken for one
    are less likely than 1 in 10 billion; the later is then numbered as a repeat, and stays an id of its own.
    """

    def __init__(self) -> None:
        self._places: dict[bytes, bytearray] = {}

    def add(self, found: bytes) -> bool:
        """Whether it is new."""
        place, rest = found[:2], found[2:10]
        held = self._places.get(place)
        if held is None:
            self._places[place] = bytearray(rest)
            return True
        at = held.find(rest)
        while at % 8 and at > 0:
            at = held.find(rest, at + 1)
        if at < 0:
            held += rest
        return at < 0


class Rows:
    """Collects rows of `RAW` of one file until a table is full."""

    def __init__(self, path: str, source: str, rows: int) -> None:
        self._file = posixpath.basename(path.rstrip("/"))
        self._source = source
        self._limit = rows
        self._ids = Ids(source)
        self._skipped: Counter[str] = Counter()
        self._clear()

    def _clear(self) -> None:
        self._columns: dict[str, list] = {name: [] for name in RAW.names if name not in ("source", "file")}
        self._bytes = 0

    def add(self, offset: int, *, own: bytes | None = None, data: bytes = b"", url: str | None = None,
            date: str | None = None, kind: str | None = None, charset: str | None = None, headers: str | None = None,
            fields: str | None = None, payload: bytes | None = None, problem: str | None = None) -> None:
        """One record. data: what to tell a record without an id of its own by, where it has no payload."""
        columns = self._columns
        columns["id"].append(self._ids.of(own, data if payload is None else payload))
        columns["url"].append(url)
        columns["offset"].append(offset)
        columns["date"].append(date)
        columns["kind"].append(kind)
        columns["charset"].append(charset)
        columns["headers"].append(headers)
        columns["fields"].append(fields)
        columns["payload"].append(payload if problem is None else None)
        columns["problem"].append(problem)
        self._bytes += len(payload or b"") + len(fields or "") + len(headers or "")

    def skip(self, what: str, n: int = 1) -> None:
        """Counts records that give no row."""
        self._skipped[what] += n

    @property
    def full(self) -> bool:
        return len(self._columns["id"]) >= self._limit or self._bytes >= TABLE_BYTES

    @property
    def pending(self) -> bool:
        return bool(self._columns["id"] or self._skipped)

    def table(self) -> pa.Table:
        """What was collected since the last call; its schema's metadata has `skipped`, a JSON object of counts."""
        n = len(self._columns["id"])
        columns = self._columns | {"source": [self._source] * n, "file": [self._file] * n}
        metadata = {"skipped": json.dumps(self._skipped, sort_keys=True)} if self._skipped else None
        table = pa.table([pa.array(columns[f.name], f.type) for f in RAW], schema=RAW.with_metadata(metadata))
        self._clear()
        self._skipped.clear()
        return table


def skipped(table: pa.Table) -> dict[str, int]:
    """How many records a reader passed over without a row since its last table, by what they were."""
    return json.loads((table.schema.metadata or {}).get(b"skipped", b"{}"))


def regroup(tables: Iterator[pa.Table], rows: int, size: int) -> Iterator[pa.Table]:
    """The same rows in tables of at most `rows` rows and, unless a row alone has more, `size` bytes of payload.

    Where the cuts fall depends on the rows alone, not on how they arrive.
    """
    waiting: list[pa.Table] = []
    held = np.zeros(0, np.int64)
    for table in tables:
        lengths = pc.fill_null(pc.binary_length(table.column("payload")), 0).to_numpy().astype(np.int64)
        waiting.append(table.replace_schema_metadata(None))
        held = np.concatenate([held, lengths])
        while (cut := _cut(held, rows, size)) is not None:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, cut)
            waiting, held = [whole.slice(cut)], held[cut:]
    if len(held):
        yield pa.concat_tables(waiting)


def _cut(lengths: np.ndarray, rows: int, size: int) -> int | None:
    """How many rows the next table takes, or None where it could still take more."""
    fits = int(np.searchsorted(np.cumsum(lengths[: rows + 1]), size, side="right"))
    if len(lengths) > rows or fits < len(lengths):
        return max(1, min(rows, fits))
    return None
