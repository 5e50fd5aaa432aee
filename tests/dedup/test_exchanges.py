"""The four exchanges of dedup over a store, on texts small enough to check by brute force."""

import itertools
import random

import numpy as np
import pyarrow as pa
import pytest

from corpus.dedup.candidates import Candidates, bucket_pairs
from corpus.dedup.components import Group, assign
from corpus.dedup.shingle import Shingle
from corpus.dedup.verify import EDGES, Sides, Verify
from corpus.document import ID
from corpus.exchange import exchange
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.text.normal import matching_words


def ident(i):
    return i.to_bytes(2, "big") * 8


def made_up_texts():
    rng = random.Random(5)
    texts = [" ".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=80)) for _ in range(12)]
    for i in range(8):
        words = texts[i].split()
        words[rng.randrange(80)] = "changed"
        texts.append(" ".join(words))
    return texts + [texts[0].upper(), texts[3] + "!", "tiny text", "Tiny   text."]


TEXTS = made_up_texts()


def tuples(text):
    words = text.lower().replace("!", "").replace(".", "").split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)} or {tuple(words)}


def brute_force(threshold):
    found = {}
    for a, b in itertools.combinations(range(len(TEXTS)), 2):
        x, y = tuples(TEXTS[a]), tuples(TEXTS[b])
        if (j := len(x & y) / len(x | y)) >= threshold:
            found[ident(a), ident(b)] = j
    return found


def dedup(store, cuts, partitions=4, order=1):
    """Shingles of TEXTS cut into shards, through all exchanges; returns edges as a table and the group shards."""
    def run(tasks):
        return map(execute, tasks[::order])

    ids = pa.array([ident(i) for i in range(len(TEXTS))], ID)
    documents = pa.table({"id": ids, "text": pa.array(TEXTS, pa.large_string())})
    shingles = []
    for start, stop in itertools.pairwise([0, *cuts, len(TEXTS)]):
        shard = store.write_shard("documents", documents.slice(start, stop - start))
        shingles += execute(Task("shingle", Shingle(bands=30, rows=3), {"documents": [shard]}, store)).of("shingles")

    def through(work, inputs):
        return [r.outputs[0] for r in sorted(exchange(work.name, work, inputs, store, run), key=lambda r: r.key)]

    pairs = through(Candidates(partitions), [{"shingles": [s]} for s in shingles])
    sides = through(Sides(partitions), [{"pairs": [p]} for p in pairs] + [{"shingles": [s]} for s in shingles])
    edges = through(Verify(partitions), [{"sides": [s]} for s in sides])
    groups = execute(Task("group", Group(), {"edges": edges, "shingles": shingles}, store))
    table = pa.concat_tables(store.read_shard(e) for e in edges).sort_by([("a", "ascending"), ("b", "ascending")])
    return table, groups, [store.read_shard(s) for s in groups.of("groups")]


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return dedup(Store(str(tmp_path_factory.mktemp("store"))).prepare(), cuts=[10])


def test_edges_are_those_of_brute_force(usual):
    edges = usual[0]
    found = {(r["a"], r["b"]): r["jaccard"] for r in edges.to_pylist()}
    assert found == pytest.approx(brute_force(0.8)) and len(found) >= 11
    assert edges.schema.equals(EDGES)


def test_exact_says_that_matching_forms_are_equal(usual):
    exact = {(r["a"], r["b"]) for r in usual[0].to_pylist() if r["exact"]}
    assert exact == {(ident(0), ident(20)), (ident(3), ident(21)), (ident(22), ident(23))}


def test_words_travel_with_the_edge(usual):
    words = matching_words(TEXTS).counts
    for r in usual[0].to_pylist():
        assert [ident(i) for i in range(len(TEXTS)) if r["a"] == ident(i) and r["words_a"] == words[i]] == [r["a"]]


@pytest.mark.parametrize("cuts, partitions, order", [([], 4, 1), ([3, 4, 17], 4, -1), ([10], 1, -1), ([12, 12], 9, 1)])
def test_cuts_partitions_and_order_change_nothing(tmp_path, usual, cuts, partitions, order):
    edges, _, groups = dedup(Store(str(tmp_path)).prepare(), cuts, partitions, order)
    assert edges.equals(usual[0])
    assert pa.concat_tables(groups).equals(pa.concat_tables(usual[2]))
    assert [g.num_rows for g in groups] == [b - a for a, b in itertools.pairwise([0, *cuts, len(TEXTS)])]


def test_groups_name_a_keeper_and_a_reason(usual):
    rows = pa.concat_tables(usual[2]).to_pylist()
    assert [r["id"] for r in rows] == [ident(i) for i in range(len(TEXTS))]
    assert rows[12] == {"id": ident(12), "kept": False, "keeper": ident(0), "group": ident(0), "reason": "near_duplicate",
                        "jaccard": brute_force(0.8)[ident(0), ident(12)]}
    assert rows[20]["reason"] == "exact_duplicate" and rows[20]["jaccard"] == 1.0
    assert rows[0]["kept"] and rows[0]["keeper"] == rows[0]["group"] == ident(0) and rows[0]["reason"] is None
    assert usual[1].counts == {"documents": 13, "near_duplicate": 8, "exact_duplicate": 3}


def test_a_large_bucket_gives_a_star_and_a_chain_and_a_small_one_all_pairs():
    keys, ids = np.zeros(6, np.uint64), np.arange(6)
    assert len(set(zip(*bucket_pairs(keys, ids, many=6)))) == 15
    star = set(zip(*(x.tolist() for x in bucket_pairs(keys, ids, many=5))))
    assert star == {(0, i) for i in range(1, 6)} | {(i, i + 1) for i in range(5)}
    a, b = bucket_pairs(np.zeros(20_000, np.uint64), np.arange(20_000))
    assert len(set(zip(a.tolist(), b.tolist()))) == 19_999 + 19_998


def test_a_document_is_no_pair_of_itself_and_buckets_do_not_mix():
    keys = np.array([1, 1, 1, 2, 3, 3], np.uint64)
    assert sorted(zip(*(x.tolist() for x in bucket_pairs(keys, np.array([4, 4, 7, 7, 4, 9]))))) == [(4, 7), (4, 9)]
    assert [len(x) for x in bucket_pairs(keys[:0], np.zeros(0, int))] == [0, 0]


def documents(*rows):
    return pa.table({"id": pa.array([ident(i) for i, _, _ in rows], ID),
                     "words": pa.array([w for _, w, _ in rows], pa.int32()),
                     "text_digest": pa.array([d * 16 for _, _, d in rows], ID)})


def edge_table(*rows):
    return pa.table({"a": pa.array([ident(a) for a, _, _ in rows], ID), "b": pa.array([ident(b) for _, b, _ in rows], ID),
                     "jaccard": pa.array([j for _, _, j in rows], pa.float64())})


def test_the_keeper_has_most_words_and_among_equals_the_least_id():
    found = assign(documents((5, 9, b"a"), (3, 9, b"b"), (1, 8, b"c"), (7, 1, b"d")), edge_table((1, 3, 0.9), (1, 5, 0.85)))
    assert found.column("keeper").to_pylist() == [ident(3), ident(3), ident(3), ident(7)]
    assert found.column("group").to_pylist() == [ident(1), ident(1), ident(1), ident(7)]
    assert found.column("kept").to_pylist() == [False, True, False, True]
    assert found.column("jaccard").to_pylist() == [None, None, 0.9, None]        # 5 and 3 were never compared


def test_a_record_read_twice_is_kept_once():
    found = assign(documents((2, 5, b"a"), (1, 5, b"b"), (2, 5, b"a"), (1, 5, b"b")), edge_table((1, 2, 0.8)))
    assert found.column("reason").to_pylist() == ["near_duplicate", None, "duplicate_record", "duplicate_record"]
    assert found.column("keeper").to_pylist() == [ident(1)] * 4
    assert assign(documents((2, 5, b"a"), (2, 5, b"a")), None).column("kept").to_pylist() == [True, False]


def test_no_documents_are_fine(tmp_path):
    assert assign(documents(), None).num_rows == 0
    store = Store(str(tmp_path)).prepare()
    empty = store.write_shard("shingles", Shingle().of(pa.array([], ID), []))
    record = execute(Task("group", Group(), {"edges": [], "shingles": [empty]}, store))
    assert [s.rows for s in record.of("groups")] == [0]
    assert list(exchange("c", Candidates(2), [{"shingles": [empty]}], store, lambda tasks: map(execute, tasks))) == []


def test_pairs_of_unknown_documents_are_an_error(tmp_path):
    store = Store(str(tmp_path)).prepare()
    pairs = store.write_shard("pairs", edge_table((1, 2, 0.9)).select(["a", "b"]))
    with pytest.raises(Exception, match="have no shingles"):
        list(exchange("s", Sides(1), [{"pairs": [pairs]}], store, lambda tasks: map(execute, tasks)))
