from __future__ import annotations

import numpy as np
import pytest

from corpus.mixture import baselines
from corpus.mixture.space import Space


def test_natural_uniform_and_temperature_by_hand():
    tokens = np.array([100, 400, 0])
    assert baselines.natural(tokens) == pytest.approx([0.2, 0.8, 0])
    assert baselines.temperature(tokens, 0.5) == pytest.approx([1 / 3, 2 / 3, 0])
    assert baselines.uniform(4).tolist() == [0.25] * 4


def test_unimax_gives_small_cells_all_their_passes_and_spreads_the_rest():
    # 10 tokens at 4 passes give 40; the other 260 are halved
    assert baselines.unimax(np.array([1000, 10, 100]), 300, 4) == pytest.approx([130 / 300, 40 / 300, 130 / 300])
    assert baselines.unimax(np.array([10, 100]), 1000, 1) == pytest.approx([10 / 110, 100 / 110])


def test_unimax_within_the_cap_of_every_cell_needs_no_projection():
    tokens = {"a": 10, "b": 100, "c": 1000}
    found = baselines.baselines(Space.from_caps(tokens, 300, 4), list(tokens.values()), 300, 4)
    assert [b.projected for b in found.values()] == [False, True, False]
    assert found["uniform"].weights[0] == pytest.approx(40 / 300, abs=1e-7)
    assert list(found) == ["natural", "uniform", "unimax"]
