"""Clusters → domains (prune by mean quality, merge by Ward), and each document's profile over the meta-domains."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.cluster.domains import AssignDomains
from corpus.cluster.taxonomy import FitTaxonomy
from corpus.domains.domain2vec import FitMetaDomains, MetaDomains
from pipelines.config.load import Build
from pipelines.stages.annotate import Marks
from pipelines.stages.cluster import Clusters
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Spaces:
    taxonomy: Result
    domains: Items
    meta: Items
    profiles: Items


def stage(line: Line, build: Build, frozen: Result, marks: Marks, vectors: Items, clusters: Clusters) -> Spaces:
    options = build.file.domains
    assigned = clusters.assigned["clusters"]
    with line.stage("domains"):
        over = {"clusters": assigned, "documents": frozen["documents"], "centroids": clusters.centroids}
        if marks.quality is not None:
            over["attributes"] = marks.quality
        taxonomy = line.fit(
            "domains.taxonomy",
            FitTaxonomy(
                threshold=options.prune_below or None,
                min_documents=options.min_documents,
                domains=options.merge_to,
                distance=options.merge_distance,
                seed=build.seed,
            ),
            over,
            upon=(marks.model,) if marks.model is not None else (),
        )
        domains = line.map(
            "domains.assign", AssignDomains(), {"clusters": assigned}, shared={"taxonomy": taxonomy["taxonomy"]}
        )
        meta = line.fit(
            "domains.meta",
            FitMetaDomains(l2=options.meta_l2, seed=build.seed),
            {"vectors": vectors, "clusters": assigned},
            upon=(build.encoder, clusters.centroids),
        )["meta"]
        profiles = line.map("domains.profiles", MetaDomains(), {"vectors": vectors}, shared={"meta": meta})["meta"]
    return Spaces(taxonomy, domains["domains"], meta, profiles)
