"""Sketches of cells: overlap as sets have it, merged in any order; and what is refused, shown or carried over."""

import json

import numpy as np
import pyarrow as pa
import pytest

from corpus import chance
from corpus.document import ID
from corpus.errors import ConfigError, UserError
from corpus.mixture.evidence import (
    KEPT,
    CellSketch,
    CellSketches,
    CheckEvidence,
    drift_of,
    evidence_digest,
    evidence_table,
    merge,
    mixture_value,
    overlap,
    sketch_table,
    sketches_in,
    sketches_of,
)
from corpus.results import Folder
from corpus.store import Store
from corpus.tasks import Task, execute


def ids(first, last):
    return pa.array([i.to_bytes(16, "big") for i in range(first, last)], ID)


def sketch(first, last, cell="a", tokens=10):
    n = last - first
    return sketches_of(ids(first, last), pa.array([cell] * n, pa.string()), np.full(n, tokens))


def apart(a, b):
    return overlap(a["a"].keys, b["a"].keys)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store")).prepare()


def test_small_cells_overlap_exactly_as_their_documents_do():
    assert apart(sketch(0, 100), sketch(0, 100)) == 1.0
    assert apart(sketch(0, 100), sketch(50, 150)) == pytest.approx(50 / 150)
    assert apart(sketch(0, 100), sketch(100, 200)) == 0.0
    assert overlap(np.zeros(0, np.uint64), np.zeros(0, np.uint64)) == 1.0


@pytest.mark.parametrize("shared", [0.5, 0.9, 0.95, 0.99])
def test_large_cells_overlap_to_within_three_standard_errors(shared):
    n = 40_000
    moved = round(n * (1 - shared) / (1 + shared))        # of n and n documents, shared = (n - moved) / (n + moved)
    error = 3 * (shared * (1 - shared) / KEPT) ** 0.5
    assert apart(sketch(0, n), sketch(moved, n + moved)) == pytest.approx(shared, abs=error)


def test_a_cell_that_doubled_overlaps_by_a_half():
    assert apart(sketch(0, 20_000), sketch(0, 40_000)) == pytest.approx(0.5, abs=0.05)
    assert apart(sketch(0, 500), sketch(0, 2000)) == pytest.approx(0.25, abs=0.04)


def test_sketches_merge_in_any_order_to_that_of_all_documents():
    whole, parts = sketch(0, 9000), [sketch(0, 10), sketch(10, 5000), sketch(5000, 9000)]
    for order in (parts, parts[::-1]):
        merged = merge(order)["a"]
        assert (merged.keys == whole["a"].keys).all() and len(merged.keys) == KEPT
        assert (merged.documents, merged.tokens) == (9000, 90_000)
    smallest = np.sort(chance.hash64(0, "evidence", ids(0, 9000)))[:KEPT]
    assert (whole["a"].keys == smallest).all()


def test_documents_without_a_cell_do_not_count():
    found = sketches_of(ids(0, 4), pa.array(["a", None, "b", "a"]), np.array([1, 2, 3, 4]))
    assert {c: (s.documents, s.tokens) for c, s in found.items()} == {"a": (2, 5), "b": (1, 3)}
    assert sketches_of(ids(0, 2), pa.nulls(2, pa.string()), np.array([1, 2])) == {}


def test_a_table_and_a_mixture_file_give_back_the_sketches_they_hold():
    kept = sketch(0, 5000) | sketch(9000, 9003, "b")
    table = sketch_table(kept)
    value = json.loads(json.dumps(mixture_value({"b": 0.25, "a": 0.75}, table, ("domain",), "tax", "tok")))
    assert evidence_table(value, "m.json").equals(table) and list(value["weights"]) == ["a", "b"]
    assert sketch_table(sketches_in(table)).equals(table) and sketch_table({}).num_rows == 0
    assert evidence_digest(value) == evidence_digest(value | {"weights": {}}) != evidence_digest(value | {"taxonomy": "x"})


@pytest.mark.parametrize("broken", [
    {"sketch": "!!"}, {"sketch": "AAA="}, {"tokens": "many"}, {"sketch": None},
    {"sketch": "AQAAAAAAAAAAAAAAAAAAAA=="},
])  # fmt: skip
def test_a_damaged_sketch_is_named(broken):
    value = mixture_value({"a": 1.0}, sketch_table(sketch(0, 5)), ("domain",), "tax", "tok")
    value["cells"]["a"] |= broken
    with pytest.raises(ConfigError, match=r"m\.json: cells\.a: is damaged"):
        evidence_table(value, "m.json")
    with pytest.raises(ConfigError, match="schema 7"):
        evidence_table(value | {"schema": 7}, "m.json")


def test_shards_sketched_one_by_one_are_the_sketch_of_all(store):
    outputs = []
    for first in (0, 700, 1400):
        documents = store.write_shard("documents", pa.table({"id": ids(first, first + 700)}))
        index = store.write_shard("index", pa.table({"cell": ["a"] * 700, "tokens": np.full(700, 10)}))
        task = Task("sketch", CellSketch(), {"documents": (documents,), "index": (index,)}, store)
        outputs += execute(task).of("sketch")
    (one,) = execute(Task("sketches", CellSketches(), {"sketch": outputs}, store)).of("sketch")
    assert store.read_shard(one).equals(sketch_table(sketch(0, 2100)))


def folder(digest):
    return Folder("model", f"folders/{digest}", digest, ())


def check(store, then, now, carry=False, taxonomy="t1", tokenizer="k1", attributes=("domain",)):
    body = CheckEvidence("t1", "k1", ("domain",), attributes, carry)
    inputs = {"then": (store.write_shard("then", sketch_table(then)),),
              "now": (store.write_shard("now", sketch_table(now)),),
              "taxonomy": (folder(taxonomy),), "tokenizer": (folder(tokenizer),)}
    return execute(Task("compile.evidence", body, inputs, store))


def test_the_same_documents_pass_and_so_does_growth_of_a_twentieth(store):
    assert check(store, sketch(0, 1000), sketch(0, 1000)).counts == {"cells": 1}
    assert check(store, sketch(0, 1000), sketch(0, 1050)).counts == {"cells": 1}


def test_drift_is_refused_with_a_table_of_cells_worst_first(store):
    then, now = sketch(0, 100) | sketch(200, 300, "b"), sketch(0, 100) | sketch(250, 350, "b")
    with pytest.raises(UserError) as error:
        check(store, then, now)
    lines = str(error.value).splitlines()
    assert lines[0] == "mixture.weights: found on other data: 1 of 2 cells share under 95% of their documents"
    assert lines[1].split() == "cell overlap tokens then tokens now share then share now".split()
    assert lines[2].split() == ["b", "33.3%", "1,000", "1,000", "50.00%", "50.00%"]
    assert lines[3].split()[:2] == ["a", "100.0%"] and "--carry" in lines[4]


def test_drift_that_is_carried_is_written_down(store):
    record = check(store, sketch(0, 100), sketch(50, 150) | sketch(200, 210, "new"), carry=True)
    (drift,) = record.of("drift")
    rows = store.read_shard(drift).to_pylist()
    assert record.counts == {"cells": 2, "drifted": 2}
    assert [(r["cell"], r["overlap"], r["tokens_then"], r["tokens_now"]) for r in rows] == [
        ("new", 0.0, 0, 100), ("a", pytest.approx(1 / 3), 1000, 1000)]


def test_another_taxonomy_is_refused_carried_or_not(store):
    for carry in (False, True):
        with pytest.raises(UserError, match=r"found on another taxonomy \(t1\); this build's is t2"):
            check(store, sketch(0, 10), sketch(0, 10), carry, taxonomy="t2")


def test_another_tokenizer_or_other_attributes_have_to_be_carried(store):
    same = sketch(0, 10)
    with pytest.raises(UserError, match="the tokenizer was k1 and is k2"):
        check(store, same, same, tokenizer="k2")
    with pytest.raises(UserError, match="cells were domain and are domain/source"):
        check(store, same, same, attributes=("domain", "source"))
    assert check(store, same, same, True, tokenizer="k2").counts == {"cells": 1, "changed": 1}


def test_drift_of_nothing_is_nothing():
    assert drift_of({}, {}).num_rows == 0
