"""Documents to domains by a frozen taxonomy; a document of a pruned cluster has none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from corpus.registry import register
from corpus.tasks import Body, TaskIO


def read_taxonomy(folder: Path) -> dict:
    """The taxonomy of a folder: clusters and domains, as `FitTaxonomy` wrote them."""
    return json.loads((folder / "taxonomy.json").read_text("utf-8"))


@register("body", "domains")
@dataclass(frozen=True)
class AssignDomains(Body):
    """The domain of each document's cluster; writes `domains` beside the documents."""

    def run(self, io: TaskIO) -> None:
        """Inputs: clusters (one shard), taxonomy (folder). Output: domains with id, cluster int32, domain string or null."""
        with io.folder("taxonomy") as folder:
            found = read_taxonomy(folder)
        table = io.table("clusters", ["id", "cluster"])
        names = pa.array([c["domain"] for c in found["clusters"]], pa.string())
        domain = names.take(table.column("cluster").combine_chunks())
        io.write("domains", pa.table({"id": table.column("id"), "cluster": table.column("cluster"), "domain": domain}))
        io.count("documents", table.num_rows)
        io.count("cluster_pruned", domain.null_count)
