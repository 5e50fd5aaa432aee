"""The taxonomy: clusters pruned by quality and merged into domains, frozen so that new text is assigned, not refitted.

Two passes over the small columns and one over the texts of a bounded sample; texts of other shards are never read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.cluster.labels import label
from corpus.errors import ConfigError
from corpus.numeric.sampling import Smallest
from corpus.registry import register
from corpus.tasks import Body, TaskIO


def merge(centroids: np.ndarray, distance: float | None, domains: int | None) -> np.ndarray:
    """(n,) group of each centroid, by Ward linkage: cut at a height, or into `domains` groups where that is given.

    centroids: (n, d). Groups are numbered from 0 in the order of their lowest row. CLIMB prints a distance of 1.5; on
    unit vectors only Ward heights, which grow with a group's size, reach it.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    n = len(centroids)
    if n == 1 or (domains is not None and domains >= n):
        return np.arange(n)
    tree = linkage(np.asarray(centroids, np.float64), "ward")
    groups = fcluster(tree, domains, "maxclust") if domains is not None else fcluster(tree, distance, "distance")
    _, first, at = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[at]


@register("body", "taxonomy")
@dataclass(frozen=True)
class FitTaxonomy(Body):
    """Prunes clusters by mean quality and merges the rest into domains (Nemotron-CLIMB, steps 3 and 4).

    `threshold`: least mean of the column `quality` over a cluster's documents; None prunes by number alone.
    `distance`: Ward height to cut at; `domains`: merge into that many instead. `min_documents`: smaller clusters are
    pruned. `label_documents`: texts a domain that its label is made from.
    """

    threshold: float | None = None
    quality: str = "quality"
    distance: float = 1.5
    domains: int | None = None
    min_documents: int = 1
    label_documents: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if self.domains is not None and self.domains < 1:
            raise ConfigError("domains.merge_to", str(self.domains), "a number of domains, 1 or more")
        if not self.distance > 0:
            raise ConfigError("domains.merge_distance", str(self.distance), "a Ward height over 0")

    def run(self, io: TaskIO) -> None:
        """Inputs: clusters, attributes (when `threshold` is set), documents (shards in step), centroids (folder).

        Output: folder taxonomy with centroids.npy (k, d) and taxonomy.json.
        """
        with io.folder("centroids") as folder:
            centroids = np.load(folder / "centroids.npy", allow_pickle=False)
        clusters = self._clusters(io, len(centroids))
        kept = [c["cluster"] for c in clusters if not c["pruned"]]
        if not kept:
            raise self._all_pruned(clusters)
        groups = merge(centroids[kept], self.distance, self.domains)
        width = max(2, len(str(int(groups.max()))))
        for cluster, group in zip(kept, groups):
            clusters[cluster]["domain"] = f"d{group:0{width}d}"
        names = sorted({c["domain"] for c in clusters if c["domain"]})
        labels = self._labels(io, clusters)
        found = []
        for name in names:
            own = [c for c in clusters if c["domain"] == name]
            found.append({"id": name, "label": labels.get(name, ""), "clusters": [c["cluster"] for c in own],
                          "documents": sum(c["documents"] for c in own)})
        (model,) = io.items("centroids")
        merged = {"linkage": "ward", "distance": None if self.domains else self.distance, "domains": self.domains}
        pruned = {"column": self.quality, "threshold": self.threshold, "min_documents": self.min_documents}
        taxonomy = {"schema": 1, "clusters": clusters, "domains": found, "centroids": model.digest, "merge": merged,
                    "prune": pruned}
        with io.new_folder("taxonomy") as (folder, about):
            np.save(folder / "centroids.npy", centroids)
            (folder / "taxonomy.json").write_text(json.dumps(taxonomy, indent=1, ensure_ascii=False), "utf-8")
            about.update(clusters=len(clusters), kept=len(kept), domains=len(names),
                         documents=sum(d["documents"] for d in found), labels={d["id"]: d["label"] for d in found})
        io.count("clusters", len(clusters))
        io.count("clusters_pruned", len(clusters) - len(kept))

    def _all_pruned(self, clusters: list[dict]) -> ConfigError:
        """Names the bound that pruned the last cluster, and what would leave one."""
        poor = [c["mean_quality"] for c in clusters if c["why"] == "low_quality"]
        if poor:
            least = np.floor(max(poor) * 1000) / 1000     # rounded down, so that what is advised is enough
            return ConfigError("domains.prune_below", f"no cluster is left at {self.threshold:g}",
                               f"at most {least:.3f}, the best cluster's mean of '{self.quality}'")
        if any(c["why"] == "no_quality" for c in clusters):
            return ConfigError("domains.prune_below", f"no cluster has a document with a number in '{self.quality}'",
                               "a build with such documents, or no pruning")
        largest = max(c["documents"] for c in clusters)
        return ConfigError("domains.min_documents", f"no cluster has {self.min_documents:,} documents",
                           f"at most {largest:,}, as the largest has")

    def _clusters(self, io: TaskIO, k: int) -> list[dict]:
        documents, scored, total = np.zeros(k, np.int64), np.zeros(k, np.int64), np.zeros(k)
        for cluster, quality in self._scores(io):
            documents += np.bincount(cluster, minlength=k)
            if quality is not None:
                there = np.isfinite(quality)
                scored += np.bincount(cluster[there], minlength=k)
                total += np.bincount(cluster[there], quality[there], minlength=k)
        rows = []
        for c in range(k):
            mean = float(total[c] / scored[c]) if scored[c] else None
            why = None
            if documents[c] < max(1, self.min_documents):
                why = "too_few_documents" if documents[c] else "empty"
            elif self.threshold is not None and mean is None:
                why = "no_quality"
            elif self.threshold is not None and mean < self.threshold:
                why = "low_quality"
            rows.append({"cluster": c, "documents": int(documents[c]), "mean_quality": mean, "pruned": why is not None,
                         "why": why, "domain": None})
        return rows

    def _scores(self, io: TaskIO) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Cluster (n,) and quality (n,) float64 of each pair of shards; NaN where a document has no score."""
        if not io.items("attributes"):
            if self.threshold is not None:
                raise ConfigError("domains.prune_below", f"no attributes with a column '{self.quality}'",
                                  "a quality step before")
            yield from ((t.column("cluster").to_numpy(), None) for t in io.tables("clusters", ["cluster"]))
            return
        pairs = zip(io.tables("clusters", ["id", "cluster"]), io.tables("attributes"), strict=True)
        for clusters, attributes in pairs:
            _same_rows(clusters, attributes, "attributes")
            quality = None
            if self.quality in attributes.column_names:
                scores = pc.cast(attributes.column(self.quality), pa.float64())
                quality = pc.fill_null(scores, float("nan")).to_numpy()
            elif self.threshold is not None:
                raise ConfigError("domains.prune_below", f"no column '{self.quality}' to prune by",
                                  "one of " + ", ".join(attributes.column_names))
            yield clusters.column("cluster").to_numpy(), quality

    def _labels(self, io: TaskIO, clusters: list[dict]) -> dict[str, str]:
        """Labels of the domains, from the texts of their documents with the smallest draws."""
        if not io.items("documents"):
            return {}
        names = sorted({c["domain"] for c in clusters if c["domain"]})
        number = {name: i for i, name in enumerate(names)}
        domain = np.array([number.get(c["domain"], -1) for c in clusters])
        chosen = Smallest(self.label_documents)
        for shard, table in enumerate(io.tables("clusters", ["id", "cluster"])):
            ids = chance.id_words(table.column("id"))
            group = domain[table.column("cluster").to_numpy()]
            own = group >= 0
            rows = np.flatnonzero(own)
            chosen.add(chance.hash64(self.seed, "labels", ids[own]), ids[own], group[own],
                       shard=np.full(len(rows), shard), row=rows)
        found = chosen.rows()
        texts: dict[str, list[str]] = {name: [] for name in names}
        documents = io.items("documents")
        for shard in np.unique(found["shard"]):
            here = found["shard"] == shard
            table = io.task.store.read_shard(documents[shard], ["id", "text"]).take(pa.array(found["row"][here]))
            if not np.array_equal(chance.id_words(table.column("id")), found["ids"][here]):
                raise ValueError("'documents' is not aligned with 'clusters'")
            for group, text in zip(found["group"][here], table.column("text").to_pylist()):
                texts[names[group]].append(text or "")
        return label(texts)


def _same_rows(table: pa.Table, other: pa.Table, name: str) -> None:
    if not other.column("id").combine_chunks().equals(table.column("id").combine_chunks()):
        raise ValueError(f"'{name}' is not aligned with 'clusters'")
