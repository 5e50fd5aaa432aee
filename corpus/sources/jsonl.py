"""JSON Lines, plain or compressed: one object a line, its text under a name.

A line that gives no text is a row that says why. What it gives up: a line cut in two by damage is lost on both sides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import fsspec
import pyarrow as pa

from corpus.operators import Reader
from corpus.registry import register, runtime
from corpus.sources.inflate import Break, inflated
from corpus.sources.rows import Rows, valid_utf8

_SAMPLE = 4096


@register("reader", "jsonl")
@dataclass(frozen=True)
class JsonLines(Reader):
    """JSON Lines (jsonlines.org). text, url, date, id: names of the members that hold them; only text has to be there.

    max_record_bytes: most bytes of a line. `offset` of a row is its line's number, from 0.
    """

    text: str = "text"
    id: str | None = None
    url: str | None = "url"
    date: str | None = "date"
    max_record_bytes: int = 10 << 20
    rows: int = runtime(512)

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        table = Rows(path, source, self.rows)
        with fsspec.open(path, "rb") as stream:
            for number, line in enumerate(lines(stream, self.max_record_bytes)):
                self._add(number, line, table)
                if table.full:
                    yield table.table()
        if table.pending:
            yield table.table()

    def _add(self, number: int, line: bytes | Break | TooLong, table: Rows) -> None:
        if isinstance(line, Break):
            table.add(number, data=line.sample, problem=line.problem)
            return
        if isinstance(line, TooLong):
            table.add(number, data=line.sample, problem="record_too_large")
            return
        if not line.strip():
            table.skip("blank_line")
            return
        found = _parse(line)
        if not isinstance(found, dict):
            table.add(number, data=line, problem="not_json" if found is _NOT_JSON else "no_text")
            return
        text = found.get(self.text)
        problem = "no_text" if not isinstance(text, str) else None if text.strip() else "empty_text"
        own = plain(found.get(self.id)) if self.id is not None else None
        table.add(number, own=own.encode() if own else None, data=line, url=plain(found.get(self.url)),
                  date=plain(found.get(self.date)), kind="text",
                  payload=valid_utf8(text) if problem is None else None, problem=problem)


class TooLong:
    """A line over the limit; `sample` is how it begins."""

    def __init__(self, sample: bytes) -> None:
        self.sample = sample


_NOT_JSON = object()


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):   # RecursionError: brackets nested deeper than the parser goes
        return _NOT_JSON


def plain(value: Any) -> str | None:
    """A JSON string or number as valid text; None for anything else."""
    if isinstance(value, str):
        return valid_utf8(value).decode()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return json.dumps(value)
    return None


def lines(stream: BinaryIO, limit: int) -> Iterator[bytes | Break | TooLong]:
    """Lines without their ends, and breaks where they happen. Of a line over `limit` bytes only the beginning is held."""
    events, _ = inflated(stream, bool)
    held, sample, first = bytearray(), None, True
    for event in events:
        if isinstance(event, bytes):
            if first:
                event, first = event.removeprefix(b"\xef\xbb\xbf"), not event
            pieces = event.split(b"\n")
            for piece in pieces[:-1]:
                if sample is None and len(held) + len(piece) <= limit:
                    held += piece
                    yield bytes(held)
                else:
                    yield TooLong(sample or bytes((held + piece)[:_SAMPLE]))
                held, sample = bytearray(), None
            if sample is None:
                held += pieces[-1]
                if len(held) > limit:
                    sample, held = bytes(held[:_SAMPLE]), bytearray()
        elif isinstance(event, Break):
            if not event.torn and (held or sample):
                yield TooLong(sample) if sample else bytes(held)
            yield event._replace(sample=bytes(held[:_SAMPLE]) or sample or event.sample)
            held, sample = bytearray(), None
    if held or sample:
        yield TooLong(sample) if sample else bytes(held)
