"""Where each drawn copy goes: a shard and a rank in it, by keyed hashes of the document, so that shards are globally
shuffled without a shuffle of text, and any one can be made alone from the index and the plan.

Copy c of a document goes to shard (h + c * stride) mod S. Given up: shards of exactly equal size; they are as equal as
throwing documents at random makes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.document import ID
from corpus.errors import Mismatch
from corpus.mixture.cells import same_documents
from corpus.mixture.draw import cell_codes
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import TaskIO


def drawn_schema(tokens: pa.DataType, text: bool) -> pa.Schema:
    """A drawn shard, one row a copy. tokens: uint16 or uint32. `cluster_id` is null where the document has none;
    `token_count` counts EOS; rows are in the order of (order, id, copy).
    """
    fields = [
        ("order", pa.uint64()),
        ("id", ID),
        ("copy", pa.int32()),
        ("url", pa.string()),
        ("source", pa.string()),
        ("cell", pa.string()),
        ("cluster_id", pa.int64()),
        ("token_count", pa.int64()),
        ("tokens", pa.large_list(tokens)),
    ]
    return pa.schema(fields + [("text", pa.large_string())] if text else fields)


@dataclass(frozen=True)
class Copies:
    """The drawn copies of some rows of the index. row, copy, shard: (m,) int64. order: (m,) uint64."""

    row: np.ndarray
    copy: np.ndarray
    shard: np.ndarray
    order: np.ndarray


@register("exchange", "place")
@dataclass(frozen=True)
class Place(Exchange):
    """Frozen shards and a plan → drawn shards, one a partition.

    Emit reads `plan` (the same for all), `index`, `tokens`, the documents (the first of `beside`) and the others of
    `beside`, where `cluster_id` is looked for: the numbers of `cluster`, or the digits that end its names ("d03" is 3).
    """

    partitions: int
    seed: int
    text: bool = False
    cluster: str = "cluster"
    beside: tuple[str, ...] = ("documents", "domains")

    sort: ClassVar[tuple[str, ...]] = ("order", "id", "copy")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        index = io.table("index", ["id", "cell", "source", "tokens", "u"])
        copies = copies_of(index, io.table("plan"), self.seed, self.partitions)
        if not len(copies.row):
            return
        take = pa.array(copies.row)
        tokens = io.table("tokens", ["id", "tokens", "token_count"])
        documents = io.table(self.beside[0], ["id", "url", "text"] if self.text else ["id", "url"])
        others = {name: io.table(name) for name in self.beside[1:]}
        ids = index.column("id")
        same_documents(ids, {"tokens": tokens.column("id"), self.beside[0]: documents.column("id")}
                       | {name: table.column("id") for name, table in others.items()})
        cluster = next((t.column(self.cluster) for t in others.values() if self.cluster in t.column_names),
                       pa.chunked_array([pa.nulls(len(ids), pa.int64())]))
        columns = {
            "order": pa.array(copies.order),
            "id": ids.take(take),
            "copy": pa.array(copies.copy.astype(np.int32)),
            "url": documents.column("url").take(take),
            "source": index.column("source").take(take),
            "cell": index.column("cell").take(take),
            "cluster_id": cluster_numbers(cluster).take(take),
            "token_count": tokens.column("token_count").take(take),
            "tokens": tokens.column("tokens").take(take),
        }
        if self.text:
            columns["text"] = documents.column("text").take(take)
        yield copies.shard, pa.table(columns, drawn_schema(tokens.schema.field("tokens").type.value_type, self.text))

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        io.write("drawn", rows)
        io.count("documents", rows.num_rows)
        io.count("tokens", pc.sum(rows.column("token_count")).as_py() or 0)


def copies_of(index: pa.Table, plan: pa.Table, seed: int, shards: int, only: int | None = None) -> Copies:
    """Every copy that the plan draws from these rows of the index, or only those of one shard.

    index: columns id, cell, u. plan: `corpus.mixture.draw.PLAN`, made with the same seed and number of shards.
    """
    for name, here in (("seed", seed), ("shards", shards)):
        planned = plan.column(name).unique().to_pylist()
        if planned and planned != [here]:
            raise Mismatch("place", f"the plan was drawn for {name} {planned[0]}, not {here}")
    codes = cell_codes(index.column("cell"), plan.column("cell"))
    planned = np.append(plan.column("whole").to_numpy(), 0)           # code -1 finds the last: no cell, no copy
    bounds = np.append(pc.fill_null(plan.column("threshold"), -1.0).to_numpy(), -1.0)
    u = index.column("u").to_numpy()
    ids = index.column("id").combine_chunks()
    extra = u < bounds[codes]
    tied = np.flatnonzero(u == bounds[codes])
    last = plan.column("threshold_id").to_pylist()
    for row, document in zip(tied.tolist(), ids.take(pa.array(tied)).to_pylist()):
        extra[row] = document <= last[codes[row]]
    count = planned[codes] + extra
    row = np.repeat(np.arange(len(count)), count)
    copy = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    words = chance.id_words(ids)[row]
    shard = shard_of(words, copy, seed, shards)
    if only is not None:
        mine = shard == only
        row, copy, shard, words = row[mine], copy[mine], shard[mine], words[mine]
    return Copies(row, copy, shard, chance.hash64(seed, "order", words, copy))


def shard_of(words: np.ndarray, copy: np.ndarray, seed: int, shards: int) -> np.ndarray:
    """(m,) int64 shard of each copy. words: (m, 2) uint64, ids as `chance.id_words` gives them."""
    first = (chance.hash64(seed, "shard", words) % np.uint64(shards)).astype(np.int64)
    return (first + copy * stride_of(shards)) % shards


def stride_of(shards: int) -> int:
    """How far apart two copies of a document lie. Near the golden section of S, where multiples keep clear of one
    another longest: as many copies as S allows lie in shards that are neither the same nor neighbours, round the ring.
    """
    golden = shards * 0.6180339887498949
    near = range(1, shards) if shards <= 128 else range(int(golden) - 32, int(golden) + 33)

    def worth(stride: int) -> tuple[int, bool, float]:
        apart = np.arange(1, 64) * stride % shards
        close = np.minimum(apart, shards - apart) < 2
        return int(np.argmax(close)) if close.any() else 64, gcd(stride, shards) == 1, -abs(stride - golden)

    return max(near, key=worth, default=0)


def cluster_numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """(n,) int64: whole numbers as they are, names by the digits that end them."""
    if pa.types.is_integer(column.type):
        return column.cast(pa.int64())
    digits = pc.struct_field(pc.extract_regex(column.cast(pa.string()), r"(?P<n>[0-9]+)$"), "n")
    return digits.cast(pa.int64())
