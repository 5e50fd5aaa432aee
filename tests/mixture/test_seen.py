from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.dedup.by_shard import output_name
from corpus.errors import ConfigError, Infeasible
from corpus.exchange import exchange
from corpus.mixture.caps import Cap
from corpus.mixture.copies import copies_of
from corpus.mixture.draw import SolveDraw
from corpus.mixture.receipt import hex16
from corpus.mixture.receipt_plan import ReadUpTo, plan_of_receipt, read_up_to
from corpus.mixture.schedule import PhaseSpec
from corpus.mixture.seen import MET, ReadByKey, ReadByShard, ReadCut, Seen
from corpus.store import Store
from corpus.tasks import Task, execute


def index_of(tokens, cells=None, hosts=None, first: int = 0) -> pa.Table:
    n = len(tokens)
    keys = np.random.default_rng(9).integers(0, 2**64, first + n, dtype=np.uint64)[first:]
    return pa.table({"key": keys, "cell": pa.array(cells or ["a"] * n), "source": ["s"] * n,
                     "tokens": pa.array(tokens, pa.int64()), "host": pa.array(hosts or ["h"] * n)})


def put(store: Store, index: pa.Table, pieces: int = 2, name: str = "index") -> list:
    step = -(-index.num_rows // pieces)
    return [store.write_shard(name, index.slice(i, step)) for i in range(0, index.num_rows, step)]


def drawn(store: Store, shards: list, phases, seen=None, caps=(), max_epochs=4.0) -> dict:
    inputs = {"index": shards} | ({} if seen is None else {"seen": seen})
    specs = tuple(PhaseSpec(tokens, 3, weights) for weights, tokens in phases)
    record = execute(Task("draw", SolveDraw(specs, 1, max_epochs, caps=tuple(caps)), inputs, store))
    return {name: record.of(name)[0] for name in ("plan", "caps")}


def receipt_of(store: Store, index: pa.Table, made: dict, seen=None) -> dict:
    """What of a receipt tells the draw again, with every shard's tokens counted from its copies."""
    plan, caps = (store.read_shard(made[name]) for name in ("plan", "caps"))
    rows = plan.to_pylist()
    copies = copies_of(index, plan, caps, seen)
    tokens = np.bincount(copies.shard, index.column("tokens").to_numpy()[copies.row])
    phases = {r["phase"]: {"phase": r["phase"], "first_shard": r["first_shard"], "shards": r["shards"]} for r in rows}
    cells = [{
        "phase": r["phase"], "cell": r["cell"], "weight": r["weight"], "target_tokens": r["target"],
        "available": {"documents": r["documents"], "tokens": r["tokens"]},
        "drawn": {"documents": r["drawn_documents"], "distinct": r["distinct_documents"], "tokens": r["drawn_tokens"]},
        "share": r["share"], "epochs": r["epochs"], "whole_copies": r["whole"], "threshold": hex16(r["threshold"]),
        "residue_tokens": r["residue"]} for r in reversed(rows)]
    return {
        "seed": 1, "shard_count": sum(p["shards"] for p in phases.values()), "phases": list(phases.values()), "cells": cells,
        "caps": [row | {"threshold": hex16(row["threshold"])} for row in caps.to_pylist()],
        "shards": [{"shard": s, "tokens": int(t)} for s, t in enumerate(tokens)], "pack": {"use": "documents"},
    }


def read(store: Store, old: list, receipt: dict, tokens: int, new: list, old_seen=None) -> list:
    """The seen shards of a new index, after so many tokens of what the receipt tells of."""
    plan, caps = ([store.write_shard(n, t)] for n, t in zip(("plan", "caps"), plan_of_receipt(receipt)))
    before = {} if old_seen is None else {"seen": old_seen}
    cut = execute(Task("cut", ReadCut(read_up_to(receipt, tokens)), {"index": old, "plan": plan, "caps": caps} | before,
                       store)).of("cut")
    shared = {"plan": plan, "caps": caps, "cut": cut}
    inputs = [{"old": [o]} | ({} if old_seen is None else {"old_seen": [old_seen[i]]}) | shared for i, o in enumerate(old)]
    inputs += [{"index": [i]} | shared for i in new]

    def run(tasks):
        return map(execute, tasks)

    met = [r.of("met")[0] for r in exchange("met", ReadByKey(3), inputs, store, run)]
    dealt = {o.name: o for r in exchange("read", ReadByShard(3), [{"met": [m]} for m in met], store, run) for o in r.outputs}
    none = store.write_shard("read", MET.empty_table())
    found = ({"index": [i], "read": [dealt.get(output_name("read", i), none)]} for i in new)
    return [execute(Task("seen", Seen(), inputs, store)).of("seen")[0] for inputs in found]


def seen_of(store: Store, shards: list) -> np.ndarray:
    return np.concatenate([store.read_shard(s).column("seen").to_numpy() for s in shards])


def test_a_receipt_tells_its_plan_and_caps_again(tmp_path):
    store = Store(str(tmp_path))
    index = index_of([5] * 60, ["a", "b"] * 30, ["x"] * 20 + [f"h{i}" for i in range(40)])
    made = drawn(store, put(store, index), [((("a", 1.0),), 50), ((("a", 0.5), ("b", 0.5)), 50)], caps=[Cap("host", 0.1)])
    assert store.read_shard(made["caps"]).num_rows
    plan, caps = plan_of_receipt(receipt_of(store, index, made))
    assert plan.equals(store.read_shard(made["plan"])) and caps.equals(store.read_shard(made["caps"]))


def test_shards_are_read_in_their_order_and_a_document_counts_once_its_first_token_is_reached(tmp_path):
    store = Store(str(tmp_path))
    index = index_of([10] * 40)
    old = put(store, index)
    made = drawn(store, old, [((("a", 1.0),), 300)])
    receipt = receipt_of(store, index, made)
    lengths = [s["tokens"] for s in receipt["shards"]]
    copies = copies_of(index, store.read_shard(made["plan"]))
    second = copies.row[copies.shard == 1][np.argsort(copies.order[copies.shard == 1])]
    first = set(copies.row[copies.shard == 0].tolist())
    for tokens, more in ((lengths[0], 0), (lengths[0] + 1, 1), (lengths[0] + 10, 1), (lengths[0] + 11, 2)):
        found = seen_of(store, read(store, old, receipt, tokens, old))
        assert set(np.flatnonzero(found).tolist()) == first | set(second[:more].tolist())
    assert not seen_of(store, read(store, old, receipt, 0, old)).any()
    assert seen_of(store, read(store, old, receipt, sum(lengths), old)).sum() == 30


def test_documents_that_are_new_since_then_are_unseen_and_shards_may_be_cut_otherwise(tmp_path):
    store = Store(str(tmp_path))
    index = index_of([10] * 40)
    old = put(store, index)
    receipt = receipt_of(store, index, drawn(store, old, [((("a", 1.0),), 300)]))
    total = sum(s["tokens"] for s in receipt["shards"])
    grown = pa.concat_tables([index_of([10] * 25, first=40), index.take(pa.array(np.arange(40)[::-1])).slice(3)])
    before = seen_of(store, read(store, old, receipt, total, old))
    found = seen_of(store, read(store, old, receipt, total, put(store, grown, 5)))
    assert found.tolist() == [0] * 25 + before[::-1][3:].tolist()


def test_what_the_other_build_had_read_before_counts_too(tmp_path):
    store = Store(str(tmp_path))
    index = index_of([10] * 20)
    shards = put(store, index)
    had = np.array([1, 0] * 10, np.uint8)
    seen = put(store, pa.table({"seen": had}), name="seen")
    receipt = receipt_of(store, index, drawn(store, shards, [((("a", 1.0),), 100)], seen=seen), seen=had)
    found = seen_of(store, read(store, shards, receipt, 100, shards, old_seen=seen))
    assert found.tolist() == [1] * 20                                               # the ten that were unseen came first


def test_in_a_best_fit_shard_what_is_begun_counts_as_read(tmp_path):
    store = Store(str(tmp_path))
    index = index_of([10] * 40)
    old = put(store, index)
    made = drawn(store, old, [((("a", 1.0),), 300)])
    receipt = receipt_of(store, index, made) | {"pack": {"use": "best_fit"}}
    assert read_up_to(receipt, 5) == ReadUpTo(0, 5, None, True)
    found = seen_of(store, read(store, old, receipt, 5, old))
    copies = copies_of(index, store.read_shard(made["plan"]))
    assert np.flatnonzero(found).tolist() == sorted(copies.row[copies.shard == 0].tolist())


def test_what_packing_dropped_at_a_shards_end_moves_no_place_in_it(tmp_path):
    store = Store(str(tmp_path))
    index = index_of([10] * 40)
    old = put(store, index)
    made = drawn(store, old, [((("a", 1.0),), 300)])
    receipt = receipt_of(store, index, made) | {"pack": {"use": "concatenate"}}
    receipt["shards"][0]["tokens"] -= 9                    # sequences of some length, and a rest that fills none
    copies = copies_of(index, store.read_shard(made["plan"]))
    first = copies.row[copies.shard == 0][np.argsort(copies.order[copies.shard == 0])]
    for tokens, reached in ((10, 1), (11, 2), (20, 2), (40, 4), (60, 6)):
        found = seen_of(store, read(store, old, receipt, tokens, old))
        assert set(np.flatnonzero(found).tolist()) == set(first[:reached].tolist())


def test_places_in_shards_of_another_tokenizer_are_shares_of_them(tmp_path):
    store = Store(str(tmp_path))
    index = index_of([10] * 40)
    old = put(store, index)
    made = drawn(store, old, [((("a", 1.0),), 300)])
    receipt = receipt_of(store, index, made) | {"draw_tokenizer": {"digest": "d"}}
    for entry in receipt["shards"]:
        entry["tokens"] *= 3
    assert read_up_to(receipt, 31) == ReadUpTo(0, 31, receipt["shards"][0]["tokens"])
    assert seen_of(store, read(store, old, receipt, 31, old)).sum() == 2
    assert seen_of(store, read(store, old, receipt, 30, old)).sum() == 1


def test_more_tokens_than_the_shards_hold_cannot_have_been_read(tmp_path):
    store = Store(str(tmp_path))
    index = index_of([10] * 40)
    receipt = receipt_of(store, index, drawn(store, put(store, index), [((("a", 1.0),), 300)]))
    with pytest.raises(ConfigError, match="mixture.after.tokens: 301 were not read of shards that hold 300"):
        read_up_to(receipt, 301)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=10, max_size=60), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
def test_drawing_again_after_reading_it_all_is_drawing_both_at_once(tmp_path_factory, cells, one, two, pieces):
    store = Store(str(tmp_path_factory.mktemp("after")))
    names = ["a" if c < 5 else "b" for c in cells] + ["a", "b"]
    index = index_of([10] * len(names), names)                       # of one length, so that no target falls inside one
    have = min(names.count("a"), names.count("b"))
    first, second = 2 * 10 * have * one // 5, 2 * 10 * have * two // 5
    first, second = first - first % 20, second - second % 20
    if not first or not second:
        return
    shards, weights = put(store, index, pieces), (("a", 0.5), ("b", 0.5))
    once = drawn(store, shards, [(weights, first + second)], max_epochs=2)
    made = drawn(store, shards, [(weights, first)], max_epochs=2)
    receipt = receipt_of(store, index, made)
    seen = read(store, shards, receipt, first, shards)
    again = drawn(store, shards, [(weights, second)], seen, max_epochs=2)
    had = seen_of(store, seen)
    more = copies_of(index, store.read_shard(again["plan"]), seen=had)
    whole = copies_of(index, store.read_shard(once["plan"]))
    parts = copies_of(index, store.read_shard(made["plan"]))
    both = sorted(zip([*parts.row, *more.row], [*parts.copy, *more.copy]))
    assert both == sorted(zip(whole.row, whole.copy))
    with pytest.raises(Infeasible, match="epochs"):
        drawn(store, shards, [(weights, 2 * 2 * 10 * have - first + 100)], seen, max_epochs=2)
