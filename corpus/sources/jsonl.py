"""JSON Lines, plain or compressed: one object a line, its text under a name.

A line that gives no text is a row that says why. What it gives up: a line cut in two by damage is lost on both sides, and
a line that is unlike those at its file's beginning is found when it is read, as a row with a reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

import pyarrow as pa

from corpus.registry import register
from corpus.sources.columns import Columns, Shape
from corpus.sources.inflate import Break, Inflated
from corpus.sources.opened import Head, opened_stream
from corpus.sources.rows import Rows
from corpus.sources.values import NOT_JSON, follow, has, parse, valid_utf8

_SAMPLE = 4096
_CHECKED = 32                  # lines at a file's beginning that `check` looks at
_CHECKED_BYTES = 256 << 10     # of the file, so that a bomb costs little


@register("reader", "jsonl", version=2)
@dataclass(frozen=True)
class JsonLines(Columns):
    """JSON Lines (jsonlines.org). text, url, date, id: names of the members that hold them; only text has to be there.

    The names may be paths, as in `metadata.url`. fields: names of other members to carry along; `*` for all of them.
    max_record_bytes: most bytes of a line. `offset` of a row is its line's number, from 0.
    """

    def check(self, path: str, where: str) -> Shape:
        """The kinds of what the file's first lines hold. Raises ConfigError where none of them has the text, or the id that
        is named, or only as something else than a string or number. Damage and lines that are no JSON say nothing.
        """
        with opened_stream(path) as stream:
            first = islice(lines(Head(stream, _CHECKED_BYTES), self.max_record_bytes), _CHECKED)
            records = [r for line in first if isinstance(line, bytes) and isinstance(r := parse(line), dict)]
        shape = self.shape(records)
        if records:
            there = list(dict.fromkeys(name for r in records for name in r))
            nulls = [name for option, name in self.names()
                     if (option, name) not in shape and any(has(r, name) for r in records)]
            self.require(shape, nulls, there, path, where)
        return shape

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        table = Rows(path, source, self.rows)
        with opened_stream(path) as stream:
            number = 0
            for line in lines(stream, self.max_record_bytes):
                if isinstance(line, Blanks):
                    table.skip("blank_line", line.count)
                    number += line.count
                    continue
                self._add(number, line, table)
                number += 1
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
        record = parse(line)
        if not isinstance(record, dict):
            table.add(number, data=line, problem="not_json" if record is NOT_JSON else "no_text")
            return
        text, found = follow(record, self.text), self.find(record)
        problem = "no_text" if not isinstance(text, str) else None if text.strip() else "empty_text"
        table.add(number, own=found.own, data=line, url=found.url, date=found.date, fields=found.fields, kind="text",
                  payload=valid_utf8(text) if problem is None else None, problem=problem)


class TooLong:
    """A line over the limit; `sample` is how it begins."""

    def __init__(self, sample: bytes) -> None:
        self.sample = sample


class Blanks:
    """Lines with nothing in them, `count` of them: a few kilobytes of gzip can hold a billion."""

    def __init__(self, count: int) -> None:
        self.count = count


def lines(stream: BinaryIO, limit: int) -> Iterator[bytes | Break | TooLong | Blanks]:
    """Lines without their ends, and breaks where they happen. Of a line over `limit` bytes only the beginning is held."""
    held, sample, first = bytearray(), None, True
    for event in Inflated(stream, bool):
        if isinstance(event, bytes):
            if first:
                event, first = event.removeprefix(b"\xef\xbb\xbf"), not event
            if event and not held and sample is None and not event.strip(b"\n"):
                yield Blanks(len(event))
                continue
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
