"""Golden cases of dedup, freeze, the ledger, and of the exchange itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from golden_inputs import TEXTS, documents
from golden_table import case, content, exchanged, task

from corpus.dedup.candidates import PAIRS, Candidates
from corpus.dedup.components import GROUPS, Group
from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.dedup.verify import EDGES, SIDES, Sides, Verify
from corpus.document import ID, VERDICT
from corpus.exchange import Emit, Merge, reduce_task
from corpus.freeze import Freeze
from corpus.ledger import Ledger
from corpus.operators import Exchange
from corpus.store import Store
from corpus.tasks import Task, TaskIO, execute


@dataclass(frozen=True)
class Remainders(Exchange):
    """Numbers by their remainder."""

    partitions: int = 3
    sort = ("number",)

    def emit(self, io: TaskIO) -> Iterator[tuple[np.ndarray, pa.Table]]:
        for table in io.tables("numbers"):
            yield table.column("number").to_numpy() % self.partitions, table

    def reduce(self, partition: int, rows: pa.Table, io: TaskIO) -> None:
        io.write("sorted", rows)


# dedup ----------------------------------------------------------------------------------------------------------------


def shingles(numbers: range) -> pa.Table:
    """Documents by hand: document i has the shingles i // 3, …, i // 3 + 7, and one more of its own where 3 divides i."""
    sets = [list(range(i // 3, i // 3 + 8)) + [1000 + i] * (i % 3 == 0) for i in numbers]
    return pa.table(
        [
            pa.array([b"%016d" % i for i in numbers], ID),
            pa.array([b"%016d" % (i // 3 * 3 + i % 3 // 2) for i in numbers], ID),
            pa.array([len(s) for s in sets], pa.int32()),
            pa.array(sets, pa.list_(pa.uint64())),
            pa.array([[(i // n << 59) % (1 << 64) for n in (3, 2)] + [7] for i in numbers], pa.list_(pa.uint64())),
        ],
        schema=SHINGLES,
    )


PAIRED = pa.table(
    [pa.array([b"%016d" % a for a in (0, 0, 1, 3, 3)], ID), pa.array([b"%016d" % b for b in (1, 2, 2, 9, 4)], ID)],
    schema=PAIRS,
)


@case("body/shingle")
def _(store: Store) -> object:
    return task(store, Shingle(ngram=5, bands=4, rows=2, seed=3), documents=documents())


@case("exchange/candidates")
def _(store: Store) -> object:
    """One key that as many documents share as are still paired all with all, and then one more."""
    return [
        exchanged(store, Candidates(partitions=3), [{"shingles": shingles(range(6))}, {"shingles": shingles(range(6, n))}])
        for n in (64, 65)
    ]


@case("exchange/sides")
def _(store: Store) -> object:
    again = shingles(range(2))  # two records that come a second time
    return exchanged(
        store,
        Sides(partitions=3),
        [{"pairs": PAIRED}, {"pairs": PAIRED.slice(3)}, {"shingles": shingles(range(12))}, {"shingles": again}],
    )


@case("exchange/verify")
def _(store: Store) -> object:
    documents_of = shingles(range(12))
    at = {i.as_py(): n for n, i in enumerate(documents_of.column("id"))}
    sides = []
    for pair in PAIRED.to_pylist():
        for side, name in enumerate(("a", "b")):
            row = documents_of.slice(at[pair[name]], 1).to_pylist()[0]
            sides.append(pair | {"side": side} | {k: row[k] for k in ("words", "text_digest", "shingles")})
    return exchanged(store, Verify(partitions=3, threshold=0.75), [{"sides": pa.Table.from_pylist(sides, SIDES)}])


@case("body/group")
def _(store: Store) -> object:
    edges = pa.table(
        [
            *PAIRED.columns,
            pa.array([0.875, 1.0, 0.875, 0.75, 0.8125]),
            pa.array([False, True, False, False, False]),
            pa.array([9, 9, 8, 9, 9], pa.int32()),
            pa.array([8, 8, 8, 9, 8], pa.int32()),
        ],
        schema=EDGES,
    )
    return task(
        store, Group(), edges=[edges.slice(0, 2), edges.slice(2)], shingles=[shingles(range(7)), shingles(range(5, 12))]
    )


@case("body/freeze")
def _(store: Store) -> object:
    first, second = documents().slice(0, 8), documents().slice(8)
    return task(store, Freeze(), documents=[first, second], groups=[groups(first, 3), groups(second, 2)])


def groups(of: pa.Table, every: int) -> pa.Table:
    """Of every few documents the first is kept and keeps the others."""
    ids, n = of.column("id").to_pylist(), of.num_rows
    keeper = [ids[i // every * every] for i in range(n)]
    kept = [i % every == 0 for i in range(n)]
    return pa.table(
        [
            pa.array(ids, ID),
            kept,
            pa.array(keeper, ID),
            pa.array(keeper, ID),
            pa.array([None if k else "near_duplicate" for k in kept]),
            pa.array([None if k else 0.875 for k in kept]),
        ],
        schema=GROUPS,
    )


@case("body/ledger")
def _(store: Store) -> object:
    names = list(TEXTS)
    extract = said(names, {"fr": ("extract", "empty_text"), "zh": ("ingest", "bad_length")}, file="a.warc")
    rest = [n for n in names if n not in ("fr", "zh")]
    filtered = said(
        rest, {"short": ("filter", "gopher_short_doc"), "empty": ("filter", "gopher_short_doc")}, value=2.0, bound=50.0
    )
    reached = documents([n for n in rest if n not in ("short", "empty")])
    return task(store, Ledger(), extract=[extract.slice(0, 6), extract.slice(6)], filter=filtered, dedup=groups(reached, 4))


def said(names: list[str], dropped: dict[str, tuple[str, str]], **fields: object) -> pa.Table:
    """Verdicts on texts. fields: columns of the dropped, and `file` of all."""
    found = []
    for i, row in enumerate(documents(names).to_pylist()):
        stage, reason = dropped.get(names[i], (None, None))
        given = {k: v for k, v in fields.items() if reason or k == "file"}
        found.append(
            {k: row[k] for k in ("id", "url", "source")}
            | {"offset": 10 * i, "kept": reason is None, "stage": stage, "rule": reason, "reason": reason}
            | given
        )
    return pa.Table.from_pylist([{f.name: r.get(f.name) for f in VERDICT} for r in found], VERDICT)


# the exchange itself --------------------------------------------------------------------------------------------------

NUMBERS = [pa.table({"number": pa.array(n, pa.int64())}) for n in ([5, 3, 9, 0], [7, 1, 1], [6])]


def runs(store: Store) -> list:
    return [
        execute(Task("golden", Emit(Remainders()), {"numbers": [store.write_shard("numbers", n)]}, store)) for n in NUMBERS
    ]


@case("body/emit")
def _(store: Store) -> object:
    return content(runs(store))


@case("body/merge")
def _(store: Store) -> object:
    return task(store, Merge(Remainders()), runs=[r.of("run")[0] for r in runs(store)])


@case("body/reduce")
def _(store: Store) -> object:
    emitted = [r.of("run")[0] for r in runs(store)]
    leaves = [d for shard in emitted for part in shard.parts if part.partition == 1 for d in part.digests]
    reduce = reduce_task("golden", Remainders(), 1, leaves, store, runs=emitted)
    return content([execute(reduce)])
