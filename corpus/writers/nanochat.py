"""Text Parquet as nanochat reads it: one column, row groups that ranks stride over. The trainer tokenizes for itself, so
token ids, ids and cells are given up; the file name that sorts last is its validation set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.operators import Writer
from corpus.registry import register
from corpus.writers.stream import Stream

SCHEMA = pa.schema([("text", pa.large_string())])
ROW_GROUP = 1024


@register("writer", "nanochat", version=2)
@dataclass(frozen=True)
class Nanochat(Writer):
    """`shard_00000.parquet`: `text` only, row groups of 1024, zstd level 3, no dictionary, no statistics. Where the build
    has a holdout, its texts are one file more, after the last shard's. Source: nanochat's data set contract
    (dev/repackage_data_reference.py).
    """

    needs_text: ClassVar[bool] = True
    takes_validation: ClassVar[bool] = True

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        return _write(iter([stream.rows]), folder, shard)

    def write_validation(self, texts: Iterator[pa.Table], folder: Path, shard: int) -> list[str]:
        return _write(texts, folder, shard)

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """Column text."""
        return pq.read_table(folder / files[0], partitioning=None)


def _write(tables: Iterator[pa.Table], folder: Path, shard: int) -> list[str]:
    name = f"shard_{shard:05d}.parquet"
    with pq.ParquetWriter(folder / name, SCHEMA, compression="zstd", compression_level=3, store_schema=False,
                          use_dictionary=False, write_statistics=False) as writer:
        held = SCHEMA.empty_table()
        for table in tables:
            held = pa.concat_tables([held, table.select(["text"]).cast(SCHEMA)])
            whole = held.num_rows - held.num_rows % ROW_GROUP
            if whole:
                writer.write_table(held.slice(0, whole), row_group_size=ROW_GROUP)
                held = held.slice(whole)
        if held.num_rows:
            writer.write_table(held, row_group_size=ROW_GROUP)
    return [name]
