"""What goes with a removed document."""

import json

import pyarrow as pa
import pytest

from corpus.dedup.components import GROUPS
from corpus.dedup.near import near_duplicates
from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.document import ID, record_id, show_id
from corpus.extract.facts import FACTS
from corpus.removal.closure import children_of, groups_of, near_to, signatures
from corpus.store import Store

WORDS = [f"w{i}" for i in range(60)]
BASE = " ".join(WORDS)
NEAR = " ".join([*WORDS[:30], "other", *WORDS[31:]])
TEXTS = [BASE, NEAR, BASE.upper(), "nothing of the sort", " ".join(reversed(WORDS))]


def ident(i):
    return bytes([i]) * 16


def ids(*numbers):
    return pa.array([ident(i) for i in numbers], ID)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def test_near_documents_are_found_with_their_jaccard_as_pairs_in_memory_are(store):
    table = Shingle().of(ids(0, 1, 2, 3, 4), TEXTS)
    found = near_to([table.slice(0, 3), table.slice(3)], table.slice(0, 1), ids(), 0.8).to_pylist()
    by_id = {row["id"]: row["jaccard"] for row in found}
    assert set(by_id) == {ident(0), ident(1), ident(2)} and by_id[ident(2)] == 1.0
    (pair,) = near_duplicates(TEXTS[:2])
    assert by_id[ident(1)] == pair[2] == 51 / 61


def test_a_digest_finds_equal_matching_forms_alone(store):
    table = Shingle().of(ids(0, 1, 2, 3, 4), TEXTS)
    digest = table.column("text_digest").slice(0, 1).combine_chunks()
    found = near_to([table], SHINGLES.empty_table(), digest, 0.8)
    assert found.column("id").to_pylist() == [ident(0), ident(2)]


def test_documents_that_a_rule_dropped_before_dedup_are_signed_from_their_text(store):
    rows = pa.table({"id": ids(0, 1, 2), "text": pa.array(TEXTS[:3], pa.large_string())})
    documents = [store.write_shard("documents", rows)]
    known = [store.write_shard("shingles", Shingle().of(ids(1), TEXTS[1:2]))]
    found = pa.concat_tables(signatures(store, documents, known, Shingle()))
    assert found.column("id").to_pylist() == [ident(1), ident(0), ident(2)]
    assert found.sort_by("id") == Shingle().of(ids(0, 1, 2), TEXTS[:3]).sort_by("id")


def test_a_whole_group_goes_and_what_an_older_builds_keeper_keeps_away(store):
    groups = [(1, 1, 1), (2, 1, 1), (3, 3, 3), (4, 9, 4)]              # id, keeper, group
    table = pa.Table.from_pylist([{"id": ident(i), "kept": i == k, "keeper": ident(k), "group": ident(g), "reason": None,
                                   "jaccard": None} for i, k, g in groups], GROUPS)
    shards = [store.write_shard("groups", table.slice(0, 2)), store.write_shard("groups", table.slice(2))]
    assert set(groups_of(store, shards, ids(2)).to_pylist()) == {ident(1), ident(2)}
    assert set(groups_of(store, shards, ids(9)).to_pylist()) == {ident(9), ident(4)}
    assert groups_of(store, shards, ids(3)).to_pylist() == [ident(3)]


def test_children_are_followed_by_id_by_the_parents_own_id_and_by_address_to_the_end(store):
    parent = record_id("web", b"page-7")
    said = {1: show_id(parent), 2: "page-7", 3: "http://a.example/7", 4: show_id(ident(2)), 5: "page-8", 6: None}
    rows = [{"id": ident(i), "fields": json.dumps({"parent": p})} for i, p in said.items()]
    rows += [{"id": ident(7), "fields": "not json \"parent\""}, {"id": ident(8), "fields": '["parent"]'}]
    facts = [store.write_shard("facts", pa.Table.from_pylist([dict.fromkeys(FACTS.names) | r for r in rows], FACTS))]
    found = children_of(store, facts, ["web"], pa.array([parent], ID), pa.array(["https://www.a.example/7/"]))
    assert set(found.to_pylist()) == {ident(i) for i in (1, 2, 3, 4)}
