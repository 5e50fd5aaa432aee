"""Clusters: k-means over a bounded sample of a build's vectors, then each vector's nearest centroid.

The sample is of document ids, so the centroids do not depend on how the vectors are split into shards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa

from corpus import chance
from corpus.errors import ConfigError
from corpus.numeric import kmeans, vectors
from corpus.numeric.sampling import Smallest
from corpus.registry import register
from corpus.tasks import Body, TaskIO

SAMPLE_PER_CLUSTER = 256


@register("body", "fit_clusters")
@dataclass(frozen=True)
class FitClusters(Body):
    """K-means centroids of sentence vectors (Nemotron-CLIMB, Diao et al. 2025, step 2); writes the folder `centroids`.

    `sample` is how many documents to fit on; 0 means 256 a cluster. `spherical` keeps centroids on the unit sphere;
    otherwise they are the plain means that Ward linkage expects.
    """

    packages: ClassVar[tuple[tuple[str, str], ...]] = (("faiss", "cpu"),)

    k: int = 1000
    iterations: int = 25
    seed: int = 0
    sample: int = 0
    spherical: bool = False

    def __post_init__(self) -> None:
        for name, least in (("k", 1), ("iterations", 1), ("sample", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"cluster.{name}", str(getattr(self, name)), f"{least} or more")

    def run(self, io: TaskIO) -> None:
        """Input: vectors (all shards). Output: folder centroids with centroids.npy, (k, d) float32."""
        kept = Smallest(self.sample or SAMPLE_PER_CLUSTER * self.k)
        seen = 0
        for table in io.tables("vectors", ["id", "vector"]):
            ids = chance.id_words(table.column("id"))
            kept.add(chance.hash64(self.seed, "clusters", ids), ids, vector=vectors.matrix(table.column("vector")))
            seen += len(ids)
        if not seen:
            raise ValueError("there are no vectors to cluster")
        found = kmeans.fit(kept.rows()["vector"], self.k, self.iterations, chance.seed32(self.seed, "centroids"),
                           self.spherical)
        with io.new_folder("centroids") as (folder, about):
            np.save(folder / "centroids.npy", found.centroids)
            about.update(k=found.k, asked=self.k, n=found.n, documents=seen, inertia=found.inertia, note=found.note)
        io.count("documents", seen)
        io.count("sampled", found.n)


@register("body", "assign")
@dataclass(frozen=True)
class AssignClusters(Body):
    """Each document's nearest centroid and its squared distance; writes `clusters` beside the documents."""

    def run(self, io: TaskIO) -> None:
        """Inputs: vectors (one shard), centroids (folder). Output: clusters with id, cluster int32, distance float32."""
        table = io.table("vectors", ["id", "vector"])
        with io.folder("centroids") as folder:
            centroids = np.load(folder / "centroids.npy", allow_pickle=False)
        cluster, distance = kmeans.assign(vectors.matrix(table.column("vector")), centroids)
        io.write("clusters", pa.table({"id": table.column("id"), "cluster": pa.array(cluster, pa.int32()),
                                       "distance": pa.array(distance, pa.float32())}))
        io.count("documents", table.num_rows)
