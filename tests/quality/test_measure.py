import numpy as np
import pytest

from corpus.quality.measure import calibration, measure


def one_hot(said, k):
    return np.eye(k)[said]


def test_figures_of_six_documents_by_hand():
    truth, said = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    found = measure(one_hot(said, 3), truth, ["0", "1", "2"], ordinal=True)
    assert found["confusion"] == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert found["accuracy"] == pytest.approx(4 / 6, abs=1e-4)
    row = found["labels"]["0"]
    assert (row["support"], row["precision"], row["recall"], row["f1"]) == (3, 1.0, 0.6667, 0.8)
    assert found["macro_recall"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3, abs=1e-4)
    assert found["mean_absolute_error"] == found["mean_absolute_error_expected"] == pytest.approx(2 / 6, abs=1e-4)


def test_figures_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 7, 500)
    said = np.clip(truth + rng.integers(-2, 3, 500), 0, 6)
    found = measure(one_hot(said, 7), truth, [str(i) for i in range(-1, 6)], ordinal=True)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, said)
    for at, row in enumerate(found["labels"].values()):
        want = (precision[at], recall[at], f1[at], support[at])
        assert (row["precision"], row["recall"], row["f1"], row["support"]) == pytest.approx(want, abs=1e-4)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(truth, said, average="macro"), abs=1e-4)
    assert found["quadratic_kappa"] == pytest.approx(metrics.cohen_kappa_score(truth, said, weights="quadratic"), abs=1e-4)


def test_distances_are_of_the_labels_and_not_of_their_places():
    truth, said = np.array([0, 1, 0, 1]), np.array([1, 1, 0, 1])
    found = measure(one_hot(said, 2), truth, ["0", "5"], ordinal=True)
    assert found["mean_absolute_error"] == 5 / 4


def test_an_interval_holds_its_figure_is_narrower_with_more_and_the_same_each_time():
    def interval(n):
        truth = np.arange(n) % 2
        said = np.where(np.arange(n) % 10 == 0, 1 - truth, truth)
        found = measure(one_hot(said, 2), truth, ["a", "b"], ordinal=False, seed=4)
        assert found["accuracy_interval"][0] < 0.9 == found["accuracy"] < found["accuracy_interval"][1]
        return found["accuracy_interval"]

    few, many = interval(100), interval(10_000)
    assert few == interval(100) and few[1] - few[0] > 5 * (many[1] - many[0])
    # of a share of .9 in 100 documents the standard error is .03
    assert few == pytest.approx([0.9 - 1.96 * 0.03, 0.9 + 1.96 * 0.03], abs=0.015)


def test_what_nothing_can_be_said_of_is_null():
    found = measure(one_hot(np.array([0, 0]), 3), np.array([0, 0]), ["a", "b", "c"], ordinal=False)
    assert found["labels"]["b"] == {"support": 0, "precision": None, "precision_interval": [None, None], "recall": None,
                                    "recall_interval": [None, None], "f1": None, "f1_interval": [None, None]}
    assert found["macro_f1"] == 1.0
    nothing = measure(np.zeros((0, 2)), np.zeros(0, np.int64), ["a", "b"], ordinal=False)
    assert nothing["accuracy"] is None and nothing["calibration"]["expected_error"] is None


def test_a_probability_that_is_no_frequency_shows_in_its_bin():
    p = np.array([[0.95, 0.05]] * 8 + [[0.45, 0.55]] * 2)
    truth = np.array([0] * 4 + [1] * 4 + [1, 1])
    found = calibration(p, truth)
    bins = [(b["from"], b["documents"], b["said"], b["right"]) for b in found["bins"]]
    assert bins == [(0.5, 2, 0.55, 1.0), (0.9, 8, 0.95, 0.5)]
    assert found["expected_error"] == pytest.approx((8 * 0.45 + 2 * 0.45) / 10)
    assert found["brier"] == pytest.approx((4 * 2 * 0.05**2 + 4 * 2 * 0.95**2 + 2 * 2 * 0.45**2) / 10, abs=1e-4)
    assert found["bins"][1]["right_interval"] == pytest.approx([0.2152, 0.7848], abs=1e-3)      # Wilson's, 4 of 8
