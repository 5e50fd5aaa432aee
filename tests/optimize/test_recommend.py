from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import ConfigError, Infeasible, UnknownName
from corpus.optimize.recommend import recommend, recommend_from_csv
from corpus.optimize.runs import Runs

REGMIX = Path(__file__).parents[1] / "data" / "regmix"
PILE_CC = ("the_pile_pile_cc_val_loss",)


def made(rows: int = 40, sign: float = 1.0) -> Runs:
    """Runs of three domains whose loss 2 + exp(slopes · w) is lowest at pure c."""
    w = np.random.default_rng(0).dirichlet(np.ones(3), rows)
    loss = 2 + np.exp(w @ [0.5, 0.0, -1.0])
    return Runs(("a", "b", "c"), ("loss",), w, sign * loss[:, None])


def test_without_a_prior_to_keep_to_the_best_domain_is_taken_up_to_its_cap():
    found = recommend(made(), kl=0, max_weight=0.7)
    assert found["weights"] == pytest.approx({"a": 0.0, "b": 0.3, "c": 0.7}, abs=1e-3)
    assert found["binding"] == ["cap b", "cap c"] or found["binding"] == ["cap c"]
    assert found["compared"]["single"]["projected"] and found["fit"]["loss"]["spearman"] > 0.99


def test_the_prediction_is_the_laws_value_and_no_candidate_is_better():
    found = recommend(made(), kl=0)
    # at pure c the loss is 2 + exp(-1)
    assert found["compared"]["recommended"]["predicted"]["loss"] == pytest.approx(2 + np.exp(-1), abs=0.01)
    scores = {name: c["predicted"]["mean"] for name, c in found["compared"].items()}
    assert set(scores) == {"recommended", "natural", "uniform", "best_observed", "single"}
    assert scores["recommended"] <= min(scores.values()) + 1e-6


def test_a_heavy_divergence_stays_at_the_prior():
    prior = np.array([0.6, 0.3, 0.1])
    found = recommend(made(), prior, kl=100)
    assert list(found["weights"].values()) == pytest.approx(prior, abs=0.01) and found["moved"] < 0.01


def test_scores_are_maximised_on_request():
    up = recommend(made(sign=-1.0), kl=0, maximize=True)
    assert up["weights"]["c"] == pytest.approx(1, abs=1e-3)
    assert up["compared"]["recommended"]["predicted"]["loss"] == pytest.approx(-2 - np.exp(-1), abs=0.05)
    assert up["compared"]["best_observed"]["measured"]["loss"] == pytest.approx(made(sign=-1.0).values.max(), abs=1e-6)


def test_a_domain_that_no_run_holds_gets_nothing_and_is_named():
    runs = made()
    wide = Runs((*runs.domains, "new"), runs.metrics, np.c_[runs.weights, np.zeros(40)], runs.values)
    found = recommend(wide, np.array([0.1, 0.1, 0.1, 0.7]))
    assert found["weights"]["new"] == 0 and any("no run holds new" in n for n in found["notes"])
    assert found["compared"]["natural"]["projected"]


def test_weights_beyond_what_the_runs_hold_are_named():
    runs = made()
    few = runs.weights[:, 2] < 0.4
    found = recommend(Runs(runs.domains, runs.metrics, runs.weights[few], runs.values[few]), kl=0)
    assert found["beyond_runs"] == ["c"]


def test_what_cannot_be_fitted_or_met_is_said():
    with pytest.raises(ConfigError, match="5 runs; expected 8 or more"):
        recommend(made(5))
    with pytest.raises(ConfigError, match="is not positive"):
        recommend(made(sign=-1.0))
    with pytest.raises(Infeasible, match="add up to 0.6, less than 1"):
        recommend(made(), max_weight=0.2)
    with pytest.raises(UnknownName, match="unknown domain 'd'"):
        recommend(made(), caps={"d": 0.5})
    with pytest.raises(ConfigError, match="the same in every run"):
        recommend(Runs(("a", "b", "c"), ("loss",), made().weights, np.ones((40, 1))))


def test_regmix_runs_give_a_mixture_that_beats_what_it_is_compared_with():
    found = recommend_from_csv(REGMIX / "train_mixture_1m.csv", REGMIX / "train_pile_loss_1m.csv", metric=PILE_CC)
    assert json.loads(json.dumps(found)) == found and sum(found["weights"].values()) == pytest.approx(1, abs=1e-9)
    fit = found["fit"]["metric/" + PILE_CC[0]]
    assert fit["spearman"] > 0.95 > 0.9 > fit["single_column"]["spearman"]
    assert fit["single_column"]["column"] == "train_the_pile_pile_cc"
    assert max(found["weights"], key=found["weights"].get) == "train_the_pile_pile_cc"
    scores = {name: c["predicted"]["mean"] for name, c in found["compared"].items()}
    assert scores["recommended"] < min(scores["natural"], scores["uniform"])


def test_caps_hold_in_the_recommendation():
    found = recommend_from_csv(REGMIX / "train_mixture_1m.csv", REGMIX / "train_pile_loss_1m.csv", metric=PILE_CC,
                               max_weight=0.5, caps={"train_the_pile_pile_cc": 0.25}, kl=0)
    assert max(found["weights"].values()) <= 0.5 + 1e-9 and found["weights"]["train_the_pile_pile_cc"] <= 0.25 + 1e-9


def test_fitted_per_metric_the_mean_of_all_losses_is_ranked_on_unseen_runs():
    from corpus.surrogates import mixing_law

    def read(path):
        with path.open() as stream:
            return np.array(list(csv.reader(stream))[1:], float)[:, 1:]

    w, y = read(REGMIX / "train_mixture_1m.csv"), read(REGMIX / "train_pile_loss_1m.csv")
    test, truth = read(REGMIX / "test_mixture_1m.csv"), read(REGMIX / "test_pile_loss_1m.csv")
    laws = [mixing_law.fit(w[:128], y[:128, i], starts=1) for i in range(13)]
    apart = np.mean([law.predict(test) for law in laws], axis=0)
    together = mixing_law.fit(w[:128], y[:128].mean(axis=1), starts=1).predict(test)
    assert mixing_law.spearman(apart, truth.mean(axis=1)) > 0.93
    assert mixing_law.spearman(together, truth.mean(axis=1)) < 0.8
