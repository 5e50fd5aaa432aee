"""Decontamination of files outside a build, and the audit of either: documents and items brought together, and laid out."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.decontaminate.audit import Audited, Auditor
from corpus.decontaminate.collect import collect
from corpus.decontaminate.index import Index, build_index
from corpus.decontaminate.items import EvalItem
from corpus.decontaminate.measure import CONTAMINATION, measure
from corpus.decontaminate.tasks import task_files
from corpus.document import ID, show_id
from corpus.errors import ConfigError, MissingFile, UserError

_BATCH = 1024


@dataclasses.dataclass(frozen=True)
class Options:
    """What to look for, and how. against: files of items or olmo:NAME; fields, answer: members of their records."""

    against: tuple[str, ...]
    ngram: int = 13
    min_words: int = 8
    max_questions: int = 10
    fields: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()
    bound: float = 0.5

    def load(self) -> tuple[list[EvalItem], Index]:
        items = collect(task_files(self.against, where="--against"), self.fields, self.answer)
        return items, build_index(items, self.ngram, self.min_words, self.max_questions)


def check_files(files: Sequence[str], options: Options, text: str = "text", out: str | None = None) -> dict[str, Any]:
    """Measures each document of some files; what was found as a summary, and row by row in `out` (.parquet or .jsonl)."""
    documents, lost, over = 0, 0, []
    tasks: dict[str, int] = {}
    with _Rows(out) if out else contextlib.nullcontext() as writer:        # first: a path that cannot be written is known
        items, index = options.load()
        for batch, refused in read_documents(files, text):
            lost += refused
            measured = measure(batch.column("text"), index)
            documents += batch.num_rows
            for d, score in enumerate(measured.column("contamination.score").to_pylist()):
                if score > options.bound:
                    over.append(_shown(batch, measured, d))
                    for entry in measured.column("contamination.tasks")[d].as_py():
                        if entry["score"] > options.bound:
                            tasks[entry["task"]] = tasks.get(entry["task"], 0) + 1
            if writer:
                rows = batch.drop_columns(["text"])
                for name in measured.column_names:
                    rows = rows.append_column(measured.schema.field(name), measured.column(name))
                writer.write(rows)
        if lost and not documents:
            raise ConfigError("--text", f"no record has a text in '{text}'", "the member or column that holds it")
    over.sort(key=lambda row: (-row["score"], row["id"]))
    return {"documents": documents, "without_text": lost, "items": len(items), "sought": index.sought,
            "bound": options.bound, "flagged": len(over), "tasks": dict(sorted(tasks.items())), "found": over}


def audit(target: Sequence[str], options: Options, out: str, text: str = "text", sample: int = 50, seed: int = 0,
          copies: int = 4) -> dict[str, Any]:
    """Audits a build's documents or those of some files; writes sample.jsonl, estimates.json and audit.html into `out`."""
    from pipelines.report.decontamination import page

    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written: {error.strerror}") from None
    batches = _of_build(target[0]) if _is_build(target) else (b for b, _ in read_documents(target, text))
    items, index = options.load()
    auditor = Auditor(items, index, options.bound, sample, seed, copies)
    for batch in batches:
        auditor.add(batch)
    audited = auditor.result()
    summary = summarise(audited, options, index, seed, copies)
    lines = [json.dumps(row | {"excerpt": "".join(f"⟦{t}⟧" if m else t for t, m in row["excerpt"])}, ensure_ascii=False)
             for row in audited.sample]
    (folder / "sample.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    (folder / "estimates.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    (folder / "audit.html").write_text(page(audited, summary), encoding="utf-8")
    return summary


def summarise(audited: Audited, options: Options, index: Index, seed: int, copies: int) -> dict[str, Any]:
    """An audit without its sample, as JSON."""
    tasks = [{"task": e.task, "items": e.items, "flagged": e.flagged, "precision": e.precision and e.precision[0],
              "precision_low": e.precision and e.precision[1],
              **{kind: dict(zip(("expected", "low", "high"), found)) for kind, found in e.chance.items()}}
             for e in audited.estimates]
    return {"documents": audited.documents, "flagged": audited.flagged, "sampled": len(audited.sample), "seed": seed,
            "copies": copies, "bound": options.bound, "ngram": options.ngram, "sought": index.sought, "tasks": tasks}


def read_documents(files: Sequence[str], text: str = "text") -> Iterator[tuple[pa.Table, int]]:
    """Documents of JSONL, WET or Parquet files in batches (id, url, text), and how many records gave none."""
    from corpus.extract.plain import Plain
    from corpus.registry import lookup
    from corpus.sources.listing import list_files
    from pipelines import operators
    from pipelines.config.sources import READERS

    operators.load()
    for url in list_files(files, os.getcwd()):
        stem = url.lower().removesuffix(".gz").removesuffix(".zst")
        kind = READERS.get(os.path.splitext(stem)[1])
        if kind is None:
            raise ConfigError(url, "is of no kind that is read here", "files ending in " + ", ".join(READERS))
        reader = lookup("reader", kind)(**({} if kind == "warc" else {"text": text}))
        for raw in reader.read(url, "files"):
            found = Plain().extract(raw)
            table = pa.table({"id": raw.column("id").cast(ID), "url": raw.column("url"), "text": found.column("text")})
            kept = table.filter(table.column("text").is_valid())
            yield kept, table.num_rows - kept.num_rows


def _is_build(target: Sequence[str]) -> bool:
    return len(target) == 1 and target[0].endswith((".yaml", ".yml"))


def _of_build(path: str) -> Iterator[pa.Table]:
    """The documents that the build's filter read."""
    from pipelines.config.load import load_build
    from pipelines.view import View

    view = View(load_build(path))
    shards = view.shards("edit", "documents") or view.shards("extract", "documents")
    if not shards:
        raise MissingFile(view.store.full(view.folder), remedy=f"build it first: corpus build {path}")
    for shard in shards:
        rows = view.store.read_shard(shard, ["id", "url", "text"])
        for start in itertools.takewhile(lambda n, rows=rows: n < rows.num_rows, itertools.count(0, _BATCH)):
            yield rows.slice(start, _BATCH)


def _shown(batch: pa.Table, measured: pa.Table, d: int) -> dict[str, Any]:
    own = {name.removeprefix("contamination."): measured.column(name)[d].as_py() for name in measured.column_names}
    return {"id": show_id(batch.column("id")[d].as_py()), "url": batch.column("url")[d].as_py(), **own}


class _Rows:
    """A file of rows, .parquet or .jsonl, taken over under its name when it is whole."""

    def __init__(self, path: str) -> None:
        if not path.endswith((".parquet", ".jsonl")):
            raise ConfigError("--out", path, "a file that ends in .parquet or .jsonl")
        self.path, self._part = path, path + ".part"
        try:
            self._file = open(self._part, "wb")
        except OSError as error:
            raise UserError(f"--out {path}: cannot be written: {error.strerror}") from None
        schema = pa.schema([("id", ID), ("url", pa.string()), *CONTAMINATION])
        self._parquet = pq.ParquetWriter(self._file, schema) if path.endswith(".parquet") else None

    def write(self, rows: pa.Table) -> None:
        if self._parquet:
            self._parquet.write_table(rows)
            return
        for row in rows.to_pylist():
            row["id"] = show_id(row["id"])
            self._file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def __enter__(self) -> _Rows:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._parquet:
            self._parquet.close()
        self._file.close()
        if kind is None:
            os.replace(self._part, self.path)
        else:
            os.remove(self._part)
