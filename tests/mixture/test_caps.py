from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import ConfigError, Infeasible
from corpus.mixture import caps as caps_module
from corpus.mixture.caps import Cap
from corpus.mixture.copies import copies_of
from corpus.mixture.draw import SolveDraw
from corpus.mixture.schedule import PhaseSpec
from corpus.store import Store
from corpus.tasks import Task, execute


def drawn(tmp_path, index: pa.Table, weights: dict, budget: int, caps, seen=None, phases: int = 1, **options):
    """Plan, caps and tokens drawn by document."""
    store = Store(str(tmp_path))
    half = -(-index.num_rows // 2)
    inputs = {"index": [store.write_shard("index", index.slice(i, half)) for i in (0, half)]}
    if seen is not None:
        table = pa.table({"seen": pa.array(seen, pa.uint8())})
        inputs["seen"] = [store.write_shard("seen", table.slice(i, half)) for i in (0, half)]
    specs = tuple(PhaseSpec(budget // phases, 2, tuple(weights.items())) for _ in range(phases))
    record = execute(Task("t", SolveDraw(specs, 1, caps=tuple(caps), **options), inputs, store))
    plan, bounds = store.read_shard(record.of("plan")[0]), store.read_shard(record.of("caps")[0])
    copies = copies_of(index, plan, bounds, seen)
    tokens = np.bincount(copies.row, minlength=index.num_rows) * index.column("tokens").to_numpy()
    return plan, bounds, tokens


def by_value(index: pa.Table, attribute: str, tokens: np.ndarray) -> dict[str, int]:
    found: dict[str, int] = {}
    for value, n in zip(index.column(attribute).to_pylist(), tokens.tolist()):
        if value is not None:
            found[value] = found.get(value, 0) + n
    return found


def index_of(cells, tokens, hosts, **more) -> pa.Table:
    keys = np.random.default_rng(5).integers(0, 2**64, len(cells), dtype=np.uint64)
    return pa.table({"key": pa.array(keys), "cell": pa.array(cells, pa.string()), "tokens": pa.array(tokens, pa.int64()),
                     "host": pa.array(hosts, pa.string())} | more)


def test_a_heavy_host_is_held_to_its_share_and_light_ones_make_up_for_it(tmp_path):
    index = index_of(["a"] * 100, [10] * 100, ["big"] * 50 + [f"h{i}" for i in range(50)])
    plan, caps, tokens = drawn(tmp_path, index, {"a": 1.0}, 500, [Cap("host", 0.1)], max_epochs=1)
    assert by_value(index, "host", tokens)["big"] <= 50 and tokens.sum() == 500
    (row,) = caps.to_pylist()
    assert (row["attribute"], row["value"], row["tokens_allowed"]) == ("host", "big", 50)
    assert row["tokens_drawn"] == by_value(index, "host", tokens)["big"]
    assert plan.column("tokens").to_pylist() == [550]                     # 45 of big's documents are left out
    smallest = np.sort(index.column("key").to_numpy()[:50])[4]
    assert row["threshold"] == smallest                                   # the five of smallest keys stay


def test_a_bound_that_the_draw_keeps_anyway_holds_nothing_back(tmp_path):
    """Cell a is drawn 1.5 times, b a tenth of it: of either host a draw takes about half."""
    index = index_of(["a"] * 100 + ["b"] * 1000, [10] * 1100, ["x", "y"] * 550)
    free, _, tokens = drawn(tmp_path / "free", index, {"a": 0.6, "b": 0.4}, 2500, [], max_epochs=2)
    most = max(by_value(index, "host", tokens).values()) / 2500
    assert 0.5 <= most < 0.6
    plan, caps, capped = drawn(tmp_path / "capped", index, {"a": 0.6, "b": 0.4}, 2500, [Cap("host", most)], max_epochs=2)
    assert plan.equals(free) and not caps.num_rows and (capped == tokens).all()


def test_a_bound_near_the_draw_takes_little_from_a_value_and_leaves_the_others(tmp_path):
    index = index_of(["a"] * 100 + ["b"] * 1000, [10] * 1100, ["x", "y"] * 550)
    plan, caps, tokens = drawn(tmp_path, index, {"a": 0.6, "b": 0.4}, 2500, [Cap("host", 0.4, "x")], max_epochs=3)
    assert 980 <= by_value(index, "host", tokens)["x"] <= 1000 and tokens.sum() == 2500
    assert caps.column("value").to_pylist() == ["x"] and plan.column("residue").to_pylist() == [0, 0]


def test_one_value_alone_may_be_capped(tmp_path):
    index = index_of(["a"] * 40, [10] * 40, ["x"] * 20 + ["y"] * 20)
    _, caps, tokens = drawn(tmp_path, index, {"a": 1.0}, 200, [Cap("host", 0.1, "x")], max_epochs=1)
    assert by_value(index, "host", tokens)["x"] <= 20 and caps.column("value").to_pylist() == ["x"]


def test_copies_of_a_document_count_as_often_as_they_are_drawn(tmp_path):
    index = index_of(["a"] * 60, [10] * 60, ["big"] * 20 + [f"h{i}" for i in range(40)])
    _, _, tokens = drawn(tmp_path, index, {"a": 1.0}, 900, [Cap("host", 0.1)], max_epochs=3)
    assert 0 < by_value(index, "host", tokens)["big"] <= 90 and tokens.sum() == 900


def test_a_document_without_a_value_is_under_no_cap(tmp_path):
    index = index_of(["a"] * 20, [10] * 20, [None] * 20)
    _, caps, tokens = drawn(tmp_path, index, {"a": 1.0}, 100, [Cap("host", 0.01)], max_epochs=1)
    assert not caps.num_rows and tokens.sum() == 100


def test_a_cap_of_the_whole_is_none(tmp_path):
    index = index_of(["a"] * 20, [7] * 20, ["x"] * 20)
    _, caps, tokens = drawn(tmp_path, index, {"a": 1.0}, 140, [Cap("host", 1.0)], max_epochs=1)
    assert not caps.num_rows and tokens.sum() == 140


def test_what_does_not_go_names_the_cap_the_cell_and_the_least_bound_that_does(tmp_path):
    index = index_of(["a"] * 100, [10] * 100, ["big"] * 50 + [f"h{i}" for i in range(50)])
    with pytest.raises(Infeasible, match=r"^mixture.caps\[0\]: with any one host at 0.1 or less, mixture: 800 tokens .* "
                                         r"epochs of a \(800 tokens of 580: 1.38 epochs\); feasible is high 0.375$"):
        drawn(tmp_path, index, {"a": 1.0}, 800, [Cap("host", 0.1)], max_epochs=1)
    drawn(tmp_path, index, {"a": 1.0}, 800, [Cap("host", 0.375)], max_epochs=1)
    with pytest.raises(Infeasible):
        drawn(tmp_path, index, {"a": 1.0}, 800, [Cap("host", 0.374)], max_epochs=1)


def test_the_cap_that_binds_is_named_among_several(tmp_path):
    index = index_of(["a"] * 20, [10] * 20, ["x"] * 20, author=pa.array([f"p{i}" for i in range(20)]))
    with pytest.raises(Infeasible, match=r"^mixture.caps\[1\]: with host=x at 0.5 or less"):
        drawn(tmp_path, index, {"a": 1.0}, 200, [Cap("author", 0.5), Cap("host", 0.5, "x")], max_epochs=1)


def test_shrinking_finds_what_the_caps_leave(tmp_path):
    index = index_of(["a"] * 100, [10] * 100, ["big"] * 50 + [f"h{i}" for i in range(50)])
    plan, caps, tokens = drawn(tmp_path, index, {"a": 1.0}, 900, [Cap("host", 0.2)], max_epochs=1, on_shortfall="shrink")
    target = sum(plan.column("target").to_pylist())
    assert 600 <= target <= 625 and by_value(index, "host", tokens)["big"] <= 0.2 * target    # 500 / 0.8 is the most


@pytest.mark.parametrize("high", [0.0, -0.5, 1.5])
def test_a_bound_that_is_no_share_is_named_by_its_place(high):
    with pytest.raises(ConfigError, match=r"mixture.caps\[1\].high"):
        SolveDraw((PhaseSpec(1, 1),), 1, caps=(Cap("host", 0.5), Cap("host", high)))


@st.composite
def capped(draw):
    n, cells = draw(st.integers(20, 150)), draw(st.integers(1, 3))
    tokens = draw(st.lists(st.integers(1, 300), min_size=n, max_size=n))
    cell = draw(st.lists(st.integers(0, cells - 1), min_size=n, max_size=n))
    cell[:cells] = range(cells)
    host = draw(st.lists(st.integers(0, draw(st.integers(1, 30))), min_size=n, max_size=n))
    author = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    high = draw(st.sampled_from([0.02, 0.05, 0.1, 0.3]))
    others = [Cap("author", 0.15), Cap("author", 0.2, "p3"), Cap("host", 0.04, "h1")]
    more = draw(st.lists(st.sampled_from(others), unique=True))
    seen = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)) if draw(st.booleans()) else None
    how = draw(st.sampled_from(["refuse", "shrink", "redistribute"]))
    return cell, tokens, host, author, (Cap("host", high), *more), seen, draw(st.sampled_from([1, 3])), how, \
        draw(st.floats(0.05, 0.9)), draw(st.sampled_from([1, 2]))


@settings(max_examples=50, deadline=None)
@given(capped())
def test_no_value_ever_has_more_than_its_share_and_cells_still_meet_their_targets(tmp_path_factory, drawn_case):
    cell, tokens, host, author, caps, seen, max_epochs, how, part, phases = drawn_case
    index = index_of([f"c{c}" for c in cell], tokens, [f"h{h}" for h in host], author=pa.array([f"p{a}" for a in author]))
    seen = None if seen is None else np.array(seen, np.uint8)
    names = sorted({f"c{c}" for c in cell})
    weights = {name: 1 / len(names) for name in names}
    budget = max(phases, int(part * sum(tokens)))
    try:
        plan, bounds, got = drawn(tmp_path_factory.mktemp("caps"), index, weights, budget, caps, seen, phases,
                                  max_epochs=max_epochs, on_shortfall=how)
    except Infeasible:
        return
    target = sum(plan.column("target").to_pylist())
    for cap in caps:
        for value, n in by_value(index, cap.attribute, got).items():
            if cap.value in (None, value):
                assert n <= cap.high * target
    for row in bounds.to_pylist():
        assert row["tokens_drawn"] == by_value(index, row["attribute"], got)[row["value"]] <= row["tokens_allowed"]
    assert max(abs(r) for r in plan.column("residue").to_pylist()) <= max(tokens)
    assert target <= budget and (how == "shrink" or target == budget // phases * phases)


def test_values_that_share_a_bucket_are_told_apart(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    hosts = [f"h{i}" for i in np.minimum(rng.zipf(1.5, 3000), 900)]
    index = index_of(["a"] * 3000, rng.integers(1, 50, 3000), hosts)
    many = drawn(tmp_path / "many", index, {"a": 1.0}, 12_000, [Cap("host", 0.02)], max_epochs=1)
    monkeypatch.setattr(caps_module, "BUCKETS", 8)
    few = drawn(tmp_path / "few", index, {"a": 1.0}, 12_000, [Cap("host", 0.02)], max_epochs=1)
    assert many[0].equals(few[0]) and many[1].equals(few[1]) and many[1].num_rows > 3
