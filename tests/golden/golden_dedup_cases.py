"""Golden cases of dedup, freeze, the ledger, and of the exchange itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from golden_inputs import TEXTS, documents
from golden_table import case, content, exchanged, task

from corpus.dedup.by_shard import ASKED, DECIDED, Ask, Deal
from corpus.dedup.candidates import LINKS, PAIRS, Candidates
from corpus.dedup.components import GROUPS, Groups, Keepers
from corpus.dedup.members import MEMBERS, ROOTED, Members
from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.dedup.standing import STANDING, Standing
from corpus.dedup.stars import LargeStar, SmallStar
from corpus.dedup.verify import EDGES, Verify
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


def named(numbers: tuple[int, ...]) -> pa.Array:
    return pa.array([b"%016d" % i for i in numbers], ID)


A, B = named((0, 0, 1, 3, 3)), named((1, 3, 4, 9, 4))
LINKED = pa.table([A, B], schema=LINKS)
MEASURED = pa.table([A, B, pa.array([0.875, 1.0, 0.875, 0.75, 0.8125])], schema=EDGES)
STANDINGS = pa.table(
    [named(range(7)), pa.array([None, 2.0, 1.0, None, 5.0, 5.0, 0.0]), pa.array([5, None, 5, 9, None, 9, 3], pa.uint64())],
    schema=STANDING,
)


def standings(numbers: range) -> pa.Table:
    return STANDINGS.slice(numbers.start, len(numbers))


@case("body/shingle")
def _(store: Store) -> object:
    return task(store, Shingle(ngram=5, bands=4, rows=2, seed=3), documents=documents())


@case("body/standing")
def _(store: Store) -> object:
    marks = pa.table({"id": documents().column("id"), "score": pa.array(np.arange(documents().num_rows) / 8)})
    rules = (Standing(urls=True), Standing("oldest"), Standing("source", source_order=("web",)), Standing("score", "score"))
    return [task(store, rule, documents=documents(), marks=marks) for rule in rules]


@case("exchange/candidates")
def _(store: Store) -> object:
    """One key that as many texts share as are still paired all with all, and then one more; addresses; older documents."""
    older = {"old_shingles": shingles(range(3, 9)), "old_groups": groups(shingles(range(3, 9)), 2)}
    first = {"shingles": shingles(range(6)), "standing": standings(range(6))}
    return [
        exchanged(store, Candidates(partitions=3), [first, {"shingles": shingles(range(6, n))}, older]) for n in (96, 99)
    ]


@case("exchange/ask")
def _(store: Store) -> object:
    homes = [pa.array(x, pa.uint64()) for x in ([1, 1, 2, 3, 3], [2, 3, 3, 1, 3])]
    pairs = pa.table([A, B, *homes], schema=PAIRS)
    return exchanged(store, Ask(partitions=2), [{"pairs": pairs}, {"pairs": pairs.slice(3)}])


@case("exchange/verify")
def _(store: Store) -> object:
    texts = shingles(range(12))
    rows = [pair | {"shard": 1, "text": pair[side]} for pair in LINKED.to_pylist() for side in ("a", "b")]
    half = texts.column("text_digest").to_pylist()[:6]
    asked = [pa.Table.from_pylist([r for r in rows if (r["text"] in half) is first], ASKED) for first in (True, False)]
    each = [{"shingles": texts.slice(0, 6), "asked": asked[0]}, {"shingles": texts.slice(6), "asked": asked[1]}]
    return exchanged(store, Verify(partitions=3, threshold=0.75), each)


@case("exchange/small_star")
def _(store: Store) -> object:
    each = [{"edges": MEASURED.slice(0, 2)}, {"links": LINKED.slice(2)}]
    return [exchanged(store, SmallStar(n), each) for n in (1, 3)]


@case("exchange/large_star")
def _(store: Store) -> object:
    return [exchanged(store, LargeStar(n), [{"stars": LINKED.slice(0, 2)}, {"stars": LINKED.slice(2)}]) for n in (1, 3)]


@case("exchange/members")
def _(store: Store) -> object:
    older = {"old_shingles": shingles(range(3, 9)), "old_groups": groups(shingles(range(3, 9)), 2)}
    first = {"shingles": shingles(range(7)), "standing": standings(range(7))}
    stars = pa.table([named((0, 0, 0, 0)), named((1, 3, 4, 9))], schema=LINKS)
    each = [{"stars": stars}, {"edges": MEASURED}, first, {"shingles": shingles(range(5, 12))}, older]
    return exchanged(store, Members(partitions=3), each)


@case("exchange/keepers")
def _(store: Store) -> object:
    """Copies, a record that came twice, an address and an older document, in two components."""
    rows = [
        {"root": b"%016d" % (i % 2), "text": b"%016d" % i, "id": b"%016d" % (i if i < 9 else 3), "words": 9 - i,
         "standing": None if i % 3 else i / 2, "url": 5 if i in (2, 8) else None, "old": i == 7, "shard": i % 3, "row": i}
        for i in range(10)
    ]  # fmt: skip
    members = pa.Table.from_pylist(rows, MEMBERS)
    pairs = [(0, 2, 0.8), (1, 3, 0.9), (3, 5, 0.85), (5, 7, 1.0), (4, 6, 0.95)]
    edges = pa.Table.from_pylist(
        [{"root": b"%016d" % (a % 2), "a": b"%016d" % a, "b": b"%016d" % b, "jaccard": j} for a, b, j in pairs], ROOTED
    )
    each = [{"members": members.slice(0, 6)}, {"members": members.slice(6)}, {"edges": edges}]
    return exchanged(store, Keepers(partitions=2), each)


def decided(numbers: range) -> pa.Table:
    rows = [
        {"shard": i % 2, "row": i, "id": b"%016d" % i, "kept": i % 4 == 0, "keeper": b"%016d" % (i // 4 * 4),
         "group": b"%016d" % (i // 4 * 4), "reason": "near_duplicate" if i % 4 else None,
         "jaccard": 0.875 if i % 4 else None}
        for i in numbers
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, DECIDED)


@case("exchange/deal")
def _(store: Store) -> object:
    return exchanged(store, Deal(partitions=2), [{"decided": decided(range(5))}, {"decided": decided(range(5, 8))}])


@case("body/groups")
def _(store: Store) -> object:
    inputs = {"shingles": shingles(range(9)), "decided": decided(range(2, 7))}
    return [task(store, Groups(again), **inputs) for again in (False, True)]


@case("body/freeze")
def _(store: Store) -> object:
    first, second = documents().slice(0, 8), documents().slice(8)
    marks = [t.select(["id", "url"]) for t in (first, second)]
    said = [groups(first, 3), groups(second, 2)]
    return task(store, Freeze(), documents=[first, second], marks=marks, groups=said)


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
    given = {"extract": [extract.slice(0, 6), extract.slice(6)], "filter": filtered, "dedup": groups(reached, 4)}
    edit = said(rest, {}, file="ignored")
    emptied = said(rest, {"empty": ("edit", "emptied")})
    left = filtered.filter(pc.not_equal(filtered.column("url"), "https://example.org/empty"))
    edits = ({}, {"edit": [edit.slice(0, 2), edit.slice(2)]}, {"edit": emptied, "filter": left})
    return [task(store, Ledger(), **given | more) for more in edits]


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
