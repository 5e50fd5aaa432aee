"""The task that makes the index of a build: evaluation files in, n-grams and a table of items out."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import fsspec
import pyarrow as pa

from corpus import keys
from corpus.decontaminate.index import build_index, check
from corpus.decontaminate.items import EvalItem
from corpus.decontaminate.tasks import TaskFile, distinct, items_table, read_items
from corpus.document import ID, record_id
from corpus.errors import ConfigError, Mismatch, MissingFile
from corpus.registry import register
from corpus.tasks import Body, TaskIO


@register("body", "decontamination_index", provider="python-unicode")
@dataclass(frozen=True)
class DecontaminationIndex(Body):
    """Reads files of evaluation items (`evaluation`, in the order of `tasks`: task and label of each); writes the folder
    `index` (`corpus.decontaminate.index.Index`) and the shard `items`: id, then a row's columns, for encoders.

    fields, answer: members of a record that make the question and the answer, where the known ones would not. Counts
    `items`, those of each way they are sought in, and records without an item by reason.
    """

    tasks: tuple[tuple[str, str], ...]
    ngram: int = 13
    min_words: int = 8
    max_questions: int = 10
    fields: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(self.ngram, self.min_words, self.max_questions)

    def run(self, io: TaskIO) -> None:
        items: list[EvalItem] = []
        for (task, label), file in zip(self.tasks, io.items("evaluation"), strict=True):
            io.reading = file.url
            data = read_file(file.url)
            if keys.digest_bytes(data) != file.digest:
                raise Mismatch("", f"{file.url} has changed since it was listed")
            found, lost = parse(data, TaskFile(task, label, file.url), self.fields, self.answer)
            items += found
            for reason, n in lost.items():
                io.count(reason, n)
        items = distinct(items)
        index = build_index(items, self.ngram, self.min_words, self.max_questions)
        with io.new_folder("index") as (folder, about):
            index.save(folder)
            about |= {"items": index.items.num_rows, "ngrams": len(index.grams), "sought": index.sought}
        table = items_table(items)
        ids = [record_id(t, i.encode()) for t, i in zip(*(table.column(c).to_pylist() for c in ("task", "item")))]
        io.write("items", table.add_column(0, pa.field("id", ID), pa.array(ids, ID)))
        io.count("items", len(items))
        for way, n in index.sought.items():
            io.count(way, n)


def collect(files: Iterable[TaskFile], fields: Sequence[str] = (), answer: Sequence[str] = ()) -> list[EvalItem]:
    """The items of some files, each once a task: what `build_index` takes, for use outside a build."""
    return distinct([item for file in files for item in parse(read_file(file.url), file, fields, answer)[0]])


def read_file(url: str) -> bytes:
    try:
        with fsspec.open(url, "rb") as stream:
            return stream.read()
    except (FileNotFoundError, IsADirectoryError):
        raise MissingFile(url) from None


def parse(
    data: bytes, file: TaskFile, fields: Sequence[str], answer: Sequence[str]
) -> tuple[list[EvalItem], dict[str, int]]:
    """`read_items`; names the file where it cannot be read or holds nothing: an empty set finds nothing, and silently."""
    try:
        items, lost = read_items(data, file.task, file.label, fields, answer)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise ConfigError(file.url, f"cannot be read ({error})", "JSONL, Parquet or Arrow, whole") from None
    if not items:
        raise ConfigError(file.url, "holds no evaluation item", "one JSON object a line, with its question")
    return items, lost
