"""Data sets in the formats that datatrove and Dolma write, whichever of JSON Lines and Parquet a file is.

Each is a choice of names for the two readers; a source of another layout names its columns itself.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from corpus.operators import Reader
from corpus.registry import register, runtime
from corpus.sources.columns import Columns, Shape
from corpus.sources.jsonl import JsonLines
from corpus.sources.opened import opened_stream
from corpus.sources.parquet import ParquetRows


@dataclass(frozen=True)
class Preset(Reader):
    """Reads a file by its first bytes: Parquet as Parquet, all else as JSON Lines.

    max_record_bytes: most bytes of a record.
    """

    max_record_bytes: int = 10 << 20
    rows: int = runtime(512)

    id: ClassVar[str] = "id"
    url: ClassVar[tuple[str, ...]]
    date: ClassVar[tuple[str, ...]]
    fields: ClassVar[tuple[str, ...]]

    def check(self, path: str, where: str) -> Shape:
        """As the readers do; an id may be absent, since datatrove leaves out what is empty."""
        return dataclasses.replace(self._reader(path), id=None).check(path, where)

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        yield from self._reader(path).read(path, source)

    def _reader(self, path: str) -> Columns:
        with opened_stream(path) as stream:
            reader = ParquetRows if stream.read(4) == b"PAR1" else JsonLines
        return reader(id=self.id, url=self.url, date=self.date, fields=self.fields,
                      max_record_bytes=self.max_record_bytes, rows=self.rows)


@register("reader", "datatrove")
@dataclass(frozen=True)
class Datatrove(Preset):
    """Documents as datatrove's JsonlWriter and ParquetWriter write them: {text, id, media, metadata}, or metadata expanded.

    `fields` carries the metadata and whatever else stands beside it, as datatrove's own readers do; null where nothing is.
    """

    url: ClassVar[tuple[str, ...]] = ("metadata.url", "url")
    date: ClassVar[tuple[str, ...]] = ("metadata.date", "date")
    fields: ClassVar[tuple[str, ...]] = ("metadata.*", "*")


@register("reader", "dolma")
@dataclass(frozen=True)
class Dolma(Preset):
    """Documents in Dolma's format (Soldaini et al. 2024): {id, text, source, added, created, metadata, attributes}.

    The date is when the text was made, where that is known. `fields` carries all else, `source` and `attributes` among it.
    """

    url: ClassVar[tuple[str, ...]] = ("metadata.url", "metadata.warc_url", "url")
    date: ClassVar[tuple[str, ...]] = ("created", "metadata.warc_date", "added")
    fields: ClassVar[tuple[str, ...]] = ("source", "added", "created", "metadata", "attributes", "*")
