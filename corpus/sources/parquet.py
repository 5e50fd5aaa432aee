"""Parquet files with a column of text.

A file or row group that cannot be read is one row that says so; a missing column is found before work starts.
What it gives up: the rows of a damaged row group are one row here, wherever in it the damage is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import ConfigError
from corpus.registry import register
from corpus.sources.arrow import as_bytes, is_text, kind_of_type, members, picked, values_of
from corpus.sources.columns import Columns, Shape, listed
from corpus.sources.opened import opened_stream
from corpus.sources.rows import TABLE_BYTES, Rows

_UNREADABLE = (pa.ArrowException, OSError, ValueError)   # what pyarrow raises for bytes that are not what they should be


@register("reader", "parquet", version=2)
@dataclass(frozen=True)
class ParquetRows(Columns):
    """Rows of an Apache Parquet file. text, url, date, id: names of the columns; only text has to be there, as strings.

    The names may be paths into structs, as in `metadata.url`. fields: names of other columns to carry along; `*` for all.
    max_record_bytes: most bytes of a text, and of what is carried. `offset` of a row is its number in the file, from 0.
    """

    def check(self, path: str, where: str) -> Shape:
        """The kinds of the columns. Raises ConfigError where text, or the id that is named, is not there or of another kind
        than strings (numbers will do for an id). A damaged file passes: it is data.
        """
        with opened_stream(path) as stream:
            file = _opened(stream)
        if file is None:
            return {}
        schema = file.schema_arrow
        types = {(option, name): members(schema, name) for option, name in self.names()}
        types |= {("fields", f.name): f.type for f in schema if "*" in self.fields and not self._named(f.name)}
        nulls = [name for (_, name), type_ in types.items() if type_ is not None and pa.types.is_null(type_)]
        shape = {place: frozenset([kind]) for place, type_ in types.items() if (kind := kind_of_type(type_))}
        self.require(shape, nulls, schema.names, path, where)
        text = types["text", self.text]
        if not is_text(text) and self.text not in nulls:
            fit = [f.name for f in schema if is_text(f.type)]
            raise ConfigError(f"{where}.text", f"column '{self.text}' of {path} is {text}",
                              "a column of strings" + (f": {', '.join(fit)}" if fit else ""))
        return shape

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        table = Rows(path, source, self.rows)
        with opened_stream(path) as stream:
            file, first = _opened(stream), 0
            if file is None:
                table.add(0, problem="not_parquet")
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
        names = [name for _, name in self.names()] + [name[:-2] for name in self.fields if name.endswith(".*")]
        schema = file.schema_arrow
        columns = None if "*" in self.fields else [c for name in names if (c := picked(schema, name)) is not None]
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
        texts = _text_of(batch, self.text)
        names = [n for n in batch.schema.names if n != self.text or n in (self.id, *listed(self.url), *self.fields)]
        others = [values_of(batch.column(name)) for name in names]
        for i, values in enumerate(zip(*others) if others else iter(lambda: (), None)):
            if i == batch.num_rows:
                break
            data = None if texts is None else texts[i].as_py()
            found = self.find(dict(zip(names, values)))
            problem, carried = None, found.fields
            if data is None:
                problem = "no_text"
            elif len(data) > self.max_record_bytes or len(carried or "") > self.max_record_bytes:
                data, carried, problem = data[:4096], None, "record_too_large"
            else:
                data = _valid(data)
                problem = None if data.strip() and data.decode().strip() else "empty_text"
            table.add(number + i, own=found.own, data=data or b"", url=found.url, date=found.date, fields=carried,
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


def _text_of(batch: pa.RecordBatch, name: str) -> pa.Array | None:
    """The texts as bytes, None where the batch has none under the name."""
    type_ = members(batch.schema, name)
    if type_ is None or not is_text(type_):
        return None
    column = batch.column(name) if name in batch.schema.names else pc.struct_field(
        batch.column(name.partition(".")[0]), name.split(".")[1:])
    return as_bytes(column).cast(pa.large_binary())


def _valid(data: bytes) -> bytes:
    try:
        data.decode()
        return data
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
