"""Edges → groups of near-duplicates, and of each group the one document that is kept.

A group is a connected component: two members need not be alike themselves. One task holds all edges and, of every
document, its id, word count and text digest (about 40 bytes); texts and shingles stay on disk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.dedup.ids import rank
from corpus.document import ID
from corpus.registry import register
from corpus.tasks import Body, TaskIO

GROUPS = pa.schema([("id", ID), ("kept", pa.bool_()), ("keeper", ID), ("group", ID), ("reason", pa.string()),
                    ("jaccard", pa.float64())])

RECORD, EXACT, NEAR = "duplicate_record", "exact_duplicate", "near_duplicate"


@register("body", "group")
@dataclass(frozen=True)
class Group(Body):
    """Connected components of all `edges`; the keeper has the most words, among equals the least id.

    Reads every `shingles` shard, writes a `groups` shard for each, in order and row for row: whether the document is
    kept, its keeper (itself where kept), its group (the least id in it), why it is dropped, and its Jaccard with the
    keeper where that was measured or the texts are equal. A record whose id came before, in this or an earlier shard,
    is a `duplicate_record`, whatever its text.
    """

    def run(self, io: TaskIO) -> None:
        columns = ["id", "words", "text_digest"]
        shards = list(io.tables("shingles", columns))
        sizes = [s.num_rows for s in shards]
        documents = pa.concat_tables(shards) if shards else pa.table({c: pa.array([], t) for c, t in zip(
            columns, (ID, pa.int32(), ID))})
        edges = list(io.tables("edges", ["a", "b", "jaccard"]))
        groups = assign(documents, pa.concat_tables(edges) if edges else None)
        io.count_reasons(groups.column("reason"))
        io.count("documents", sum(groups.column("kept").to_pylist()))
        start = 0
        for size in sizes:
            io.write("groups", groups.slice(start, size))
            start += size


def assign(documents: pa.Table, edges: pa.Table | None) -> pa.Table:
    """The group (`GROUPS`) of each document. documents: id, words, text_digest; edges: a, b, jaccard."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    none = pa.array([], ID)
    a, b = (edges.column("a"), edges.column("b")) if edges is not None else (none, none)
    (row, a, b), ids = rank(documents.column("id"), a, b)             # row: which id each record has; ids in byte order
    first = np.full(len(ids), -1, np.int64)
    first[row[::-1]] = np.arange(len(row))[::-1]
    if (first < 0).any():
        raise ValueError("an edge names a document that no 'shingles' shard has")
    links = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(len(ids), len(ids)))
    _, component = connected_components(links, directed=False)
    (digest,), _ = rank(documents.column("text_digest"))
    digest, words = digest[first], documents.column("words").to_numpy()[first]
    keeper = _leader(component, np.lexsort((np.arange(len(ids)), -words.astype(np.int64), component)))
    group = _leader(component, np.argsort(component, kind="stable"))  # ids are in byte order: the first is the least
    jaccard = np.full(len(ids), np.nan)
    if edges is not None:
        value = edges.column("jaccard").to_numpy()
        for here, there in ((a, b), (b, a)):
            of_keeper = keeper[here] == there
            jaccard[here[of_keeper]] = value[of_keeper]
    equal = digest == digest[keeper]
    jaccard[equal] = 1.0
    again = first[row] != np.arange(len(row))
    dropped = again | (keeper[row] != row)
    reason = np.where(again, 0, np.where(equal[row], 1, 2))
    return pa.table([
        documents.column("id"), pa.array(~dropped), ids.take(pa.array(keeper[row])), ids.take(pa.array(group[row])),
        pa.array([RECORD, EXACT, NEAR]).take(pa.array(reason, mask=~dropped)),
        pa.array(jaccard[row], mask=~dropped | again | np.isnan(jaccard[row])),
    ], schema=GROUPS)


def _leader(component: np.ndarray, order: np.ndarray) -> np.ndarray:
    """For each node, the first of its component in an order that keeps components together."""
    sorted_ = component[order]
    starts = np.r_[True, sorted_[1:] != sorted_[:-1]] if len(order) else np.zeros(0, bool)
    leader = np.zeros(component.max(initial=-1) + 1, np.int64)
    leader[sorted_[starts]] = order[starts]
    return leader[component]
