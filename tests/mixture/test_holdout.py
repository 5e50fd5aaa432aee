"""The draw of a holdout, what counts as near it, and its entry in the store."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import chance
from corpus.dedup.shingle import Shingle
from corpus.document import DOCUMENT, ID
from corpus.errors import ConfigError, Infeasible
from corpus.mixture.holdout import HOLDOUT, HoldoutDraw, HoldoutGhosts, HoldoutGroups, HoldoutNear, draw, near_any, pieces
from corpus.mixture.holdouts import check_asked, holdouts, register_holdout, registered, texts_of, without
from corpus.store import Store
from corpus.tasks import Task, execute


def ident(i):
    return i.to_bytes(2, "big") * 8


def table(sizes, first=0):
    ids = pa.array([ident(first + i) for i in range(len(sizes))], ID)
    return pa.table({"id": ids, "token_count": pa.array(sizes, pa.int64())})


def words(seed, n=60):
    return " ".join(f"w{seed}x{i}" for i in range(n))


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store")).prepare()


def documents(store, texts, first=0):
    n = len(texts)
    ids = pa.array([ident(first + i) for i in range(n)], ID)
    none = pa.nulls(n, pa.string())
    rows = pa.table([ids, pa.array(texts, pa.large_string()), none, none, none], schema=DOCUMENT)
    return store.write_shard("documents", rows), store.write_shard("tokens", table([len(t.split()) for t in texts], first))


def drawn(store, inputs, name="val", tokens=100, seed=3):
    body = HoldoutDraw(name, tokens, seed)
    each = {"documents": [d for d, _ in inputs], "tokens": [t for _, t in inputs]}
    texts = execute(Task("holdout.draw", body, each, store)).of("texts")
    ghosts = execute(Task("holdout.ghosts", HoldoutGhosts(), {"texts": texts}, store)).of("ghosts")[0]
    return body, texts, ghosts


@given(st.lists(st.lists(st.integers(1, 50), max_size=20), min_size=1, max_size=5), st.integers(0, 300), st.integers(0, 5))
def test_the_draw_is_the_run_of_least_hashes_that_comes_nearest_whatever_the_shards(sizes, tokens, seed):
    flat = [s for some in sizes for s in some]
    tables, first = [], 0
    for some in sizes:
        tables.append(table(some, first))
        first += len(some)
    order = np.argsort(chance.hash64(seed, "holdout:val", table(flat).column("id")))
    through = np.cumsum(np.array(flat, np.int64)[order])
    if sum(flat) <= tokens or np.abs(through - tokens).argmin() == len(flat) - 1:           # the nearest is all there is
        with pytest.raises(Infeasible, match=f"{tokens:,} would leave nothing of the {sum(flat):,} tokens"):
            draw(tables, "val", tokens, seed)
        return
    found = draw(tables, "val", tokens, seed)
    assert found.column("id").to_pylist() == [ident(int(i)) for i in order[: found.num_rows]]
    assert abs(through[found.num_rows - 1] - tokens) == np.abs(through - tokens).min()      # within one document


def test_holdouts_of_other_names_are_other_draws():
    everything = [table([10] * 200)]
    a, b = (set(draw(everything, name, 500, 1).column("id").to_pylist()) for name in ("a", "b"))
    assert len(a) == len(b) == 50 and len(a & b) < 30


def test_texts_come_in_the_order_of_the_draw_from_whatever_shard(store):
    inputs = [documents(store, [words(i) for i in range(5)]), documents(store, [words(i) for i in range(5, 9)], 5)]
    body, texts, ghosts = drawn(store, inputs, tokens=240)
    rows = store.read_shard(texts[0])
    assert rows.schema == HOLDOUT and rows.num_rows == 4
    expected = draw([store.read_shard(t) for _, t in inputs], "val", 240, 3).column("id").to_pylist()
    assert rows.column("id").to_pylist() == expected
    assert rows.column("text").to_pylist() == [words(int.from_bytes(i[:2], "big")) for i in expected]
    assert store.read_shard(ghosts).column("reason").to_pylist() == ["holdout"] * 4


def test_large_holdouts_are_written_in_pieces():
    rows = pa.table({"text": pa.array(["x" * (30 << 20)] * 5, pa.large_string())})
    assert [p.num_rows for p in pieces(rows)] == [2, 2, 1]
    assert [p.num_rows for p in pieces(rows.slice(0, 0))] == [0]


def test_near_is_the_exact_jaccard_of_five_word_shingles():
    shingle = Shingle()
    base = words(0, 100).split()
    close, far = [*base[:-1], "y"], [*base[:70], *words(9, 30).split()]      # 95 of 97 shingles; 66 of 126
    ghosts = shingle.of(pa.array([ident(0)], ID), [" ".join(base)])
    rows = shingle.of(pa.array([ident(i) for i in range(1, 4)], ID), [" ".join(close), " ".join(far), words(5)])
    assert near_any(rows, ghosts, 0.8).tolist() == [True, False, False]
    assert near_any(rows, ghosts, 0.99).tolist() == [False, False, False]
    assert not near_any(rows, ghosts.slice(0, 0), 0.8).any()


def test_a_group_with_a_held_out_document_stays_out_and_what_left_the_build_is_missing(store):
    inputs = [documents(store, [words(i) for i in range(6)])]
    _, texts, ghosts = drawn(store, inputs, tokens=120)
    one, two = store.read_shard(texts[0]).column("id").to_pylist()
    groups = pa.table({
        "id": pa.array([one, ident(70), ident(71), ident(72)], ID), "kept": [False, True, True, False],
        "group": pa.array([one, one, ident(71), ident(71)], ID)})
    shard = store.write_shard("groups", groups)
    record = execute(Task("holdout.groups", HoldoutGroups(), {"groups": [shard], "ghosts": [ghosts]}, store))
    held, missing = record.outputs
    assert store.read_shard(held).column("id").to_pylist() == [ident(70)]       # the keeper that displaced it
    assert store.read_shard(missing).column("id").to_pylist() == [two]
    assert record.counts == {"held_out": 1}


def test_near_documents_of_a_shard_are_found_by_id_by_digest_and_by_shingles(store):
    text = words(0, 100)
    inputs = [documents(store, [text, words(1, 100)])]
    _, _, ghosts = drawn(store, inputs, tokens=100, seed=next(
        s for s in range(50) if draw([table([100, 100])], "val", 100, s).column("id").to_pylist() == [ident(0)]))
    changed = " ".join([*text.split()[:-1], "z"])
    later, _ = documents(store, ["other", text.upper(), changed, words(2, 100)], 20)
    record = execute(Task("holdout.near", HoldoutNear(), {"documents": [later], "ghosts": [ghosts]}, store))
    assert store.read_shard(record.outputs[0]).column("id").to_pylist() == [ident(21), ident(22)]


def test_the_first_to_register_a_name_has_it(store):
    body, texts, ghosts = drawn(store, [documents(store, [words(i) for i in range(6)])])
    entry = register_holdout(store, "a", body, Shingle(), ghosts, texts)
    assert entry["build"] == "a" and entry["rows"] == 2 and entry["tokens"] == 120 and entry["asked"] == 100
    other = drawn(store, [documents(store, [words(i) for i in range(50, 56)])])
    assert register_holdout(store, "b", other[0], Shingle(), other[2], other[1]) == entry == registered(store, "val")
    check_asked(entry, 100)
    with pytest.raises(ConfigError, match="200, but build 'a' drew the holdout 'val' with 100"):
        check_asked(entry, 200)


def test_removed_documents_leave_every_holdout(store):
    body, texts, ghosts = drawn(store, [documents(store, [words(i) for i in range(6)])], tokens=180)
    register_holdout(store, "a", body, Shingle(), ghosts, texts)
    first, second, third = store.read_shard(texts[0]).column("id").to_pylist()
    assert without(store, [ident(999)]) == []
    assert without(store, [second, ident(999)]) == ["val"]
    (entry,) = holdouts(store)
    assert entry["rows"] == 2 and entry["tokens"] == 120
    assert [t.column("id").to_pylist() for t in texts_of(store, entry)] == [[first, third]]
    again = execute(Task("holdout.ghosts", HoldoutGhosts(), {"texts": [store.write_shard(
        "texts", next(iter(texts_of(store, entry))))]}, store)).of("ghosts")[0]
    assert entry["documents"]["digest"] == again.digest                # as the build's own step makes them
    assert without(store, [first, third]) == ["val"] and holdouts(store)[0]["rows"] == 0
