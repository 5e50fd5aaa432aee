from __future__ import annotations

import numpy as np
import pytest

from pipelines.report.mixtures import compared, profiles


def test_the_chosen_mixture_comes_first_and_each_has_its_distance(finished):
    found = compared(finished.view())
    assert [m.method for m in found] == ["domain2vec", "natural", "uniform", "unimax"]
    assert [m.distance for m in found] == [0.0061, 0.0412, 0.0335, 0.0318]
    assert [m.projected for m in found] == [False, False, True, False]


def test_moved_is_half_the_sum_of_differences_from_the_tokens_shares(finished):
    chosen, natural, *_ = compared(finished.view())
    assert natural.moved == pytest.approx(0)
    assert chosen.moved == pytest.approx(np.abs(finished.weights - finished.natural).sum() / 2)


def test_the_most_epochs_are_those_of_the_cell_that_repeats_most(finished):
    chosen = compared(finished.view())[0]
    assert chosen.epochs == pytest.approx(max(w * 200_000 / t for w, t in zip(finished.weights, finished.available)))


def test_profiles_sum_to_one_and_the_target_is_as_it_was_measured(finished):
    view = finished.view()
    found = profiles(view, compared(view)[0])
    assert found.documents == 35
    assert [p.sum() for p in (found.target, found.chosen, found.natural)] == pytest.approx([1, 1, 1], abs=1e-5)
    assert found.target == pytest.approx(0.9 * found.chosen + 0.1 / 12, abs=1e-6)


def test_vectors_of_other_cells_than_the_mixtures_give_no_profile(finished):
    view = finished.view()
    chosen = compared(view)[0]
    chosen.weights["d99/elsewhere"] = 0.1
    assert profiles(view, chosen) is None


def test_without_a_search_nothing_is_compared(world):
    world.judge()
    assert compared(world.view()) == []
    assert profiles(world.view(), None) is None
