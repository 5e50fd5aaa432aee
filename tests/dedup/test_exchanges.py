"""The exchanges of dedup over a store, on texts small enough to check by brute force."""

import itertools
import random

import numpy as np
import pyarrow as pa
import pytest
from all_exchanges import SHINGLE, Dedup, documents_of, ident

from corpus.dedup.by_shard import DECIDED
from corpus.dedup.candidates import bucket_pairs
from corpus.dedup.components import Groups
from corpus.dedup.standing import Standing
from corpus.dedup.verify import EDGES, Verify
from corpus.document import ID
from corpus.exchange import exchange
from corpus.store import Store
from corpus.tasks import Task, execute


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


def cut(table, cuts):
    return [table.slice(a, b - a) for a, b in itertools.pairwise([0, *cuts, table.num_rows])]


def dedup(path, tables, **options):
    return Dedup(Store(str(path)).prepare(), tables, **options)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return dedup(tmp_path_factory.mktemp("store"), cut(documents_of(TEXTS), [10]))


def test_edges_are_those_of_brute_force_between_distinct_texts(usual):
    shingles = usual.rows(usual.shingles).to_pylist()
    first = {}
    for row in shingles:
        first.setdefault(row["text_digest"], row["id"])
    found = {tuple(sorted((first[r["a"]], first[r["b"]]))): r["jaccard"] for r in usual.rows(usual.edges).to_pylist()}
    copies = {ident(20), ident(21), ident(23)}
    expected = {pair: j for pair, j in brute_force(0.8).items() if not copies & set(pair)}
    assert found == pytest.approx(expected) and len(found) == 8
    assert usual.rows(usual.edges).schema.equals(EDGES)


@pytest.mark.parametrize("cuts, partitions, order, most", [
    ([], 4, 1, 100), ([3, 4, 17], 4, -1, 2), ([10], 1, -1, 5), ([12, 12], 9, 1, 1)])
def test_cuts_partitions_order_and_the_limit_of_edges_change_nothing(tmp_path, usual, cuts, partitions, order, most):
    other = dedup(tmp_path, cut(documents_of(TEXTS), cuts), partitions=partitions, order=order, most=most)
    by = [("a", "ascending"), ("b", "ascending")]
    assert other.rows(other.edges).sort_by(by).equals(usual.rows(usual.edges).sort_by(by))
    assert other.rows(other.groups).equals(usual.rows(usual.groups))
    assert [g.rows for g in other.groups] == [b - a for a, b in itertools.pairwise([0, *cuts, len(TEXTS)])]


def test_groups_name_a_keeper_and_a_reason(usual):
    rows = usual.verdicts
    assert [r["id"] for r in rows] == [ident(i) for i in range(len(TEXTS))]
    assert rows[12] == {"id": ident(12), "kept": False, "keeper": ident(0), "group": ident(0), "reason": "near_duplicate",
                        "jaccard": brute_force(0.8)[ident(0), ident(12)]}
    assert rows[20]["reason"] == "exact_duplicate" and rows[20]["jaccard"] == 1.0
    assert rows[0]["kept"] and rows[0]["keeper"] == rows[0]["group"] == ident(0) and rows[0]["reason"] is None
    counts = [r.counts for r in usual.records]
    assert counts == [{"documents": 10}, {"documents": 3, "near_duplicate": 8, "exact_duplicate": 3}]


def test_a_copy_of_a_near_duplicate_has_its_jaccard_with_the_keeper(tmp_path):
    rows = dedup(tmp_path, [documents_of([TEXTS[0], TEXTS[12], TEXTS[12] + "?"])]).verdicts
    j = brute_force(0.8)[ident(0), ident(12)]
    assert [r["jaccard"] for r in rows] == [None, j, j] and [r["keeper"] for r in rows] == [ident(0)] * 3


def test_only_texts_that_are_in_a_pair_are_asked_for(usual):
    assert sum(p.rows for p in usual.pairs) >= 8
    asked = {t for r in usual.rows(usual.pairs).to_pylist() for t in (r["a"], r["b"])}
    assert len(asked) < len({r["text_digest"] for r in usual.rows(usual.shingles).to_pylist()})


def test_a_shard_whose_like_is_elsewhere_unchanged_is_asked_the_same(tmp_path, usual):
    tables = [*cut(documents_of(TEXTS), [10]), documents_of(["nothing like the others"], [99])]
    more = dedup(tmp_path, tables)
    assert [g.digest for g in more.groups[:2]] == [g.digest for g in usual.groups]


# records and addresses ------------------------------------------------------------------------------------------------


def test_a_record_read_twice_is_kept_once_and_its_copy_says_so(tmp_path):
    twice = dedup(tmp_path, cut(documents_of([TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[2]], [0, 1, 0, 2]), [1]))
    rows = twice.verdicts
    assert sorted(r["reason"] or "" for r in rows if r["id"] == ident(0)) == ["", "duplicate_record"]
    assert [r["keeper"] for r in rows] == [ident(i) for i in (0, 1, 0, 2)]


def test_records_of_one_id_and_two_texts_are_one_record_and_the_second_text_joins_nothing(tmp_path):
    other = TEXTS[1]                                               # longer by a word: it speaks for the id
    twice = dedup(tmp_path, [documents_of([TEXTS[0], TEXTS[0], other + " more"], [0, 5, 0])])
    rows = twice.verdicts
    assert [r["reason"] for r in rows] == ["duplicate_record", None, None]
    assert rows[1]["kept"] and rows[1]["keeper"] == ident(5)       # its only copy is no document


URLS = ["http://a.com/x", "https://www.a.com/x/?utm_source=n#top", "http://a.com/x?page=2", None, None]


@pytest.mark.parametrize("urls, reason", [(True, "same_url"), (False, None)])
def test_one_address_is_one_document_only_where_addresses_count(tmp_path, urls, reason):
    texts = [" ".join(TEXTS[0].split()[:60]), *TEXTS[1:5]]
    found = dedup(tmp_path, cut(documents_of(texts, url=pa.array(URLS)), [1]), standing=Standing(urls=urls))
    rows = found.verdicts
    assert rows[0]["reason"] == reason and rows[0]["jaccard"] is None and all(r["kept"] for r in rows[1:])
    assert rows[0]["keeper"] == (ident(1) if urls else ident(0))
    assert rows[1]["group"] == (ident(0) if urls else ident(1))


# the keeper rule ------------------------------------------------------------------------------------------------------


def test_the_oldest_or_the_first_source_is_kept_where_that_is_the_rule(tmp_path):
    texts = [TEXTS[0], TEXTS[0] + " and more", TEXTS[12]]
    dates = pa.array(["2024-05-01", None, "2023-12-31T23:59:59Z"])
    table = documents_of(texts, date=dates, source=pa.array(["b", "c", "a"]))
    kept = {}
    for rule in (Standing(), Standing("oldest"), Standing("source", source_order=("c", "b")), Standing("source")):
        rows = dedup(tmp_path, [table], standing=rule).verdicts
        (kept[rule],) = [i for i, r in enumerate(rows) if r["kept"]]
    assert list(kept.values()) == [1, 2, 1, 1]                     # most words where the rule does not part them


# an older crawl -------------------------------------------------------------------------------------------------------


def test_what_an_older_build_kept_stays_and_wins(tmp_path):
    store = Store(str(tmp_path)).prepare()
    old = Dedup(store, [documents_of([TEXTS[0], TEXTS[12], TEXTS[5]], [100, 101, 102])])
    assert [r["kept"] for r in old.verdicts] == [True, False, True]
    texts = [TEXTS[0] + " much longer", TEXTS[20], TEXTS[6], TEXTS[5], TEXTS[12]]
    new = Dedup(store, cut(documents_of(texts, [1, 2, 3, 102, 101]), [2]), old=list(zip(old.shingles, old.groups)))
    rows = new.verdicts
    assert [r["reason"] for r in rows] == ["near_duplicate", "exact_duplicate", None, "duplicate_record", "near_duplicate"]
    assert [r["keeper"] for r in rows] == [ident(i) for i in (100, 100, 3, 102, 100)]
    assert [g.rows for g in new.groups] == [2, 3]                  # the old ones have no verdict here


def test_the_same_shard_in_an_older_build_leaves_what_that_dropped_dropped(tmp_path):
    store = Store(str(tmp_path)).prepare()
    table = documents_of([TEXTS[0], TEXTS[12], TEXTS[5]])
    old = Dedup(store, [table])
    rows = Dedup(store, [table], old=list(zip(old.shingles, old.groups))).verdicts
    assert [r["reason"] for r in rows] == ["duplicate_record", "near_duplicate", "duplicate_record"]
    assert [r["keeper"] for r in rows] == [ident(0), ident(0), ident(2)]


def test_old_documents_alone_make_no_pair(tmp_path):
    store = Store(str(tmp_path)).prepare()
    one, two = Dedup(store, [documents_of([TEXTS[0]], [100])]), Dedup(store, [documents_of([TEXTS[12]], [101])])
    old = [*zip(one.shingles, one.groups), *zip(two.shingles, two.groups)]
    assert sum(p.rows for p in Dedup(store, [documents_of([TEXTS[7]])], old=old).pairs) == 0
    between = Dedup(store, [documents_of([TEXTS[0] + " x"])], old=old)
    assert between.verdicts[0]["keeper"] in (ident(100), ident(101))


# parts ----------------------------------------------------------------------------------------------------------------


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


def test_many_copies_of_one_text_are_one_node(tmp_path):
    copies = dedup(tmp_path, [documents_of([TEXTS[0]] * 200 + [TEXTS[12]])])
    assert len({(r["a"], r["b"]) for r in copies.rows(copies.pairs).to_pylist()}) == 1
    rows = copies.verdicts
    assert [r["reason"] for r in rows[1:]] == ["exact_duplicate"] * 199 + ["near_duplicate"]


def test_no_documents_are_fine(tmp_path):
    empty = dedup(tmp_path, [documents_of([])])
    assert [g.rows for g in empty.groups] == [0] and not empty.pairs and not empty.edges


def test_texts_asked_of_a_shard_that_lacks_them_are_an_error(tmp_path, usual):
    store = Store(str(tmp_path)).prepare()
    other = store.write_shard("shingles", SHINGLE.of(pa.array([ident(7)], ID), ["something else"]))
    pairs = pa.table({"shard": pa.array([1], pa.uint64()), "text": pa.array([ident(1)], ID), "a": pa.array([ident(1)], ID),
                      "b": pa.array([ident(2)], ID)})
    asked = store.write_shard("asked.0", pairs)
    with pytest.raises(Exception, match="texts were asked of a shard that does not have them"):
        list(exchange("v", Verify(1), [{"shingles": [other], "asked": [asked]}], store, lambda tasks: map(execute, tasks)))


def test_a_shard_that_came_before_is_dropped_whole(tmp_path, usual):
    store = usual.store
    nothing = store.write_shard("decided", DECIDED.empty_table())
    again = execute(Task("groups", Groups(again=True), {"shingles": usual.shingles[:1], "decided": [nothing]}, store))
    rows = store.read_shard(again.of("groups")[0]).to_pylist()
    assert again.counts == {"duplicate_record": 10} and [r["keeper"] for r in rows] == [r["id"] for r in rows]
