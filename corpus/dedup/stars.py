"""Edges → stars: every text beside the least text of its connected component, found in rounds of bounded partitions.

Kiveris et al. 2014, "Connected Components in MapReduce and Beyond": a small-star round ties each node's lesser neighbours
to the least of them, a large-star round its greater neighbours, in turn, until every component is a star; the number of
edges never grows. A small-star partition is solved outright, so edges that fit in one partition take one round.
What it gives up: the neighbours of one node, so in the end a whole component's texts, meet in one partition.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from corpus.dedup.candidates import LINKS
from corpus.dedup.ids import hash_ids, rank
from corpus.exchange import partition_of
from corpus.operators import Exchange
from corpus.registry import register
from corpus.tasks import TaskIO

#: Edges of one partition; each takes about 200 bytes where it is solved. Only more edges than this take more partitions.
EDGES_A_PARTITION = 4_000_000


def star_partitions(edges: int, most: int = EDGES_A_PARTITION) -> int:
    """In how many partitions so many edges are solved."""
    return max(1, -(-edges // most))


@register("exchange", "small_star")
@dataclass(frozen=True)
class SmallStar(Exchange):
    """Emits `edges`, `links` or `stars` (a < b) by b; writes `stars`: each connected piece of the partition as a star
    around its least node a. With one partition these are the components.
    """

    partitions: int = 1
    sort: ClassVar[tuple[str, ...]] = ("b", "a")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for edges in _edges(io):
            yield partition_of(hash_ids(edges.column("b")), self.partitions), edges

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        (a, b), nodes = rank(rows.column("a"), rows.column("b"))
        least = components(a, b, len(nodes))
        leaves = np.flatnonzero(least != np.arange(len(nodes)))
        _write(io, nodes, least[leaves], leaves)


@register("exchange", "large_star")
@dataclass(frozen=True)
class LargeStar(Exchange):
    """Emits `stars` by either end; writes `stars`: the greater neighbours of each node, tied to the least of it and its
    neighbours. Counts the nodes `unsettled`: where there is none, the rows are the components already.
    """

    partitions: int = 1
    sort: ClassVar[tuple[str, ...]] = ("node", "other")

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for edges in _edges(io):
            for node, other in (("a", "b"), ("b", "a")):
                rows = pa.table({"node": edges.column(node), "other": edges.column(other)})
                yield partition_of(hash_ids(rows.column("node")), self.partitions), rows

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        (node, other), nodes = rank(rows.column("node"), rows.column("other"))
        new = np.r_[True, (node[1:] != node[:-1]) | (other[1:] != other[:-1])]
        node, other = node[new], other[new]
        starts = np.flatnonzero(np.r_[True, node[1:] != node[:-1]])
        degree = np.diff(np.r_[starts, len(node)])
        least = np.repeat(np.minimum(node[starts], other[starts]), degree)
        greater = other > node
        lesser = degree - np.add.reduceat(greater, starts, dtype=np.int64)
        io.count("unsettled", int(((lesser > 1) | ((lesser == 1) & (degree > 1))).sum()))
        pairs = np.unique(least[greater] * len(nodes) + other[greater])
        _write(io, nodes, *np.divmod(pairs, len(nodes)))


def components(a: np.ndarray, b: np.ndarray, nodes: int) -> np.ndarray:
    """(nodes,) int64: the least node of each node's connected component. a, b: (e,) ends of edges."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(nodes, nodes))
    number, label = connected_components(links, directed=False)
    least = np.full(number, nodes, np.int64)
    np.minimum.at(least, label, np.arange(nodes))
    return least[label]


def _edges(io: TaskIO) -> Iterator[pa.Table]:
    for name in ("edges", "links", "stars"):
        yield from (rows.cast(LINKS) for rows in io.tables(name, LINKS.names))


def _write(io: TaskIO, nodes: pa.Array, a: np.ndarray, b: np.ndarray) -> None:
    io.write("stars", pa.table([nodes.take(pa.array(a)), nodes.take(pa.array(b))], schema=LINKS))
    io.count("stars", len(a))
