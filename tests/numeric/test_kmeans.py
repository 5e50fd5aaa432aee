from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from corpus.numeric import kmeans

SQUARE = np.array([[0, 0], [0, 1], [10, 0], [10, 1]], np.float32)


def test_two_pairs_of_points_have_their_means_as_centroids():
    fit = kmeans.fit(SQUARE, 2, seed=1)
    assert sorted(map(tuple, fit.centroids.tolist())) == [(0.0, 0.5), (10.0, 0.5)]
    assert fit.inertia == pytest.approx(1.0) and (fit.k, fit.n, fit.note) == (2, 4, "")


def test_assignment_gives_the_nearest_centroid_and_its_squared_distance():
    ids, distances = kmeans.assign(SQUARE, np.array([[0, 0], [10, 3]], np.float32))
    assert ids.dtype == np.int32 and distances.dtype == np.float32
    assert ids.tolist() == [0, 0, 1, 1] and distances.tolist() == [0, 1, 9, 4]


def test_more_clusters_than_vectors_are_reduced_with_a_note():
    fit = kmeans.fit(SQUARE, 9)
    assert fit.k == 4 and "asked for 9" in fit.note and fit.inertia == pytest.approx(0, abs=1e-6)


def test_spherical_centroids_have_unit_length():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 8)).astype(np.float32)
    fit = kmeans.fit(x / np.linalg.norm(x, axis=1, keepdims=True), 5, spherical=True)
    assert np.linalg.norm(fit.centroids, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_vectors_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="2 dimensions and centroids 3"):
        kmeans.assign(SQUARE, np.zeros((1, 3), np.float32))


def test_another_process_with_other_threads_finds_the_same_centroids():
    code = ("import numpy as np, hashlib; from corpus.numeric import kmeans;"
            "x = np.random.default_rng(3).normal(size=(3000, 64)).astype('f4');"
            "print(hashlib.md5(kmeans.fit(x, 40, seed=5).centroids.tobytes()).hexdigest())")
    found = {subprocess.run([sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": threads}, text=True,
                            capture_output=True, check=True).stdout for threads in ("1", "2")}
    assert len(found) == 1
