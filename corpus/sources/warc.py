"""WARC files, plain or compressed: web pages, resources, and the text records of WET files.

Every record of a type that can hold a document gives one row, and so does every damaged span; other records are counted.
Sizes are bounded: a page over the limit is named and not held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from corpus.operators import Reader
from corpus.registry import register, runtime
from corpus.sources.fields import kept, media_type
from corpus.sources.http import HEAD_BYTES, Response, parse_response
from corpus.sources.opened import opened_stream
from corpus.sources.records import Frame, frames
from corpus.sources.rows import Rows
from corpus.sources.sniff import kind_of
from corpus.sources.syntax import WARC, Syntax
from corpus.sources.values import spelled

_ROWS = frozenset([b"response", b"resource", b"conversion", b"revisit"])
_CUT = frozenset([b"warc-truncated"])
_PASSED = frozenset([b"warcinfo", b"request", b"metadata", b"continuation"])


@register("reader", "warc", version=2, provider="fastwarc")
@dataclass(frozen=True)
class Warc(Reader):
    """Records of a WARC file (ISO 28500): responses, resources, conversions and revisits, each with its payload decoded.

    What the crawler cut short is kept, and its `headers` say so (`warc-truncated`). Of a record in segments the first is
    named (`segmented_record`) and the others are counted, since none of them is the page. max_record_bytes: most bytes of
    a payload, before and after its encodings are undone.
    """

    max_record_bytes: int = 10 << 20
    rows: int = runtime(512)

    syntax: ClassVar[Syntax] = WARC

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        table = Rows(path, source, self.rows)
        with opened_stream(path) as stream:
            for frame in frames(stream, self.syntax, _ROWS, self.max_record_bytes + HEAD_BYTES):
                self._add(frame, table)
                if table.full:
                    yield table.table()
        if table.pending:
            yield table.table()

    def _add(self, frame: Frame, table: Rows) -> None:
        fields = frame.fields
        type_ = fields.get(b"warc-type", b"").lower()
        if frame.problem is None and type_ not in _ROWS:
            table.skip(type_.decode() if type_ in _PASSED else "other_type")
            return
        about = {"own": self._own(frame), "data": frame.sample, "url": _url(fields),
                 "date": _text(fields.get(b"warc-date"))}
        problem = (frame.problem or ("revisit" if type_ == b"revisit" else None)
                   or ("segmented_record" if b"warc-segment-number" in fields else None))
        if problem is not None:
            table.add(frame.offset, problem=problem, **about)
            return
        found = self._payload(type_, fields, frame.block)
        problem, kind = found.problem, None
        if problem is None:
            kind = "text" if type_ == b"conversion" else kind_of(found.type, found.body, about["url"])
            problem = None if kind else "not_html"
        headers = spelled(found.headers | kept(fields, _CUT))
        table.add(frame.offset, kind=kind, charset=found.charset, headers=headers, payload=found.body, problem=problem,
                  **about)

    def _own(self, frame: Frame) -> bytes | None:
        """The id that the record brings."""
        return frame.fields.get(b"warc-record-id") or None

    def _payload(self, type_: bytes, fields: dict[bytes, bytes], block: bytes) -> Response:
        declared, charset = media_type(fields.get(b"content-type"))
        if type_ == b"response" and (declared in (None, "application/http") or block.startswith(b"HTTP/")):
            return parse_response(block, self.max_record_bytes)
        if len(block) > self.max_record_bytes:
            return Response(None, declared, charset, "record_too_large")
        return Response(block, declared, charset, None if block else "empty_payload")


@register("reader", "wet", version=2, provider="fastwarc")
@dataclass(frozen=True)
class Wet(Warc):
    """Text records of a WET file (Common Crawl): WARC conversion records, read as any WARC file is."""


def _text(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if value else None


def _url(fields: dict[bytes, bytes]) -> str | None:
    """The target's address, without the angle brackets that some writers of WARC 1.0 put around it."""
    value = _text(fields.get(b"warc-target-uri"))
    return value[1:-1] if value and value.startswith("<") and value.endswith(">") else value
