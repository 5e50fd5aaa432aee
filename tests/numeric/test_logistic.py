from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from corpus.numeric import logistic


def test_with_strong_shrinkage_probabilities_are_the_class_shares():
    x = np.random.default_rng(0).normal(size=(100, 3))
    y = np.array([0] * 70 + [1] * 30)
    weights = logistic.fit(x, y, 2, l2=1e6)
    assert logistic.predict(x[:1], weights)[0] == pytest.approx([0.7, 0.3], abs=1e-3)


def test_the_answer_is_a_minimum_of_the_penalised_cross_entropy(monkeypatch):
    monkeypatch.setattr(logistic, "CHUNK", 16)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(60, 2)), rng.integers(0, 3, 60)
    weights = logistic.fit(x, y, 3, l2=0.1)

    def loss(flat):
        w = flat.reshape(3, 3)
        p = logistic.predict(x, w)
        return -np.log(p[np.arange(60), y]).mean() + 0.05 * (w[:2] ** 2).sum()

    assert np.abs(approx_fprime(weights.ravel(), loss, 1e-6)).max() < 1e-4


def test_separable_classes_are_told_apart():
    x = np.array([[1.0, 0], [0, 1], [-1, 0]] * 10)
    y = np.array([0, 1, 2] * 10)
    assert (logistic.predict(x, logistic.fit(x, y, 3, 1e-5)).argmax(axis=1) == y).all()
