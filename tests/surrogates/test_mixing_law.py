from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from corpus.surrogates import mixing_law

DATA = Path(__file__).parents[1] / "data" / "regmix"


def read(path: Path) -> tuple[list[str], np.ndarray]:
    with path.open() as stream:
        rows = list(csv.reader(stream))
    return rows[0][1:], np.array(rows[1:], float)[:, 1:]


def test_a_law_that_made_the_values_is_found_again():
    rng = np.random.default_rng(0)
    w = rng.dirichlet(np.ones(3), 60)
    truth = mixing_law.LogLinear(np.log(1.5), np.array([0.5, -0.4, 0.1]))
    found = mixing_law.fit(w, truth.predict(w))
    fresh = rng.dirichlet(np.ones(3), 20)
    assert found.predict(fresh) == pytest.approx(truth.predict(fresh), rel=2e-3)


def test_a_prediction_by_hand():
    law = mixing_law.LogLinear(0.0, np.array([0.0, np.log(4.0)]))
    assert law.predict(np.array([[1.0, 0.0], [0.5, 0.5]])) == pytest.approx([2.0, 3.0])


def test_values_in_other_units_give_the_same_law_in_those_units():
    rng = np.random.default_rng(1)
    w = rng.dirichlet(np.ones(4), 50)
    y = 3 + np.exp(w @ [0.2, -1.0, 0.4, 0.0])
    one, other = mixing_law.fit(w, y), mixing_law.fit(w, 100 * y)
    assert spearmanr(one.predict(w), other.predict(w)).statistic > 0.999


def test_the_fit_is_the_same_every_time():
    w = np.random.default_rng(2).dirichlet(np.ones(4), 50)
    assert np.array_equal(mixing_law.fit(w, 1 + w[:, 0]).slopes, mixing_law.fit(w, 1 + w[:, 0]).slopes)


def test_rank_correlation_is_scipys_ties_included():
    a, b = np.array([1, 2, 2, 5, 3.0]), np.array([2, 1, 1, 9, 9.0])
    assert mixing_law.spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)
    assert mixing_law.spearman(a, np.ones(5)) == 0


def test_folds_are_even_and_seeded():
    fold = mixing_law.folds(13, 0)
    assert sorted(np.bincount(fold)) == [2, 2, 3, 3, 3] and not np.array_equal(fold, mixing_law.folds(13, 1))
    assert mixing_law.folds(3, 0).max() == 2


@pytest.mark.parametrize("n, least", [(54, 0.92), (512, 0.96)])
def test_on_regmix_runs_the_law_ranks_unseen_mixtures_as_measured_elsewhere(n, least):
    _, w = read(DATA / "train_mixture_1m.csv")
    names, losses = read(DATA / "train_pile_loss_1m.csv")
    _, test = read(DATA / "test_mixture_1m.csv")
    _, truth = read(DATA / "test_pile_loss_1m.csv")
    place = next(i for i, name in enumerate(names) if "pile_cc" in name)
    law = mixing_law.fit(w[:n] / w[:n].sum(axis=1, keepdims=True), losses[:n, place])
    assert mixing_law.spearman(law.predict(test / test.sum(axis=1, keepdims=True)), truth[:, place]) > least
