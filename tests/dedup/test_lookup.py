import pyarrow as pa
import pytest

from corpus.dedup.components import GROUPS
from corpus.dedup.lookup import group_of, near_pairs
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


def rows(*texts):
    return Shingle().of(pa.array([ident(i) for i in range(len(texts))], ID), list(texts))


def test_a_text_finds_its_like_with_their_jaccard_and_place():
    left, right, jaccard = near_pairs(rows(*TEXTS), rows(A), 0.8)
    assert left.tolist() == [0, 1, 2] and right.tolist() == [0, 0, 0]
    assert jaccard.tolist() == pytest.approx([1.0, 1.0, 95 / 97])                 # 96 runs of five words, one changed


def test_several_are_asked_for_at_once():
    left, right, _ = near_pairs(rows(*TEXTS), rows(TEXTS[3], A), 0.8)
    assert list(zip(left.tolist(), right.tolist())) == [(0, 1), (1, 1), (2, 1), (3, 0)]


def test_the_threshold_is_the_askers():
    assert len(near_pairs(rows(*TEXTS), rows(A), 0.99)[0]) == 2


def test_what_is_nowhere_finds_nothing():
    for some, wanted in ((TEXTS, ["never seen"]), (TEXTS, []), ([], [A])):
        assert [len(found) for found in near_pairs(rows(*some), rows(*wanted), 0.8)] == [0, 0, 0]


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
