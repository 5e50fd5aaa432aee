import numpy as np
import pytest

from corpus.quality import calibrate
from corpus.quality.measure import calibration


def overconfident(n, seed):
    """Labels drawn from q, and q sharpened as if by a temperature of 1/3."""
    rng = np.random.default_rng(seed)
    q = rng.dirichlet(np.ones(4), n)
    truth = (q.cumsum(1) > rng.random(n)[:, None]).argmax(1)
    sharp = q**3
    return sharp / sharp.sum(1, keepdims=True), truth, q


def test_the_temperature_that_was_put_in_is_found():
    p, truth, _ = overconfident(20_000, 0)
    assert calibrate.temperature(p, truth) == pytest.approx(3, rel=0.03)


@pytest.mark.parametrize("method", calibrate.METHODS)
def test_probabilities_become_frequencies_on_documents_that_were_not_fitted_on(method):
    found = calibrate.fit(method, *overconfident(5000, 0)[:2])
    p, truth, q = overconfident(5000, 1)
    after = calibrate.apply(found, p)
    assert after.dtype == np.float32 and np.allclose(after.sum(1), 1, atol=1e-5)
    assert calibration(p, truth)["expected_error"] > 0.15 and calibration(after, truth)["expected_error"] < 0.03
    assert np.abs(after - q).mean() < 0.03


def test_a_temperature_changes_no_most_likely_label():
    p, truth, _ = overconfident(500, 2)
    after = calibrate.apply(calibrate.fit("temperature", p, truth), p)
    assert (after.argmax(1) == p.argmax(1)).all()


def test_pooling_adjacent_violators_by_hand_and_as_scikit_learn():
    x, y = calibrate.isotonic(np.array([1.0, 2, 3, 4]), np.array([0.0, 1, 0, 1]))
    assert x.tolist() == [1, 2, 3, 4] and y.tolist() == [0, 0.5, 0.5, 1]
    sklearn = pytest.importorskip("sklearn.isotonic")
    rng = np.random.default_rng(0)
    scores = rng.random(300).round(2)
    right = (rng.random(300) < scores).astype(float)
    found = np.interp(scores, *calibrate.isotonic(scores, right))
    assert np.allclose(found, sklearn.IsotonicRegression().fit(scores, right).predict(scores))


def test_no_rows_and_impossible_labels_are_fine():
    for method in calibrate.METHODS:
        found = calibrate.fit(method, np.array([[1.0, 0.0]] * 5), np.array([0, 0, 0, 0, 1]))
        assert calibrate.apply(found, np.zeros((0, 2))).shape == (0, 2)
        assert np.isfinite(calibrate.apply(found, np.array([[0.0, 0.0], [1.0, 0.0]]))).all()
