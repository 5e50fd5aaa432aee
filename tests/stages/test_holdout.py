"""The holdout over a store: two builds, a crawl that grows, and near-duplicates of what is held out."""

import pyarrow as pa
import pytest
import yaml

from corpus.document import DOCUMENT, ID
from corpus.errors import ConfigError
from corpus.freeze import Freeze
from corpus.mixture.holdouts import registered, texts_of, without
from corpus.removal.tombstones import add, ghost_rows
from corpus.store import Store
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.plan import Plan
from pipelines.progress import Progress
from pipelines.run import Run
from pipelines.stages import dedup, holdout
from pipelines.stages.annotate import Marks
from pipelines.step import Result


def ident(i):
    return i.to_bytes(2, "big") * 8


def prose(i, n=100):
    return " ".join(f"w{i}x{k}" for k in range(n))


def near(i):
    """`prose(i)` with one word changed and one more: longer, at Jaccard 95 / 98."""
    return prose(i, 99) + " changed more"


class Line:
    """A build from what passed its filter to the ids that its index leaves out; texts by number, a list a source shard."""

    def __init__(self, folder):
        self.folder, self.store = folder, Store(str(folder / "store")).prepare()
        (folder / "a.jsonl").write_text("{}\n")

    def load(self, name, asked):
        path = self.folder / f"{name}.yaml"
        mixture = {"budget_tokens": 100} | ({"holdout": asked} if asked else {})
        path.write_text(yaml.safe_dump({
            "version": 1, "name": name, "store": "store", "seed": 5, "mixture": mixture, "dedup": {"partitions": 2},
            "sources": [{"name": "web", "files": "*.jsonl", "reader": "jsonl"}]}))
        return load_build(str(path))

    def walk(self, line, name, shards, asked):
        build, rows = self.load(name, asked), []
        for shard in shards:
            none = pa.nulls(len(shard), pa.string())
            ids = pa.array([ident(i) for i in shard], ID)
            texts = pa.array(list(shard.values()), pa.large_string())
            rows.append(pa.table([ids, texts, none, none, none], schema=DOCUMENT))
        beside = [self.store.write_shard("marks", r.select(["id"])) for r in rows]
        filtered = Result("filter", (*(self.store.write_shard("documents", r) for r in rows), *beside))
        groups = dedup.stage(line, build, filtered)
        frozen = line.map("freeze", Freeze(), {
            "documents": filtered["documents"], "marks": filtered["marks"], "groups": groups["groups"]})
        tokens = []
        for shard in frozen["documents"]:
            texts = self.store.read_shard(shard)
            counts = pa.array([len(t.split()) for t in texts.column("text").to_pylist()], pa.int64())
            tokens.append(self.store.write_shard("tokens", pa.table([texts.column("id"), counts], ["id", "token_count"])))
        made = Result("annotate.tokens", tuple(tokens) if frozen.known else None)
        marks = Marks(Result("t", ()), None, tokens=made["tokens"], ids=made["ids"], quality=None)
        return frozen, holdout.stage(line, build, frozen, marks, groups)

    def build(self, name, shards, asked=None):
        """(ids that may be drawn, ids that the index leaves out, the run)"""
        run = Run(self.store, name, Placement({"engine": "inline"}), Progress())
        frozen, found = self.walk(run, name, shards, asked)
        run.finish()
        self.texts = found.texts
        out = [i for s in found.held or () for i in self.store.read_shard(s).column("id").to_pylist()]
        ids = pa.concat_tables(self.store.read_shard(s) for s in frozen["documents"]).column("id").to_pylist()
        return {int.from_bytes(i[:2], "big") for i in set(ids) - set(out)}, {int.from_bytes(i[:2], "big") for i in out}, run

    def plan(self, name, shards, asked):
        plan = Plan(self.store, name)
        self.walk(plan, name, shards, asked)
        return {step.step: step.status for step in plan.steps if step.step.startswith("holdout")}

    def held_texts(self):
        return [t for rows in texts_of(self.store, registered(self.store, "val")) for t in rows.column("text").to_pylist()]


VAL = {"name": "val", "tokens": 300}
CRAWL = [{i: prose(i) for i in range(8)}, {i: prose(i) for i in range(8, 16)}]


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path)


def test_a_holdout_is_drawn_whole_and_left_out(line):
    drawn, held, _ = line.build("a", CRAWL, VAL)
    assert len(held) == 3 and drawn == set(range(16)) - held
    assert sorted(line.held_texts()) == sorted(prose(i) for i in held)
    entry = registered(line.store, "val")
    assert (entry["build"], entry["asked"], entry["tokens"], entry["rows"]) == ("a", 300, 300, 3)


def test_what_was_held_out_stays_whatever_comes_and_a_second_run_has_nothing_to_do(line):
    _, held, _ = line.build("a", CRAWL, VAL)
    before = registered(line.store, "val")
    _, again, run = line.build("a", CRAWL, VAL)
    assert (again, run.made) == (held, 0)
    _, grown, _ = line.build("a", [*CRAWL, {i: prose(i) for i in range(100, 140)}], VAL)
    assert grown == held and registered(line.store, "val") == before


def test_a_longer_near_duplicate_that_displaces_a_held_out_keeper_is_not_drawn_either(line):
    _, held, _ = line.build("a", CRAWL, VAL)
    drawn, out, _ = line.build("a", [*CRAWL, {500 + i: near(i) for i in range(16)}], VAL)
    assert out == {500 + i for i in held}                   # the longer one is kept, and stays out
    assert drawn == {500 + i for i in range(16) if i not in held}


def test_no_copy_of_a_held_out_document_nor_what_is_near_it_enters_another_build(line):
    _, held, _ = line.build("a", CRAWL, VAL)
    copies = {200 + i: prose(i).upper() for i in range(16)}
    nearly = {300 + i: near(i) for i in range(16)}
    for name, shards in (("b", [copies]), ("c", [nearly, {400: prose(400)}]), ("d", [CRAWL[1], copies, nearly])):
        drawn, out, _ = line.build(name, shards)
        assert out == set()                                 # its dedup has dropped them already
        assert {i % 100 for i in drawn - {400}} == set(range(16)) - held and (400 in drawn) == (name == "c")


def test_another_build_that_names_it_uses_the_text_that_is_registered(line):
    line.build("a", CRAWL, VAL)
    before = line.held_texts()
    drawn, held, _ = line.build("b", [{i: prose(i) for i in range(600, 620)}], VAL)
    assert (len(drawn), held, line.held_texts()) == (20, set(), before)
    assert [t for s in line.texts for t in line.store.read_shard(s).column("text").to_pylist()] == before
    with pytest.raises(ConfigError, match="400, but build 'a' drew the holdout 'val' with 300"):
        line.build("b", [{i: prose(i) for i in range(600, 620)}], VAL | {"tokens": 400})


def test_a_holdout_outlives_its_place_in_the_build_file_and_its_own_documents(line):
    _, held, _ = line.build("a", CRAWL, VAL)
    assert line.build("a", CRAWL)[1] == held                # nobody names it any more
    first = min(held)
    without_it = [{i: t for i, t in shard.items() if i != first} for shard in CRAWL]
    drawn, out, _ = line.build("a", [*without_it, {700: near(first), 701: prose(first).upper()}], VAL)
    assert out == held - {first} | {700} and not drawn & {700, 701}


def test_a_removed_document_leaves_the_holdout_and_the_next_run_agrees(line):
    _, held, _ = line.build("a", CRAWL, VAL)
    gone = min(held)
    assert without(line.store, [ident(gone)]) == ["val"]
    entry = registered(line.store, "val")
    rest = [{i: t for i, t in shard.items() if i != gone} for shard in CRAWL]
    _, out, _ = line.build("a", rest, VAL)
    assert out == held - {gone} and registered(line.store, "val") == entry
    assert prose(gone) not in line.held_texts() and len(line.held_texts()) == 2


def test_a_holdout_that_was_registered_while_something_was_removed_loses_it_in_the_next_run(line):
    _, held, _ = line.build("a", CRAWL, VAL)
    gone = min(held)
    add(line.store, "a", ghost_rows(pa.table({"id": pa.array([ident(gone)], ID)})), [])
    rest = [{i: t for i, t in shard.items() if i != gone} for shard in CRAWL]
    assert line.build("a", rest, VAL)[1] == held - {gone}
    assert prose(gone) not in line.held_texts() and registered(line.store, "val")["rows"] == 2


def test_a_plan_knows_the_steps_before_and_after(line):
    assert line.plan("a", CRAWL, VAL)["holdout.draw"] != "done"
    line.build("a", CRAWL, VAL)
    assert set(line.plan("a", CRAWL, VAL).values()) <= {"done", "pinned"}
    assert line.plan("b", CRAWL, None) == {}


def test_a_store_without_holdouts_has_no_such_step(line):
    drawn, out, run = line.build("a", CRAWL)
    assert out == set() and drawn == set(range(16)) and not any(s.startswith("holdout") for s in run.walked)
