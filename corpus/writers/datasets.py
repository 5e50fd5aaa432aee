"""Hugging Face `datasets`: Parquet with `input_ids` as its trainers take them.

What it gives up: unsigned ids (int32 there, whatever the vocabulary), readers of Parquet from before 2024 (the bytes of ids
are split, which makes them a fifth smaller and twice as fast to write), and which documents a packed sequence is made of:
the sidecar says that. A loss mask becomes `labels`, which is what trainers read: the id where the mask is 1, else -100; the
mask of an id is therefore not kept beside it but read off its label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import ConfigError
from corpus.operators import Writer
from corpus.registry import register
from corpus.tokens.pack import Pack
from corpus.writers.records import lists, named_documents, shown_strings
from corpus.writers.stream import Stream

IDS = pa.list_(pa.int32())
#: What torch's cross entropy leaves out.
IGNORED = -100


@register("writer", "datasets")
@dataclass(frozen=True)
class Datasets(Writer):
    """`shard_00000.parquet`, one row a sequence: `input_ids` (list<int32>), with masks `labels`, with documents as sequences
    also `id` (base32), `source` and `cell`. Source: datasets 5.2, load_dataset("parquet"); transformers' data collators.
    """

    takes_mask: ClassVar[bool] = True

    def check(self, tokenizer: dict[str, Any], pack: Pack) -> None:
        if tokenizer["vocab_size"] > 1 << 31:
            raise ConfigError(f"shards.{self.name}", f"a vocabulary of {tokenizer['vocab_size']:,}", "ids of 31 bits")

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        name = f"shard_{shard:05d}.parquet"
        documents = named_documents(stream)
        fields = [("input_ids", IDS)] + ([("labels", IDS)] if stream.has_mask else [])
        beside = None
        if documents is not None:
            beside = pa.table({"id": shown_strings(stream.rows.column("id")),
                               "source": stream.rows.column("source").cast(pa.string()),
                               "cell": stream.rows.column("cell").cast(pa.string())})
            fields += list(zip(beside.column_names, [pa.string()] * 3))
        schema = pa.schema(fields)
        split = {f"{column}.list.element": "BYTE_STREAM_SPLIT" for column, kind in fields if kind == IDS}
        with pq.ParquetWriter(folder / name, schema, compression="zstd", compression_level=1, store_schema=False,
                              use_dictionary=["source", "cell"], column_encoding=split) as writer:
            for first, last, ids in stream.batches():
                lengths, wide = stream.lengths[first:last], ids.astype(np.int32)
                columns = [lists(wide, lengths, small=True)]
                if stream.has_mask:
                    columns.append(lists(np.where(stream.mask(first, last) == 1, wide, IGNORED), lengths, small=True))
                if beside is not None:
                    columns += beside.slice(first, last - first).combine_chunks().columns
                writer.write_table(pa.table(columns, schema=schema), row_group_size=last - first)
        return [name]

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """ValueError where a label is neither its id nor ignored."""
        table = pq.read_table(folder / files[0], columns=None, partitioning=None)
        columns = {"tokens": table.column("input_ids").cast(pa.large_list(pa.int32()))}
        if "labels" in table.column_names:
            columns["loss_mask"] = pa.chunked_array([
                _mask(*pair) for pair in zip(columns["tokens"].chunks, table.column("labels").chunks)],
                pa.large_list(pa.uint8()))
        return pa.table(columns)


def _mask(tokens: pa.LargeListArray, labels: pa.ListArray) -> pa.Array:
    lengths = pa.compute.list_value_length(tokens).to_numpy()
    ids, told = tokens.flatten().to_numpy(), labels.flatten().to_numpy()
    if not np.array_equal(pa.compute.list_value_length(labels).to_numpy(), lengths):
        raise ValueError("labels are not as long as their ids")
    if ((told != ids) & (told != IGNORED)).any():
        raise ValueError("a label is neither its id nor ignored")
    return lists((told != IGNORED).astype(np.uint8), lengths)
