"""Parquet files with a column of text.

A file or row group that cannot be read is one row that says so; a missing column is found before work starts.
What it gives up: the rows of a damaged row group are one row here, wherever in it the damage is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import ConfigError, nearest
from corpus.operators import Reader
from corpus.registry import register, runtime
from corpus.sources.jsonl import plain
from corpus.sources.rows import TABLE_BYTES, Rows

_UNREADABLE = (pa.ArrowException, OSError, ValueError)   # what pyarrow raises for bytes that are not what they should be


@register("reader", "parquet")
@dataclass(frozen=True)
class ParquetRows(Reader):
    """Rows of an Apache Parquet file. text, url, date, id: names of the columns; only text has to be there, as strings.

    max_record_bytes: most bytes of a text. `offset` of a row is its number in the file, from 0.
    """

    text: str = "text"
    id: str | None = None
    url: str | None = "url"
    date: str | None = "date"
    max_record_bytes: int = 10 << 20
    rows: int = runtime(512)

    def check(self, path: str, where: str) -> None:
        """Raises ConfigError where a named column is not there or holds no strings. A damaged file passes: it is data."""
        with fsspec.open(path, "rb") as stream:
            file = _opened(stream)
        if file is None:
            return
        schema = file.schema_arrow
        for option in ("text", "id"):
            name = getattr(self, option)
            if name is not None and name not in schema.names:
                near = nearest(name, schema.names)
                raise ConfigError(f"{where}.{option}", f"{path} has no column '{name}'",
                                  f"'{near}'" if near else "one of " + ", ".join(schema.names))
        if not _is_text(schema.field(self.text).type):
            fit = [f.name for f in schema if _is_text(f.type)]
            raise ConfigError(f"{where}.text", f"column '{self.text}' of {path} is {schema.field(self.text).type}",
                              "a column of strings" + (f": {', '.join(fit)}" if fit else ""))

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        table = Rows(path, source, self.rows)
        with fsspec.open(path, "rb") as stream:
            file, first = _opened(stream), 0
            if file is None:
                table.add(0, problem="not_parquet")
            elif self.text not in file.schema_arrow.names or not _is_text(file.schema_arrow.field(self.text).type):
                table.add(0, problem="no_text")   # `check` was not asked, or the file is another one by now
                file = None
            for group in range(file.num_row_groups if file else 0):
                for number, batch in self._batches(file, group, first):
                    if batch is None:
                        table.add(number, data=b"%d" % number, problem="damaged_span")
                    else:
                        yield from self._rows(number, batch, table)
                first += file.metadata.row_group(group).num_rows
        if table.pending:
            yield table.table()

    def _batches(self, file: pq.ParquetFile, group: int, number: int) -> Iterator[tuple[int, pa.RecordBatch | None]]:
        """(number of its first row, rows) of a row group, few enough at a time to hold; None for what cannot be read."""
        columns = [c for c in (self.text, self.id, self.url, self.date) if c is not None and c in file.schema_arrow.names]
        about = file.metadata.row_group(group)
        each = max(1, about.total_byte_size // max(1, about.num_rows))
        batches = file.iter_batches(max(1, min(self.rows, TABLE_BYTES // each)), [group], columns)
        while True:
            try:
                batch = next(batches, None)
            except _UNREADABLE as error:
                _raise_if_of_the_system(error)
                yield number, None
                return
            if batch is None:
                return
            yield number, batch
            number += batch.num_rows

    def _rows(self, number: int, batch: pa.RecordBatch, table: Rows) -> Iterator[pa.Table]:
        named = {name: _values(batch, getattr(self, name)) for name in ("id", "url", "date")}
        texts = batch.column(self.text)
        if pa.types.is_dictionary(texts.type):
            texts = texts.cast(texts.type.value_type)
        texts = texts.cast(pa.large_binary())
        for i, own, url, date in zip(range(len(texts)), named["id"], named["url"], named["date"]):
            data = texts[i].as_py()
            problem = None
            if data is None:
                problem = "no_text"
            elif len(data) > self.max_record_bytes:
                data, problem = data[:4096], "record_too_large"
            else:
                data = _valid(data)
                problem = None if data.strip() and data.decode().strip() else "empty_text"
            table.add(number + i, own=_own(own), data=data or b"", url=plain(_printed(url)), date=plain(_printed(date)),
                      kind="text", payload=data if problem is None else None, problem=problem)
            if table.full:
                yield table.table()


def _opened(stream: BinaryIO) -> pq.ParquetFile | None:
    """The file with its metadata read, None where it has none."""
    try:
        return pq.ParquetFile(stream, page_checksum_verification=True)
    except _UNREADABLE as error:
        _raise_if_of_the_system(error)
        return None


def _raise_if_of_the_system(error: Exception) -> None:
    """pyarrow raises OSError for damage too; one that came from the system has a number, and says nothing of the data."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
                                       pa.types.is_binary, pa.types.is_large_binary))


def _values(batch: pa.RecordBatch, name: str | None) -> list[Any]:
    """A column's values; strings as bytes, since a file may hold such that are not UTF-8."""
    if name is None or name not in batch.schema.names:
        return [None] * batch.num_rows
    column = batch.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_temporal(column.type):
        column = pc.cast(column, pa.string())
    return column.cast(pa.large_binary()).to_pylist() if _is_text(column.type) else column.to_pylist()


def _printed(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _own(value: Any) -> bytes | None:
    if isinstance(value, bytes):
        return value or None
    found = plain(value)
    return found.encode() if found else None


def _valid(data: bytes) -> bytes:
    try:
        data.decode()
        return data
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
