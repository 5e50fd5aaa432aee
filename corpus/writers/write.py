"""The task that writes one drawn shard in one training format, and says what the file holds in terms that no format owns.

Every format of a shard has to carry the same stream of tokens: its digest is taken here from the drawn rows, and again
by `corpus.verify` from what each format's own reader gives back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.keys import DIGEST_BYTES
from corpus.operators import Writer
from corpus.registry import register
from corpus.tasks import Body, TaskIO


@register("body", "write")
@dataclass(frozen=True)
class WriteShard(Body):
    """`drawn` → the folder `shard`, with the files of one format; the shard's number is the task's `extra["shard"]`."""

    writer: Writer

    def run(self, io: TaskIO) -> None:
        number = io.task.extra["shard"]
        rows = io.table("drawn")
        with io.new_folder("shard") as (folder, about):
            files = self.writer.write(rows, folder, number)
            about |= {"format": self.writer.name, "shard": number, "files": list(files)} | census(rows)
        io.count("documents", rows.num_rows)
        io.count("tokens", about["tokens"])


def census(rows: pa.Table) -> dict[str, Any]:
    """What some rows hold: rows, tokens, `stream` (digest of the token stream), and [rows, tokens] by cell and by source.

    rows: columns token_count, tokens, cell, source (of `corpus.mixture.place.drawn_schema`, or what a writer reads back).
    """
    return {
        "rows": rows.num_rows,
        "tokens": pc.sum(rows.column("token_count")).as_py() or 0,
        "stream": stream_digest(rows.column("tokens")),
        "cells": _sums(rows, "cell"),
        "sources": _sums(rows, "source"),
    }


def stream_digest(tokens: pa.ChunkedArray) -> str:
    """Digest of token ids and of where documents end, whatever integers and lists hold them."""
    h = hashlib.blake2b(digest_size=DIGEST_BYTES)
    lengths = pc.list_value_length(tokens).to_numpy().astype("<i8")
    h.update(np.ascontiguousarray(lengths).tobytes())
    for chunk in tokens.chunks:
        flat = chunk.flatten().to_numpy()
        for start in range(0, len(flat), 1 << 22):
            h.update(flat[start : start + (1 << 22)].astype("<u4").tobytes())
    return h.hexdigest()


def _sums(rows: pa.Table, by: str) -> dict[str, list[int]]:
    named = pa.table({"name": pc.fill_null(rows.column(by), ""), "n": rows.column("token_count")})
    sums = named.group_by("name").aggregate([("n", "count"), ("n", "sum")]).sort_by("name").to_pylist()
    return {row["name"]: [row["n_count"], row["n_sum"]] for row in sums}
