from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import entropy

from corpus.numeric import convex
from corpus.numeric.convex import Polytope


def simplex(n: int, upper: float = 1.0) -> Polytope:
    return Polytope(np.zeros(n), np.full(n, upper), np.zeros((0, n)), np.zeros(0))


@pytest.mark.parametrize("kind", convex.DISTANCES)
def test_a_target_that_is_a_mixture_of_cells_is_met_exactly(kind):
    vectors = np.eye(3)[:, :2]
    vectors = np.column_stack([vectors, [0, 0, 1.0]])
    found = convex.nearest(vectors, np.array([0.2, 0.5, 0.3]), simplex(3), kind, 0.01)
    assert found == pytest.approx([0.2, 0.5, 0.3], abs=1e-5)


def test_the_l2_answer_is_the_projection_on_the_segment():
    # cells (0, 0) and (1, 0), target (0.3, 5): the nearest point of the segment is (0.3, 0)
    found = convex.nearest(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([0.3, 5.0]), simplex(2))
    assert found == pytest.approx([0.7, 0.3], abs=1e-6)
    assert convex.distance(np.array([[0.0, 1.0], [0.0, 0.0]]), found, np.array([0.3, 5.0])) == pytest.approx(5)


@pytest.mark.parametrize("kind", ["l1", "huber"])
def test_no_random_mixture_is_nearer_than_the_solved_one(kind):
    rng = np.random.default_rng(0)
    vectors, target = rng.dirichlet(np.ones(12), 5).T, rng.dirichlet(np.ones(12))
    solved = convex.nearest(vectors, target, simplex(5), kind, 0.02)
    best = convex.distance(vectors, solved, target, kind, 0.02)
    others = [convex.distance(vectors, w, target, kind, 0.02) for w in rng.dirichlet(np.ones(5), 5000)]
    assert best <= min(others) + 1e-9


def test_a_huber_loss_with_a_wide_delta_chooses_as_l2_does():
    rng = np.random.default_rng(1)
    vectors, target = rng.dirichlet(np.ones(12), 5).T, rng.dirichlet(np.ones(12))
    wide = convex.nearest(vectors, target, simplex(5), "huber", 1.0)
    assert wide == pytest.approx(convex.nearest(vectors, target, simplex(5)), abs=1e-5)


def test_huber_distance_by_hand():
    # gaps 0.05 (inside 0.1: 0.5 · 0.0025) and 0.3 (outside: 0.1 · (0.3 - 0.05))
    found = convex.distance(np.array([[0.05], [0.3]]), np.ones(1), np.zeros(2), "huber", 0.1)
    assert found == pytest.approx(0.00125 + 0.025)


def test_caps_and_rows_hold_in_the_answer():
    allowed = Polytope(np.zeros(3), np.array([0.4, 1, 1]), np.array([[1.0, 1.0, 0.0]]), np.array([0.5]))
    found = convex.nearest(np.eye(3), np.array([0.9, 0.1, 0.0]), allowed)
    assert found[0] <= 0.4 + 1e-9 and found[:2].sum() <= 0.5 + 1e-8 and found.sum() == pytest.approx(1, abs=1e-12)


def test_projection_by_hand():
    assert convex.project(np.array([0.8, 0.2]), simplex(2, 0.6)) == pytest.approx([0.6, 0.4], abs=1e-7)
    with pytest.raises(convex.NoSolution):
        convex.project(np.array([0.5, 0.5]), simplex(2, 0.4))


def test_the_law_solve_agrees_with_a_general_solver():
    rng = np.random.default_rng(2)
    slopes, prior = rng.normal(0, 2, (3, 4)), np.array([0.4, 0.3, 0.2, 0.1])

    def objective(w):
        return np.exp(slopes @ w).mean() + 0.05 * entropy(np.maximum(w, 1e-12), prior)

    found = convex.log_linear(slopes, simplex(4, 0.7), prior, 0.05)
    other = minimize(objective, prior, method="SLSQP", bounds=[(0, 0.7)] * 4, options={"ftol": 1e-12, "maxiter": 500},
                     constraints={"type": "eq", "fun": lambda w: w.sum() - 1})
    assert objective(found) <= other.fun + 1e-7 and found == pytest.approx(other.x, abs=1e-3)


def test_a_heavy_divergence_keeps_the_prior_and_its_zeros():
    slopes, prior = np.array([[-3.0, 0.0, -9.0]]), np.array([0.7, 0.3, 0.0])
    found = convex.log_linear(slopes, simplex(3), prior, 1e4)
    assert found == pytest.approx([0.7, 0.3, 0.0], abs=1e-3) and found[2] == 0


def test_without_divergence_the_best_single_cell_wins_one_law():
    found = convex.log_linear(np.array([[1.0, -2.0]]), simplex(2), np.array([0.5, 0.5]), 0.0)
    assert found == pytest.approx([0, 1], abs=1e-6)
