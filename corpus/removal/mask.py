"""Masking: a row of a shard loses all that its document brought or that was made of it. The row stays where it is, so that
what is beside it keeps its place, and with it what says whose row it is and what was decided of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.document import ID, one_array
from corpus.ghosts import PURGED_ROW, REMOVED
from corpus.keys import digest_bytes
from corpus.results import Shard
from corpus.store import Store

#: Columns that stay: whose row it is and where it lies, what became of it, and the numbers that its neighbours' places
#: are told by. Ids and digests (16 bytes) always stay.
KEPT = frozenset({
    "source", "file", "offset", "kind", "kept", "stage", "rule", "reason", "words", "token_count", "token_hash", "copy",
    "phase", "order", "again",
})  # fmt: skip


def mask_rows(table: pa.Table, gone: pa.Array) -> pa.Table:
    """The same rows and schema; in those whose id is among `gone`, texts are empty and everything else null, or empty
    where it is a list (zeros where the list has a fixed length).
    """
    at = pc.is_in(table.column("id"), value_set=gone)
    rows = _array(at).to_numpy(zero_copy_only=False)
    if not rows.any():
        return table
    for i, field in enumerate(table.schema):
        if field.name in KEPT or field.type == ID:
            continue
        column = one_array(table.column(i))
        blank = pa.array([_blank(field)], field.type)
        take = np.where(rows, len(column), np.arange(len(column)))
        table = table.set_column(i, field, pa.concat_arrays([column, blank]).take(pa.array(take)))
    return table


def _blank(field: pa.Field):
    kind = field.type
    if field.name == "problem":
        return REMOVED
    if field.name == "text" and (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return ""                                   # whatever reads texts is not made for a document without one
    if pa.types.is_fixed_size_list(kind):
        return [0] * kind.list_size
    return [] if pa.types.is_list(kind) or pa.types.is_large_list(kind) else None


def holds(store: Store, path: str, gone: pa.Array) -> bool:
    """Whether a Parquet file has rows of any of these documents, by its column `id`."""
    with store_file(store, path) as parquet:
        if "id" not in parquet.schema_arrow.names or parquet.schema_arrow.field("id").type != ID:
            return False
        for group in range(parquet.num_row_groups):
            ids = parquet.read_row_group(group, columns=["id"]).column("id")
            if pc.any(pc.is_in(ids, value_set=gone)).as_py():
                return True
    return False


def mask_file(store: Store, path: str, gone: pa.Array) -> bool:
    """Masks the rows of a Parquet file in place, row group by row group; returns whether anything had to be."""
    with store_file(store, path) as parquet:
        groups = [parquet.read_row_group(i) for i in range(parquet.num_row_groups)]
        schema = parquet.schema_arrow
    masked = [mask_rows(table, gone) for table in groups]
    if all(_rows_of(new, gone).equals(_rows_of(old, gone)) for new, old in zip(masked, groups)):
        return False                # those rows alone are compared: others may have NaN, which equals nothing
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, compression="zstd", compression_level=3) as writer:
        for table in masked:
            writer.write_table(table, row_group_size=max(1, table.num_rows))
    store.write_bytes(path, sink.getvalue().to_pybytes())
    return True


def _rows_of(table: pa.Table, ids: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table.column("id"), value_set=ids))


def zero_ids(store: Store, path: str, dtype: str, counts: Sequence[int], rows: Sequence[int]) -> bool:
    """Overwrites the token ids of some documents with zeros in a file of all documents' ids end to end; returns whether
    any were not zero. counts: ids of each document; rows: which documents.
    """
    flat = np.frombuffer(store.read_bytes(path) or b"", np.dtype(dtype)).copy()
    edges = np.concatenate([[0], np.cumsum(np.asarray(counts, np.int64))])
    if edges[-1] != len(flat):
        raise ValueError(f"{path} has {len(flat):,} ids, not {edges[-1]:,}")
    changed = False
    for row in rows:
        piece = flat[edges[row] : edges[row + 1]]
        changed |= bool(piece.any())
        piece[:] = 0
    if changed:
        store.write_bytes(path, flat.tobytes())
    return changed


def store_file(store: Store, path: str) -> pq.ParquetFile:
    """A Parquet file of the store, to be used as a context."""
    if store.is_local:
        return pq.ParquetFile(store.full(path))
    return pq.ParquetFile(pa.BufferReader(store.read_bytes(path) or b""))


def payload_digests(store: Store, raw: Sequence[Shard], gone: pa.Array) -> pa.Table:
    """(id, payload_digest) of raw records that still have their payload."""
    found = [PURGED_ROW.empty_table()]
    for shard in raw:
        ids = store.read_shard(shard, ["id"]).column("id")
        if not pc.any(pc.is_in(ids, value_set=gone)).as_py():
            continue
        rows = store.read_shard(shard, ["id", "payload"])
        rows = rows.filter(pc.and_(pc.is_in(rows.column("id"), value_set=gone),
                                   pc.fill_null(pc.greater(pc.binary_length(rows.column("payload")), 0), False)))
        digests = [bytes.fromhex(digest_bytes(p)) for p in rows.column("payload").to_pylist()]
        found.append(pa.table([rows.column("id"), pa.array(digests, ID)], schema=PURGED_ROW))
    return pa.concat_tables(found)


def _array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return one_array(column) if isinstance(column, pa.ChunkedArray) else column
