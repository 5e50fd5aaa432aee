"""Draws of what a crawl rarely has and a store must bear: keys that are equal or at the ends of their range, documents
without a token, copies by the hundred, budgets of a few tokens.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import Infeasible
from corpus.mixture.caps import Cap
from corpus.mixture.copies import copies_of
from corpus.mixture.draw import SolveDraw
from corpus.mixture.schedule import PhaseSpec
from corpus.store import Store
from corpus.tasks import Task, execute

KEYS = [0, 1, 2**16, 2**48, 2**48 + 1, 2**63, 2**64 - 2, 2**64 - 1]


@st.composite
def odd(draw):
    cells = draw(st.integers(1, 3))
    row = st.tuples(st.integers(0, cells - 1), st.sampled_from([0, 1, 2, 50, 1000]), st.sampled_from(KEYS),
                    st.sampled_from([0, 0, 1, 254, 255]), st.sampled_from(["x", "y", None]))
    rows = draw(st.lists(row, min_size=1, max_size=40))
    weights = st.lists(st.integers(0, 5), min_size=cells, max_size=cells).filter(any)
    phases = draw(st.lists(st.tuples(weights, st.integers(1, 60_000)), min_size=1, max_size=4))
    caps = draw(st.sampled_from([(), (Cap("host", 0.05),), (Cap("host", 0.6),)]))
    how = draw(st.sampled_from(["shrink", "redistribute"]))
    return cells, rows, phases, caps, draw(st.booleans()), draw(st.sampled_from([1, 2.5, 256, 300])), how


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(odd())
def test_the_plan_says_what_is_drawn_however_odd_the_documents(tmp_path_factory, case):
    cells, rows, phases, caps, read, max_epochs, how = case
    cell, tokens, keys, seen, host = zip(*rows)
    index = pa.table({"key": pa.array(keys, pa.uint64()), "cell": [f"c{c}" for c in cell], "source": ["s"] * len(rows),
                      "tokens": pa.array(tokens, pa.int64()), "host": pa.array(host, pa.string())})
    names = sorted({f"c{c}" for c in cell})
    specs = []
    for given_, budget in phases:
        share = np.array(given_, float)[[int(name[1]) for name in names]]
        if share.any():
            shares = tuple(zip(names, (share / share.sum()).tolist()))
            specs.append(PhaseSpec(budget, 3, shares, where="mixture.schedule[0]"))
    had = np.array(seen) if read else None
    store = Store(str(tmp_path_factory.mktemp("odd")))
    inputs = {"index": [store.write_shard("index", index)]}
    if read:
        inputs["seen"] = [store.write_shard("seen", pa.table({"seen": pa.array(seen, pa.uint8())}))]
    try:
        record = execute(Task("t", SolveDraw(tuple(specs), 1, max_epochs, how, caps), inputs, store)) if specs else None
    except Infeasible:
        return
    if record is None:
        return
    plan, bounds = (store.read_shard(record.of(name)[0]) for name in ("plan", "caps"))
    copies = copies_of(index, plan, bounds, had)
    own, size = np.array(index.column("cell").to_pylist())[copies.row], np.array(tokens)[copies.row]
    for row in plan.to_pylist():
        mine = (copies.phase == row["phase"]) & (own == row["cell"])
        assert row["drawn_tokens"] == size[mine].sum() == row["target"] + row["residue"]
        assert (row["drawn_documents"], row["distinct_documents"]) == (mine.sum(), len(np.unique(copies.row[mine])))
    assert len(set(zip(copies.row.tolist(), copies.copy.tolist()))) == len(copies.row)
    for cap in caps:
        for value in ("x", "y"):
            held = size[np.array([h == value for h in host])[copies.row]].sum()
            assert held <= cap.high * sum(plan.column("target").to_pylist())
