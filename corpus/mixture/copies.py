"""Where each drawn copy goes: a shard and a rank in it, by keyed hashes of the document, so that shards are globally
shuffled without a shuffle of text, and any one can be made alone from the index and the plan.

Copy c of a document goes to shard (h + c * stride) mod S of the S shards of its phase. Given up: shards of exactly equal
size; they are as equal as throwing documents at random makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.errors import Mismatch
from corpus.mixture.cells import cell_codes


@dataclass(frozen=True)
class Copies:
    """The drawn copies of some rows of the index, in the order of (phase, row, copy). row, copy, phase: (m,) int64.
    shard: (m,) int64, numbered on through all phases. order: (m,) uint64, the rank inside a shard.
    """

    row: np.ndarray
    copy: np.ndarray
    shard: np.ndarray
    order: np.ndarray
    phase: np.ndarray


def copies_of(index: pa.Table, plan: pa.Table, caps: pa.Table | None = None, seen: np.ndarray | None = None,
              only: int | None = None) -> Copies:
    """Every copy that the plan draws from these rows of the index, or only those of one shard.

    index: columns key, cell, and one for each attribute that `caps` names. plan: `corpus.mixture.draw.PLAN`.
    caps: `corpus.mixture.draw.CAPS`. seen: (n,) copies that a trainer has read of each row already; none where absent.
    """
    seed = seed_of(plan)
    names = plan.column("cell").unique()
    codes = cell_codes(index.column("cell"), names)
    keys = index.column("key").to_numpy()
    codes[left_out(index, keys, caps)] = -1
    had = np.zeros(len(keys), np.int64) if seen is None else np.asarray(seen, np.int64).copy()
    pieces = []
    for phase, rule in phases_of(plan, names):
        count = rule.counts(codes, keys, had)
        if only is None or rule.first <= only < rule.first + rule.shards:
            row = np.repeat(np.arange(len(count)), count)
            copy = had[row] + np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
            shard = shard_of(keys[row], copy, seed, rule.first, rule.shards)
            if only is not None:
                mine = shard == only
                row, copy, shard = row[mine], copy[mine], shard[mine]
            order = chance.rekey(seed, "order", keys[row], copy)
            pieces.append(Copies(row, copy, shard, order, np.full(len(row), phase)))
        had += count
    if not pieces:
        none = np.zeros(0, np.int64)
        return Copies(none, none, none, np.zeros(0, np.uint64), none)
    return Copies(*(np.concatenate([getattr(p, f) for p in pieces]) for f in ("row", "copy", "shard", "order", "phase")))


@dataclass(frozen=True)
class Rule:
    """What one phase draws. first, shards: its shards. whole: (cells + 1,) int64. any: (cells + 1,) bool, whether a cell
    has a threshold. threshold: (cells + 1,) uint64. The last place is of documents without a cell.
    """

    first: int
    shards: int
    whole: np.ndarray
    any: np.ndarray
    threshold: np.ndarray

    def counts(self, codes: np.ndarray, keys: np.ndarray, had: np.ndarray) -> np.ndarray:
        """(n,) int64 copies of each document in this phase. codes: (n,) cells, -1 none. had: (n,) copies so far."""
        whole = self.whole[codes]
        more = (had <= whole) & (keys <= self.threshold[codes]) & self.any[codes]
        return np.maximum(whole - had, 0) + more


def phases_of(plan: pa.Table, names: pa.Array) -> list[tuple[int, Rule]]:
    """The phases of a plan, in order, with what each draws. names: cells, whose positions are the codes."""
    found = []
    numbers = plan.column("phase").to_numpy()
    for phase in np.unique(numbers):
        rows = plan.filter(pa.array(numbers == phase))
        at = cell_codes(rows.column("cell"), names)
        whole = np.zeros(len(names) + 1, np.int64)
        some = np.zeros(len(names) + 1, bool)
        threshold = np.zeros(len(names) + 1, np.uint64)
        whole[at] = rows.column("whole").to_numpy()
        some[at] = rows.column("threshold").is_valid().to_numpy()
        threshold[at] = pc.fill_null(rows.column("threshold"), 0).to_numpy()
        found.append((int(phase), Rule(rows.column("first_shard")[0].as_py(), rows.column("shards")[0].as_py(),
                                       whole, some, threshold)))
    return found


def seed_of(plan: pa.Table) -> int:
    """The one seed that a plan was drawn with."""
    seeds = plan.column("seed").unique().to_pylist()
    if len(seeds) != 1:
        raise Mismatch("place", f"a plan of {len(seeds)} seeds")
    return int(seeds[0])


def shard_count(plan: pa.Table) -> int:
    """Shards of all phases."""
    return max(pc.add(plan.column("first_shard"), plan.column("shards")).to_pylist(), default=0)


def left_out(index: pa.Table, keys: np.ndarray, caps: pa.Table | None) -> np.ndarray:
    """(n,) bool: documents that a cap on one of their values leaves out. A cap without a threshold leaves out all."""
    out = np.zeros(len(keys), bool)
    if caps is None or not caps.num_rows:
        return out
    for attribute in caps.column("attribute").unique().to_pylist():
        rows = caps.filter(pc.equal(caps.column("attribute"), attribute))
        at = cell_codes(index.column(attribute), rows.column("value").combine_chunks())
        threshold = pc.fill_null(rows.column("threshold"), 0).to_numpy()
        none = rows.column("threshold").is_null().to_numpy()
        out |= (at >= 0) & (none[at] | (keys > threshold[at]))
    return out


def shard_of(keys: np.ndarray, copy: np.ndarray | int, seed: int, first: int, shards: int) -> np.ndarray:
    """(m,) int64 shard of each copy, of the `shards` that begin at `first`. keys: (m,) uint64 of the index."""
    home = (chance.rekey(seed, "shard", keys) % np.uint64(shards)).astype(np.int64)
    return first + (home + copy * stride_of(shards)) % shards


@lru_cache(maxsize=256)
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
