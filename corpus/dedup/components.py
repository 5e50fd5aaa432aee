"""Groups of near-duplicates, and of each group the one document that is kept.

A group is a connected component: two members need not be alike themselves. Whatever may belong together is in one partition
(documents of one text, ends of edges, records of one id, documents of one address), so the rules below are applied there
exactly, in memory, whatever brought the rows there. What it gives up: the documents of one component have to fit in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.by_shard import DECIDED
from corpus.dedup.ids import hash_ids, rank
from corpus.dedup.members import MEMBERS, ROOTED
from corpus.dedup.stars import components
from corpus.document import ID
from corpus.exchange import partition_of
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import Body, TaskIO

GROUPS = pa.schema([("id", ID), ("kept", pa.bool_()), ("keeper", ID), ("group", ID), ("reason", pa.string()),
                    ("jaccard", pa.float64())])

RECORD, EXACT, NEAR, URL = "duplicate_record", "exact_duplicate", "near_duplicate", "same_url"
_REASONS = (RECORD, EXACT, NEAR, URL)

_MEMBER, _EDGE = 0, 1
_ROW = pa.schema([*MEMBERS, ("is", pa.int8()), ("a", ID), ("b", ID), ("jaccard", pa.float64())])


@register("exchange", "keepers")
@dataclass(frozen=True)
class Keepers(Exchange):
    """Chooses the keeper of each group. Emits `members` and `edges` by root; writes `decided` (see `decide`)."""

    partitions: int = 64
    sort: ClassVar[tuple[str, ...]] = ("is", "root", "id", "text", "a", "b", "shard", "row", "old")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for name, kind in (("members", _MEMBER), ("edges", _EDGE)):
            for rows in io.tables(name):
                given = {n: rows.column(n) for n in rows.column_names}
                given["is"] = pa.array(np.full(rows.num_rows, kind, np.int8))
                rows = pa.table([given.get(f.name, pa.nulls(rows.num_rows, f.type)) for f in _ROW], schema=_ROW)
                yield partition_of(hash_ids(rows.column("root")), self.partitions), rows

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        first = int(np.searchsorted(rows.column("is").to_numpy(), _EDGE))
        decided = decide(rows.slice(0, first).select(MEMBERS.names), rows.slice(first).select(ROOTED.names))
        io.write("decided", decided)
        io.count("decided", decided.num_rows)


@register("body", "groups")
@dataclass(frozen=True)
class Groups(Body):
    """Writes `groups` beside a shard of `shingles`, row for row, from what was `decided` of it: whether the document is
    kept, its keeper (itself where kept), its group (the least id in it), why it is dropped, and its Jaccard with the keeper
    where that was measured or the texts are equal. again: the same shard came before, so each row is a `duplicate_record`.
    """

    again: bool = False

    def run(self, io: TaskIO) -> None:
        ids = io.table("shingles", ["id"]).column("id").combine_chunks()
        groups = verdicts(ids, io.table("decided"), self.again)
        io.write("groups", groups)
        io.count_reasons(groups.column("reason"))
        io.count("documents", int(groups.column("kept").to_numpy().sum()))


def verdicts(ids: pa.Array, decided: pa.Table, again: bool = False) -> pa.Table:
    """`GROUPS` of the rows of a shard. ids: (n,); decided: `DECIDED` rows of that shard; all others are kept and alone."""
    at = decided.column("row").to_numpy()
    if not decided.column("id").combine_chunks().equals(ids.take(pa.array(at))):
        raise ValueError("'decided' is not about this shard")
    where = np.full(len(ids), -1, np.int64)
    where[at] = np.arange(len(at))
    said = decided.take(pa.array(where, mask=where < 0))
    kept = pc.fill_null(said.column("kept"), True)
    reason, jaccard = said.column("reason"), said.column("jaccard")
    if again:
        kept, reason = pa.array(np.zeros(len(ids), bool)), pa.array([RECORD] * len(ids), pa.string())
        jaccard = pa.nulls(len(ids), pa.float64())
    return pa.table([ids, kept, pc.coalesce(said.column("keeper"), ids), pc.coalesce(said.column("group"), ids), reason,
                     jaccard], schema=GROUPS)


def decide(members: pa.Table, edges: pa.Table) -> pa.Table:
    """What becomes of documents (`MEMBERS`), of which whole components are given, by edges between their texts (`ROOTED`).

    An earlier build's document is preferred, then the least standing (null last), the most words, the least id. Of records
    with one id the preferred speaks, the others are each a `duplicate_record` with its keeper. What speaks forms groups: by
    equal text, by edges, by equal `url`; the preferred one is kept. Returns the `DECIDED` rows of documents that are not
    old, nor alone.
    """
    (text, a, b), texts = rank(members.column("text"), edges.column("a"), edges.column("b"))
    (ids,), distinct = rank(members.column("id"))
    n = np.arange(members.num_rows)
    preference = _preference(members, ids, text)
    speaker = _first(ids, preference, len(distinct))[ids]             # the row that speaks for each row's id
    speaks = speaker == n
    said = np.zeros(len(texts), bool)
    said[text[speaks]] = True
    near = said[a] & said[b]                                          # a text that only silent records have joins nothing
    a, b, value = a[near], b[near], edges.column("jaccard").to_numpy()[near]
    url = _codes(members.column("url"))
    left, right = _same(url, text, speaks)
    component = components(np.r_[a, left], np.r_[b, right], len(texts))[text[speaker]]
    keeper = _first(component, preference[speaks[preference]], len(texts))[component]
    group = np.full(len(texts), len(distinct))
    np.minimum.at(group, component, ids)
    jaccard = _values(a, b, value, text, text[keeper], len(texts))
    beside = np.zeros(len(texts), bool)
    beside[a] = beside[b] = True
    by_url = (url >= 0) & (url == url[keeper]) & np.isnan(jaccard) | ~beside[text]
    kept = keeper == n
    reason = np.where(~speaks, 0, np.where(text == text[keeper], 1, np.where(by_url, 3, 2)))
    alone = np.bincount(component, minlength=len(texts))[component] == 1
    found = pa.table([
        members.column("shard"), members.column("row"), members.column("id"), pa.array(kept),
        distinct.take(pa.array(ids[keeper])), distinct.take(pa.array(group[component])),
        pa.array(_REASONS).take(pa.array(reason, mask=kept)), pa.array(jaccard, mask=kept | ~speaks | np.isnan(jaccard)),
    ], schema=DECIDED)
    return found.filter(pa.array(~alone & ~members.column("old").to_numpy(zero_copy_only=False)))


def _preference(members: pa.Table, ids: np.ndarray, text: np.ndarray) -> np.ndarray:
    """(n,) rows, the most preferred first. What comes after the id only tells equal records apart."""
    standing = pc.fill_null(members.column("standing"), np.inf).to_numpy()
    words = members.column("words").to_numpy().astype(np.int64)
    fresh = ~members.column("old").to_numpy(zero_copy_only=False)
    shard, row = (members.column(name).to_numpy() for name in ("shard", "row"))
    return np.lexsort((row, shard, text, ids, -words, standing, fresh))


def _first(label: np.ndarray, order: np.ndarray, labels: int) -> np.ndarray:
    """(labels,) the row of each label that comes first in an order of rows."""
    first = np.zeros(labels, np.int64)
    first[label[order[::-1]]] = order[::-1]
    return first


def _codes(urls: pa.ChunkedArray) -> np.ndarray:
    """(n,) int64: equal numbers for equal addresses, -1 for none."""
    codes = urls.combine_chunks().dictionary_encode().indices
    return pc.fill_null(codes, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _same(url: np.ndarray, text: np.ndarray, speaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of texts that tie together all speaking documents of one address."""
    at = np.flatnonzero(speaks & (url >= 0))
    at = at[np.argsort(url[at], kind="stable")]
    next_to = url[at[1:]] == url[at[:-1]]
    return text[at[:-1][next_to]], text[at[1:][next_to]]


def _values(a: np.ndarray, b: np.ndarray, value: np.ndarray, here: np.ndarray, there: np.ndarray, texts: int) -> np.ndarray:
    """(n,) float64: the Jaccard of texts here[i] and there[i]; 1 where they are one, NaN where it was not measured."""
    keys = a * texts + b
    order = np.argsort(keys)
    wanted = np.minimum(here, there) * texts + np.maximum(here, there)
    at = np.searchsorted(keys, wanted, sorter=order)
    found = np.full(len(here), np.nan)
    some = np.flatnonzero(at < len(keys))
    some = some[keys[order[at[some]]] == wanted[some]]
    found[some] = value[order[at[some]]]
    found[here == there] = 1.0
    return found
