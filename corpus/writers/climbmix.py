"""Token Parquet as NVIDIA released ClimbMix (`cluster_id`, `tokens`, `token_count`), with what the release left out: which
document a row is, where it came from, its cell, its style and which of its copies this is. Given up: sequences of several
documents, as a row of the release is one; and width: ids are int32 there as here, so a uint16 vocabulary takes twice the
bytes before compression.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import ConfigError
from corpus.operators import Operator, Writer
from corpus.registry import register
from corpus.tokens.pack import Documents, offsets_of
from corpus.writers.records import shown_strings
from corpus.writers.stream import Stream

SCHEMA = pa.schema([
    ("cluster_id", pa.int64()),
    ("tokens", pa.large_list(pa.int32())),
    ("token_count", pa.int64()),
    ("id", pa.string()),
    ("url", pa.string()),
    ("source", pa.string()),
    ("cell", pa.string()),
    ("copy", pa.int32()),
    ("style", pa.string()),
])


@register("writer", "climbmix", version=2)
@dataclass(frozen=True)
class ClimbMix(Writer):
    """`shard_00000.parquet`, one row a document. Source: nvidia/Nemotron-ClimbMix, fields as in its viewer."""

    row_group_size: int = 1024

    def check(self, tokenizer: dict[str, Any], pack: Operator) -> None:
        whole_documents(self.name, pack)

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        name = f"shard_{shard:05d}.parquet"
        # without the Arrow schema in the file a reader sees the plain list<int32> of the release
        with pq.ParquetWriter(folder / name, SCHEMA, compression="zstd", compression_level=3, store_schema=False,
                              use_dictionary=["cluster_id", "source", "cell", "copy", "style"]) as writer:
            for rows in _groups(stream, self.row_group_size):
                writer.write_table(rows, row_group_size=self.row_group_size)
        return [name]

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """Columns tokens, token_count, id, copy, cell and source."""
        table = pq.read_table(folder / files[0], partitioning=None)
        tokens = table.column("tokens").cast(SCHEMA.field("tokens").type)
        return pa.table({"tokens": tokens} | {name: table.column(name) for name in (
            "token_count", "id", "copy", "cell", "source")})


def whole_documents(name: str, pack: Operator) -> None:
    """Raises ConfigError where sequences are anything but whole documents."""
    if not isinstance(pack, Documents):
        raise ConfigError(f"shards.{name}", f"its rows are whole documents, and pack makes sequences by {pack.name}",
                          "pack: documents, or another format")


def release_rows(stream: Stream, rows: np.ndarray, ids: np.ndarray, lengths: np.ndarray) -> pa.Table:
    """Documents with the release's columns (`SCHEMA`). rows: (n,) of the stream's; ids: theirs end to end."""
    documents = stream.rows.take(pa.array(rows))
    tokens = pa.LargeListArray.from_arrays(pa.array(offsets_of(lengths)), pa.array(ids.astype(np.int32)))
    columns = {"tokens": tokens, "id": shown_strings(documents.column("id"))}
    return pa.table([columns[name] if name in columns else documents.column(name) for name in SCHEMA.names], SCHEMA)


def _groups(stream: Stream, size: int) -> Iterator[pa.Table]:
    """The shard as tables of `size` documents, from batches of about as many tokens as are gathered at once."""
    held: list[pa.Table] = []
    for first, last, ids in stream.batches():
        held.append(release_rows(stream, np.arange(first, last), ids, stream.lengths[first:last]))
        while sum(t.num_rows for t in held) >= size:
            whole = pa.concat_tables(held)
            yield whole.slice(0, size).combine_chunks()
            held = [whole.slice(size)]
    if sum(t.num_rows for t in held):
        yield pa.concat_tables(held).combine_chunks()
