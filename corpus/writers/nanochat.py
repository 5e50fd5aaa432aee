"""Text Parquet as nanochat reads it: one column, row groups that ranks stride over. The trainer tokenizes for itself, so
token ids, ids and cells are given up; the file name that sorts last is its validation set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.operators import Writer
from corpus.registry import register

SCHEMA = pa.schema([("text", pa.large_string())])
ROW_GROUP = 1024


@register("writer", "nanochat")
@dataclass(frozen=True)
class Nanochat(Writer):
    """`shard_00000.parquet`: `text` only, row groups of 1024, zstd level 3, no dictionary, no statistics. Source: nanochat's
    data set contract (dev/repackage_data_reference.py).
    """

    needs_text: ClassVar[bool] = True

    def write(self, rows: pa.Table, folder: Path, shard: int) -> list[str]:
        name = f"shard_{shard:05d}.parquet"
        with pq.ParquetWriter(folder / name, SCHEMA, compression="zstd", compression_level=3, store_schema=False,
                              use_dictionary=False, write_statistics=False) as writer:
            if rows.num_rows:
                writer.write_table(rows.select(["text"]).cast(SCHEMA), row_group_size=ROW_GROUP)
        return [name]

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """Column text."""
        return pq.read_table(folder / files[0], partitioning=None)
