"""Tombstones: rows join those that are there, each once, and the index names what it consists of."""

import pyarrow as pa
import pytest

from corpus import results
from corpus.dedup.shingle import Shingle
from corpus.document import ID
from corpus.ghosts import GHOST, INDEX, ghosts
from corpus.registry import identity
from corpus.removal.tombstones import add, ghost_rows, named_alone, removed_ids, rule_rows, signed_by
from corpus.store import Store

TEXT = "the quick brown fox jumps over the lazy dog"


def ident(i):
    return bytes([i]) * 16


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def signed(shingle, *ids):
    return signed_by(shingle, pa.array([ident(i) for i in ids], ID), pa.chunked_array([[TEXT] * len(ids)]), True)


def test_rows_are_added_once_and_the_shard_is_of_the_contracts_schema(store):
    rows = pa.concat_tables([ghost_rows(pa.table({"id": pa.array([ident(1)], ID)})), rule_rows([{"url": "u"}])])
    assert add(store, "b", rows, []) == 2
    first = store.read_json(INDEX)
    assert add(store, "other", rows, []) == 0 and store.read_json(INDEX) == first
    assert (first["schema"], first["name"], first["build"]) == (1, "tombstones", "b")
    (shard,) = ghosts(store)
    assert store.read_shard(shard).schema == GHOST and shard.rows == 2
    assert add(store, "b", rule_rows([{"url": "u"}, {"host": "h"}, {"text_digest": ident(7)}]), []) == 2
    assert removed_ids(store).to_pylist() == [ident(1)]


def test_each_shingling_has_a_part_of_its_own_and_documents_are_named_once(store):
    one, two = Shingle(), Shingle(ngram=3)
    add(store, "b", signed(one, 1, 2), [(one, signed(one, 1, 2)), (two, signed(two, 1, 2))])
    add(store, "b", signed(one, 2, 3), [(one, signed(one, 2, 3))])
    entry = store.read_json(INDEX)
    assert results.item_from_json(entry["documents"]).rows == 3
    parts = {str(part["shingle"]): results.item_from_json(part["documents"]).rows for part in entry["parts"]}
    assert parts == {str(identity(one)): 3, str(identity(two)): 2}


def test_a_text_without_words_stands_for_itself_alone():
    rows = signed_by(Shingle(), pa.array([ident(1), ident(2)], ID), pa.chunked_array([["?!", TEXT]]), True).to_pylist()
    assert {r["id"]: r["text_digest"] is None for r in rows} == {ident(1): True, ident(2): False}


def test_who_is_named_alone_has_no_signature_in_any_part(store):
    alone = ghost_rows(pa.table({"id": pa.array([ident(1), ident(2)], ID)}))
    add(store, "b", pa.concat_tables([alone, signed(Shingle(), 3)]), [(Shingle(), signed(Shingle(), 3))])
    assert named_alone(store).to_pylist() == [ident(1), ident(2)]
    add(store, "b", signed(Shingle(), 2), [(Shingle(), signed(Shingle(), 2))])
    assert named_alone(store).to_pylist() == [ident(1)]


def test_a_document_whose_near_duplicates_may_stay_has_an_id_alone(store):
    rows = signed_by(Shingle(), pa.array([ident(1)], ID), pa.chunked_array([[TEXT]]), False)
    assert rows.to_pylist() == [dict.fromkeys(GHOST.names) | {"id": ident(1), "reason": "removed"}]
