"""Token Parquet as NVIDIA released ClimbMix (`cluster_id`, `tokens`, `token_count`), with what the release left out: which
document a row is, where it came from, its cell and which of its copies this is. Given up: nothing of the release's
columns; ids are int32 there as here, so a uint16 vocabulary takes twice the bytes before compression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.document import ID, parse_id, show_id
from corpus.operators import Writer
from corpus.registry import register

SCHEMA = pa.schema([
    ("cluster_id", pa.int64()),
    ("tokens", pa.large_list(pa.int32())),
    ("token_count", pa.int64()),
    ("id", pa.string()),
    ("url", pa.string()),
    ("source", pa.string()),
    ("cell", pa.string()),
    ("copy", pa.int32()),
])


@register("writer", "climbmix")
@dataclass(frozen=True)
class ClimbMix(Writer):
    """`shard_00000.parquet`, one row a document. Source: nvidia/Nemotron-ClimbMix, fields as in its viewer."""

    row_group_size: int = 1024

    def write(self, rows: pa.Table, folder: Path, shard: int) -> list[str]:
        name = f"shard_{shard:05d}.parquet"
        # without the Arrow schema in the file a reader sees the plain list<int32> of the release
        with pq.ParquetWriter(folder / name, SCHEMA, compression="zstd", compression_level=3, store_schema=False,
                              use_dictionary=["cluster_id", "source", "cell", "copy"]) as writer:
            for start in range(0, rows.num_rows, self.row_group_size):
                part = rows.slice(start, self.row_group_size)
                ids = pa.array([show_id(i) for i in part.column("id").to_pylist()], pa.string())
                part = part.set_column(part.column_names.index("id"), "id", ids)
                writer.write_table(part.select(SCHEMA.names).cast(SCHEMA), row_group_size=self.row_group_size)
        return [name]

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """Columns id (binary(16); null where it is not one), copy, cell, source, token_count, tokens."""
        table = pq.read_table(folder / files[0], partitioning=None)
        ids = pa.array([parse_id(i or "") for i in table.column("id").to_pylist()], ID)
        return pa.table({"id": ids, **{name: table.column(name) for name in ("copy", "cell", "source", "token_count")},
                         "tokens": table.column("tokens").cast(SCHEMA.field("tokens").type)})
