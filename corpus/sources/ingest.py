"""One file of a source → shards of raw records. Where the cuts between shards fall depends on the records alone.

A key says which content was read, so a file that is not what it was pinned as gives no result. That costs one more read
of it, after the reader's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus import ghosts
from corpus.document import RAW
from corpus.errors import StepError
from corpus.keys import digest_bytes
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
    the file is no longer what its digest says. licence: of the source as a whole, as the member `licence` of each record's
    `fields` where that states none. A record that was purged from the store, by its id or its bytes, comes
    without its payload, its problem `removed`; no key says so, as it is what a purge makes of a shard that is there.
    """

    reader: Reader
    source: str
    shard_records: int = 1024
    shard_bytes: int = 64 << 20
    licence: str | None = None

    def run(self, io: TaskIO) -> None:
        gone = ghosts.purged(io.task.store)
        for shard in regroup(self._counted(io), self.shard_records, self.shard_bytes):
            io.write("raw", shard if gone is None else without(shard, gone["documents"]))
        if not unchanged(io.file()):
            raise StepError(io.task.step, f"{io.file().url} changed while it was being read", io.task.key)

    def _counted(self, io: TaskIO) -> Iterator[pa.Table]:
        for table in self.reader.read(io.file().url, self.source):
            io.count("records", table.num_rows)
            io.count_reasons(table.column("problem"))
            for what, n in skipped(table).items():
                io.count(f"skipped_{what}", n)
            yield table if self.licence is None else licensed(table, self.licence)


def licensed(raw: pa.Table, licence: str) -> pa.Table:
    """Raw records under a licence: those whose fields have a `licence` keep it."""
    fields = []
    for text in raw.column("fields").to_pylist():
        own = json.loads(text) if text else {}
        fields.append(text if own.get("licence") else json.dumps(own | {"licence": licence}, ensure_ascii=False))
    return raw.set_column(raw.column_names.index("fields"), "fields", pa.array(fields, pa.string()))


def without(raw: pa.Table, gone: pa.Table) -> pa.Table:
    """Raw records, those that were purged without all that they brought. gone: `corpus.ghosts.PURGED_ROW`."""
    some = pc.is_in(raw.column("id"), value_set=gone.column("id").combine_chunks())
    if gone.column("payload_digest").null_count < gone.num_rows:
        digests = pa.array([None if p is None else bytes.fromhex(digest_bytes(p)) for p in
                            raw.column("payload").to_pylist()], pa.binary(16))
        some = pc.or_(some, pc.is_in(digests, value_set=gone.column("payload_digest").combine_chunks().drop_null()))
    if not pc.any(some).as_py():
        return raw
    for name in ("url", "date", "charset", "headers", "fields", "payload", "problem"):
        blank = pa.scalar(ghosts.REMOVED if name == "problem" else None, RAW.field(name).type)
        raw = raw.set_column(raw.column_names.index(name), name, pc.if_else(some, blank, raw.column(name)))
    return raw
