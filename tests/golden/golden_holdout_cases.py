"""Golden cases of what stays out of a build and of what it rests on: holdouts, ghosts, licences, evidence."""

from __future__ import annotations

import pyarrow as pa
from golden_dedup_cases import groups, shingles
from golden_inputs import IDS, TEXTS, documents, index, tokens, with_ids
from golden_mixture_cases import folder_of
from golden_shard_cases import HALVES, ids_folder
from golden_table import case, rows, task

from corpus.dedup.ghosts import GhostShingles
from corpus.dedup.shingle import Shingle
from corpus.document import ID
from corpus.ghosts import GHOST
from corpus.mixture.evidence import CellSketch, CellSketches, CheckEvidence
from corpus.mixture.holdout import (
    HELD,
    HOLDOUT,
    Held,
    HoldoutDraw,
    HoldoutGhosts,
    HoldoutGroups,
    HoldoutNear,
    HoldoutRows,
)
from corpus.operators import Batch
from corpus.signals.permissive import Admitted, LicenceTable
from corpus.store import Store
from corpus.tasks import Task, execute

SMALL = Shingle(ngram=5, bands=4, rows=2, seed=3)
UNICODE = ("python-unicode",)          # of the shingles


# holdouts -------------------------------------------------------------------------------------------------------------


def texts() -> pa.Table:
    """A holdout by hand: six documents in its own order."""
    table = documents().append_column("token_count", tokens().column("token_count"))
    return table.take([7, 0, 11, 3, 14, 13]).cast(HOLDOUT)


def ghosts(store: Store) -> pa.Table:
    record = execute(Task("golden", HoldoutGhosts(SMALL), {"texts": [store.write_shard("texts", texts())]}, store))
    return store.read_shard(record.of("ghosts")[0])


@case("body/holdout_draw")
def _(store: Store) -> object:
    given = {name: [table.slice(*at) for at in HALVES] for name, table in (("documents", documents()), ("tokens", tokens()))}
    return [task(store, HoldoutDraw(name, n, 5), **given) for name, n in (("one", 1), ("some", 24), ("most", 90))]


@case("body/holdout_ghosts", also=UNICODE)
def _(store: Store) -> object:
    return task(store, HoldoutGhosts(SMALL), texts=[texts().slice(0, 4), texts().slice(4)])


@case("body/holdout_groups", also=UNICODE)
def _(store: Store) -> object:
    build = documents(tuple(TEXTS)[:12])           # the last of the holdout are no documents of the build any more
    return task(store, HoldoutGroups(), groups=[groups(build.slice(*at), 2) for at in HALVES], ghosts=ghosts(store))


@case("body/holdout_near", also=UNICODE)
def _(store: Store) -> object:
    return [task(store, HoldoutNear(SMALL, t), documents=documents(), ghosts=ghosts(store)) for t in (0.5, 0.95)]


@case("body/holdout_held")
def _(store: Store) -> object:
    held = [pa.table([pa.array(ids, ID)], schema=HELD) for ids in (IDS[4:8], [], IDS[6:9])]
    return task(store, Held(), held=held)


@case("body/holdout_rows")
def _(store: Store) -> object:
    given = {"texts": documents().append_column("token_count", tokens().column("token_count")), "tokens": tokens()}
    return [
        task(store, HoldoutRows(), **given, ids=ids_folder(store, 0, len(IDS))),
        task(store, HoldoutRows(text=True), **given),
    ]


@case("body/ghost_shingles")
def _(store: Store) -> object:
    """Ghosts with signatures, one of them twice; those without; rules."""
    made = shingles(range(6))
    columns = [made.column(f.name) if f.name in made.column_names else pa.nulls(6, f.type) for f in GHOST]
    signed = pa.table(columns, schema=GHOST)
    rules = pa.Table.from_pylist([{"host": "example.org", "after": "2024-01-01"}, {"id": IDS[3], "bands": []}], GHOST)
    return task(store, GhostShingles(), ghosts=[signed.slice(2), rules, signed.slice(0, 4)])


# licences -------------------------------------------------------------------------------------------------------------

PAGES = ["CC-BY-4.0", "CC-BY-NC-4.0", None, "CC-BY-SA-3.0", "CC0-1.0"] + [None] * 10
CODES = [None] * 5 + ["MIT", "GPL-3.0-only", "MIT OR GPL-3.0-only", "MIT AND GPL-3.0-only", "GPL-2.0 WITH X"] + [None] * 5
RECORDS = [None] * 10 + [
    '{"license": "https://creativecommons.org/licenses/by-nd/4.0/"}',
    '{"licenses": ["mit", "Apache-2.0"], "licence": null}',
    '{"license": "public domain", "stars": 5}',
    '{"license": "something of our own"}',
    "{}",
]


@case("signal/admitted")
def _(store: Store) -> object:
    both = documents().append_column("page.licence", pa.array(PAGES)).append_column("code.licence", pa.array(CODES))
    tables = (documents(), both, both.append_column("fields", pa.array(RECORDS)))
    admit = (Admitted(), Admitted(("share-alike", "cc-by-nc", "GPL-3.0-only")))
    return [rows([operator.annotate(Batch(table))]) for table in tables for operator in admit]


@case("body/licence_table")
def _(store: Store) -> object:
    n = len(IDS)
    admitted = with_ids("licence", pa.array(["MIT", None, "GPL-3.0-only"] * 5))
    admitted = admitted.append_column("licence.admitted", pa.array(["yes", "unknown", "no"] * 5))
    reasons = [None if i % 3 == 0 else "short" if i % 4 == 0 else ("licence_unknown", "licence_not_allowed")[i % 3 - 1]
               for i in range(n)]  # fmt: skip
    verdicts = pa.table([pa.array(IDS, ID), [r is None for r in reasons], pa.array(reasons)], ["id", "kept", "reason"])
    halves = {"admitted": [admitted.slice(*at) for at in HALVES], "verdicts": [verdicts.slice(*at) for at in HALVES]}
    return task(store, LicenceTable(), **halves)


# evidence -------------------------------------------------------------------------------------------------------------


@case("body/cell_sketch")
def _(store: Store) -> object:
    return task(store, CellSketch(), documents=documents(), index=index())


def sketch(store: Store, start: int, stop: int | None) -> pa.Table:
    given = {name: [store.write_shard(name, t[start:stop])] for name, t in (("documents", documents()), ("index", index()))}
    return store.read_shard(execute(Task("golden", CellSketch(), given, store)).of("sketch")[0])


@case("body/cell_sketches")
def _(store: Store) -> object:
    return task(store, CellSketches(), sketch=[sketch(store, *part) for part in ((0, 4), (4, 5), (5, None))])


@case("body/evidence")
def _(store: Store) -> object:
    """Evidence of a part of the documents, carried over."""
    taxonomy, tokenizer = (folder_of(store, name, {"about.json": {"of": name}}) for name in ("taxonomy", "tokenizer"))
    given = {"then": sketch(store, 3, None), "now": sketch(store, 0, None), "taxonomy": taxonomy, "tokenizer": tokenizer}
    same = CheckEvidence(taxonomy.digest, tokenizer.digest, ("domain", "source"), ("domain", "source"), carry=True)
    other = CheckEvidence(taxonomy.digest, "0" * 32, ("domain",), ("domain", "source"), carry=True)
    return [task(store, body, **given) for body in (same, other)]
