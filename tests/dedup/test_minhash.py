import numpy as np
import pytest

from corpus.dedup import minhash
from corpus.dedup.minhash import band_keys, signatures


def test_the_share_of_equal_minima_estimates_jaccard():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**64, 1500, np.uint64)
    found = signatures(np.r_[x[:1000], x[500:]], np.array([0, 1000, 2000]), 2000, seed=1)
    assert abs((found[0] == found[1]).mean() - 500 / 1500) < 0.05


def test_minima_are_those_of_the_definition_and_blocks_decide_nothing(monkeypatch):
    x = np.arange(1, 8, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    offsets = np.array([0, 3, 7])
    found = signatures(x, offsets, 4, seed=2)
    assert found.shape == (2, 4)
    monkeypatch.setattr(minhash, "_BLOCK", 1)
    assert (signatures(x, offsets, 4, seed=2) == found).all()
    assert (signatures(x[:3], offsets[:2], 4, seed=2)[0] == found[0]).all()
    assert (signatures(x, offsets, 4, seed=3) != found).all()


def test_a_key_is_of_one_band_and_of_all_its_minima():
    signature = np.arange(12, dtype=np.uint64).reshape(1, 12)
    keys = band_keys(signature, bands=3, rows=4)
    changed = signature.copy()
    changed[0, 5] += np.uint64(1)
    assert (band_keys(changed, 3, 4) != keys).tolist() == [[False, True, False]]
    same = band_keys(np.zeros((1, 8), np.uint64), 2, 4)
    assert same[0, 0] != same[0, 1]


@pytest.mark.parametrize("jaccard", [0.5, 0.8])
def test_pairs_meet_as_often_as_the_formula_says(jaccard):
    rng = np.random.default_rng(3)
    pairs, size = 400, 90
    common = round(2 * size * jaccard / (1 + jaccard))
    x = rng.integers(0, 2**64, (pairs, 2, size), np.uint64)
    x[:, 1, :common] = x[:, 0, :common]
    keys = band_keys(signatures(x.ravel(), np.arange(2 * pairs + 1) * size, 112, 0), 14, 8).reshape(pairs, 2, 14)
    met = (keys[:, 0] == keys[:, 1]).any(1).mean()
    j = common / (2 * size - common)
    assert abs(met - (1 - (1 - j**8) ** 14)) < 0.04
