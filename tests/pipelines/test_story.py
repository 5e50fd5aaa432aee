"""Stories: why a document is drawn or not and where its copies lie, from a store that is written here by hand."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from corpus import results
from corpus.document import ID, VERDICT, record_id, show_id
from corpus.ghosts import GHOST
from corpus.keys import digest_bytes
from corpus.mixture.caps import CAPS
from corpus.mixture.copies import copies_of
from corpus.mixture.draw import PLAN
from corpus.store import Store
from pipelines.config.load import load_build
from pipelines.story import stories
from pipelines.view import View


class Left:
    """What a build left: outputs by step, as its manifests would name them."""

    def __init__(self, folder, name="b", **keys):
        file = {"version": 1, "name": name, "store": "store", "sources": [{"name": "web", "files": "x.jsonl"}],
                "mixture": {"budget_tokens": 100}, "search": {"method": "natural"}, "shards": ["climbmix"]} | keys
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(file))
        (folder / "x.jsonl").write_text(json.dumps({"text": "x"}))
        self.build = load_build(str(folder / f"{name}.yaml"))
        self.store, self.steps = Store(self.build.store_url).prepare(), {}

    def step(self, name, *outputs):
        self.steps[name] = [results.item_to_json(o) for o in outputs]

    def shard(self, name, table):
        return self.store.write_shard(name, table)

    def records(self, rows):
        """rows: (number, reason or None, keeper or None)."""
        self.step("freeze.ledger", self.shard("verdicts", pa.Table.from_pylist([
            {"id": doc(i), "url": f"https://{self.build.name}.org/{i}", "source": "web", "file": "x.jsonl", "offset": i,
             "kept": reason is None, "stage": reason and "dedup", "reason": reason, "keeper": keeper}
            for i, reason, keeper in rows], VERDICT)))

    def view(self):
        state = {}
        for name, outputs in self.steps.items():
            key = digest_bytes(f"{self.build.name} {name}".encode())
            state[name] = {"stage": "x", "key": key, "identity": {}, "tasks": [key]}
            self.store.write_json(f"steps/{key[:2]}/{key}.json", {
                "step": name, "stage": "x", "key": key, "identity": {}, "counts": {}, "made": {"seconds": 0, "engine": "x"},
                "tasks": [{"key": key, "outputs": outputs, "counts": {}}]})
        self.store.write_json(f"builds/{self.build.name}/state.json", {"schema": 1, "steps": state})
        return View(self.build)


def doc(i):
    return record_id("web", str(i).encode())


def plan_row(phase, cell, weight, whole, threshold, shards=2):
    return {"phase": phase, "first_shard": phase * shards, "shards": shards, "cell": cell, "weight": weight, "target": 10,
            "documents": 1, "tokens": 10, "epochs": 1.0, "whole": whole, "threshold": threshold, "drawn_documents": 1,
            "distinct_documents": 1, "drawn_tokens": 10, "share": weight, "residue": 0, "seed": 3}


ROWS = [(1, "a", 10, "x.org"), (2, "a", 2000, "x.org"), (3, "b", 10, "x.org"), (4, None, 10, "x.org"),
        (5, "a", 10, "big.org"), (6, "a", 20, "y.org")]


def drawn(folder, phases=1, seen=None):
    """A: keys up to 1000 drawn once; B weighs 0; big.org's documents with keys over 5 are left out."""
    left = Left(folder)
    left.records([(i, None, None) for i, *_ in ROWS])
    documents = [ROWS[:2], ROWS[2:]]                       # two frozen shards
    left.step("freeze", *(left.shard("documents", pa.table({"id": pa.array([doc(r[0]) for r in part], ID)}))
                          for part in documents))
    index = [pa.table({"key": pa.array([r[2] for r in part], pa.uint64()),
                       "cell": pa.array([r[1] for r in part], pa.string()),
                       "source": ["web"] * len(part), "tokens": pa.array([10] * len(part)),
                       "host": pa.array([r[3] for r in part], pa.string())}) for part in documents]
    left.step("search.index", *(left.shard("index", t) for t in index))
    plan = pa.Table.from_pylist([plan_row(p, c, w, p if c == "a" else 0, 1000 if c == "a" else None)
                                 for p in range(phases) for c, w in (("a", 1.0), ("b", 0.0))], PLAN)
    caps = pa.Table.from_pylist([{"attribute": "host", "value": "big.org", "threshold": 5, "tokens_allowed": 40,
                                  "tokens_drawn": 30}], CAPS)
    left.step("compile.draw", left.shard("plan", plan), left.shard("caps", caps))
    if seen:
        counts = [pa.array([seen.get(r[0], 0) for r in part], pa.uint8()) for part in documents]
        left.step("compile.after.seen", *(left.shard("seen", pa.table({"seen": c})) for c in counts))
    return left, index, plan, caps


def sidecar(left, folder, shard, rows):
    """rows: (sequence, offset, begin, id, copy)."""
    (folder / "out/index").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([{"sequence": s, "offset": o, "length": 5, "begin": b, "id": i, "copy": c}
                                         for s, o, b, i, c in rows]), folder / f"out/index/shard_{shard:05d}.parquet")
    return left.store.write_folder("shard", folder / "out", {"shard": shard, "format": "index"})


def told(left, wanted):
    (story,) = stories(left.view(), wanted)
    return story


def test_a_copy_is_told_with_shard_sequence_and_offset(tmp_path):
    left, index, plan, caps = drawn(tmp_path)
    shard = int(copies_of(index[0].slice(0, 1), plan, caps).shard[0])
    left.step("shards.index", sidecar(left, tmp_path, shard, [
        (7, 4512, 0, show_id(doc(1)), 0), (9, 6000, 5, show_id(doc(1)), 0), (8, 5000, 0, show_id(doc(6)), 0)]))
    story = told(left, "https://b.org/1")
    assert story["cell"] == "a" and story["drawn"] == "1 time"
    assert story["shards"] == f"shard {shard} sequence 7 offset 4,512 in 2 pieces (copy 0)"


def test_every_copy_of_a_real_build_is_told_where_its_sidecar_has_it(small):
    small.build()
    view = View(small.load())
    told, there = [], []
    for folder in view.outputs(view.manifests["shards.index"], "shard"):
        for row in pq.read_table(view.store.full(f"{folder.path}/{folder.files[0][0]}")).to_pylist():
            there.append((row["id"], folder.about["shard"], row["sequence"], row["offset"], row["copy"]))
    place = re.compile(r"shard (\d+) sequence ([\d,]+) offset ([\d,]+) \(copy (\d+)\)")
    for row in view.rows("freeze.ledger", "verdicts").to_pylist():
        (story,) = stories(view, show_id(row["id"]))
        found = place.findall(story.get("shards", ""))
        assert story["drawn"].startswith("not: ") == (not found)
        told += [(story["id"], *(int(n.replace(",", "")) for n in numbers)) for numbers in found]
    assert sorted(told) == sorted(there) and len(told) > 5
    assert stories(view, "7")[0]["url"] == "https://example.org/7"


def test_what_is_not_drawn_says_why(tmp_path):
    left, *_ = drawn(tmp_path)
    for i, words in [
        (2, "not: its draw 00000000000007d0 is over its cell's threshold 00000000000003e8: the share was met without it"),
        (3, "not: its cell 'b' weighs 0"),
        (5, "not: host big.org is capped at 40 tokens, and its draw 000000000000000a is over 0000000000000005"),
    ]:
        assert told(left, f"https://b.org/{i}")["drawn"] == words
    assert "drawn" not in (story := told(left, "https://b.org/4")) and story["cell"] == "none: it lacks domain or source"


def test_phases_and_what_a_trainer_has_read_are_told(tmp_path):
    left, *_ = drawn(tmp_path, phases=2)
    assert told(left, "https://b.org/1")["drawn"] == "2 times, in phases 0, 1"
    left, *_ = drawn(tmp_path, phases=2, seen={1: 1, 6: 3})
    story = told(left, "https://b.org/1")
    assert story["seen"] == "1 copy read by --after" and story["drawn"] == "1 time, in phase 1"
    assert told(left, "https://b.org/6")["drawn"].startswith("not: it was read 3 times already")


def test_a_record_is_found_by_the_id_that_its_source_gave_it(tmp_path):
    left, *_ = drawn(tmp_path)
    assert told(left, "3")["id"] == show_id(doc(3)) and told(left, show_id(doc(3)))["url"] == "https://b.org/3"
    assert stories(left.view(), "99") == []


def ghosts(left, path, reason, *numbers, build="other"):
    rows = pa.Table.from_pylist([{"id": doc(i), "reason": reason} for i in numbers], GHOST)
    item = results.item_to_json(left.shard("documents", rows))
    left.store.write_json(path, {"schema": 1, "name": "x", "build": build, "documents": item})


def test_removed_and_held_out_documents_say_so_and_without_a_record_too(tmp_path):
    left, *_ = drawn(tmp_path)
    ghosts(left, "tombstones/index.json", "removed", 4, 77)
    ghosts(left, "holdouts/valid.json", "holdout", 3)
    story = told(left, "https://b.org/4")
    assert story["removed"].startswith("from every build") and story["cell"] == "none: it was removed"
    assert "held out" in told(left, "https://b.org/3")["holdout"]
    assert told(left, "77")["verdict"] == "no record of this build" and "removed" in told(left, show_id(doc(77)))


def test_an_address_that_stays_out_says_so_where_there_is_no_record_of_it(tmp_path):
    left, *_ = drawn(tmp_path)
    rows = pa.Table.from_pylist([{"host": "gone.org", "reason": "removed"}], GHOST)
    item = results.item_to_json(left.shard("documents", rows))
    left.store.write_json("tombstones/index.json", {"schema": 1, "name": "x", "build": "", "documents": item})
    assert told(left, "https://gone.org/a")["removed"].startswith("the address stays out")
    assert not stories(left.view(), "https://there.org/a")


def test_a_builds_own_holdout_leaves_a_document_without_a_cell(tmp_path):
    left, *_ = drawn(tmp_path)
    left.step("holdout.groups", left.shard("held", pa.table({"id": pa.array([doc(4)], ID)})))
    assert told(left, "https://b.org/4")["cell"] == "none: it is in the holdout, or near a document of it"


def test_an_older_builds_keeper_is_named_with_its_address(tmp_path):
    old = Left(tmp_path, "old")
    old.records([(1, None, None)])
    old.view()
    new = Left(tmp_path, "new", dedup={"against": ["old"]})
    new.records([(2, "duplicate", doc(1)), (3, "duplicate", doc(9))])
    story = told(new, "https://new.org/2")
    assert story["keeper"] == show_id(doc(1)) and story["keeper_url"] == "https://old.org/1 (of the build 'old')"
    assert told(new, "https://new.org/3")["keeper_url"] is None


@pytest.mark.parametrize("step", ["compile.draw", "search.index"])
def test_a_half_finished_build_tells_what_there_is(tmp_path, step):
    left, *_ = drawn(tmp_path)
    del left.steps[step]
    story = told(left, "https://b.org/1")
    assert story["verdict"] == "kept" and "shards" not in story
    assert np.array(["cell" in story]) == [step == "compile.draw"]
