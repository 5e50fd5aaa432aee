"""One file of a source → shards of raw records. Where the cuts between shards fall depends on the records alone.

A key says which content was read, so a file that is not what it was pinned as gives no result. That costs one more read
of it, after the reader's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from corpus.errors import StepError
from corpus.operators import Reader
from corpus.registry import register
from corpus.sources.listing import unchanged
from corpus.sources.rows import regroup, skipped
from corpus.tasks import Body, TaskIO


@register("body", "ingest", version=2)
@dataclass(frozen=True)
class Ingest(Body):
    """Reads the file of the input `file`; writes `raw`: shards of at most `shard_records` rows and `shard_bytes` of payload.

    Counts `records`, every problem by its name, and what gave no row as `skipped_` and what it was. Raises StepError where
    the file is no longer what its digest says.
    """

    reader: Reader
    source: str
    shard_records: int = 1024
    shard_bytes: int = 64 << 20

    def run(self, io: TaskIO) -> None:
        for shard in regroup(self._counted(io), self.shard_records, self.shard_bytes):
            io.write("raw", shard)
        if not unchanged(io.file()):
            raise StepError(io.task.step, f"{io.file().url} changed while it was being read", io.task.key)

    def _counted(self, io: TaskIO) -> Iterator[pa.Table]:
        for table in self.reader.read(io.file().url, self.source):
            io.count("records", table.num_rows)
            io.count_reasons(table.column("problem"))
            for what, n in skipped(table).items():
                io.count(f"skipped_{what}", n)
            yield table
