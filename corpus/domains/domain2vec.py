"""Domain2Vec: every document as a profile over meta-domains, every cell as the mean profile of its documents.

The meta-domains are the build's own k-means clusters, and the classifier is a logistic head on its sentence vectors
instead of the paper's fine-tuned 1.5B model: far cheaper, and as good as the encoder is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.errors import ConfigError
from corpus.numeric import logistic, vectors
from corpus.numeric.sampling import Smallest
from corpus.registry import register
from corpus.tasks import Body, TaskIO

HELD_OUT = 0.2


@register("body", "fit_meta_domains")
@dataclass(frozen=True)
class FitMetaDomains(Body):
    """A classifier from sentence vectors to clusters (Domain2Vec, Zhang et al. 2025, section 3); writes `meta`."""

    l2: float = 1e-5
    max_documents: int = 50_000
    seed: int = 0

    def run(self, io: TaskIO) -> None:
        """Inputs: vectors, clusters (shards in step). Output: folder meta with weights.npy, (d + 1, k) float32."""
        kept, k = Smallest(self.max_documents), 0
        pairs = zip(io.tables("vectors", ["id", "vector"]), io.tables("clusters", ["id", "cluster"]), strict=True)
        for table, clusters in pairs:
            _same_rows(table, clusters, "clusters")
            ids, own = chance.id_words(table.column("id")), clusters.column("cluster").to_numpy()
            k = max(k, int(own.max(initial=-1)) + 1)
            kept.add(chance.hash64(self.seed, "meta-domains", ids), ids, vector=vectors.matrix(table.column("vector")),
                     cluster=own)
        rows = kept.rows()
        if not k:
            raise ValueError("there are no documents to fit meta-domains on")
        held = chance.uniform(self.seed, "meta-domains-held-out", rows["ids"]) < HELD_OUT
        if held.all():
            held[:] = False
        weights = logistic.fit(rows["vector"][~held], rows["cluster"][~held], k, self.l2).astype(np.float32)
        guess = logistic.predict(rows["vector"][held], weights).argmax(axis=1)
        with io.new_folder("meta") as (folder, about):
            np.save(folder / "weights.npy", weights)
            about.update(meta_domains=k, trained_on=int((~held).sum()), held_out=int(held.sum()),
                         accuracy=round(float((guess == rows["cluster"][held]).mean()), 4) if held.any() else None)
        io.count("documents", len(held))


@register("body", "meta_domains")
@dataclass(frozen=True)
class MetaDomains(Body):
    """Each document's profile: its probabilities over the meta-domains; writes `meta` beside the documents."""

    def run(self, io: TaskIO) -> None:
        """Inputs: vectors (one shard), meta (folder). Output: meta with id and profile, k float32 that sum to 1."""
        table = io.table("vectors", ["id", "vector"])
        with io.folder("meta") as folder:
            weights = np.load(folder / "weights.npy", allow_pickle=False)
        profile = logistic.predict(vectors.matrix(table.column("vector")), weights).astype(np.float32)
        io.write("meta", pa.table({"id": table.column("id"), "profile": vectors.column(profile)}))
        io.count("documents", table.num_rows)


@register("body", "domain_vectors", version=2)
@dataclass(frozen=True)
class DomainVectors(Body):
    """Each cell's domain vector: the mean profile of its `samples` documents with the smallest keys (the paper's 1000).

    `weighting` is tokens (a mixture's weights are token shares) or documents (the paper's). seed: the index's.
    """

    samples: int = 1000
    weighting: str = "tokens"
    seed: int = 0

    def __post_init__(self) -> None:
        _check_weighting(self.weighting)
        if self.samples < 1:
            raise ConfigError("search.samples", str(self.samples), "1 or more")

    def run(self, io: TaskIO) -> None:
        """Inputs: meta, index (shards in step). Output: vectors with cell, documents int64, vector k float32."""
        names, chosen = self._choose(io)
        group, shard = chosen["group"], chosen["shard"]
        weight = chosen["tokens"].astype(np.float64) if self.weighting == "tokens" else np.ones(len(group))
        bare = np.bincount(group, weight, minlength=len(names)) == 0   # cells whose documents hold no tokens at all
        weight = np.where(bare[group], 1.0, weight)
        total: np.ndarray | None = None
        for number, table in enumerate(io.tables("meta", ["id", "profile"])):
            here = np.flatnonzero(shard == number)
            profile = vectors.matrix(table.column("profile"))
            total = np.zeros((len(names), profile.shape[1])) if total is None else total
            keys = chance.hash64(self.seed, "draw", table.column("id"))
            if chosen["rows"][number] != len(keys) or not np.array_equal(keys[chosen["row"][here]], chosen["draws"][here]):
                raise ValueError("'index' is not aligned with 'meta'")
            np.add.at(total, group[here], profile[chosen["row"][here]] * weight[here, None])
        mean = total / np.bincount(group, weight, minlength=len(names))[:, None]
        documents = np.bincount(group, minlength=len(names))
        io.write("vectors", pa.table({"cell": pa.array(names, pa.string()), "documents": pa.array(documents, pa.int64()),
                                      "vector": vectors.column(mean.astype(np.float32))}))
        io.count("cells", len(names))
        io.count("documents", len(group))

    def _choose(self, io: TaskIO) -> tuple[list[str], dict[str, np.ndarray]]:
        """Names of the cells, sorted; the chosen documents: group, draws, shard, row, tokens; and rows of each shard."""
        kept, number, lengths = Smallest(self.samples), {}, []
        for shard, table in enumerate(io.tables("index", ["key", "cell", "tokens"])):
            lengths.append(table.num_rows)
            table = table.append_column("row", pa.array(np.arange(table.num_rows)))
            table = table.filter(pc.is_valid(table.column("cell")))
            cell = pc.cast(table.column("cell"), pa.string()).combine_chunks().dictionary_encode()
            cell = cell.combine_chunks() if isinstance(cell, pa.ChunkedArray) else cell
            local = [number.setdefault(name, len(number)) for name in cell.dictionary.to_pylist()]
            group = np.array(local, np.int64)[cell.indices.to_numpy()] if len(cell) else np.zeros(0, np.int64)
            keys = table.column("key").to_numpy()
            kept.add(keys, np.stack([keys, keys], 1), group, shard=np.full(len(group), shard),
                     row=table.column("row").to_numpy(), tokens=table.column("tokens").to_numpy())
        if not number:
            raise ValueError("no document is in any cell")
        rows = kept.rows()
        names = sorted(number)
        place = np.empty(len(names), np.int64)
        for i, name in enumerate(names):
            place[number[name]] = i
        return names, rows | {"group": place[rows["group"]], "rows": np.array(lengths)}


@register("body", "target_vector")
@dataclass(frozen=True)
class TargetVector(Body):
    """The mean profile of all target documents, each counted once; writes `target`."""

    def run(self, io: TaskIO) -> None:
        """Input: meta (all shards of the target). Output: target with documents int64, vector k float32; one row."""
        total, documents = None, 0
        for table in io.tables("meta", ["profile"]):
            profile = vectors.matrix(table.column("profile")).sum(axis=0, dtype=np.float64)
            total = profile if total is None else total + profile
            documents += table.num_rows
        if not documents:
            raise ConfigError("search.targets", "no text in these files", "files with one document or more")
        mean = (total / documents).astype(np.float32)[None]
        io.write("target", pa.table({"documents": pa.array([documents], pa.int64()), "vector": vectors.column(mean)}))
        io.count("documents", documents)


def _same_rows(table: pa.Table, other: pa.Table, name: str) -> None:
    if not other.column("id").combine_chunks().equals(table.column("id").combine_chunks()):
        raise ValueError(f"'{name}' is not aligned with 'vectors'")


def _check_weighting(weighting: str) -> None:
    if weighting not in ("tokens", "documents"):
        raise ConfigError("weighting", f"'{weighting}'", "tokens or documents")
