"""The rules by which a group gets its keeper, on rows small enough to decide by hand."""

import numpy as np
import pyarrow as pa
import pytest

from corpus.dedup.by_shard import DECIDED
from corpus.dedup.components import GROUPS, decide, verdicts
from corpus.dedup.members import MEMBERS, ROOTED
from corpus.document import ID


def ident(i):
    return i.to_bytes(2, "big") * 8


def members(*rows):
    """Rows (id, text, words) and what else is named; row numbers follow."""
    plain = {"root": ident(0), "standing": None, "url": None, "old": False, "shard": 1}
    found = [plain | {"id": ident(i), "text": text * 16, "words": words, "row": n} | more
             for n, (i, text, words, more) in enumerate((*r, {})[:4] for r in rows)]
    return pa.Table.from_pylist(found, MEMBERS)


def edges(*rows):
    return pa.Table.from_pylist([{"root": ident(0), "a": a * 16, "b": b * 16, "jaccard": j} for a, b, j in rows], ROOTED)


def decided(rows, links=()):
    table = decide(members(*rows), edges(*links))
    assert table.schema.equals(DECIDED)
    return {r["row"]: r for r in table.to_pylist()}


def test_the_keeper_has_most_words_and_among_equals_the_least_id():
    found = decided([(5, b"a", 9), (3, b"b", 9), (1, b"c", 8), (7, b"d", 1)], [(b"b", b"c", 0.9), (b"a", b"c", 0.85)])
    assert [found[i]["keeper"] for i in range(3)] == [ident(3)] * 3
    assert [found[i]["group"] for i in range(3)] == [ident(1)] * 3
    assert [found[i]["kept"] for i in range(3)] == [False, True, False]
    assert [found[i]["jaccard"] for i in range(3)] == [None, None, 0.9]          # 5 and 3 were never compared
    assert 3 not in found                                                        # alone: kept, and nothing to say


def test_standing_goes_before_words_and_null_is_last():
    found = decided([(1, b"a", 9, {"standing": 2.0}), (2, b"a", 5, {"standing": -1.5}), (3, b"a", 99)])
    assert [found[i]["kept"] for i in range(3)] == [False, True, False]


def test_an_older_document_goes_before_everything_and_is_not_decided_about():
    old = {"old": True, "standing": 9.0}
    found = decided([(1, b"a", 99, {"standing": 0.0}), (2, b"b", 1, old), (3, b"b", 2, old)], [(b"a", b"b", 0.8)])
    assert found == {0: {"shard": 1, "row": 0, "id": ident(1), "kept": False, "keeper": ident(3), "group": ident(1),
                         "reason": "near_duplicate", "jaccard": 0.8}}


def test_equal_texts_need_no_edge():
    found = decided([(1, b"a", 5), (2, b"a", 5)])
    assert found[1]["reason"] == "exact_duplicate" and found[1]["jaccard"] == 1.0


def test_records_of_one_id_follow_the_one_that_speaks():
    found = decided([(2, b"a", 5), (1, b"b", 5), (2, b"a", 5), (1, b"b", 5)], [(b"a", b"b", 0.8)])
    assert [found[i]["reason"] for i in range(4)] == ["near_duplicate", None, "duplicate_record", "duplicate_record"]
    assert [found[i]["keeper"] for i in range(4)] == [ident(1)] * 4 and found[2]["jaccard"] is None


def test_a_text_of_silent_records_alone_joins_nothing():
    """1 has two texts and speaks with `a`; through `b`, which it lost, 2 and 3 would be one group."""
    found = decided([(1, b"a", 9), (1, b"b", 5), (2, b"c", 5), (3, b"d", 5)], [(b"b", b"c", 0.9), (b"b", b"d", 0.9)])
    assert set(found) == {0, 1} and found[1]["reason"] == "duplicate_record" and found[0]["kept"]


def test_an_address_joins_texts_and_says_so_only_where_nothing_was_measured():
    url = {"url": 7}
    rows = [(1, b"a", 9, url), (2, b"b", 5, url), (3, b"c", 5, url), (4, b"d", 5), (5, b"c", 4)]
    found = decided(rows, [(b"a", b"b", 0.9), (b"c", b"d", 0.95)])
    assert [found[i]["reason"] for i in range(5)] == [None, "near_duplicate", "same_url", "near_duplicate", "near_duplicate"]
    assert [found[i]["keeper"] for i in range(5)] == [ident(1)] * 5
    assert decided([(1, b"a", 9, url), (2, b"b", 5, url), (3, b"b", 4)])[2]["reason"] == "same_url"


def test_order_of_rows_and_edges_changes_nothing():
    rng = np.random.default_rng(0)
    texts = [bytes([t]) for t in rng.integers(1, 30, 60)]
    rows = members(*((int(i), t, int(w)) for i, t, w in zip(rng.integers(0, 50, 60), texts, rng.integers(1, 4, 60))))
    pairs = {(min(a, b), max(a, b)) for a, b in rng.choice(sorted(set(texts)), (12, 2)) if a != b}
    links = edges(*((a, b, 0.8 + k / 100) for k, (a, b) in enumerate(sorted(pairs))))
    first = decide(rows, links).sort_by("row")
    assert first.num_rows > 20
    for _ in range(3):
        shuffled = decide(rows.take(rng.permutation(60)), links.take(rng.permutation(links.num_rows))).sort_by("row")
        assert shuffled.equals(first)


def test_nothing_is_fine():
    assert decided([]) == {}


def test_what_is_not_decided_about_is_kept_and_alone():
    ids = pa.array([ident(i) for i in (4, 5, 6)], ID)
    row = {"shard": 1, "row": 1, "id": ident(5), "kept": False, "keeper": ident(4), "group": ident(2),
           "reason": "near_duplicate", "jaccard": 0.9}
    found = verdicts(ids, pa.Table.from_pylist([row], DECIDED))
    assert found.schema.equals(GROUPS) and found.column("kept").to_pylist() == [True, False, True]
    assert found.column("keeper").to_pylist() == [ident(4), ident(4), ident(6)]
    assert found.column("group").to_pylist() == [ident(4), ident(2), ident(6)]
    with pytest.raises(ValueError, match="not about this shard"):
        verdicts(ids.slice(1), pa.Table.from_pylist([row], DECIDED))
