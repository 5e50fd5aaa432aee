"""A source file's beginning: whether it is what its name says, and which of its columns hold the text and what tells
records apart. What it gives up: a file whose first records are unlike the others is described by the first.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from corpus.errors import UserError

SAMPLE = 32  # records that are looked at
TABLES = 16  # tables that the reader may give before one of its records is of use
TEXTS = ("text", "content", "raw_content", "body", "document")
OTHERS = ("id", "url", "date")
SENTENCE = 25  # mean characters of a column that may be the text though its name does not say so


@dataclass(frozen=True)
class Look:
    """The reader that reads a file, its options, and the ids that the first records bring."""

    reader: str
    options: tuple[tuple[str, str], ...]
    ids: tuple[Any, ...] = ()


def unpacked(name: str) -> str:
    """A file's name in lower case, without what compression adds."""
    stem = name.lower()
    for packed in (".gz", ".zst", ".zstd"):
        stem = stem.removesuffix(packed)
    return stem


def look(file: str) -> Look:
    """Raises UserError where the file is not what its name says, or where none of its first records gives a text."""
    from pipelines.config.sources import READERS

    reader = READERS.get(os.path.splitext(unpacked(file))[1])
    if reader is None:
        raise UserError(f"{file}: its name ends in none of {', '.join(READERS)} (with .gz or .zst behind it, or not)")
    try:
        found = Look(reader, ()) if reader == "warc" else _columns(file, reader)
        _try(file, found)
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from None
    return found


def _columns(file: str, reader: str) -> Look:
    records = _json_records(file) if reader == "jsonl" else _parquet_records(file)
    names = list(dict.fromkeys(name for record in records for name in record))
    texts = {name: [r[name] for r in records if isinstance(r.get(name), str) and r[name].strip()] for name in names}
    text = max((n for n in TEXTS if texts.get(n)), key=lambda n: len(texts[n]), default=None)
    if text is None:
        sizes = {n: sum(map(len, t)) / len(records) for n, t in texts.items() if t and n not in OTHERS}
        text = max(sizes, key=sizes.get, default=None)
        if text is None or sizes[text] < SENTENCE:
            raise UserError(f"{file}: no column of its first records looks like text; there is {', '.join(names) or 'none'}")
    ids = tuple(r.get("id") for r in records)
    others = [n for n in OTHERS if n in names and (n != "id" or all(isinstance(i, (str, int)) for i in ids))]
    return Look(reader, (("text", text), *((n, n) for n in others)), ids if "id" in others else ())


def _json_records(file: str) -> list[dict[str, Any]]:
    from corpus.sources.jsonl import Blanks, lines

    with open(file, "rb") as stream:
        told = (line for line in islice(lines(stream, 10 << 20), SAMPLE) if not isinstance(line, Blanks))
        first = [line for line in told if not isinstance(line, bytes) or line.strip()]
    found = [record for line in first if isinstance(line, bytes) and isinstance(record := _parsed(line), dict)]
    if found:
        return found
    if not first:
        raise UserError(f"{file}: has no records")
    if not isinstance(first[0], bytes):
        raise UserError(f"{file}: cannot be read from its beginning ({getattr(first[0], 'problem', 'record_too_large')})")
    raise UserError(f"{file}: is no JSON Lines, one object a line; its first line is {_told(first[0])}")


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _told(line: bytes) -> str:
    """A line as a person may know it again, and what it could be the beginning of."""
    from pipelines.cli.text import plain

    text = line.decode("utf-8", "replace").strip()
    shown = plain(json.dumps(text if len(text) <= 60 else text[:57] + "...", ensure_ascii=False))
    if text.startswith("["):
        return f"{shown}: a JSON array? (jq -c '.[]' FILE makes lines of it)"
    if text.startswith("{"):
        return f"{shown}: an object over several lines? (jq -c . FILE makes a line of it)"
    if "," in text or "\t" in text:
        return f"{shown}: CSV?"
    return shown


def _parquet_records(file: str) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            schema = parquet.schema_arrow
            wanted = [f.name for f in schema if _is_text(f.type) or f.name in OTHERS]
            if not any(_is_text(f.type) for f in schema):
                raise UserError(f"{file}: no column holds text; there is {', '.join(schema.names) or 'none'}")
            batch = next(parquet.iter_batches(SAMPLE, columns=wanted), None)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserError(f"{file}: is no Parquet that can be read: {str(error).splitlines()[0]}") from None
    if batch is None or not batch.num_rows:
        raise UserError(f"{file}: has no records")
    return [{name: _decoded(value) for name, value in row.items()} for row in batch.to_pylist()]


def _decoded(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _is_text(kind: Any) -> bool:
    """What the reader takes for text: see `corpus.sources.parquet`."""
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return str(kind) in ("string", "large_string", "string_view", "binary", "large_binary")


def _try(file: str, found: Look) -> None:
    """Reads the first records as the build will."""
    from corpus import registry
    from pipelines import operators

    operators.load()
    reader = registry.lookup("reader", found.reader)(**dict(found.options))
    problems: Counter[str] = Counter()
    for table in islice(reader.read(os.path.abspath(file), "source"), TABLES):
        if table.column("problem").null_count:
            return
        problems.update(table.column("problem").to_pylist())
    if not problems:
        raise UserError(f"{file}: has no records that hold a document")
    told = ", ".join(f"{reason} {n:,}" for reason, n in problems.most_common(3))
    raise UserError(f"{file}: none of its first {problems.total():,} records can be used ({told})")


def shared_ids(looks: Sequence[Look]) -> bool:
    """Whether files that shall be one source number their records alike, so that an id is no record's own."""
    seen: set[Any] = set()
    for one in looks:
        if seen & set(one.ids) or len(set(one.ids)) < len(one.ids):
            return True
        seen |= set(one.ids)
    return False
