"""K-means on one thread, so that the same vectors and seed give the same centroids on any machine of a kind.

Sampling belongs to the caller: what is passed in is what is fitted on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.errors import MissingExtra


@dataclass(frozen=True)
class Fit:
    """centroids: (k, d) float32, means of their points (unit rows when spherical). inertia: sum of squared distances
    of the n points to their centroids. note: what was changed of what was asked, else empty.
    """

    centroids: np.ndarray
    inertia: float
    n: int
    note: str = ""

    @property
    def k(self) -> int:
        return len(self.centroids)


def fit(vectors: np.ndarray, k: int, iterations: int = 25, seed: int = 0, spherical: bool = False) -> Fit:
    """Lloyd's algorithm from spread-out seeds (AFK-MC², Bachem et al. 2016).

    vectors: (n, d) float32, finite. `seed`: 31 bits. k over n is reduced to n, with a note."""
    if len(vectors) == 0:
        raise ValueError("there are no vectors to cluster")
    note = ""
    if k > len(vectors):
        note = f"asked for {k} clusters of {len(vectors)} vectors; made {len(vectors)}"
        k = len(vectors)
    vectors = np.ascontiguousarray(vectors, np.float32)
    with _faiss() as faiss:
        work = faiss.Kmeans(vectors.shape[1], k, niter=iterations, seed=seed, spherical=spherical, verbose=False,
                            min_points_per_centroid=1, max_points_per_centroid=len(vectors),
                            init_method=faiss.ClusteringInitMethod_AFK_MC2)
        work.train(vectors)
    centroids = np.array(work.centroids, np.float32).reshape(k, -1)
    _, distances = assign(vectors, centroids)
    return Fit(centroids, float(distances.sum(dtype=np.float64)), len(vectors), note)


def assign(vectors: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centroid of each row.

    vectors: (n, d) float32. centroids: (k, d) float32. Returns cluster ids (n,) int32 and squared Euclidean distances
    (n,) float32. Raises ValueError when d differs.
    """
    if vectors.shape[1] != centroids.shape[1]:
        raise ValueError(f"vectors have {vectors.shape[1]} dimensions and centroids {centroids.shape[1]}")
    if not len(vectors):
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    with _faiss() as faiss:
        index = faiss.IndexFlatL2(centroids.shape[1])
        index.add(np.ascontiguousarray(centroids, np.float32))
        distances, ids = index.search(np.ascontiguousarray(vectors, np.float32), 1)
    return ids[:, 0].astype(np.int32), np.maximum(distances[:, 0], 0)


@contextlib.contextmanager
def _faiss() -> Iterator[Any]:
    """faiss, held to one thread inside."""
    try:
        import faiss
    except ImportError:
        raise MissingExtra("faiss-cpu", "cpu") from None
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(before)
