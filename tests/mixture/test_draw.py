from __future__ import annotations

import dataclasses

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import Infeasible
from corpus.mixture.caps import CAPS
from corpus.mixture.copies import Copies, copies_of
from corpus.mixture.draw import PLAN, SolveDraw
from corpus.mixture.limits import Limit
from corpus.mixture.schedule import PhaseSpec
from corpus.store import Store
from corpus.tasks import Task, execute

#: Tokens of clusters 1 to 20 in revision 5eaa64b9 of nvidia/Nemotron-ClimbMix, as counted by a full scan.
CLIMBMIX = [3063924776, 4582654670, 5771522873, 12797349739, 6563519102, 70958523234, 64041261564, 3818960760, 2978940628,
            26975813961, 5072074227, 78310785713, 2561634721, 834424339, 804163375, 27851136242, 26785891472, 7392477294,
            3836811747, 1862658535]


def index_of(cells: list[str | None], tokens, keys=None, **columns) -> pa.Table:
    keys = np.random.default_rng(0).integers(0, 2**64, len(cells), dtype=np.uint64) if keys is None else keys
    return pa.table({"key": pa.array(keys, pa.uint64()), "cell": pa.array(cells, pa.string()),
                     "source": pa.array(["s"] * len(cells)), "tokens": pa.array(tokens, pa.int64())} | columns)


def solved(tmp_path, index: pa.Table, phases, pieces: int = 3, seen=None, **options) -> tuple[pa.Table, pa.Table]:
    """Plan and caps of a draw; phases: (weights, tokens) each."""
    store = Store(str(tmp_path))
    step = max(1, -(-index.num_rows // pieces))
    inputs = {"index": [store.write_shard("index", index.slice(i, step)) for i in range(0, index.num_rows, step)]}
    if seen is not None:
        seen = pa.table({"seen": pa.array(seen, pa.uint8())})
        inputs["seen"] = [store.write_shard("seen", seen.slice(i, step)) for i in range(0, index.num_rows, step)]
    specs = tuple(PhaseSpec(tokens, 4, tuple(dict(weights).items()), where=f"mixture.schedule[{i}]" if len(phases) > 1
                            else "mixture") for i, (weights, tokens) in enumerate(phases))
    body = SolveDraw(specs, **{"seed": 1} | options)
    record = execute(Task("t", body, inputs, store))
    return store.read_shard(record.of("plan")[0]), store.read_shard(record.of("caps")[0])


def plan_of(tmp_path, index: pa.Table, weights, budget: int, **options) -> pa.Table:
    return solved(tmp_path, index, [(weights, budget)], **options)[0]


def check(index: pa.Table, plan: pa.Table, caps=None, seen=None) -> Copies:
    """The copies of a plan; what the plan says of each phase and cell, counted copy by copy."""
    copies = copies_of(index, plan, caps, seen)
    cells, tokens = np.array(index.column("cell").to_pylist(), object)[copies.row], index.column("tokens").to_numpy()
    for row in plan.to_pylist():
        mine = (copies.phase == row["phase"]) & (cells == row["cell"])
        assert row["drawn_tokens"] == tokens[copies.row[mine]].sum() == row["target"] + row["residue"]
        assert row["drawn_documents"] == mine.sum()
        assert row["distinct_documents"] == len(np.unique(copies.row[mine]))
    return copies


def test_a_cell_drawn_two_and_a_half_times_has_two_copies_and_half_its_tokens(tmp_path):
    index = index_of(["a"] * 4 + ["b"] * 4, [10] * 8, [1, 2, 3, 4] * 2)
    plan = plan_of(tmp_path, index, {"a": 0.5, "b": 0.5}, 200, max_epochs=4)
    a, _ = plan.to_pylist()
    assert (a["epochs"], a["whole"], a["threshold"], a["drawn_documents"], a["drawn_tokens"]) == (2.5, 2, 2, 10, 100)
    assert (a["distinct_documents"], a["residue"], a["share"], a["tokens"], a["documents"]) == (4, 0, 0.5, 40, 4)
    check(index, plan)


def test_the_plan_is_what_the_copies_add_up_to(tmp_path):
    rng = np.random.default_rng(0)
    index = index_of(list(rng.choice(["a", "b", "c"], 2000)), rng.integers(1, 3000, 2000))
    plan, caps = solved(tmp_path, index, [({"a": 0.7, "b": 0.2, "c": 0.1}, 4_000_000)])
    assert plan.schema == PLAN and caps.schema == CAPS and not caps.num_rows
    check(index, plan)


@pytest.mark.parametrize("weights, budget", [({"a": 0.5, "b": 0.5}, 3), ({"a": 1.0}, 50), ({"b": 0.9, "a": 0.1}, 1)])
def test_a_budget_under_any_document_names_the_smallest_that_draws_one(tmp_path, weights, budget):
    index = index_of(["a", "a", "b", "b"], [101, 7, 40, 9], [1, 2, 1, 2])
    with pytest.raises(Infeasible, match=rf"^mixture.budget_tokens: {budget} tokens are too few to draw") as refused:
        plan_of(tmp_path, index, weights, budget)
    least = int(str(refused.value).rsplit(" ", 1)[1])
    for few in range(budget, least):
        with pytest.raises(Infeasible, match=f"one is {least}$"):
            plan_of(tmp_path, index, weights, few)
    assert sum(plan_of(tmp_path, index, weights, least).column("drawn_documents").to_pylist()) == 1


def test_redistribution_reaches_a_document_that_equal_shares_do_not(tmp_path):
    index = index_of(["a", "b"], [1000, 1000])
    weights, options = {"a": 0.9, "b": 0.1}, {"max_epochs": 0.501, "on_shortfall": "redistribute"}
    assert plan_of(tmp_path, index, weights, 557, **options).column("drawn_documents").to_pylist() == [1, 0]
    index = index_of(["a", "a", "b"], [2000, 8, 1000], [1, 2, 3])                      # a's cap is half of its first
    options["max_epochs"] = 0.4985
    with pytest.raises(Infeasible, match="no budget does within 0.4985 epochs$"):
        plan_of(tmp_path, index, weights, 100, **options)


def test_weights_may_come_from_a_search(tmp_path):
    store = Store(str(tmp_path))
    index = index_of(["a", "a", "b", "b"], [10] * 4)
    mixture = store.write_shard("mixture", pa.table({"cell": ["b", "a"], "weight": [0.25, 0.75]}))
    inputs = {"index": [store.write_shard("index", index)], "mixture": [mixture]}
    plan = store.read_shard(execute(Task("t", SolveDraw((PhaseSpec(40, 2),), seed=1), inputs, store)).outputs[0])
    assert plan.column("cell").to_pylist() == ["a", "b"]
    assert plan.column("drawn_tokens").to_pylist() == [30, 10]


def test_cells_without_a_weight_and_rows_without_a_cell_are_not_drawn(tmp_path):
    index = index_of(["a", None, "b"], [10, 10, 10])
    plan = plan_of(tmp_path, index, {"a": 1.0}, 10)
    assert check(index, plan).row.tolist() == [0]
    assert plan.column("drawn_documents").to_pylist() == [1, 0]


def test_how_the_index_is_cut_into_shards_does_not_matter(tmp_path):
    rng = np.random.default_rng(1)
    index = index_of(list(rng.choice(["a", "b"], 500)), rng.integers(1, 900, 500))
    plans = [plan_of(tmp_path / str(n), index, {"a": 0.5, "b": 0.5}, 150_000, pieces=n) for n in (1, 7)]
    shuffled = plan_of(tmp_path / "shuffled", index.take(pa.array(rng.permutation(500))), {"a": 0.5, "b": 0.5}, 150_000)
    assert plans[0].equals(plans[1]) and plans[0].equals(shuffled)


def test_a_larger_budget_keeps_every_copy_of_a_smaller_one(tmp_path):
    rng = np.random.default_rng(2)
    index = index_of(["a"] * 400, rng.integers(1, 900, 400))
    budgets = (30_000, 60_000, 200_000, 410_000)
    plans = [plan_of(tmp_path / str(b), index, {"a": 1.0}, b) for b in budgets]
    drawn = [set(zip(c.row.tolist(), c.copy.tolist())) for c in (copies_of(index, plan) for plan in plans)]
    assert all(small < large for small, large in zip(drawn, drawn[1:]))


def test_a_removed_document_moves_thresholds_and_nothing_else(tmp_path):
    index = index_of(["a"] * 400, np.full(400, 10))
    drawn = []
    for number, part in enumerate((index, index.filter(pa.array(np.arange(400) != 7)))):
        plan = plan_of(tmp_path / str(number), part, {"a": 1.0}, 2000)
        copies = check(part, plan)
        keys = part.column("key").to_numpy()[copies.row]
        drawn.append(set(zip(keys.tolist(), copies.shard.tolist(), copies.order.tolist())))
    gone = int(index.column("key")[7].as_py())
    assert len({key for key, _, _ in drawn[0] - drawn[1]} - {gone}) == 0          # nobody else left
    assert len(drawn[1] - drawn[0]) <= 1                                          # one came in its place


def test_a_limit_that_weights_break_is_named_with_its_share(tmp_path):
    index = index_of(["x/qa", "x/web", "y/web"], [10] * 3)
    limit = Limit(high=0.25, attribute="style", value="qa", within="domain")
    options = {"limits": (limit,), "attributes": ("domain", "style")}
    with pytest.raises(Infeasible, match=r"^mixture: its weights break limit style=qa within domain=x ≤ 0.25, which has "
                                         "0.5: 0.25 over; change the weights or the limit"):
        plan_of(tmp_path, index, {"x/qa": 0.4, "x/web": 0.4, "y/web": 0.2}, 20, **options)
    plan_of(tmp_path, index, {"x/qa": 0.1, "x/web": 0.4, "y/web": 0.5}, 20, **options)


def test_redistributing_never_breaks_a_limit_in_silence(tmp_path):
    index = index_of(["x/qa"] * 10 + ["x/web"], [100] * 11)
    options = {"limits": (Limit(high=0.5, attribute="style", value="qa"),), "attributes": ("domain", "style")}
    with pytest.raises(Infeasible, match="its tokens, redistributed, break limit style=qa ≤ 0.5"):
        plan_of(tmp_path, index, {"x/qa": 0.5, "x/web": 0.5}, 600, max_epochs=1, on_shortfall="redistribute", **options)


def test_a_second_phase_takes_up_where_the_first_left_off(tmp_path):
    index = index_of(["a"] * 4, [10] * 4, [1, 2, 3, 4])
    plan, _ = solved(tmp_path, index, [({"a": 1.0}, 20), ({"a": 1.0}, 30)], max_epochs=2)
    one, two = plan.to_pylist()
    assert (one["whole"], one["threshold"], two["whole"], two["threshold"]) == (0, 2, 1, 1)
    copies = check(index, plan)
    assert [copies.row[copies.phase == p].tolist() for p in (0, 1)] == [[0, 1], [0, 2, 3]]
    assert copies.copy[copies.phase == 1].tolist() == [1, 0, 0]
    assert (one["first_shard"], two["first_shard"]) == (0, 4) and (copies.shard[copies.phase == 1] >= 4).all()
    assert (one["epochs"], two["epochs"], two["distinct_documents"]) == (0.5, 1.25, 3)


def test_what_a_trainer_has_read_comes_again_only_when_all_else_has_come(tmp_path):
    index = index_of(["a"] * 4, [10] * 4, [1, 2, 3, 4])
    seen = np.array([1, 0, 2, 0], np.uint8)
    plan, caps = solved(tmp_path, index, [({"a": 1.0}, 30)], seen=seen, max_epochs=2)
    copies = check(index, plan, caps, seen)
    assert list(zip(copies.row.tolist(), copies.copy.tolist())) == [(0, 1), (1, 0), (3, 0)]      # key 1, then 2 and 4
    assert plan.column("epochs").to_pylist() == [1.5]


def test_what_was_read_counts_against_the_epochs(tmp_path):
    index = index_of(["a"] * 4, [10] * 4, [1, 2, 3, 4])
    seen = np.array([1, 1, 1, 0], np.uint8)
    with pytest.raises(Infeasible, match=r"a \(20 tokens of 40: 0.50 epochs, of which 0.25 are left\); feasible are "
                                         "budget_tokens 10, or max_epochs 1.25,"):
        solved(tmp_path, index, [({"a": 1.0}, 20)], seen=seen, max_epochs=1)
    plan, _ = solved(tmp_path, index, [({"a": 1.0}, 20)], seen=seen, max_epochs=1.25)
    assert plan.column("drawn_documents").to_pylist() == [2]


def test_a_phase_that_finds_its_cell_used_up_is_named_with_the_cell_and_what_would_do(tmp_path):
    index = index_of(["a"] * 4 + ["b"] * 4, [10] * 8)
    phases = [({"a": 1.0}, 30), ({"a": 0.5, "b": 0.5}, 40)]
    message = r"^mixture.schedule\[1\]: 40 tokens .* more than 1 epochs of a \(20 tokens of 40: 0.50 epochs, of which " \
              r"0.25 are left\); feasible are tokens 20, or max_epochs 1.25,"
    with pytest.raises(Infeasible, match=message):
        solved(tmp_path, index, phases, max_epochs=1)
    check(index, solved(tmp_path, index, phases, max_epochs=1.25)[0])
    shrunk = solved(tmp_path, index, phases, max_epochs=1, on_shortfall="shrink")[0]
    assert shrunk.column("drawn_tokens").to_pylist() == [30, 0, 10, 10]
    moved = solved(tmp_path, index, phases, max_epochs=1, on_shortfall="redistribute")[0]
    assert moved.column("drawn_tokens").to_pylist() == [30, 0, 10, 30]


@st.composite
def corpora(draw):
    cells = draw(st.integers(1, 4))
    sizes = draw(st.lists(st.tuples(st.integers(0, cells - 1), st.integers(1, 5000)), min_size=cells, max_size=120))
    sizes = [(c, 1) for c in range(cells)] + sizes                       # no cell is empty
    phases = []
    for _ in range(draw(st.integers(1, 4))):
        weights = np.array(draw(st.lists(st.integers(0, 100), min_size=cells, max_size=cells)), float)
        weights[draw(st.integers(0, cells - 1))] += 1
        phases.append((weights / weights.sum(), draw(st.floats(0.05, 1.0))))
    seen = draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes))) if draw(st.booleans()) else None
    return sizes, phases, seen, draw(st.sampled_from([1, 2, 4, 6])), draw(st.integers(0, 99))


@settings(max_examples=120, deadline=None)
@given(corpora())
def test_every_cell_of_every_phase_meets_its_target_to_within_one_document(tmp_path_factory, corpus):
    sizes, phases, seen, max_epochs, seed = corpus
    cells, tokens = (np.array(x, np.int64) for x in zip(*sizes))
    names = [f"c{c}" for c in range(len(phases[0][0]))]
    keys = np.random.default_rng(seed).integers(0, 2**64, len(cells), dtype=np.uint64)
    index = index_of([names[c] for c in cells], tokens, keys)
    had = np.zeros(len(cells), np.int64) if seen is None else np.array(seen, np.int64)
    available, read = (np.bincount(cells, t, len(names)).astype(np.int64) for t in (tokens, tokens * had))
    left, asked = np.maximum(0, available * max_epochs - read), []
    for weights, part in phases:                                         # no phase asks for more than is left
        used = weights > 0
        budget = int((left[used] / weights[used]).min() * part * 0.999)
        if budget > len(names):
            asked.append((dict(zip(names, weights)), budget))
            left = left - np.ceil(weights * budget).astype(np.int64) - 1
            left = np.maximum(left, 0)
    if not asked:
        return
    try:
        plan, caps = solved(tmp_path_factory.mktemp("draw"), index, asked, seen=seen, max_epochs=max_epochs)
    except Infeasible as error:
        assert "too few to draw any document" in str(error)
        return
    copies = check(index, plan, caps, None if seen is None else had)
    longest = np.zeros(len(names), np.int64)
    np.maximum.at(longest, cells, tokens)
    for row in plan.to_pylist():
        assert abs(row["residue"]) <= longest[names.index(row["cell"])]
    targets = np.array(plan.column("target").to_pylist()).reshape(len(asked), len(names))
    assert targets.sum(axis=1).tolist() == [budget for _, budget in asked]
    final = had + np.bincount(copies.row, minlength=len(cells))
    for c in range(len(names)):                                 # levels: unseen first, over phases and what was read
        mine = (cells == c) & (final > had)
        if mine.any():
            assert final[cells == c].min() >= final[mine].max() - 1 and final[mine].max() <= max_epochs
    assert len({(r, n) for r, n in zip(copies.row.tolist(), copies.copy.tolist())}) == len(copies.row)


def test_climbmix_shares_are_hit_to_within_one_document_a_cell(tmp_path):
    rng = np.random.default_rng(3)
    n, weights = 200_000, np.array(CLIMBMIX) / sum(CLIMBMIX)
    cells = rng.choice(20, n, p=np.full(20, 0.05))
    tokens = np.maximum(2, rng.lognormal(6.0, 1.0, n)).astype(np.int64)
    index = index_of([f"d{c:02d}" for c in cells], tokens)
    plan = plan_of(tmp_path, index, {f"d{c:02d}": w for c, w in enumerate(weights)}, 100_000_000, max_epochs=8)
    longest = np.array([tokens[cells == c].max() for c in range(20)])
    residue, got = plan.column("residue").to_numpy(), plan.column("drawn_tokens").to_numpy()
    assert (np.abs(residue) <= longest / 2).all()
    assert np.abs(got / got.sum() - weights).max() < 2 * longest.max() / 100_000_000
    assert plan.column("whole").to_numpy().max() >= 2                     # the largest clusters are repeated


def test_a_draw_pickles_and_compares_by_value():
    body = SolveDraw((PhaseSpec(10, 1),), 1)
    assert dataclasses.replace(body, seed=2) != body == SolveDraw((PhaseSpec(10, 1),), 1)
