"""The sidecar of every format: which document stands behind any token of a shard. All formats of a shard carry one stream,
so one table serves them all. Given up: documents without tokens, which stand behind none.
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
from corpus.writers.records import shown_strings
from corpus.writers.stream import Stream

#: One row a piece of a document, in stream order. `offset` is its first token's place in the shard's stream, `begin` that
#: token's place in the document; `id` is base32.
SIDECAR = pa.schema([
    ("sequence", pa.int64()),
    ("offset", pa.int64()),
    ("length", pa.int64()),
    ("begin", pa.int64()),
    ("id", pa.string()),
    ("url", pa.string()),
    ("source", pa.string()),
    ("cell", pa.string()),
    ("copy", pa.int32()),
    ("phase", pa.int32()),
    ("style", pa.string()),
    ("cluster_id", pa.int64()),
])

#: Rows read to find one token.
ROW_GROUP = 1 << 14


@register("writer", "index")
@dataclass(frozen=True)
class Index(Writer):
    """`shard_00000.parquet`, one row a piece of a document (`SIDECAR`); `offset` ascends, and each row group says from where
    to where, so a token is found by reading one of them.
    """

    needs_ids: ClassVar[bool] = False

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        name, pieces, rows = f"shard_{shard:05d}.parquet", stream.pieces, stream.rows
        with pq.ParquetWriter(folder / name, SIDECAR, compression="zstd", compression_level=3,
                              use_dictionary=["source", "cell", "style"]) as writer:
            some = pieces["length"] > 0
            at = {name: pieces[name][some] for name in ("row", "sequence", "at", "length", "begin")}
            for start in range(0, len(at["row"]), ROW_GROUP):
                part = {name: values[start : start + ROW_GROUP] for name, values in at.items()}
                documents = rows.take(pa.array(part["row"]))
                columns = {"sequence": part["sequence"], "offset": part["at"], "length": part["length"],
                           "begin": part["begin"], "id": shown_strings(documents.column("id"))}
                columns |= {name: documents.column(name) for name in SIDECAR.names if name not in columns}
                writer.write_table(pa.table(columns, SIDECAR), row_group_size=ROW_GROUP)
        return [name]

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """The sidecar's own columns: it holds no tokens."""
        return pq.read_table(folder / files[0], partitioning=None)
