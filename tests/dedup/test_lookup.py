import pyarrow as pa
import pytest

from corpus.dedup.components import GROUPS
from corpus.dedup.lookup import group_of, near_of
from corpus.dedup.shingle import Shingle
from corpus.document import ID
from corpus.store import Store


def ident(i):
    return bytes([i]) * 16


A = " ".join(f"w{i}" for i in range(100))
TEXTS = [A, A.upper(), A.replace("w99", "x"), " ".join(f"v{i}" for i in range(100)),
         A + " " + " ".join(f"u{i}" for i in range(60))]


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


@pytest.fixture
def shards(store):
    rows = Shingle().of(pa.array([ident(i) for i in range(5)], ID), TEXTS)
    return [store.write_shard("shingles", t) for t in (rows.slice(0, 2), rows.slice(2))]


def test_a_text_finds_its_like_with_their_jaccard_and_place(store, shards):
    found = near_of(store, shards, A)
    places = [(ident(0), shards[0], 0), (ident(1), shards[0], 1), (ident(2), shards[1], 0)]
    assert [(n.id, n.shard, n.row) for n in found] == places
    assert [n.jaccard for n in found] == pytest.approx([1.0, 1.0, 95 / 97])       # 96 runs of five words, one changed


def test_a_document_finds_what_its_text_finds(store, shards):
    assert near_of(store, shards, ident(0)) == near_of(store, shards, A)
    assert [n.id for n in near_of(store, shards, ident(3))] == [ident(3)]


def test_the_threshold_is_the_askers(store, shards):
    assert len(near_of(store, shards, A, threshold=0.99)) == 2


def test_what_is_nowhere_finds_nothing(store, shards):
    assert near_of(store, shards, ident(77)) == [] == near_of(store, shards, "never seen")


def group_rows(*rows):
    found = [{"id": ident(i), "kept": i == k, "keeper": ident(k), "group": ident(g)} for i, k, g in rows]
    return pa.Table.from_pylist(found, GROUPS)


def test_a_group_is_all_its_members_over_all_shards(store):
    groups = [store.write_shard("groups", group_rows(*rows)) for rows in ([(4, 4, 3), (5, 5, 5)], [(3, 4, 3), (6, 9, 6)])]
    for member in (3, 4):
        assert group_of(store, groups, ident(member)).column("id").to_pylist() == [ident(4), ident(3)]
    assert group_of(store, groups, ident(5)).num_rows == 1
    assert group_of(store, groups, ident(9)).column("id").to_pylist() == [ident(6)]   # 9 is an older build's
    assert group_of(store, groups, ident(50)).num_rows == 0
