"""Source files → raw shards: every record that a reader finds, and every damaged span, as a row."""

from __future__ import annotations

import os
from collections.abc import Sequence

from corpus import keys
from corpus.errors import MissingFile
from corpus.results import SourceFile
from corpus.sources.ingest import Ingest
from corpus.sources.listing import check_source, list_files, pin
from pipelines.config.load import Build
from pipelines.config.sources import SourceOf
from pipelines.step import Items, Line, Result


def stage(line: Line, build: Build) -> Result:
    with line.stage("ingest"):
        return ingest(line, build, build.sources, "ingest")


def ingest(line: Line, build: Build, sources: Sequence[SourceOf], name: str) -> Result:
    """One task a file; a file that moved or was renamed keeps its key, one that changed does not."""
    bodies, files = [], []
    for source in sources:
        where = f"{build.where}: {source.where}.files"
        try:
            urls = list_files(source.patterns, build.base)
        except MissingFile as error:
            raise MissingFile(error.path, where, str(error).partition("; ")[2]) from None
        check_source(source.reader, urls, where)
        for url in urls:
            body = Ingest(source.reader, source.name, shard_records=source.shard_records, licence=source.licence)
            bodies.append(body)
            files.append(pinned(line, url))
    return line.bodies(name, bodies, {"file": Items("sources", "file", tuple(files))})


def pinned(line: Line, url: str) -> SourceFile:
    """The file's digest; for a file of this machine that kept its name, size and time, as it was last read.

    Of a file that changes while it is read nothing is kept: its digest is that of no moment, and reading it by that fails.
    """
    if "://" in url:
        return pin(url)
    before = _size_and_time(url)
    path = f"pins/{keys.key_of([url, *before])}.json"
    known = line.store.read_json(path)
    if known is not None:
        return SourceFile(url, known["digest"], before[0])
    found = pin(url)
    if line.may_write and _size_and_time(url) == before:
        line.store.write_json(path, {"digest": found.digest})
    return found


def _size_and_time(path: str) -> tuple[int, int]:
    stat = os.stat(path)
    return stat.st_size, stat.st_mtime_ns
