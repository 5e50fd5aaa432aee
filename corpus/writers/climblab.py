"""Token Parquet as NVIDIA released ClimbLab: a folder a cluster, `tokens` and `token_count`, the cluster in the path alone.

Beside the release's columns each row says which document it is and its place in the drawn shard, so that the clusters' files
together give the drawn order back. What it gives up: packing (a row is a document); documents without a cluster lie in
`cluster_none`; reading one folder reads one topic, which is what the layout is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.operators import Writer
from corpus.registry import register
from corpus.tokens.pack import Pack, offsets_of
from corpus.writers.climbmix import whole_documents
from corpus.writers.gather import Held, more_files
from corpus.writers.records import lists, shown_strings
from corpus.writers.stream import Stream

SCHEMA = pa.schema([
    ("tokens", pa.list_(pa.int32())),
    ("token_count", pa.int64()),
    ("id", pa.string()),
    ("url", pa.string()),
    ("source", pa.string()),
    ("style", pa.string()),
    ("row", pa.int64()),
])
NONE = "none"
#: Tokens sorted by cluster at once: a batch gives each cluster a row group.
BATCH_TOKENS = 1 << 24


@register("writer", "climblab")
@dataclass(frozen=True)
class ClimbLab(Writer):
    """`cluster_1/cluster_1_000.tokenized.parquet` (cluster 1, shard 0): tokens, token_count as released, and id (base32),
    url, source, style, row. Source: nvidia/Nemotron-ClimbLab, names and columns as its detokenize_climblab.py reads them.
    """

    def check(self, tokenizer: dict[str, Any], pack: Pack) -> None:
        whole_documents(self.name, pack)

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        rows, lengths = stream.rows, stream.lengths
        clusters = pc.fill_null(rows.column("cluster_id"), -1).to_numpy().astype(np.int64)
        beside = pa.table({"id": shown_strings(rows.column("id")),
                           **{name: rows.column(name).cast(pa.string()) for name in ("url", "source", "style")}})
        files: dict[int, str] = {}
        every = np.unique(clusters).tolist() or [-1]
        more_files(len(every))
        with ExitStack() as stack:
            writers: dict[int, pq.ParquetWriter] = {}
            for cluster in every:
                name = NONE if cluster < 0 else str(cluster)
                files[cluster] = f"cluster_{name}/cluster_{name}_{shard:03d}.tokenized.parquet"
                (folder / files[cluster]).parent.mkdir(parents=True, exist_ok=True)
                writers[cluster] = stack.enter_context(pq.ParquetWriter(
                    folder / files[cluster], SCHEMA, compression="zstd", compression_level=1, store_schema=False,
                    use_dictionary=["source", "style"]))
            for first, last, ids in stream.batches(BATCH_TOKENS):
                order = np.argsort(clusters[first:last], kind="stable")
                part = lengths[first:last]
                tokens = _reordered(ids, part, order)
                table = pa.table([lists(tokens, part[order], small=True), part[order],
                                  *beside.slice(first, last - first).take(pa.array(order)).columns, order + first],
                                 schema=SCHEMA)
                of = clusters[first:last][order]
                cuts = np.flatnonzero(np.diff(of, prepend=of[0] - 1))
                for start, stop in zip(cuts.tolist(), [*cuts[1:].tolist(), len(of)]):
                    writers[int(of[start])].write_table(table.slice(start, stop - start), row_group_size=stop - start)
        return list(files.values())

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """All clusters' rows in the drawn order: tokens, token_count, id (base32). ValueError where a row is not there
        once.
        """
        parts = [pq.read_table(folder / name, columns=["tokens", "token_count", "id", "row"], partitioning=None)
                 for name in files]
        table = pa.concat_tables(parts)
        row = table.column("row").to_numpy()
        order = np.argsort(row, kind="stable")
        if not np.array_equal(row[order], np.arange(len(row))):
            raise ValueError("the clusters' files do not hold each row of the shard once")
        tokens = table.column("tokens").combine_chunks()
        chunks = tokens.chunks if isinstance(tokens, pa.ChunkedArray) else [tokens]
        flat = np.concatenate([chunk.flatten().to_numpy() for chunk in chunks]) if chunks else np.zeros(0, np.int32)
        lengths = pc.list_value_length(table.column("tokens")).to_numpy().astype(np.int64)
        beside = table.select(["token_count", "id"]).take(pa.array(order))
        return beside.append_column("tokens", lists(_reordered(flat, lengths, order), lengths[order]))


def _reordered(flat: np.ndarray, lengths: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Ids of documents that lie end to end, in another order of the documents; int32."""
    out = np.empty(len(flat), flat.dtype)
    sizes = lengths[order]
    Held(flat, offsets_of(lengths)[:-1]).gather(order, np.zeros(len(order), np.int64), sizes, offsets_of(sizes)[:-1], out)
    return out.astype(np.int32, copy=False)
