"""The tasks that write one drawn shard in one format, and what belongs to a whole format; and what they say of it, in terms
that no format owns.

Every format of a shard is written from the same rows, packed the same way, so it carries the same stream of tokens: the
digest of the stream is taken from the buffer that the format is written from, and again by `corpus.verify` from what each
format's own reader gives back. Given up: a text format's rows hold their texts, so its shard is in memory at once.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.mixture.held import cut_of
from corpus.operators import Writer
from corpus.registry import register
from corpus.results import Folder
from corpus.tasks import Body, TaskIO
from corpus.tokens.pack import Documents, Pack
from corpus.writers.gather import opened
from corpus.writers.stream import Stream


@register("body", "write", version=2)
@dataclass(frozen=True)
class WriteShard(Body):
    """`drawn` → the folder `shard`, with the files of one format; the shard's number is the task's `extra["shard"]`.

    Reads `tokenizer`; and where the format holds ids, `where` beside `drawn`, and of all folders `ids` those that it names.
    shard_tokens: documents of more tokens than this are written whole and counted as long; 0 counts none.
    """

    writer: Writer
    pack: Pack = Documents()
    shard_tokens: int = 0

    def run(self, io: TaskIO) -> None:
        number = io.task.extra["shard"]
        with self._stream(io) as stream, io.new_folder("shard") as (folder, about):
            about |= write_stream(self.writer, stream, folder, number)
            long = pc.sum(pc.greater(stream.rows.column("token_count"), self.shard_tokens)).as_py() or 0
            about["long_documents"] = long if self.shard_tokens else 0
        io.count("documents", about["rows"])
        io.count("tokens", about["tokens"])
        io.count("long_documents", about["long_documents"])
        io.count("cut_tokens", about["cut_tokens"])
        io.count("padded_tokens", about["padded_tokens"])

    @contextlib.contextmanager
    def _stream(self, io: TaskIO) -> Iterator[Stream]:
        (folder,) = io.items("tokenizer")
        assert isinstance(folder, Folder)
        dtype, eos = np.dtype(folder.about["dtype"]), folder.about["eos_id"]
        rows = io.table("drawn")
        packing = self.pack.plan(rows.column("token_count").to_numpy())
        if self.writer.needs_text or not self.writer.needs_ids:
            yield Stream(rows, packing, dtype, None, eos)
            return
        where = io.table("where")
        if where.num_rows != rows.num_rows:
            raise ValueError("'where' is not aligned with 'drawn'")
        folders = [item for item in io.items("ids") if isinstance(item, Folder)]
        with opened(io.task.store, folders, where, dtype) as ids:
            io.reading = "ids"
            yield Stream(rows, packing, dtype, ids, eos)


@register("body", "finish_format")
@dataclass(frozen=True)
class FinishFormat(Body):
    """All `shards` of a format → the folder `finish`, with the files that are of the format and of no one shard; none where
    there are no such files. Reads, where they are there, the tables `holdout` (column text): documents held out, for a
    format that has a place for them.
    """

    writer: Writer

    def run(self, io: TaskIO) -> None:
        told = sorted((f.about for f in io.items("shards") if isinstance(f, Folder)), key=lambda about: about["shard"])
        files = self.writer.finish(told)
        validates = self.writer.takes_validation and bool(io.items("holdout"))
        if not files and not validates:
            return
        with io.new_folder("finish") as (folder, about):
            about["format"] = self.writer.name
            for name, data in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
            if validates:
                past = told[-1]["shard"] + 1 if told else 0
                self.writer.write_validation(io.tables("holdout", ["text"]), folder, past)


def write_stream(writer: Writer, stream: Stream, folder: Path, shard: int) -> dict[str, Any]:
    """Writes a shard into an empty folder and says what it is. `stream` of what it says is the digest of the token stream,
    None where the format holds no ids.
    """
    files = list(writer.write(stream, folder, shard))
    rows, packing = stream.rows, stream.packing
    phase = rows.column("phase") if "phase" in rows.column_names else []
    return {
        "format": writer.name,
        "shard": shard,
        "phase": phase[0].as_py() if len(phase) else 0,
        "files": files,
        "rows": rows.num_rows,
        "sequences": len(stream.lengths),
        "tokens": stream.tokens,
        "stream": stream.digest if writer.needs_ids and not writer.needs_text else None,
        "cells": sums(rows, "cell"),
        "sources": sums(rows, "source"),
        "cut_tokens": packing.cut_tokens,
        "padded_tokens": packing.padded_tokens,
        "cut": cut_of(rows, packing.pieces) if packing.cut_tokens else {"cells": {}, "sources": {}},
        "extra": json.loads(json.dumps(writer.describe(folder, files))),
    }


def sums(rows: pa.Table, by: str) -> dict[str, list[int]]:
    """[documents, tokens] by the values of a column; rows without one are named "". rows: column token_count too."""
    if by not in rows.column_names:
        return {}
    named = pa.table({"name": pc.fill_null(rows.column(by), ""), "n": rows.column("token_count")})
    found = named.group_by("name").aggregate([("n", "count"), ("n", "sum")]).sort_by("name").to_pylist()
    return {row["name"]: [row["n_count"], row["n_sum"]] for row in found}
