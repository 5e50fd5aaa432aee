"""Differences between builds and between receipts, by numbers that can be counted."""

import contextlib
import json
import os
import resource

import numpy as np
import pyarrow as pa
import pytest

from corpus.document import ID, VERDICT, show_id
from corpus.errors import MissingFile, UserError
from corpus.store import Store
from pipelines import diff_documents as documents
from pipelines.diff import diff, diff_receipts, diff_steps
from pipelines.diff_documents import diff_documents


class Build:
    """What a view gives of a build, from rows written here. docs: id → (reason or None, cell, tokens, copies)."""

    def __init__(self, store, shards):
        self.store, self.kept = store, {"freeze.ledger": [], "freeze": [], "search.index": [], "shards.place": []}
        for docs in shards:
            self.add(docs)

    def add(self, docs):
        ids = [i.to_bytes(16, "big") for i in docs]
        urls = [f"https://e.org/{i}" for i in docs]
        rows = [{"id": i, "url": u, "source": "web", "kept": d[0] is None, "stage": d[0] and "filter", "reason": d[0]}
                for i, u, d in zip(ids, urls, docs.values())]
        self.kept["freeze.ledger"].append(self.store.write_shard("verdicts", pa.Table.from_pylist(rows, VERDICT)))
        kept = [(i, u, d) for i, u, d in zip(ids, urls, docs.values()) if d[0] is None]
        self.kept["freeze"].append(self.store.write_shard("documents", pa.table({
            "id": pa.array([i for i, _, _ in kept], ID), "url": pa.array([u for _, u, _ in kept], pa.string())})))
        self.kept["search.index"].append(self.store.write_shard("index", pa.table({
            "cell": pa.array([d[1] for *_, d in kept], pa.string()),
            "tokens": pa.array([d[2] for *_, d in kept], pa.int64())})))
        copies = [(i, u, d) for i, u, d in kept for _ in range(d[3])]
        self.kept["shards.place"].append(self.store.write_shard("drawn", pa.table({
            "id": pa.array([i for i, _, _ in copies], ID), "url": pa.array([u for _, u, _ in copies], pa.string()),
            "cell": pa.array([d[1] for *_, d in copies], pa.string()),
            "token_count": pa.array([d[2] for *_, d in copies], pa.int64())})))

    def shards(self, step, name):
        return self.kept[step]

    def drawn(self):
        return enumerate(self.kept["shards.place"])


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store")).prepare()


def shown(i):
    return show_id(i.to_bytes(16, "big"))


SAME = {1: (None, "a", 10, 1), 2: ("short", None, 0, 0)}


def test_equal_builds_read_no_shard_and_differ_in_nothing(store, monkeypatch):
    a, b = Build(store, [SAME, {3: (None, "b", 7, 2)}]), Build(store, [{3: (None, "b", 7, 2)}, SAME])
    monkeypatch.setattr(documents, "read_group", None)
    found = diff_documents(a, b, 3)
    assert found["shards"]["verdicts"] == {"a": 2, "b": 2, "equal": 2}
    assert not any(found[k] for k in ("out", "in", "moved", "reasons", "drawn", "examples"))


def test_what_came_in_went_out_and_moved_is_told_by_reason_and_cell(store):
    a = Build(store, [SAME, {3: (None, "a", 10, 1), 4: ("short", "a", 0, 0), 5: (None, "a", 30, 2), 6: (None, "b", 5, 1),
                             7: ("short", "", 0, 0), 8: ("short", "", 0, 0)}])
    b = Build(store, [SAME, {3: ("toxic", "", 0, 0), 4: (None, "b", 20, 1), 5: (None, "a", 30, 3), 6: (None, "c", 5, 1),
                             7: ("toxic", "", 0, 0), 9: (None, "a", 11, 0)}])
    found = diff_documents(a, b, 3)
    assert found["out"] == [{"stage": "filter", "reason": "toxic", "cell": "a", "documents": 1, "tokens": 10}]
    assert found["in"] == [
        {"stage": "filter", "reason": "short", "cell": "b", "documents": 1, "tokens": 20},
        {"stage": "sources", "reason": "no record of it", "cell": "a", "documents": 1, "tokens": 11}]
    assert found["moved"] == [{"from": "b", "to": "c", "documents": 1, "tokens": 5}]
    assert found["reasons"] == [
        {"stage_a": "filter", "reason_a": "short", "stage_b": "filter", "reason_b": "toxic", "documents": 1}]
    assert found["records"] == {"a": [{"source": "web", "reason": "short", "documents": 1}], "b": []}
    drawn = {c["cell"]: (c["copies_in"], c["copies_out"], c["tokens_in"], c["tokens_out"]) for c in found["drawn"]}
    assert drawn == {"a": (1, 1, 30, 10), "b": (1, 1, 20, 5), "c": (1, 0, 5, 0)}
    assert found["examples"]["out"] == [
        {"id": shown(3), "url": "https://e.org/3", "stage": "filter", "reason": "toxic", "cell": "a"}]


def test_a_removed_document_leaves_its_cell(store):
    found = diff_documents(Build(store, [{1: (None, "a", 10, 1)}]), Build(store, [{1: (None, None, 10, 0)}]))
    assert found["moved"] == [{"from": "a", "to": "(no cell)", "documents": 1, "tokens": 10}]
    assert found["drawn"][0]["copies_out"] == 1 and found["examples"] == {"moved": [], "drawn_out": []}


@contextlib.contextmanager
def few_files():
    """This process may open a dozen files more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 12, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_documents_are_joined_in_parts_to_the_same_sums(store, monkeypatch):
    rng = np.random.default_rng(0)

    def build(salt):
        docs = {i: (None if (i + salt) % 3 else "short", "ab"[i * salt % 5 % 2], 1 + i % 7, i % 3) for i in range(600)}
        ids = list(docs)
        rng.shuffle(ids)
        return Build(store, [{i: docs[i] for i in ids[at : at + 150]} for at in range(0, 600, 150)])

    a, b = build(1), build(2)
    whole = diff_documents(a, b)
    monkeypatch.setattr(documents, "ROWS_A_PARTITION", 100)
    with few_files():
        assert diff_documents(a, b) == whole
    assert sum(r["documents"] for r in whole["out"]) == sum(r["documents"] for r in whole["in"]) == 200
    moved = sum(1 for i in range(0, 600, 3) if "ab"[i % 5 % 2] != "ab"[i * 2 % 5 % 2])
    assert sum(r["documents"] for r in whole["moved"]) == moved > 50


def test_a_document_that_was_read_twice_counts_as_kept_where_one_of_them_was(store):
    def twice():
        build = Build(store, [{1: (None, "a", 10, 1)}])
        build.add({1: ("duplicate", "", 0, 0), 5: ("short", "", 0, 0)})
        return build

    found = diff_documents(twice(), Build(store, [{1: ("toxic", "", 0, 0)}]))
    assert [(r["reason"], r["documents"]) for r in found["out"]] == [("toxic", 1)]


def test_two_builds_of_one_store_differ_by_the_file_that_one_lacks(small):
    small.build()
    (small.folder / "build.yaml").rename(small.folder / "first.yaml")
    only_a = [small.file["sources"][0] | {"files": ["a.jsonl"]}]
    small.build(name="other", sources=only_a)
    found = diff(str(small.folder / "first.yaml"), str(small.folder / "build.yaml"), 40)
    assert found["keys"] == ["name: small → other", "sources[0].files: *.jsonl → ['a.jsonl']"]
    assert found["steps"]["changed"] == [] and found["shards"]["verdicts"] == {"a": 4, "b": 2, "equal": 2}
    assert [(r["stage"], r["reason"]) for r in found["out"]] == [("sources", "no record of it")] * len(found["out"])
    assert {e["url"] for e in found["examples"]["out"]} == {f"https://example.org/{i}" for i in range(30, 60)}
    assert not found["in"] and not found["reasons"]
    receipts = [json.loads((small.out.parent / name / "receipt.json").read_text()) for name in ("small", "other")]
    tokens = [r["total"]["tokens"] for r in receipts]
    assert sum(c["tokens_in"] - c["tokens_out"] for c in found["drawn"]) == tokens[1] - tokens[0]
    by_receipt = diff(str(small.out), str(small.out.parent / "other"))
    assert sum(c["tokens_in"] for c in by_receipt["cells"]) == tokens[1] - tokens[0]


def test_steps_tell_which_declared_fields_changed():
    def state(low, *more):
        return {"filter": {"identity": {"options": {"low": low}}}} | {m: {"identity": 1} for m in more}

    assert diff_steps(state(1, "x"), state(2, "y")) == {
        "changed": [{"step": "filter", "fields": ["low: 1 → 2"]}], "only_a": ["x"], "only_b": ["y"]}


def receipt(**changes):
    cell = {"phase": 0, "cell": "a", "weight": 0.5, "target_tokens": 50, "epochs": 0.5,
            "available": {"documents": 10, "tokens": 100}, "drawn": {"documents": 5, "tokens": 50}}
    other = cell | {"cell": "b"}
    return {"schema": 2, "digest": "d", "build": "x", "seed": 1, "asked": {"budget_tokens": 100},
            "tokenizer": {"digest": "t"}, "taxonomy": "y", "pack": {"use": "documents"},
            "total": {"documents": 10, "tokens": 100}, "cells": [cell, other],
            "sources": [{"source": "web", "epochs": 0.5} | {k: cell[k] for k in ("available", "drawn")}],
            "caps": [], "shards": [{"shard": 0, "stream": "s0"}, {"shard": 1, "stream": "s1"}],
            "made": {"when": "now"}, "shard_count": 2, "phases": [], "draw_tokenizer": None, "mixture": {}, "after": None,
            "holdout": [], "frozen": {}, "finish": []} | changes


def test_equal_receipts_differ_in_nothing_whenever_they_were_made():
    found = diff_receipts(receipt(), receipt(made={"when": "then"}, pack={"use": "documents", "sequences": 9}))
    assert not found["asked"] and not found["cells"] and not found["sources"]
    assert found["shards"] == {"a": 2, "b": 2, "equal": 2}


def test_receipts_name_what_was_asked_differently_before_cells_in_and_out(tmp_path):
    cells = [c | {"drawn": {"documents": 7, "tokens": 80}} if c["cell"] == "b" else c for c in receipt()["cells"]]
    new = receipt(seed=2, tokenizer={"digest": "u"}, cells=[*cells, cells[0] | {"cell": "c"}],
                  caps=[{"attribute": "host", "value": "e.org"}], shards=[{"shard": 0, "stream": "s0"}])
    for name, value in (("a.json", receipt()), ("b/receipt.json", new)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(value))
    found = diff(str(tmp_path / "a.json"), str(tmp_path / "b"))
    assert found["asked"] == ["tokenizer.digest: t → u", "seed: 1 → 2", "caps: [] → ['host=e.org']"]
    assert [(r["cell"], r["documents_in"], r["tokens_in"], r["weight"]) for r in found["cells"]] == [
        ("c", 5, 50, [None, 0.5]), ("b", 2, 30, [0.5, 0.5])]
    assert found["shards"] == {"a": 2, "b": 1, "equal": 1}


def test_what_is_no_receipt_is_said(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(UserError, match=r"x\.json: is of schema None"):
        diff(str(tmp_path / "x.json"), str(tmp_path / "x.json"))
    with pytest.raises(MissingFile, match=r"receipt\.json"):
        diff(str(tmp_path), str(tmp_path / "x.json"))


def test_the_command_shows_both_kinds(tmp_path, capsys, monkeypatch, store):
    from pipelines.cli.diff import diff as command

    (tmp_path / "a.json").write_text(json.dumps(receipt()))
    (tmp_path / "b.json").write_text(json.dumps(receipt(seed=2, total={"documents": 11, "tokens": 100})))
    command(str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    said = capsys.readouterr().out
    assert "seed: 1 → 2" in said and "documents 10 → 11" in said
    found = {"kind": "builds", "keys": ["seed: 1 → 2"], "steps": diff_steps({}, {}), "taxonomies": ["t", "u"]}
    found |= diff_documents(Build(store, [{1: (None, "a", 10, 1)}]), Build(store, [{1: ("short", "", 0, 0)}]), 3)
    monkeypatch.setattr("pipelines.diff.diff", lambda a, b, limit: found)
    command("a", "b")
    said = capsys.readouterr().out
    told = ("a taxonomy of its own", "dropped in B for", "https://e.org/1", shown(1), "short")
    assert all(words in said for words in told)
