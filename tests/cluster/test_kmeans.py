from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpus.cluster.kmeans import AssignClusters, FitClusters
from corpus.errors import StepError
from corpus.numeric import vectors
from corpus.store import Store
from corpus.tasks import Task, execute


def ids(n: int) -> pa.Array:
    return pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(n)], pa.binary(16))


def points() -> pa.Table:
    """90 unit vectors around three axes."""
    rng = np.random.default_rng(0)
    x = np.repeat(np.eye(3), 30, axis=0) + rng.normal(0, 0.05, (90, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    return pa.table({"id": ids(90), "vector": vectors.column(x.astype(np.float32))})


def centroids(store: Store, shards: list[pa.Table], body: FitClusters):
    record = execute(Task("cluster", body, {"vectors": [store.write_shard("vectors", t) for t in shards]}, store))
    (found,) = record.of("centroids")
    with store.local_folder(found) as folder:
        return found, np.load(folder / "centroids.npy")


def test_three_directions_become_three_clusters(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    folder, means = centroids(store, [points()], FitClusters(k=3))
    assert folder.about["k"] == 3 and folder.about["n"] == 90
    assert sorted(np.abs(means).argmax(axis=1)) == [0, 1, 2]
    shard = store.write_shard("vectors", points())
    record = execute(Task("assign", AssignClusters(), {"vectors": [shard], "centroids": [folder]}, store))
    found = store.read_shard(record.of("clusters")[0])
    assert found.schema.names == ["id", "cluster", "distance"] and found.schema.field("cluster").type == pa.int32()
    cluster = found.column("cluster").to_numpy().reshape(3, 30)
    assert (cluster == cluster[:, :1]).all() and len(set(cluster[:, 0])) == 3
    first = vectors.matrix(points().column("vector"))[0]
    assert found.column("distance")[0].as_py() == pytest.approx(((first - means[cluster[0, 0]]) ** 2).sum(), abs=1e-5)


def test_centroids_do_not_depend_on_the_shards(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    table, body = points(), FitClusters(k=3, sample=50, seed=4)
    one, _ = centroids(store, [table], body)
    other, _ = centroids(store, [table.slice(60), table.slice(0, 5), table.slice(5, 55)], body)
    assert one.digest == other.digest and one.about["n"] == 50 and one.about["documents"] == 90


def test_nothing_to_cluster_is_an_error_that_says_so(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    with pytest.raises(StepError, match="no vectors to cluster"):
        centroids(store, [points().slice(0, 0)], FitClusters(k=3))
