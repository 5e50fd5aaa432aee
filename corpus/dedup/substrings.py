"""Repeated substrings, found by the published suffix-array tool: its input written, its answer read.

The tool (Lee et al. 2022, "Deduplicating Training Data Makes Language Models Better": `deduplicate-text-datasets` and what
was forked from it) takes one file of bytes in which each document follows a separator, `ff ff` and the document's number
from 1 as four little-endian bytes, and a `.size` file, where each starts and the last ends as 64-bit numbers. Its `collect`
prints ranges of bytes to remove, after a line `out`. Here texts go in as UTF-8, never as tokens, so a range cuts text
wherever it likes; spans are what is left of it in whole characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

_MARK = b"\xff\xff"                                 # in no UTF-8 text
SEPARATOR = len(_MARK) + 4

#: Places [start, end) in characters of each text, in order and apart.
SPANS = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))


def export(texts: Iterable[pa.Array | pa.ChunkedArray], path: Path) -> int:
    """Writes columns of texts, one after the other, as the tool's `path` and `path`.size; returns how many texts.

    A null is an empty text. Raises ValueError for more texts than a separator can number.
    """
    sizes = [0]
    with open(path, "wb") as out:
        for column in texts:
            for text in column.to_pylist():
                body = (text or "").encode()
                if len(sizes) >> 32:
                    raise ValueError("the tool numbers at most 2^32 - 1 texts")
                out.write(_MARK + len(sizes).to_bytes(4, "little") + body)
                sizes.append(sizes[-1] + SEPARATOR + len(body))
    size_file(path).write_bytes(np.array(sizes, "<u8").tobytes())
    return len(sizes) - 1


def size_file(path: Path) -> Path:
    """Where the sizes of a file of texts are."""
    return path.with_name(path.name + ".size")


def read_ranges(path: Path) -> np.ndarray:
    """(r, 2) int64: the byte ranges of what `collect` printed, sorted. Raises ValueError naming the line that is none."""
    lines = path.read_text().splitlines()
    start = next((i for i, line in enumerate(lines) if line.strip() == "out"), None)
    if start is None:
        raise ValueError(f"{path} has no line 'out': it is not what `collect` prints, or that stopped early")
    found = []
    for number, line in enumerate(lines[start + 1 :], start + 2):
        words = line.split()
        if len(words) != 2 or not all(w.isdecimal() for w in words) or int(words[0]) > int(words[1]):
            raise ValueError(f"{path} line {number}: {line!r} is no range; expected two byte offsets")
        found.append((int(words[0]), int(words[1])))
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def spans(texts: Iterable[pa.Array | pa.ChunkedArray], path: Path, ranges: np.ndarray) -> Iterator[pa.Array]:
    """For each of the columns that `export` wrote to `path`, in the same order, the spans (`SPANS`) of its texts that lie in
    the ranges: no separator, no part of a character, ranges that touch joined. ranges: (r, 2), sorted.
    """
    sizes = np.fromfile(size_file(path), "<u8").astype(np.int64)
    merged = _merge(ranges)
    first = 0
    for column in texts:
        rows: list[list[dict[str, int]]] = []
        for at, text in enumerate(column.to_pylist(), first):
            if at + 1 >= len(sizes) or sizes[at + 1] - sizes[at] - SEPARATOR != len(body := (text or "").encode()):
                raise ValueError(f"text {at} is not the one that was exported to {path}")
            rows.append(_of_text(body, merged, int(sizes[at]) + SEPARATOR, int(sizes[at + 1])))
        first += len(rows)
        yield pa.array(rows, SPANS)


def cut(texts: Sequence[str], found: pa.Array) -> list[str]:
    """Texts without their spans."""
    out = []
    for text, row in zip(texts, found.to_pylist(), strict=True):
        edges = [0, *(edge for span in row for edge in (span["start"], span["end"])), len(text)]
        out.append("".join(text[a:b] for a, b in zip(edges[::2], edges[1::2])))
    return out


def _merge(ranges: np.ndarray) -> np.ndarray:
    """Sorted ranges with those that overlap or touch as one, and none that is empty."""
    ranges = ranges[ranges[:, 0] < ranges[:, 1]]
    if not len(ranges):
        return ranges
    reach = np.maximum.accumulate(ranges[:, 1])
    opens = np.r_[True, ranges[1:, 0] > reach[:-1]]
    starts = np.flatnonzero(opens)
    return np.column_stack((ranges[starts, 0], reach[np.r_[starts[1:], len(ranges)] - 1]))


def _of_text(body: bytes, merged: np.ndarray, start: int, end: int) -> list[dict[str, int]]:
    """Spans of the text whose bytes are at [start, end) of the file."""
    lo, hi = np.searchsorted(merged[:, 1], start, "right"), np.searchsorted(merged[:, 0], end, "left")
    if lo >= hi:
        return []
    begins = np.flatnonzero((np.frombuffer(body, np.uint8) & 0xC0) != 0x80)      # the first byte of each character
    inside = np.clip(merged[lo:hi], start, end) - start
    first = np.searchsorted(begins, inside[:, 0], "left")                         # a character that is cut stays
    past = np.searchsorted(np.append(begins, len(body)), inside[:, 1], "right") - 1
    return [{"start": int(a), "end": int(b)} for a, b in zip(first, past) if a < b]
