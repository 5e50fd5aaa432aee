"""Golden cases of mixtures that need no solver, of the draw, of what was read before, and of the placing in shards."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from golden_inputs import CELLS, IDS, SEED, TOKENS, documents, ids_of, index, tokens, with_ids
from golden_table import case, exchanged, task

from corpus.mixture.caps import CAPS, Cap
from corpus.mixture.draw import PLAN, SolveDraw
from corpus.mixture.limits import Limit
from corpus.mixture.place import Place
from corpus.mixture.receipt_plan import ReadUpTo
from corpus.mixture.schedule import Phase, PhaseSpec, phases_of
from corpus.mixture.seen import CUT, MET, SEEN, ReadByKey, ReadByShard, ReadCut, Seen
from corpus.mixture.space import Space
from corpus.optimize.base import Journal, Method, Problem
from corpus.optimize.untrained import Given, Natural, Uniform, UniMax
from corpus.results import Folder
from corpus.store import Store

# mixtures -------------------------------------------------------------------------------------------------------------


def recommended(method: Method, epochs: float = 4.0) -> object:
    tokens = {"a": 1 << 12, "b": 1 << 10, "c": 1 << 13, "d": 1 << 9}
    space = Space.from_caps(tokens, 1 << 11, epochs)
    found = method.open(Problem(space, tuple(tokens.values()), 1 << 11, epochs), Journal()).recommend()
    return {cell: round(weight, 9) for cell, weight in found.weights.items()}


@case("optimizer/natural")
def _(store: Store) -> object:
    return recommended(Natural())


@case("optimizer/uniform")
def _(store: Store) -> object:
    return recommended(Uniform())


@case("optimizer/unimax")
def _(store: Store) -> object:
    return recommended(UniMax(), epochs=0.5)


@case("optimizer/given")
def _(store: Store) -> object:
    return recommended(Given((("a", 0.5), ("c", 0.375), ("d", 0.125))))


# the draw -------------------------------------------------------------------------------------------------------------

KEYS = index().column("key").to_pylist()
HALVES = ((0, 6), (6,))


def seen() -> pa.Table:
    """Every third document was read once, every sixth twice."""
    return pa.table([pa.array([(i % 3 == 0) + (i % 6 == 0) for i in range(len(IDS))], pa.uint8())], schema=SEEN)


@case("body/draw")
def _(store: Store) -> object:
    """One phase; with a table of cells; phases and a ramp; caps; after what was read."""
    mixture = pa.table({"cell": CELLS, "weight": [0.5, 0.125, 0.375]})
    every = {"index": [index().slice(*at) for at in HALVES], "mixture": mixture}
    drawn = [
        task(store, SolveDraw((PhaseSpec(budget, 4),), SEED, epochs, shortfall), **every)
        for budget, epochs, shortfall in ((40, 4.0, "refuse"), (160, 2.0, "shrink"), (160, 2.0, "redistribute"))
    ]
    given = SolveDraw((PhaseSpec(30, 4, (("d00/web", 0.75), ("d01/web", 0.25))),), SEED)
    cells = pa.table({"cell": CELLS, "documents": [5, 5, 4], "tokens": [40, 32, 32]})
    first, last = ((("d00/books", 0.75), ("d01/web", 0.25)), (("d00/books", 0.125), ("d00/web", 0.875)))
    phases = phases_of(96, 16, (Phase(32, first), Phase(64, last, ramp_tokens=32)))
    attributes = {"limits": (Limit(high=0.75, attribute="domain", value="d00"),), "attributes": ("domain", "source")}
    caps = (Cap("host", 0.375), Cap("host", 0.25, "example.org"))
    return [
        *drawn,
        task(store, given, index=index(), cells=cells),
        task(store, SolveDraw(phases, SEED), index=every["index"]),
        task(store, SolveDraw((PhaseSpec(64, 4),), SEED, caps=caps, **attributes), **every),
        task(store, SolveDraw(phases, SEED, 8.0), index=every["index"], seen=[seen().slice(*at) for at in HALVES]),
    ]


def plan() -> pa.Table:
    """Two phases, of three shards and of two."""
    middle = sorted(KEYS)[7]
    levels = [[(0, middle), (1, KEYS[2]), (3, None)], [(1, KEYS[1]), (1, middle), (4, middle)]]
    rows = [
        {"phase": p, "first_shard": 3 * p, "shards": 3 - p, "cell": cell, "whole": whole, "threshold": key, "seed": SEED}
        for p, level in enumerate(levels)
        for cell, (whole, key) in zip(CELLS, level)
    ]
    return pa.Table.from_pylist(rows, PLAN)


def caps() -> pa.Table:
    rows = [("0.example.net", KEYS[8]), ("example.org", sorted(KEYS)[11]), ("2.example.net", None)]
    return pa.Table.from_pylist([{"attribute": "host", "value": v, "threshold": t} for v, t in rows], CAPS)


def ids_folder(store: Store, start: int, stop: int) -> Folder:
    """`ids` of some documents, as `Tokenize` leaves them."""
    with tempfile.TemporaryDirectory() as folder:
        np.concatenate([ids_of(i) for i in range(start, stop)]).astype("<u2").tofile(Path(folder) / "ids.bin")
        return store.write_folder("ids", Path(folder), {"dtype": "uint16", "tokens": sum(TOKENS[start:stop])})


@case("exchange/place")
def _(store: Store) -> object:
    """Rows with pointers, of documents of which some were read and some are capped; and with texts, which have a style."""
    domains = with_ids("cluster", pa.array([None if i == 1 else f"c{i % 4:02d}" for i in range(len(IDS))]))
    styled = documents().append_column("style", pa.array([None if i % 4 else "qa" for i in range(len(IDS))]))
    every = {"documents": styled, "index": index(), "tokens": tokens(), "domains": domains}
    halves = [{name: table.slice(*at) for name, table in every.items()} | {"plan": plan()} for at in HALVES]
    ids = [ids_folder(store, 0, 6), ids_folder(store, 6, len(IDS))]
    more = [
        {"ids": folder, "caps": caps(), "seen": seen().slice(*at), "documents": documents().slice(*at)}
        for folder, at in zip(ids, HALVES)
    ]
    return [
        exchanged(store, Place(5), [half | given for half, given in zip(halves, more)]),
        exchanged(store, Place(5, text=True), halves),
    ]


# what was read --------------------------------------------------------------------------------------------------------


@case("body/read_cut")
def _(store: Store) -> object:
    upto = (ReadUpTo(2, 0, 40), ReadUpTo(1, 7, 40), ReadUpTo(1, 7, 40, whole=True), ReadUpTo(5, 0, 0))
    given = {"index": [index().slice(*at) for at in HALVES], "plan": plan(), "caps": caps()}
    before = [seen().slice(*at) for at in HALVES]
    return [*(task(store, ReadCut(u), **given) for u in upto), task(store, ReadCut(upto[1]), **given, seen=before)]


@case("exchange/read_by_key")
def _(store: Store) -> object:
    """Another build's documents, with and without what that one knew as read, and two shards of this one's."""
    cut = pa.table({"shard": [1], "order": pa.array([1 << 63], pa.uint64())}, schema=CUT)
    shared = {"plan": plan(), "caps": caps(), "cut": cut}
    old = index().slice(0, 13)
    each = [
        {"old": old.slice(0, 5)} | shared,
        {"old": old.slice(5), "old_seen": seen().slice(5, 8)} | shared,
        {"index": index().slice(3, 8)},
        {"index": index().slice(11)},
    ]
    return exchanged(store, ReadByKey(3), each)


@case("exchange/read_by_shard")
def _(store: Store) -> object:
    rows = pa.table([[i % 3 for i in range(12)], [i // 3 for i in range(12)], [1 + i % 2 for i in range(12)]], schema=MET)
    return exchanged(store, ReadByShard(2), [{"met": rows.slice(0, 7)}, {"met": rows.slice(7)}])


@case("body/seen")
def _(store: Store) -> object:
    read = pa.table([[0] * 3, [1, 4, 14], [2, 1, 255]], schema=MET)
    return task(store, Seen(), index=index(), read=read)
