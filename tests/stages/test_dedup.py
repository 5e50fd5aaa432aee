"""The stage over a store: what is planned, what runs, and what an earlier build's documents do."""

import random

import pyarrow as pa
import pytest
import yaml

from corpus.dedup.components import GROUPS
from corpus.document import DOCUMENT, ID
from corpus.errors import ConfigError
from corpus.store import Store
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.plan import Plan
from pipelines.progress import Progress
from pipelines.run import Run
from pipelines.stages import dedup
from pipelines.step import Result

SMALL = {
    "version": 1, "store": "store", "sources": [{"name": "web", "files": "*.jsonl", "reader": "jsonl"}],
    "mixture": {"budget_tokens": 100},
}


def ident(i):
    return i.to_bytes(2, "big") * 8


def words(seed, n=60):
    return " ".join(random.Random(seed).choices("abcdefghijklmnopqrstuvwxyz", k=n))


class Line:
    """A build's dedup stage over given documents, one table a source shard."""

    def __init__(self, folder):
        self.folder, self.store = folder, Store(str(folder / "store")).prepare()
        (folder / "a.jsonl").write_text("{}\n")

    def load(self, name, **options):
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(SMALL | {"name": name, "dedup": {"partitions": 3} | options}))
        return load_build(str(path))

    def filtered(self, tables, marks=None):
        outputs = [self.store.write_shard("documents", t) for t in tables]
        outputs += [self.store.write_shard("marks", m) for m in marks or ()]
        return Result("filter", tuple(outputs))

    def build(self, tables, name="small", marks=None, **options):
        run = Run(self.store, name, Placement({"engine": "inline"}), Progress())
        result = dedup.stage(run, self.load(name, **options), self.filtered(tables, marks))
        run.finish()
        return run, [self.store.read_shard(g) for g in result["groups"]]

    def plan(self, tables, name="small", **options):
        plan = Plan(self.store, name)
        dedup.stage(plan, self.load(name, **options), self.filtered(tables))
        return {s.step: (s.status, s.reason) for s in plan.steps}


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path)


def table(*rows, **columns):
    """Rows (id, text)."""
    texts = pa.array([t for _, t in rows], pa.large_string())
    given = {"id": pa.array([ident(i) for i, _ in rows], ID), "text": texts} | columns
    return pa.table([given.get(f.name, pa.nulls(len(rows), f.type)) for f in DOCUMENT], schema=DOCUMENT)


TABLES = [table((1, words(1)), (2, words(2)), (3, words(1) + " more")), table((4, words(4)), (5, words(2).upper())), table()]


def test_groups_are_beside_the_source_shards_in_their_order(line):
    _, groups = line.build(TABLES)
    assert [g.num_rows for g in groups] == [3, 2, 0] and groups[0].schema.equals(GROUPS)
    assert [g.column("kept").to_pylist() for g in groups] == [[False, True, True], [True, False], []]
    assert groups[0].column("keeper").to_pylist()[0] == ident(3) and groups[1].column("keeper").to_pylist()[1] == ident(2)


def test_a_plan_before_says_what_waits_and_after_that_all_is_done(line):
    steps = ["dedup.shingles", "dedup.pairs", "dedup.asked", "dedup.verify", "dedup.components", "dedup.members",
             "dedup.keepers", "dedup.decided", "dedup.groups"]
    before = line.plan(TABLES)
    assert list(before) == steps and {s for s, _ in before.values()} == {"to do", "waiting"}
    line.build(TABLES)
    assert line.plan(TABLES) == {step: ("done", "") for step in steps}


def test_a_build_again_makes_nothing_and_a_new_shard_costs_no_old_one_its_shingles(line):
    first, groups = line.build(TABLES)
    again, same = line.build(TABLES)
    assert again.made == 0 and same == groups
    grown, more = line.build([table((9, words(9))), *TABLES])
    assert more[1:] == groups and grown.made < first.made


def test_a_shard_that_is_listed_twice_is_kept_once(line):
    _, groups = line.build([TABLES[1], TABLES[0], TABLES[0]])
    assert groups[2].column("reason").to_pylist() == ["duplicate_record"] * 3
    assert groups[2].column("keeper").to_pylist() == groups[1].column("keeper").to_pylist()


def test_components_take_rounds_where_edges_are_many_and_end_equal(line, monkeypatch):
    tables = [table(*((i, words(i % 5) + " x" * (i // 5)) for i in range(40)))]
    _, one = line.build(tables)
    monkeypatch.setattr(dedup.star_partitions, "__defaults__", (6,))
    run, rounds = line.build(tables)
    assert rounds == one and sum(one[0].column("kept").to_pylist()) < 40
    names = [s for s in run.walked if s.startswith("dedup.components")]
    assert names[:2] == ["dedup.components", "dedup.components.2"]
    assert {s for s, _ in line.plan(tables).values()} == {"done"}


def test_the_best_score_is_kept_where_that_is_the_rule(line):
    marks = [pa.table({"id": TABLES[i].column("id"), "language_score": pa.array(scores, pa.float64())})
             for i, scores in enumerate([[0.9, 0.1, 0.2], [0.5, 0.8], []])]
    _, groups = line.build(TABLES, marks=marks, keep="score", score="language_score")
    assert [g.column("kept").to_pylist() for g in groups] == [[True, False, False], [True, True], []]


def test_another_builds_documents_stay_and_this_ones_yield(line):
    line.build(TABLES, name="january")
    crawl = [table((11, words(1) + " more and longer"), (12, words(12))), table((4, words(4)), (13, words(2)))]
    _, groups = line.build(crawl, name="february", against=["january"])
    rows = pa.concat_tables(groups).to_pylist()
    assert [r["reason"] for r in rows] == ["near_duplicate", None, "duplicate_record", "exact_duplicate"]
    assert [r["keeper"] for r in rows] == [ident(3), ident(12), ident(4), ident(2)]
    assert {s for s, _ in line.plan(crawl, name="february", against=["january"]).values()} == {"done"}


def test_addresses_of_another_build_count_where_both_have_them(line):
    old = [table((1, words(1)), url=pa.array(["http://a.example/x"]))]
    new = [table((2, words(2)), (3, words(3)), url=pa.array(["https://www.a.example/x/", "https://a.example/y"]))]
    line.build(old, name="january")
    with pytest.raises(ConfigError, match="'january' has no finished 'dedup.standing'.*with dedup.urls"):
        line.build(new, name="february", against=["january"], urls=True)
    line.build(old, name="january", urls=True)
    _, groups = line.build(new, name="february", against=["january"], urls=True)
    assert groups[0].column("reason").to_pylist() == ["same_url", None] and groups[0].column("keeper")[0].as_py() == ident(1)


@pytest.mark.parametrize("options, says", [
    ({"against": ["nobody"]}, "'nobody' has no finished 'dedup.shingles'"),
    ({"against": ["january"], "ngram": 4}, "'january' was shingled otherwise .*ngram: 5 → 4")])
def test_what_cannot_be_deduplicated_against_is_named(line, options, says):
    line.build(TABLES, name="january")
    with pytest.raises(ConfigError, match=says):
        line.build(TABLES, **options)
