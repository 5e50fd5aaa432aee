from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import chance
from corpus.errors import ConfigError, Infeasible, UnknownName
from corpus.mixture.draw import PLAN, Chunk, Fraction, SolveDraw, cell_codes, draw_fractions
from corpus.mixture.place import copies_of
from corpus.mixture.targets import token_targets, weights_of, whole_shares
from corpus.store import Store
from corpus.tasks import Task, execute

#: Tokens of clusters 1 to 20 in revision 5eaa64b9 of nvidia/Nemotron-ClimbMix, as counted by a full scan.
CLIMBMIX = [3063924776, 4582654670, 5771522873, 12797349739, 6563519102, 70958523234, 64041261564, 3818960760, 2978940628,
            26975813961, 5072074227, 78310785713, 2561634721, 834424339, 804163375, 27851136242, 26785891472, 7392477294,
            3836811747, 1862658535]


def ids_of(n: int) -> pa.Array:
    return pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(n)], pa.binary(16))


def index_of(cells: list[str | None], tokens: list[int], seed: int = 1, u=None) -> pa.Table:
    ids = ids_of(len(cells))
    return pa.table({"id": ids, "cell": pa.array(cells, pa.string()), "source": pa.array(["s"] * len(cells)),
                     "tokens": pa.array(tokens, pa.int64()), "u": chance.uniform(seed, "draw", ids) if u is None else u})


def plan_of(tmp_path, index: pa.Table, weights, budget: int, pieces: int = 3, **options) -> pa.Table:
    store = Store(str(tmp_path))
    step = -(-index.num_rows // pieces)
    shards = [store.write_shard("index", index.slice(i, step)) for i in range(0, index.num_rows, step)]
    body = SolveDraw(tuple(dict(weights).items()), budget, **{"shards": 8, "seed": 1} | options)
    return store.read_shard(execute(Task("t", body, {"index": shards}, store)).outputs[0])


def drawn(index: pa.Table, plan: pa.Table) -> dict[str, int]:
    """Tokens by cell, counted copy by copy."""
    copies = copies_of(index, plan, plan.column("seed")[0].as_py(), plan.column("shards")[0].as_py())
    found: dict[str, int] = {}
    for cell, tokens in zip(index.column("cell").take(pa.array(copies.row)).to_pylist(),
                            index.column("tokens").to_numpy()[copies.row]):
        found[cell] = found.get(cell, 0) + int(tokens)
    return found


def test_a_cell_drawn_two_and_a_half_times_has_two_copies_and_half_its_tokens(tmp_path):
    index = index_of(["a"] * 4 + ["b"] * 4, [10] * 8, u=np.array([0.1, 0.2, 0.3, 0.4] * 2))
    (a, b) = plan_of(tmp_path, index, {"a": 0.5, "b": 0.5}, 200, max_epochs=4).to_pylist()
    assert (a["epochs"], a["whole"], a["threshold"], a["drawn_documents"], a["drawn_tokens"]) == (2.5, 2, 0.2, 10, 100)
    assert a["threshold_id"] == index.column("id")[1].as_py()
    assert (a["distinct_documents"], a["residue"], a["share"]) == (4, 0, 0.5)


def test_the_plan_is_what_the_copies_add_up_to(tmp_path):
    rng = np.random.default_rng(0)
    index = index_of(list(rng.choice(["a", "b", "c"], 2000)), list(rng.integers(1, 3000, 2000)))
    plan = plan_of(tmp_path, index, {"a": 0.7, "b": 0.2, "c": 0.1}, 4_000_000)
    assert plan.schema == PLAN
    assert drawn(index, plan) == dict(zip(plan.column("cell").to_pylist(), plan.column("drawn_tokens").to_pylist()))
    assert len(copies_of(index, plan, 1, 8).row) == sum(plan.column("drawn_documents").to_pylist())


@pytest.mark.parametrize("weights, budget", [({"a": 0.5, "b": 0.5}, 3), ({"a": 1.0}, 50), ({"b": 0.9, "a": 0.1}, 1)])
def test_a_budget_under_any_document_names_the_smallest_that_draws_one(tmp_path, weights, budget):
    index = index_of(["a", "a", "b", "b"], [101, 7, 40, 9], u=np.array([0.1, 0.2, 0.1, 0.2]))
    with pytest.raises(Infeasible, match=rf"^mixture.budget_tokens: {budget} tokens are too few to draw") as refused:
        plan_of(tmp_path, index, weights, budget)
    least = int(str(refused.value).rsplit(" ", 1)[1])
    for few in range(budget, least):
        with pytest.raises(Infeasible, match=f"one is {least}$"):
            plan_of(tmp_path, index, weights, few)
    assert sum(plan_of(tmp_path, index, weights, least).column("drawn_documents").to_pylist()) == 1


def test_the_smallest_budget_is_what_is_over_half_of_a_first_document(tmp_path):
    index = index_of(["a", "b"], [100, 40])
    with pytest.raises(Infeasible, match="the smallest that draws one is 42$"):     # 21 of 40 are nearer to 40 than to 0
        plan_of(tmp_path, index, {"a": 0.5, "b": 0.5}, 30)


def test_redistribution_reaches_a_document_that_equal_shares_do_not(tmp_path):
    index = index_of(["a", "b"], [1000, 1000])
    weights, options = {"a": 0.9, "b": 0.1}, {"max_epochs": 0.501, "on_shortfall": "redistribute"}
    assert plan_of(tmp_path, index, weights, 557, **options).column("drawn_documents").to_pylist() == [1, 0]
    index = index_of(["a", "a", "b"], [2000, 8, 1000], u=np.array([0.1, 0.2, 0.3]))    # a's cap is half of its first
    options["max_epochs"] = 0.4985
    with pytest.raises(Infeasible, match="no budget does within 0.4985 epochs$"):
        plan_of(tmp_path, index, weights, 100, **options)


def test_epochs_that_end_before_half_a_document_are_said_to(tmp_path):
    with pytest.raises(Infeasible, match="3 tokens are too few to draw any document; no budget does within 0.1 epochs$"):
        plan_of(tmp_path, index_of(["a"], [100]), {"a": 1.0}, 3, max_epochs=0.1)


def test_weights_may_come_from_a_search(tmp_path):
    store = Store(str(tmp_path))
    index = index_of(["a", "a", "b", "b"], [10] * 4)
    mixture = store.write_shard("mixture", pa.table({"cell": ["b", "a"], "weight": [0.25, 0.75]}))
    inputs = {"index": [store.write_shard("index", index)], "mixture": [mixture]}
    plan = store.read_shard(execute(Task("t", SolveDraw((), 40, shards=2, seed=1), inputs, store)).outputs[0])
    assert plan.column("cell").to_pylist() == ["a", "b"]
    assert plan.column("drawn_tokens").to_pylist() == [30, 10]


def test_cells_without_a_weight_and_rows_without_a_cell_are_not_drawn(tmp_path):
    index = index_of(["a", None, "b"], [10, 10, 10])
    plan = plan_of(tmp_path, index, {"a": 1.0}, 10)
    assert drawn(index, plan) == {"a": 10}
    assert plan.column("drawn_documents").to_pylist() == [1, 0]


def test_how_the_index_is_cut_into_shards_does_not_matter(tmp_path):
    rng = np.random.default_rng(1)
    index = index_of(list(rng.choice(["a", "b"], 500)), list(rng.integers(1, 900, 500)))
    plans = [plan_of(tmp_path / str(n), index, {"a": 0.5, "b": 0.5}, 150_000, pieces=n) for n in (1, 7)]
    shuffled = plan_of(tmp_path / "shuffled", index.take(pa.array(rng.permutation(500))), {"a": 0.5, "b": 0.5}, 150_000)
    assert plans[0].equals(plans[1]) and plans[0].equals(shuffled)


def test_equal_numbers_are_drawn_in_order_of_the_ids(tmp_path):
    index = index_of(["a"] * 5, [10] * 5, u=np.full(5, 0.25))
    plan = plan_of(tmp_path, index, {"a": 1.0}, 20)
    copies = copies_of(index, plan, 1, 8)
    ids = index.column("id").to_pylist()
    assert sorted(ids[r] for r in copies.row) == sorted(ids)[:2]


def test_a_larger_budget_keeps_every_document_of_a_smaller_one(tmp_path):
    rng = np.random.default_rng(2)
    index = index_of(["a"] * 400, list(rng.integers(1, 900, 400)))
    small, large = (plan_of(tmp_path / str(b), index, {"a": 1.0}, b) for b in (30_000, 60_000))
    rows = [set(copies_of(index, plan, 1, 8).row.tolist()) for plan in (small, large)]
    assert rows[0] < rows[1]


@st.composite
def corpora(draw):
    cells = draw(st.integers(1, 4))
    sizes = draw(st.lists(st.tuples(st.integers(0, cells - 1), st.integers(1, 5000)), min_size=cells, max_size=120))
    sizes = [(c, 1) for c in range(cells)] + sizes                       # no cell is empty
    weights = np.array(draw(st.lists(st.integers(0, 100), min_size=cells, max_size=cells)), float)
    weights[0] += 1
    coarse = draw(st.booleans())                                         # many equal u, so that ties decide
    max_epochs, part, seed = draw(st.integers(1, 4)), draw(st.floats(0.01, 1.0)), draw(st.integers(0, 99))
    return sizes, weights / weights.sum(), max_epochs, part, seed, coarse


@settings(max_examples=200, deadline=None)
@given(corpora(), st.sampled_from([1, 4, 16]))
def test_every_cell_meets_its_target_to_within_one_document(corpus, bits):
    sizes, weights, max_epochs, part, seed, coarse = corpus
    cells, tokens = (np.array(x, np.int64) for x in zip(*sizes))
    ids = ids_of(len(cells))
    u = chance.uniform(seed, "draw", ids)
    u = np.floor(u * 4) / 4 if coarse else u
    available = np.bincount(cells, tokens, len(weights)).astype(np.int64)
    used = weights > 0
    budget = max(1, int((available[used] * max_epochs / weights[used]).min() * part))
    target = token_targets(weights, available, budget, max_epochs)
    assert target.sum() == budget
    whole, rest = np.divmod(target, available)
    order = np.argsort(chance.uniform(seed, "any order", ids))
    chunks = [Chunk(ids.take(pa.array(p)), cells[p], tokens[p], u[p]) for p in np.array_split(order, 3)]
    fractions = draw_fractions(rest, lambda: chunks, bits)
    for c, fraction in enumerate(fractions):
        mine = sorted((u[i], ids[i].as_py(), int(tokens[i])) for i in np.flatnonzero(cells == c))
        bound = (-1.0, b"") if fraction.threshold is None else (fraction.threshold, fraction.threshold_id)
        picked = [t for v, d, t in mine if (v, d) <= bound]
        assert (len(picked), sum(picked)) == (fraction.documents, fraction.tokens)
        got = whole[c] * available[c] + fraction.tokens
        assert abs(got - target[c]) <= max(t for _, _, t in mine)
        sums = np.cumsum([0] + [t for _, _, t in mine])
        assert abs(fraction.tokens - rest[c]) == np.abs(sums - rest[c]).min()       # no prefix comes nearer
        copies = whole[c] + (1 if picked else 0)
        assert copies <= np.ceil(target[c] / available[c]) <= max_epochs


def test_climbmix_shares_are_hit_to_within_one_document_a_cell():
    rng = np.random.default_rng(3)
    n, weights = 200_000, np.array(CLIMBMIX) / sum(CLIMBMIX)
    cells = rng.choice(20, n, p=np.full(20, 0.05))
    tokens = np.maximum(2, rng.lognormal(6.0, 1.0, n)).astype(np.int64)
    ids = pa.array(list(rng.bytes(16) for _ in range(n)), pa.binary(16))
    u = chance.uniform(1, "draw", ids)
    available = np.bincount(cells, tokens, 20).astype(np.int64)
    budget = 100_000_000
    target = token_targets(weights, available, budget, max_epochs=8)
    whole, rest = np.divmod(target, available)
    fractions = draw_fractions(rest, lambda: [Chunk(ids, cells, tokens, u)])
    got = whole * available + np.array([f.tokens for f in fractions])
    longest = np.array([tokens[cells == c].max() for c in range(20)])
    assert (np.abs(got - target) <= longest).all()
    assert np.abs(got / got.sum() - weights).max() < 2 * longest.max() / budget
    assert whole.max() >= 2                                               # the largest clusters are repeated


def test_a_cell_that_needs_no_fraction_has_no_threshold():
    assert draw_fractions(np.array([0]), lambda: []) == [Fraction()]


def test_whole_shares_lose_no_token_to_rounding():
    assert whole_shares(np.array([1 / 3, 1 / 3, 1 / 3]), 100).tolist() == [34, 33, 33]
    assert whole_shares(np.array([0.5, 0.0, 0.5]), 3).tolist() == [2, 0, 1]


def test_a_budget_over_the_caps_names_the_cell_and_the_least_change():
    least = r"b \(500 tokens of 100: 5.00 epochs\); feasible are budget_tokens 800, or max_epochs 5,"
    with pytest.raises(Infeasible, match=least):
        token_targets(np.array([0.5, 0.5]), np.array([1000, 100]), 1000, 4, cells=["a", "b"])


def test_the_budget_that_was_advised_is_feasible_and_what_is_over_it_by_more_than_a_token_of_a_cell_is_not():
    weights, available = np.array([0.3, 0.7]), np.array([1000, 777])
    with pytest.raises(Infeasible) as refused:
        token_targets(weights, available, 100_000, 4)
    feasible = int(str(refused.value).split("budget_tokens ")[1].split(", or")[0].replace(",", ""))
    assert token_targets(weights, available, feasible, 4).sum() == feasible
    assert token_targets(weights, available, feasible + 2, 4).tolist() == [feasible + 2 - 3108, 3108]   # a rounding: moved
    with pytest.raises(Infeasible):
        token_targets(weights, available, feasible + 4, 4)


def test_shrinking_keeps_the_ratios_and_redistributing_keeps_the_budget():
    weights, available = np.array([0.5, 0.25, 0.25]), np.array([10_000, 10_000, 100])
    assert token_targets(weights, available, 4000, 4, "shrink").tolist() == [800, 400, 400]
    assert token_targets(weights, available, 4000, 4, "redistribute").tolist() == [2400, 1200, 400]


def test_redistributing_more_than_there_is_says_how_much_there_is():
    with pytest.raises(Infeasible, match="feasible is budget_tokens 440"):
        token_targets(np.array([0.5, 0.5]), np.array([10, 100]), 1000, 4, "redistribute")


def test_a_weight_on_an_empty_cell_is_refused_by_name():
    for how in ("refuse", "shrink"):
        with pytest.raises(Infeasible, match="b holds no tokens"):
            token_targets(np.array([0.5, 0.5]), np.array([10, 0]), 10, 4, how, ["a", "b"])


@pytest.mark.parametrize("weights, error, match", [
    ({"a": 0.5, "bb": 0.5}, UnknownName, "mixture.weights: unknown cell 'bb'"),
    ({"a": -0.5, "b": 1.5}, ConfigError, "mixture.weights.a: -0.5"),
    ({"a": float("nan"), "b": 1.0}, ConfigError, "mixture.weights.a"),
    ({"a": 0.5, "b": 0.4}, ConfigError, "sum to 0.9"),
    ({}, ConfigError, "sum to 0"),
])
def test_bad_weights_are_named(weights, error, match):
    with pytest.raises(error, match=match):
        weights_of(weights, ["a", "b"])


@pytest.mark.parametrize("budget, epochs, how, where", [
    (0, 4, "refuse", "mixture.budget_tokens"),
    (10, 0, "refuse", "mixture.max_epochs"),
    (10, 4, "shrnk", "did you mean 'shrink'"),
])
def test_bad_caps_are_named(budget, epochs, how, where):
    with pytest.raises((ConfigError, UnknownName), match=where):
        token_targets(np.array([1.0]), np.array([10]), budget, epochs, how)


def test_codes_of_cells_follow_the_table():
    known = pa.chunked_array([["a", "b"]])
    assert cell_codes(pa.chunked_array([["b", None, "c", "a"]]), known).tolist() == [1, -1, -1, 0]
