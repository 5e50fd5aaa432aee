"""Bands → candidate pairs: texts that share a band key, brought together by key.

The nodes are texts, by the digest of their matching form, not documents: copies of one text are one node however many
there are. A key that more than `MANY` texts share (a template, a licence) would give a square of pairs. There each text is
paired with the one of the least digest and with its neighbours in digest order alone; a near-duplicate that is close to
none of those can be missed.

What needs no comparing travels the same way: records of one id and, where asked for, documents of one address. Their keys
are odd numbers and those of bands even, 63 bits each: in a billion documents a link is an accident in one build of twenty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.by_shard import shard_number
from corpus.dedup.ids import hash_ids, rank
from corpus.dedup.kept import documents
from corpus.document import ID, one_array
from corpus.exchange import partition_of
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import TaskIO

MANY = 64
PAIRS = pa.schema([("a", ID), ("b", ID), ("shard_a", pa.uint64()), ("shard_b", pa.uint64())])
LINKS = pa.schema([("a", ID), ("b", ID)])

_KEYED = pa.schema([("key", pa.uint64()), ("text", ID), ("old", pa.bool_()), ("shard", pa.uint64())])
_LINK = np.uint64(1)


@register("exchange", "candidates", version=2)
@dataclass(frozen=True)
class Candidates(Exchange):
    """Pairs of texts that share a band key (Broder 1997), and links between texts of one id or address.

    Emits one shard of `shingles`, with `standing` beside it where addresses count, or one of `old_shingles` with
    `old_groups`; writes `pairs` (a < b, and a source shard that has each) and `links`. Old texts alone make no pair.
    """

    partitions: int = 64
    sort: ClassVar[tuple[str, ...]] = ("key", "text", "old", "shard")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for found in documents(io, ["id", "text_digest", "bands"]):
            rows, shard = found.rows, shard_number(found.shard)
            bands = one_array(rows.column("bands"))
            keys = bands.flatten().to_numpy(zero_copy_only=False) & ~_LINK
            texts = one_array(rows.column("text_digest"))
            yield self._keyed(keys, texts.take(pc.list_parent_indices(bands)), found.old, shard)
            yield self._keyed(hash_ids(rows.column("id")) | _LINK, texts, found.old, shard)
            if found.standing is not None:
                urls = one_array(found.standing.column("url"))
                yield self._keyed(urls.drop_null().to_numpy() | _LINK, texts.filter(urls.is_valid()), found.old, shard)

    def _keyed(self, keys: np.ndarray, texts: pa.Array, old: bool, shard: int) -> tuple[np.ndarray, pa.Table]:
        n = len(keys)
        rows = [pa.array(keys), texts, pa.array(np.full(n, old)), pa.array(np.full(n, shard, np.uint64))]
        return partition_of(keys, self.partitions), pa.table(rows, schema=_KEYED)

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        (texts,), distinct = rank(rows.column("text"))
        keys, old = (rows.column(n).to_numpy(zero_copy_only=False) for n in ("key", "old"))
        home = np.zeros(len(distinct), np.uint64)
        home[texts[::-1]] = rows.column("shard").to_numpy()[::-1]      # the first that has it, in the order of the rows
        first = np.ones(len(keys), bool)
        first[1:] = (keys[1:] != keys[:-1]) | (texts[1:] != texts[:-1])
        keys, texts, old = keys[first], texts[first], old[first]
        alone = np.ones(len(distinct), bool)
        alone[texts[~old]] = False                                     # texts that only older documents have
        linked = keys & _LINK != 0
        pairs = _news(bucket_pairs(keys[~linked], texts[~linked]), alone, len(distinct))
        links = _news(bucket_pairs(keys[linked], texts[linked], many=1), alone, len(distinct))
        a, b = (distinct.take(pa.array(side)) for side in pairs)
        io.write("pairs", pa.table([a, b, *(pa.array(home[side]) for side in pairs)], schema=PAIRS))
        io.write("links", pa.table([distinct.take(pa.array(side)) for side in links], schema=LINKS))
        io.count("pairs", len(pairs[0]))
        io.count("links", len(links[0]))


def _news(pairs: tuple[np.ndarray, np.ndarray], alone: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs, in order, that have a new text."""
    a, b = pairs
    some = ~(alone[a] & alone[b])
    return np.divmod(np.unique(a[some] * nodes + b[some]), max(1, nodes))


def bucket_pairs(keys: np.ndarray, ids: np.ndarray, many: int = MANY) -> tuple[np.ndarray, np.ndarray]:
    """Pairs a < b of ids that share a key; rows sorted by (key, id). Repeats between keys are left in."""
    if not len(keys):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    new = np.r_[True, (keys[1:] != keys[:-1]) | (ids[1:] != ids[:-1])]           # one row for each document and key
    keys, ids = keys[new], ids[new]
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    first, end, large = (np.repeat(x, sizes) for x in (starts, starts + sizes, sizes > many))
    at = np.flatnonzero(large & (first < np.arange(len(keys))))
    left, right = [first[at]], [at]                                              # everything with the least id
    at = np.arange(len(keys))
    for step in range(1, many):
        at = at[(at + step < end[at]) & (~large[at] | (step == 1))]
        if not len(at):
            break
        left.append(at)
        right.append(at + step)
    return ids[np.concatenate(left)], ids[np.concatenate(right)]
