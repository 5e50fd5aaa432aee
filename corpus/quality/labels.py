"""Labelled texts from JSON Lines, one record a line: what is of use, and a counted reason for whatever is not.

A label is a whole number on a scale (CLIMB's −1 to 5), or a word (`safe`), or an object of such labels, one a dimension.
Prepared lines are spooled to a file, so memory holds some fifty bytes a text. Gives up weights and several opinions on a
text: equal texts count once, and those with different labels not at all.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.backends import fasttext
from corpus.errors import ConfigError
from corpus.quality.prepare import Preparation

ORDINAL, WORDS = "ordinal", "words"
DIMENSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
LONGEST_WORD = 64
BATCH = 1024


@dataclass(frozen=True)
class Scale:
    """The whole numbers that an ordinal label may be; higher is better (advertisement: 5 is none at all)."""

    lowest: int = -1
    highest: int = 5

    def __post_init__(self) -> None:
        if not -100 <= self.lowest < self.highest <= 100:
            raise ConfigError("scale", f"{self.lowest} to {self.highest}", "two whole numbers within -100 to 100")


@dataclass(frozen=True)
class Fields:
    """Where a record has its text and its label. `dimensions`: of labels that are objects, which members (all when
    empty); of plain labels, at most one, the name of what they say.
    """

    text: str = "text"
    label: str = "label"
    dimensions: tuple[str, ...] = ()
    scale: Scale = Scale()

    @property
    def name(self) -> str:
        """The dimension of plain labels: as said, else what the member with the label is called."""
        return self.dimensions[0] if self.dimensions else "quality" if self.label == "label" else self.label


@dataclass
class Examples:
    """What one dimension is trained on: rows of the spool, each with its label.

    rows: (n,) int64, in no order that counts. labels: (n,) str. kind: `ordinal` or `words`. left_out: reason → records.
    """

    dimension: str
    kind: str
    rows: np.ndarray
    labels: np.ndarray
    left_out: Counter[str]

    @property
    def names(self) -> list[str]:
        """The labels that occur, lowest first or by name."""
        return sorted(set(self.labels.tolist()), key=int if self.kind == ORDINAL else str)


@dataclass
class LabelledTexts:
    """Spooled lines and each dimension's labels. ids: (n, 2) uint64, the digest of each prepared line."""

    spool: Path
    ids: np.ndarray
    starts: np.ndarray
    records: int
    left_out: Counter[str]
    examples: list[Examples]

    def lines(self, rows: np.ndarray) -> Iterator[str]:
        """The prepared lines of some rows, in their order."""
        with self.spool.open("rb") as stream:
            for row in rows:
                stream.seek(self.starts[row])
                yield stream.read(self.starts[row + 1] - self.starts[row]).decode()


def read(records: Iterable[bytes | str], fields: Fields, preparation: Preparation, spool: Path) -> LabelledTexts:
    """Reads labelled records. records: a line's bytes, or the reason why there is none. spool: a file to make."""
    reader = _Reader(fields, preparation)
    with spool.open("wb") as out:
        for record in records:
            reader.add(record)
            if len(reader.texts) >= BATCH:
                out.write(reader.flush())
        out.write(reader.flush())
    ids = np.frombuffer(bytes(reader.digests), "<u8").reshape(-1, 2)
    examples = [_settle(name, *found, ids, fields.scale) for name, found in sorted(reader.labels.items())]
    starts = np.r_[0, np.cumsum(np.array(reader.sizes, np.int64))]
    return LabelledTexts(spool, ids, starts, reader.records, reader.left_out, examples)


@dataclass
class _Reader:
    fields: Fields
    preparation: Preparation
    records: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)
    digests: bytearray = field(default_factory=bytearray)
    sizes: array = field(default_factory=lambda: array("q"))
    labels: dict[str, tuple[array, list[Any]]] = field(default_factory=dict)   # dimension → spool rows, raw labels
    row: int = 0

    def add(self, record: bytes | str) -> None:
        if isinstance(record, bytes) and not record.strip():
            return
        self.records += 1
        problem = record if isinstance(record, str) else self._take(record)
        if problem:
            self.left_out[problem] += 1

    def _take(self, line: bytes) -> str | None:
        try:
            found = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return "not_json"
        text = found.get(self.fields.text) if isinstance(found, dict) else None
        if not isinstance(text, str):
            return "no_text"
        if not text.strip("\x00 \t\r\n\v\f") or text.isspace():
            return "empty_text"
        label = found.get(self.fields.label)
        many, wanted = isinstance(label, dict), self.fields.dimensions
        if not many and len(wanted) > 1:
            return "no_label"
        given = label if many else {self.fields.name: label}
        given = {k: v for k, v in given.items() if v is not None and (not wanted or k in wanted)}
        if not given:
            return "no_label"
        if not all(DIMENSION.fullmatch(k) for k in given):
            return "bad_dimension_name"
        for name, value in given.items():
            rows, values = self.labels.setdefault(name, (array("q"), []))
            rows.append(self.row)
            values.append(_parsed(value))
        self.texts.append(text.encode("utf-8", "replace").decode())
        self.row += 1
        return None

    def flush(self) -> bytes:
        lines = [line.encode() for line in self.preparation(pa.array(self.texts, pa.large_string()))]
        for line in lines:
            self.digests += hashlib.blake2b(line, digest_size=16).digest()
            self.sizes.append(len(line))
        self.texts = []
        return b"".join(lines)


_NEITHER = object()


def _parsed(value: Any) -> int | str | object:
    """A label as a whole number or a word; `_NEITHER` for anything else."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else _NEITHER
    if isinstance(value, str):
        word = value.strip().removeprefix(fasttext.LABEL)
        if re.fullmatch(r"[+-]?[0-9]{1,9}", word):
            return int(word)
        if 0 < len(word) <= LONGEST_WORD and word.isprintable() and not any(c.isspace() for c in word):
            return sys.intern(word)
    return _NEITHER


def _settle(name: str, rows: array, values: list[Any], ids: np.ndarray, scale: Scale) -> Examples:
    """Says what kind of labels most are; what is of the other kind, off the scale, repeated or in dispute is left out."""
    numbers = sum(isinstance(v, int) for v in values)
    kind = ORDINAL if numbers >= sum(isinstance(v, str) for v in values) else WORDS
    left_out: Counter[str] = Counter()
    used, labels = [], []
    for row, value in zip(rows, values):
        if kind == ORDINAL and not isinstance(value, int):
            left_out["label_not_a_whole_number"] += 1
        elif kind == ORDINAL and not scale.lowest <= value <= scale.highest:
            left_out["label_off_the_scale"] += 1
        elif kind == WORDS and not isinstance(value, str):
            left_out["label_not_a_word"] += 1
        else:
            used.append(row)
            labels.append(str(value))
    where, label = np.array(used, np.int64), np.array(labels, str)
    if len(where):
        order = np.lexsort((where, ids[where, 1], ids[where, 0]))
        where, label = where[order], label[order]
        first = np.r_[True, (ids[where[1:]] != ids[where[:-1]]).any(1)]
        text = np.cumsum(first) - 1
        disputed = np.zeros(text[-1] + 1, bool)
        disputed[text[label != label[first][text]]] = True
        keep = first & ~disputed[text]
        left_out["conflicting_labels"] = int(disputed[text].sum())
        left_out["repeated_text"] = int((~first & ~disputed[text]).sum())
        where, label = where[keep], label[keep]
    return Examples(name, kind, where, label, +left_out)
