"""What the report says of vectors, clusters and domains: a bounded sample of documents as a flat picture, and sums.

The sample is of at most `SHARDS` shards, evenly spaced, and of those the documents with the smallest draws. Two
directions of a few hundred are left of each vector: near in the picture need not be near in meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.numeric import vectors
from corpus.numeric.sampling import Smallest
from pipelines.report.html import short
from pipelines.view import View

SAMPLE = 1500
SHARDS = 24


@dataclass(frozen=True)
class Point:
    """A document in the picture; `domain` is None where its cluster was pruned or is not known."""

    x: float
    y: float
    cluster: int | None
    domain: str | None
    url: str
    text: str


@dataclass(frozen=True)
class Picture:
    """points: the sample. documents: of how many. explained: share of the variance that the two directions hold."""

    points: list[Point]
    documents: int
    explained: float


def picture(view: View) -> Picture | None:
    """None where nothing is embedded yet."""
    shards = view.shards("embed", "vectors")
    total = sum(s.rows for s in shards)
    if total < 2:
        return None
    chosen = np.unique(np.linspace(0, len(shards) - 1, min(SHARDS, len(shards))).round().astype(int))
    kept = Smallest(SAMPLE)
    for number in chosen.tolist():
        ids = chance.id_words(view.store.read_shard(shards[number], ["id"]).column("id"))
        draws = chance.hash64(view.build.seed, "report", ids)
        kept.add(draws, ids, shard=np.full(len(ids), number), row=np.arange(len(ids)))
    rows = kept.rows()
    matrices, found = [], []
    for number in np.unique(rows["shard"]).tolist():
        own = pa.array(np.sort(rows["row"][rows["shard"] == number]))
        table = view.store.read_shard(shards[number], ["id", "vector"]).take(own)
        matrices.append(vectors.matrix(table.column("vector")))
        ids = table.column("id").combine_chunks()
        places = _beside(view, "domains.assign", "domains", ["cluster", "domain"], number, own, ids)
        words = _beside(view, "freeze", "documents", ["url", "text"], number, own, ids)
        found += [place | word for place, word in zip(places, words)]
    flat, explained = flatten(np.concatenate(matrices).astype(np.float64))
    points = [Point(float(x), float(y), f.get("cluster"), f.get("domain"), short(f.get("url"), 120),
                    short(f.get("text"), 90)) for (x, y), f in zip(flat, found)]
    return Picture(points, total, explained)


def _beside(view: View, step: str, name: str, columns: list[str], number: int, rows: pa.Array,
            ids: pa.Array) -> list[dict[str, Any]]:
    """The same documents' values in an aligned shard; empty where it is not there or of another run."""
    shards = view.shards(step, name)
    if number >= len(shards) or shards[number].rows <= pc.max(rows).as_py():
        return [{}] * len(rows)
    table = view.store.read_shard(shards[number], ["id", *columns]).take(rows)
    same = pc.equal(table.column("id").combine_chunks(), ids).to_pylist()
    return [row if own else {} for row, own in zip(table.select(columns).to_pylist(), same)]


def flatten(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Places along the two principal directions (n, 2), and those directions' share of the variance, 0 to 1.

    matrix: (n, d) float64.
    """
    centred = matrix - matrix.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    kept = directions[:2]
    kept = kept * np.sign(kept[np.arange(len(kept)), np.abs(kept).argmax(axis=1)])[:, None]     # the sign is nobody's choice
    places = centred @ kept.T
    if places.shape[1] < 2:
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    power = lengths**2
    return places, float(power[:2].sum() / power.sum()) if power.sum() else 0.0


def domains(view: View) -> list[dict[str, Any]]:
    """The taxonomy's domains, with documents, tokens, mean quality and what was drawn; most documents first.

    `quality` weighs the means of a domain's clusters by their documents; `written` is the domain's share of the shards.
    """
    tokens, written = _tokens(view), _written(view)
    found = []
    for domain in view.domains():
        documents, held = tokens.get(domain["id"], (domain["documents"], None))
        found.append({"id": domain["id"], "label": domain["label"], "clusters": len(domain["clusters"]),
                      "documents": documents, "tokens": held, "quality": domain["quality"],
                      "written": written.get(domain["id"])})
    return sorted(found, key=lambda d: (-d["documents"], d["id"]))


def _tokens(view: View) -> dict[str, tuple[int, int]]:
    """(documents, tokens) of each domain; none where the two columns are not of the same documents."""
    places, counts = view.shards("domains.assign", "domains"), view.shards("annotate.tokens", "tokens")
    if [p.rows for p in places] != [c.rows for c in counts]:
        return {}
    found: dict[str, tuple[int, int]] = {}
    for place, held in zip(places, counts):
        domain = view.store.read_shard(place, ["domain"]).column("domain")
        tokens = view.store.read_shard(held, ["token_count"]).column("token_count")
        both = pa.table({"domain": domain, "tokens": tokens}).group_by("domain")
        for row in both.aggregate([("tokens", "count"), ("tokens", "sum")]).to_pylist():
            documents, total = found.get(row["domain"], (0, 0))
            found[row["domain"]] = (documents + row["tokens_count"], total + row["tokens_sum"])
    return found


def _written(view: View) -> dict[str, float]:
    """Share of the written tokens of each domain, where cells name domains."""
    receipt = view.receipt
    names = (receipt or {}).get("mixture", {}).get("cells", [])
    if receipt is None or "domain" not in names:
        return {}
    found: dict[str, float] = {}
    for cell in view.cells():
        domain = parts(cell["cell"])[names.index("domain")]
        found[domain] = found.get(domain, 0.0) + cell["achieved"]
    return found


def parts(cell: str) -> list[str]:
    """The attribute values that a cell's name joins."""
    return [part.replace("%2F", "/").replace("%25", "%") for part in cell.split("/")]
