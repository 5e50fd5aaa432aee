from __future__ import annotations

import numpy as np
import pytest

from corpus.errors import ConfigError, Infeasible, UnknownName
from corpus.mixture.targets import phase_targets, token_targets, weights_of, whole_shares


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
        with pytest.raises(Infeasible, match="no tokens are in b, which has a weight"):
            token_targets(np.array([0.5, 0.5]), np.array([10, 0]), 10, 4, how, ["a", "b"])


def test_phases_share_the_epochs_of_a_cell():
    weights, available = np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([100, 100])
    assert phase_targets(weights, [60, 80], available, 1).tolist() == [[60, 0], [40, 40]]
    with pytest.raises(Infeasible, match=r"^p1: 90 tokens at these weights .* 0 \(45 tokens of 100: 0.45 epochs, of which "
                                         r"0.40 are left\); feasible are tokens 80, or max_epochs 1.05, or"):
        phase_targets(weights, [60, 90], available, 1, where=["p0", "p1"])
    assert phase_targets(weights, [60, 90], available, 1.05).tolist() == [[60, 0], [45, 45]]


def test_a_cell_that_was_read_to_the_end_has_only_more_epochs_to_offer():
    with pytest.raises(Infeasible, match="feasible are max_epochs 1.1, or on_shortfall: redistribute$"):
        phase_targets(np.array([[1.0]]), [10], np.array([100]), 1, seen=np.array([100]))
    assert phase_targets(np.array([[1.0]]), [10], np.array([100]), 1.1, seen=np.array([100])).tolist() == [[10]]


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
