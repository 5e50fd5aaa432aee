"""Records of a WARC or ARC file out of a file's inflated bytes, past any damage: each record once, each damaged span once.

A record's declared length is believed only where what follows it is a record's end. After a lie, the next record is
looked for after the liar's head; after damage, at the next member. What it gives up: a lie that ends exactly at a later
record's end in a file that is not compressed by record; and in one compressed as a single member, what is behind lies
over the limit once a gigabyte was gone over again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from corpus.sources.syntax import Syntax
from corpus.sources.window import SAMPLE, Window

_LENGTH = re.compile(rb"[0-9]{1,18}")


class Frame(NamedTuple):
    """A record, or a damaged span: its place in the file, its fields if it has a head, its block unless `problem`.

    `sample`: the first bytes, to tell spans without a block apart by.
    """

    offset: int
    fields: dict[bytes, bytes]
    block: bytes | None
    problem: str | None
    sample: bytes


def frames(stream: BinaryIO, syntax: Syntax, wanted: frozenset[bytes], limit: int) -> Iterator[Frame]:
    """Records of a file in order. Blocks of types that are not `wanted` are passed over: they are empty.

    limit: most bytes of a block that are held; a longer one is `record_too_large`.
    """
    window, at, seen = Window(stream, syntax), 0, False
    while True:
        while (after := window.blank(at)) > at:
            at = after
            window.drop(at)
        if window.fill(at + 1):
            frame, at = _frame(window, at, wanted, limit, seen)
            window.drop(at)
        elif window.broken is not None:
            frame = Frame(window.broken.offset, {}, None, window.broken.problem, window.broken.sample)
            at = window.resume()
        else:
            return
        seen = True
        yield frame


def _frame(window: Window, start: int, wanted: frozenset[bytes], limit: int, seen: bool) -> tuple[Frame, int]:
    """The record or damaged span at `start`, and the position from which to go on."""
    offset, body = window.offset(start), window.head_end(start)
    sample, claims = window.take(start, min(start + SAMPLE, window.end)), window.looks_at(start)
    cut = window.record_start(start + 1, body) if body >= 0 else None
    if body < 0 or cut is not None:
        following = window.find_record(start + 1) if cut is None else cut
        ending = "truncated_record" if claims else "trailing_garbage" if seen and not window.broken else "damaged_span"
        return _damaged(window, Frame(offset, {}, None, ending, sample), following, "damaged_span")

    fields = window.syntax.fields(window.take(start, body))
    lie = Frame(offset, fields, None, "bad_length", sample)
    length = _LENGTH.fullmatch(fields.get(b"content-length", b""))
    if not length:
        return _damaged(window, lie, window.find_record(body), "bad_length")
    size = int(length[0])
    end = body + size
    whole = window.fill(end) if size <= limit else window.skip(end)
    early = window.record_start(body, end)
    if early is not None:
        return lie, early
    if not whole:
        ending = "bad_length" if window.compressed else "truncated_record"
        return _damaged(window, lie._replace(problem=ending), window.find_record(body), "bad_length")
    after = _end_of_record(window, end)
    if after is None:
        return _damaged(window, lie, window.find_record(body), "bad_length")
    alone = window.at_start(start) and window.blank(after) == window.end
    if alone and not window.fill(window.end + 1) and window.tore(offset):
        return _damaged(window, lie, None, "bad_length")
    if fields.get(b"warc-type", b"").lower() not in wanted:
        return Frame(offset, fields, b"", None, sample), after
    if size > limit:
        return Frame(offset, fields, None, "record_too_large", sample), after
    return Frame(offset, fields, window.take(body, end), None, sample), after


def _damaged(window: Window, frame: Frame, following: int | None, problem: str) -> tuple[Frame, int]:
    """A frame with `problem` where a record follows; else with the problem of the break that it fell to, or its own."""
    if following is not None:
        return frame._replace(problem=problem), following
    if window.torn:
        return frame._replace(problem=window.broken.problem), window.resume()
    return frame, window.end


def _end_of_record(window: Window, end: int) -> int | None:
    """The position after a record whose block ends at `end`, None where no record ends there."""
    ending = window.syntax.ending
    window.fill(end + len(ending))
    if ending and window.buffer.startswith(ending, end - window.base):
        return end + len(ending)
    after = window.blank(end)
    return after if after == window.end or window.looks_at(after) or window.at_start(after) else None
