"""Sources of a build file: their files, and the reader that their names ask for."""

from __future__ import annotations

import os
from dataclasses import dataclass

from corpus import registry
from corpus.errors import ConfigError
from corpus.operators import Reader
from pipelines.config import schema
from pipelines.config.make import make_operator
from pipelines.config.places import check_protocols, rooted

READERS = {
    ".warc": "warc", ".wet": "warc", ".arc": "arc", ".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet",
}  # fmt: skip


@dataclass(frozen=True)
class SourceOf:
    """A source, ready to read; `where` is its place in the build file."""

    where: str
    name: str
    patterns: tuple[str, ...]
    reader: Reader
    shard_records: int
    licence: str | None = None


def reader_for(files: list[str], spec: schema.Spec | None, where: str, base: str) -> Reader:
    if spec is not None:
        return make_operator("reader", spec, f"{where}.reader", base)
    kinds = set()
    for name in files:
        stem = name.lower()
        for packed in (".gz", ".zst", ".zstd"):
            stem = stem.removesuffix(packed)
        kinds.add(READERS.get(os.path.splitext(stem)[1]))
    if len(kinds) != 1 or None in kinds:
        raise ConfigError(
            f"{where}.reader",
            f"cannot be told from {', '.join(files)}",
            f"{{use: NAME}} with one of {', '.join(registry.names('reader'))}",
        )
    return make_operator("reader", kinds.pop(), f"{where}.reader", base)


def source_of(name: str, files: str | list[str], reader: schema.Spec | None, records: int, where: str,
              base: str, licence: str | None = None) -> SourceOf:
    listed = [files] if isinstance(files, str) else files
    if not listed:
        raise ConfigError(f"{where}.files", "is empty", "one path, glob or URL, or a list of them")
    for url in listed:
        check_protocols(url, f"{where}.files")
    reads = reader_for(listed, reader, where, base)
    return SourceOf(where, name, tuple(rooted(f, base) for f in listed), reads, records, licence)
