"""What decides which document of a group is kept, as one number a document, and under which address it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from corpus.annotate import aligned
from corpus.dedup.urls import url_keys
from corpus.document import ID
from corpus.errors import ConfigError
from corpus.registry import register
from corpus.tasks import Body, TaskIO

STANDING = pa.schema([("id", ID), ("standing", pa.float64()), ("url", pa.uint64())])

_DATE = r"(?s)^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2}))?)?.*$"

Keep = Literal["longest", "score", "oldest", "source"]


@register("body", "standing")
@dataclass(frozen=True)
class Standing(Body):
    """Reads `documents` and, for a score, `marks` (same rows); writes `standing`: of a group the least is kept, null last.

    keep: `longest` has no number, as words decide where numbers are equal; `score` is minus the column `score` of the marks;
    `oldest` the date's first 14 digits, null where it is not written YYYY-MM-DD first (time zones are not looked at);
    `source` the place in `source_order`, a source that is not named behind all. urls: keys of addresses, else null.
    """

    keep: Keep = "longest"
    score: str | None = None
    source_order: tuple[str, ...] = ()
    urls: bool = False

    def run(self, io: TaskIO) -> None:
        documents = aligned(io, ("documents", "marks") if self.keep == "score" else ("documents",))
        n = documents.num_rows
        urls = url_keys(documents.column("url").to_pylist()) if self.urls else pa.nulls(n, pa.uint64())
        io.write("standing", pa.table([documents.column("id"), self._standing(documents), urls], schema=STANDING))
        io.count("documents", n)

    def _standing(self, documents: pa.Table) -> pa.Array | pa.ChunkedArray:
        if self.keep == "score":
            return pc.negate(self._score(documents).cast(pa.float64()))
        if self.keep == "oldest":
            return age(documents.column("date"))
        if self.keep == "source":
            places = pc.index_in(documents.column("source"), value_set=pa.array(self.source_order, pa.string()))
            return pc.fill_null(places, len(self.source_order)).cast(pa.float64())
        return pa.nulls(documents.num_rows, pa.float64())

    def _score(self, documents: pa.Table) -> pa.ChunkedArray:
        if self.score not in documents.column_names:
            known = [f.name for f in documents.schema if _numeric(f.type)]
            raise ConfigError("dedup.score", f"no column '{self.score}' was measured", "one of " + ", ".join(known))
        column = documents.column(self.score)
        if not _numeric(column.type):
            raise ConfigError("dedup.score", f"'{self.score}' is of type {column.type}", "a column of numbers")
        return pc.if_else(pc.is_finite(column.cast(pa.float64())), column, None)


def age(dates: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Dates as numbers that sort as they do: `2024-03-01T10:00:00Z` → 20240301100000; null where it is no such date."""
    dated = pc.if_else(pc.match_substring_regex(dates, _DATE), dates, None)
    digits = pc.replace_substring_regex(dated, _DATE, r"\1\2\3\4\5\6")
    return pc.utf8_rpad(digits, 14, "0").cast(pa.int64()).cast(pa.float64())


def _numeric(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
