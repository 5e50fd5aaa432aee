"""Classifiers outside a build: labelled files → model folders, files of documents → a file of scores. Folders and files
are put in place whole or not at all.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import MissingFile, UserError
from corpus.operators import Batch
from corpus.quality import labels, model, train
from corpus.quality.prepare import Preparation
from corpus.quality.signal import TextClassifier
from corpus.sources.inflate import Break
from corpus.sources.jsonl import TooLong, lines

MAX_RECORD = 64 << 20
ROWS = 1024
JSONL = (".jsonl", ".json", ".ndjson")
COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}


def train_files(files: Sequence[str], out: str, fields: labels.Fields, preparation: Preparation, options: train.Options,
                overwrite: bool = False) -> list[dict[str, Any]]:
    """Trains a classifier for each dimension; returns what their model.json say. `out` is the folder of the only one, or
    holds one folder a dimension.
    """
    for file in files:
        _exists(file)
        if _suffix(file)[0] not in JSONL:
            raise UserError(f"{file}: labels are read from .jsonl, .jsonl.gz and .jsonl.zst")
    target = Path(out)
    if target.exists() and not (overwrite and _is_ours(target)):
        remedy = "--overwrite replaces it" if _is_ours(target) else "it is not a model of this command: name another folder"
        raise UserError(f"--out {out}: is there already; {remedy}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as temporary:
        made = Path(temporary) / "model"
        found = labels.read(_labelled(files), fields, preparation, Path(temporary) / "spool")
        train.check(found, options)
        cards = []
        for of in found.examples:
            folder = made if len(found.examples) == 1 else made / of.dimension
            folder.mkdir(parents=True)
            cards.append(train.train(found, of, options, preparation, folder))
        if target.exists():
            os.rename(target, Path(temporary) / "old")
        os.rename(made, target)
    return cards


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and ((folder / model.CARD).is_file() or any(folder.glob(f"*/{model.CARD}")))


def _labelled(files: Sequence[str]) -> Iterator[bytes | str]:
    for file in files:
        for _, line in _json_lines(file):
            yield line


def _json_lines(file: str) -> Iterator[tuple[int, bytes | str]]:
    """(line number, its bytes or the reason why there are none); blank lines have no bytes."""
    with fsspec.open(file, "rb") as stream:
        for number, line in enumerate(lines(stream, MAX_RECORD)):
            yield number, ("record_too_large" if isinstance(line, TooLong) else
                           line.problem if isinstance(line, Break) else line.strip())


def score_files(models: Sequence[str], files: Sequence[str], out: str, *, text: str = "text", id_: str = "id",
                calibrated: bool = False, **options: Any) -> dict[str, Any]:
    """Writes one row a record of the files (file, row, id, reason, then each classifier's columns), in their order; returns
    counts. models: folders or fastText files. options: of `TextClassifier`. Nothing is scored where `reason` says why not.
    """
    signals = {}
    for given in models:
        for dimension, path in model.folders(given).items():
            if dimension in signals:
                raise UserError(f"two models are of the dimension '{dimension}': {signals[dimension].model} and {path}")
            signals[dimension] = TextClassifier(path, dimension, calibrated, **options)
    for file in files:
        _exists(file)
        if _suffix(file)[0] not in (*JSONL, ".parquet"):
            raise UserError(f"{file}: documents are read from .jsonl, .jsonl.gz, .jsonl.zst and .parquet")
    if _suffix(out)[0] not in (".jsonl", ".parquet"):
        raise UserError(f"--out {out}: scores are written as .jsonl, .jsonl.gz, .jsonl.zst or .parquet")
    head = pa.schema([("file", pa.string()), ("row", pa.int64()), ("id", pa.string()), ("reason", pa.string())])
    schema = pa.schema([*head, *(field for signal in signals.values() for field in signal.schema())])
    counts: Counter[str] = Counter()
    said: dict[str, Counter[str]] = {d: Counter() for d in signals}
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    part = f"{out}.part"
    try:
        with _Sink(part, out, schema) as sink:
            for rows in _documents(files, text, id_):
                batch = Batch(rows)
                columns = {name: rows.column(name) for name in head.names}
                for dimension, signal in signals.items():
                    with signal.open() as opened:
                        found = opened.annotate(batch)
                    columns |= {name: found.column(name) for name in found.column_names}
                    name = f"{dimension}.label" if f"{dimension}.label" in found.column_names else dimension
                    said[dimension].update(str(v) for v in found.column(name).drop_null().to_pylist())
                sink.write(pa.table(columns, schema=schema))
                counts["records"] += rows.num_rows
                counts.update(v for v in rows.column("reason").to_pylist() if v is not None)
        if counts["no_text"] and counts["no_text"] == counts["records"]:
            raise UserError(f"no record has a text in '{text}'; --text names the member or column that holds it")
        os.replace(part, out)
    finally:
        if os.path.exists(part):
            os.unlink(part)
    return {"records": counts.pop("records", 0), "reasons": dict(sorted(counts.items())),
            "labels": {d: dict(sorted(c.items())) for d, c in said.items()}, "columns": schema.names}


class _Sink:
    """Tables → Parquet or JSON Lines, by the name that the file will have."""

    def __init__(self, path: str, name: str, schema: pa.Schema) -> None:
        kind, packed = _suffix(name)
        if kind == ".parquet":
            self.out = pq.ParquetWriter(path, schema, compression="zstd")
        else:
            self.out = pa.CompressedOutputStream(path, packed) if packed else pa.OSFile(path, "wb")

    def __enter__(self) -> _Sink:
        return self

    def __exit__(self, *_: object) -> None:
        self.out.close()

    def write(self, table: pa.Table) -> None:
        if isinstance(self.out, pq.ParquetWriter):
            self.out.write_table(table)
            return
        for row in table.to_pylist():
            row = {k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}
            self.out.write(json.dumps(row).encode() + b"\n")


def _documents(files: Sequence[str], text: str, id_: str) -> Iterator[pa.Table]:
    """Tables of file, row, id, reason, text; text is null where there is a reason."""
    for file in files:
        records = _parquet_rows(file, text, id_) if _suffix(file)[0] == ".parquet" else _json_rows(file, text, id_)
        rows: list[tuple[int, str | None, str | None, Any]] = []
        for record in records:
            rows.append(record)
            if len(rows) == ROWS:
                yield _table(file, rows)
                rows = []
        if rows:
            yield _table(file, rows)


def _table(file: str, rows: list[tuple[int, str | None, str | None, Any]]) -> pa.Table:
    numbers, ids, reasons, found = zip(*rows)
    texts = [t.encode("utf-8", "replace").decode() if isinstance(t, str) else None for t in found]
    reasons = [r or ("no_text" if t is None else None if t.strip("\x00 \t\r\n\v\f") and not t.isspace() else "empty_text")
               for r, t in zip(reasons, texts)]
    return pa.table({
        "file": pa.array([file] * len(rows), pa.string()), "row": pa.array(numbers, pa.int64()),
        "id": pa.array(ids, pa.string()), "reason": pa.array(reasons, pa.string()),
        "text": pa.array([t if r is None else None for t, r in zip(texts, reasons)], pa.large_string()),
    })


def _json_rows(file: str, text: str, id_: str) -> Iterator[tuple[int, str | None, str | None, Any]]:
    for number, line in _json_lines(file):
        if isinstance(line, str):
            yield number, None, line, None
        elif line:
            try:
                record = json.loads(line.decode("utf-8", "replace"))
            except (ValueError, RecursionError):
                yield number, None, "not_json", None
                continue
            record = record if isinstance(record, dict) else {}
            yield number, _shown(record.get(id_)), None, record.get(text)


def _parquet_rows(file: str, text: str, id_: str) -> Iterator[tuple[int, str | None, str | None, Any]]:
    number = 0
    with fsspec.open(file, "rb") as stream:
        try:
            found = pq.ParquetFile(stream)
            names = found.schema_arrow.names
            if text not in names:
                raise UserError(f"{file}: has no column '{text}'; there is {', '.join(names)}")
            for batch in found.iter_batches(ROWS, columns=[text, *([id_] if id_ in names and id_ != text else [])]):
                ids = batch.column(id_).to_pylist() if id_ in batch.schema.names else [None] * batch.num_rows
                for value, own in zip(batch.column(text).to_pylist(), ids):
                    yield number, _shown(own), None, value
                    number += 1
        except (pa.ArrowInvalid, OSError) as error:
            yield number, None, "damaged_span" if number else "not_parquet", None
            if isinstance(error, OSError) and error.errno is not None:
                raise


def _shown(value: Any) -> str | None:
    """An id as text: bytes as `corpus show` prints ids."""
    if value is None or isinstance(value, (dict, list)):
        return None
    if isinstance(value, bytes):
        from corpus.document import show_id

        return show_id(value)
    return str(value).encode("utf-8", "replace").decode()


def _suffix(file: str) -> tuple[str, str | None]:
    """A file name's ending in lower case, and how it is compressed."""
    stem, packed = file.lower(), None
    for end, codec in COMPRESSED.items():
        if stem.endswith(end):
            stem, packed = stem.removesuffix(end), codec
    return os.path.splitext(stem)[1], packed


def _exists(file: str) -> None:
    fs, path = fsspec.core.url_to_fs(file)
    if not fs.exists(path):
        raise MissingFile(file)
