"""What was removed or held out keeps its near-duplicates out of dedup, and a store without ghosts has the keys of one that
never had any.
"""

import random

import pyarrow as pa
import pytest
import yaml

from corpus import results
from corpus.dedup.shingle import Shingle
from corpus.document import DOCUMENT, ID
from corpus.ghosts import HELD_OUT
from corpus.registry import identity
from corpus.removal.tombstones import add, ghost_rows
from corpus.store import Store
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.plan import Plan
from pipelines.progress import Progress
from pipelines.run import Run
from pipelines.stages import dedup, ghosts
from pipelines.step import Result


def ident(i):
    return bytes([i]) * 16


def words(seed, n=60):
    return random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz", k=n)


GONE = " ".join(words(1))
NEAR = " ".join([*words(1)[:30], "other", *words(1)[31:]])
OTHER = " ".join(words(2))


def signed(shingle, *texts, first=100):
    return ghost_rows(shingle.of(pa.array([ident(first + i) for i in range(len(texts))], ID), list(texts)))


@pytest.fixture
def line(tmp_path):
    (tmp_path / "a.jsonl").write_text("{}\n")
    store = Store(str(tmp_path / "store")).prepare()

    def line(kind=Run, name="small", **options):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({
            "version": 1, "name": name, "store": "store", "mixture": {"budget_tokens": 100},
            "sources": [{"name": "web", "files": "*.jsonl", "reader": "jsonl"}],
            "dedup": {"partitions": 2} | options}))
        walked = kind(store, name, *(() if kind is Plan else (Placement({"engine": "inline"}), Progress())))
        texts = [NEAR, OTHER, GONE.upper()]
        table = pa.table([pa.array([ident(i) for i in range(3)], ID), texts, ["web"] * 3, [None] * 3, [None] * 3],
                         schema=DOCUMENT)
        filtered = Result("filter", (store.write_shard("documents", table),))
        found = dedup.stage(walked, load_build(str(path)), filtered)
        if kind is Run:
            walked.finish()
        return walked, [row for g in found["groups"] for row in store.read_shard(g).to_pylist()]

    return line


def kept(rows):
    return [row["kept"] for row in rows]


def test_what_is_near_a_removed_document_is_dropped_for_it(line, tmp_path):
    walked, rows = line()
    assert kept(rows) == [True, True, False]             # the shouted copy is near the other: one of the two stays
    store, shingle = walked.store, Shingle()
    add(store, "small", signed(shingle, GONE), [(shingle, signed(shingle, GONE))])
    planned, _ = line(Plan)
    assert "dedup.ghosts" in {s.step for s in planned.steps if s.status == "to do"}
    _, rows = line()
    assert kept(rows) == [False, True, False]
    assert [(row["reason"], row["keeper"]) for row in rows if not row["kept"]] == [
        ("near_duplicate", ident(100)), ("exact_duplicate", ident(100))]
    assert all(s.status == "done" for s in line(Plan)[0].steps)


def test_a_document_removed_alone_lets_its_like_stay(line):
    walked, before = line()
    alone = ghost_rows(pa.table({"id": pa.array([ident(100)], ID)}))
    add(walked.store, "small", alone, [(Shingle(), alone)])
    again, rows = line()
    assert rows == before and again.made == 0


def test_shingles_of_other_options_cannot_be_compared_and_are_named(line):
    walked, _ = line()
    other = Shingle(ngram=3)
    add(walked.store, "small", signed(other, GONE), [(other, signed(other, GONE))])
    again, rows = line()
    assert kept(rows) == [True, True, False]
    assert ghosts.unsigned(again, Shingle()) == ["tombstones"] and ghosts.unsigned(again, other) == []
    assert kept(line(name="three", ngram=3)[1]) == [False, True, False]


def test_a_holdout_of_another_build_counts_and_ones_own_does_not(line):
    walked, before = line()
    rows = signed(Shingle(), GONE)
    rows = rows.set_column(rows.column_names.index("reason"), "reason", pa.array([HELD_OUT]))
    entry = {"schema": 1, "name": "valid", "build": "small", "shingle": identity(Shingle()),
             "documents": results.item_to_json(walked.store.write_shard("ghosts", rows))}
    walked.store.write_json("holdouts/valid.json", entry)
    assert line()[1] == before
    assert kept(line(name="other")[1]) == [False, True, False]
    walked.store.write_json("holdouts/valid.json", {k: v for k, v in entry.items() if k != "shingle"})
    assert kept(line(name="third")[1]) == [False, True, False]       # as the build that made it shingles
