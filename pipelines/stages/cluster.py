"""k-means on the vectors (CLIMB's first cut), and each document's cluster."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.cluster.kmeans import AssignClusters, FitClusters
from corpus.dedup.neighbours import Neighbours, NeighboursByShard
from pipelines.config.load import Build
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Clusters:
    centroids: Items
    assigned: Result


def stage(line: Line, build: Build, vectors: Items) -> Clusters:
    options = build.file.cluster
    with line.stage("cluster"):
        centroids = line.fit(
            "cluster.centroids",
            FitClusters(k=options.k, iterations=options.iterations, sample=options.sample, seed=build.seed),
            {"vectors": vectors},
            upon=(build.encoder,),
        )["centroids"]
        assigned = line.map("cluster.assign", AssignClusters(), {"vectors": vectors}, shared={"centroids": centroids})
        if options.neighbours:
            neighbours(line, build, vectors, assigned["clusters"])
    return Clusters(centroids, assigned)


def neighbours(line: Line, build: Build, vectors: Items, clusters: Items) -> None:
    """Each document's nearest other one in its cluster, an attribute beside its shard."""
    partitions = build.file.dedup.partitions
    found = line.exchange("cluster.neighbours", Neighbours(partitions), [{"vectors": vectors, "clusters": clusters}])
    line.exchange("cluster.nearest", NeighboursByShard(partitions), [{"found": found["found"]}])
