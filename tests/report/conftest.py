"""A build's store, made by hand: a few hundred records, two shards a step, every table in its real shape."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from corpus import keys, results
from corpus.document import DOCUMENT, ID, VERDICT, record_id
from corpus.mixture.draw import PLAN
from corpus.mixture.receipt import make_receipt, receipt_digest
from corpus.numeric import vectors
from corpus.optimize.search import COMPARISON
from corpus.results import Folder, Shard
from corpus.signals.language import Language
from corpus.store import Store
from pipelines.view import View

LABELS = ["climate ocean warming", "cells protein genome", "court law statute", "algebra theorem proof",
          "market trade prices", "recipe butter oven", "football league season", "software kernel patch"]
FATES = [("ingest", "truncated_record", 0.01), ("extract", "empty_text", 0.05), ("extract", "not_html", 0.02),
         ("filter", "gopher_short_doc", 0.10), ("filter", "gopher_stop_words", 0.05), ("filter", "language_unsure", 0.04),
         ("filter", "gopher_top_2_gram", 0.03), ("filter", "gopher_alpha_words", 0.02),
         ("filter", "gopher_bullet_lines", 0.01), ("dedup", "near_duplicate", 0.05), ("dedup", "exact_duplicate", 0.02),
         (None, None, 0.60)]
WHEN = "2026-01-02T03:04:05Z"
K = 12           # clusters; the last two are pruned, the others merged to eight domains


@dataclass
class World:
    """Writes the steps of a made-up build one after the other; `view()` is of what there is so far."""

    tmp: Path
    records: int = 400
    url: Callable[[int], str] = "https://example.org/page/{}".format
    text: Callable[[int], str] = "Text number {} about something".format
    steps: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store(str(self.tmp / "store")).prepare()
        self.rng = np.random.default_rng(11)

    def view(self) -> View:
        self.store.write_json("builds/hand/state.json", {"schema": 1, "steps": self.steps})
        return View(SimpleNamespace(name="hand", where="configs/hand.yaml", store_url=self.store.url, seed=7,
                                    signals=(Language(),), editors=(), targets="target.jsonl"))

    def walk(self) -> World:
        """The whole line."""
        for part in (self.judge, self.freeze, self.spaces, self.search, self.write):
            part()
        return self

    # how steps are written ---------------------------------------------------------------------------------------

    def step(self, name: str, tasks: list[list[Shard | Folder]], seconds: float = 1.0, documents: int | None = None) -> None:
        """The manifest of a step and its entry in the state. Its stage is the first part of its name."""
        stage = {"embed": "embed", "freeze": "freeze"}.get(name, name.split(".")[0])
        key = keys.key_of({"step": name, "outputs": [[o.digest for o in t] for t in tasks]})
        plain = [{"key": keys.key_of([key, i]), "outputs": [results.item_to_json(o) for o in t], "counts": {}}
                 for i, t in enumerate(tasks)]
        self.store.write_json(f"steps/{key[:2]}/{key}.json", {
            "schema": 1, "step": name, "stage": stage, "key": key, "identity": {}, "tasks": plain,
            "counts": {} if documents is None else {"documents": documents},
            "made": {"when": WHEN, "seconds": seconds, "engine": "inline", "packages": {"numpy": "2.3.1"}}})
        self.steps[name] = {"stage": stage, "key": key, "identity": {}, "tasks": [t["key"] for t in plain]}

    def map(self, step: str, name: str, table: pa.Table, seconds: float = 1.0) -> None:
        """A step of two tasks, each with half of the rows."""
        middle = table.num_rows // 2
        halves = [table.slice(0, middle), table.slice(middle)]
        self.step(step, [[self.store.write_shard(name, half)] for half in halves], seconds, table.num_rows)

    def gather(self, step: str, *outputs: Shard | Folder) -> None:
        self.step(step, [list(outputs)])

    def folder(self, name: str, about: dict[str, Any], file: str = "model.bin", content: str = "x") -> Folder:
        root = self.tmp / "folders" / f"{len(list(self.tmp.glob('folders/*')))}"
        root.mkdir(parents=True)
        (root / file).write_text(content, "utf-8")
        return self.store.write_folder(name, root, about)

    # the line ----------------------------------------------------------------------------------------------------

    def judge(self) -> None:
        """Verdicts of extract and filter, and the language signal. Textbooks are lost to dedup alone."""
        self.ids = [record_id("hand", str(i).encode()) for i in range(self.records)]
        self.source = ["web" if i % 4 else "textbooks" for i in range(self.records)]
        drawn = self.rng.choice(len(FATES), self.records, p=[f[2] for f in FATES])
        self.fate = [FATES[f] if s == "web" or f >= 9 else FATES[-1] for f, s in zip(drawn, self.source)]
        self.map("extract", "verdicts", self.verdicts(range(self.records), "ingest", "extract"), 14.2)
        reached = [i for i in range(self.records) if self.fate[i][0] not in ("ingest", "extract")]
        self.language = np.array(["en", "de", "fr"])[self.rng.choice(3, len(reached), p=[0.8, 0.15, 0.05])].tolist()
        self.map("filter.signals", "signals", pa.table({"id": self.column(reached), "language": self.language}), 6.5)
        self.map("filter", "verdicts", self.verdicts(reached, "filter"))

    def verdicts(self, rows: Any, *stages: str) -> pa.Table:
        found = []
        for i in rows:
            stage, reason, _ = self.fate[i] if self.fate[i][0] in stages else FATES[-1]
            found.append({"id": self.ids[i], "url": self.url(i), "source": self.source[i], "file": "f", "offset": i,
                          "kept": stage is None, "stage": stage, "reason": reason})
        return pa.Table.from_pylist(found, VERDICT)

    def column(self, rows: Any) -> pa.Array:
        return pa.array([self.ids[i] for i in rows], ID)

    def freeze(self) -> None:
        verdicts = self.verdicts(range(self.records), "ingest", "extract", "filter", "dedup")
        self.map("freeze.ledger", "verdicts", verdicts)
        self.kept = [i for i in range(self.records) if self.fate[i][0] is None]
        self.map("freeze", "documents", pa.Table.from_pylist([
            {"id": self.ids[i], "text": self.text(i), "source": self.source[i], "url": self.url(i)}
            for i in self.kept], DOCUMENT))

    def spaces(self) -> None:
        n, ids = len(self.kept), self.column(self.kept)
        self.cluster = self.rng.choice(K, n, p=self.rng.dirichlet(np.full(K, 4.0)))
        self.cluster[:K] = np.arange(K)                                     # none is empty
        home = {c: f"d{c % 8:02d}" if c < K - 2 else None for c in range(K)}
        self.domain = [home[c] for c in self.cluster.tolist()]
        self.tokens = self.rng.integers(80, 1900, n)
        self.tokenizer = self.folder("tokenizer", {"vocab_size": 50257, "eos": "<|endoftext|>", "eos_id": 50256,
                                                   "dtype": "uint16"})
        self.gather("annotate.tokenizer", self.tokenizer)
        self.map("annotate.tokens", "tokens", pa.table({"id": ids, "token_count": self.tokens}), 2.2)
        self.gather("annotate.quality", self.folder("quality", {
            "trained_on": {"positive": 90, "negative": 240},
            "held_out": {"documents": 80, "accuracy": 0.9625, "recall": 0.91}}))
        centres = self.rng.normal(size=(K, 16)) * 2.2
        matrix = (centres[self.cluster] + self.rng.normal(size=(n, 16))).astype(np.float32)
        matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
        self.map("embed", "vectors", pa.table({"id": ids, "vector": vectors.column(matrix)}), 41.0)
        self.gather("cluster.centroids", self.folder("centroids", {"k": K, "n": n, "inertia": 1.5}))
        sizes = np.bincount(self.cluster, minlength=K).tolist()
        clusters = [{"cluster": c, "documents": sizes[c], "mean_quality": round(0.9 - 0.07 * c, 3),
                     "pruned": home[c] is None, "why": None if home[c] else "low_quality", "domain": home[c]}
                    for c in range(K)]
        domains = [{"id": f"d{d:02d}", "label": LABELS[d],
                    "clusters": [c for c in range(K) if home[c] == f"d{d:02d}"],
                    "documents": self.domain.count(f"d{d:02d}")} for d in range(8)]
        self.taxonomy = self.folder("taxonomy", {"clusters": K, "domains": 8}, "taxonomy.json",
                                    json.dumps({"schema": 1, "clusters": clusters, "domains": domains}))
        self.gather("domains.taxonomy", self.taxonomy)
        self.map("domains.assign", "domains", pa.table({"id": ids, "cluster": pa.array(self.cluster, pa.int32()),
                                                        "domain": pa.array(self.domain, pa.string())}))
        self.gather("domains.meta", self.folder("meta", {"meta_domains": K, "held_out": 61, "accuracy": 0.9344}))

    def search(self) -> None:
        """Cells of domain × source, four mixtures for 200,000 tokens, profiles and a target near the chosen one."""
        self.budget = 200_000
        names = [f"{d}/{self.source[i]}" if d else None for d, i in zip(self.domain, self.kept)]
        self.cells = sorted({c for c in names if c})
        self.documents = [names.count(c) for c in self.cells]
        have = np.array([self.tokens[[n == c for n in names]].sum() for c in self.cells])
        self.available = have.tolist()
        self.natural = have / have.sum()
        self.gather("search.cells", self.store.write_shard("cells", pa.table({
            "cell": self.cells, "documents": self.documents, "tokens": have, "share": self.natural})))
        self.weights = np.minimum(self.rng.dirichlet(self.natural * 12), 1.9 * have / self.budget)
        self.weights /= self.weights.sum()
        uniform = np.full(len(have), 1 / len(have))
        between = (uniform + self.natural) / 2
        mixtures = [("natural", self.natural, 0.0412), ("uniform", uniform, 0.0335), ("unimax", between, 0.0318),
                    ("domain2vec", self.weights, 0.0061)]
        rows = [{"method": m, "cell": c, "weight": x, "tokens": t, "epochs": x * self.budget / t, "distance": distance,
                 "projected": m == "uniform", "chosen": m == "domain2vec"}
                for m, w, distance in mixtures for c, x, t in zip(self.cells, w.tolist(), self.available)]
        self.mixture = self.store.write_shard("mixture", pa.table({"cell": self.cells, "weight": self.weights}))
        comparison = self.store.write_shard("comparison", pa.Table.from_pylist(rows, COMPARISON))
        self.gather("search.mixture", self.mixture, comparison,
                    self.folder("journal", {"binding": ["limit source=textbooks ≤ 0.4"]}))
        profile = self.rng.dirichlet(np.full(K, 0.6), len(self.cells)).astype(np.float32)
        goal = (0.9 * self.weights @ profile + 0.1 / K).astype(np.float32)[None]
        self.gather("search.vectors", self.store.write_shard("vectors", pa.table({
            "cell": self.cells, "vector": vectors.column(profile)})))
        self.gather("search.target.vector", self.store.write_shard("target", pa.table({
            "documents": [35], "vector": vectors.column(goal)})))

    def write(self) -> None:
        """The draw (each cell's target, missed by up to three tokens), two shards in two formats, and the receipt."""
        target = np.round(self.weights * self.budget).astype(int)
        drawn = np.maximum(target + np.arange(len(target)) % 7 - 3, 0)
        rows = [{"cell": c, "weight": w, "target": t, "documents": n, "tokens": have, "epochs": t / have, "whole": t // have,
                 "drawn_documents": round(n * d / have), "distinct_documents": min(n, round(n * d / have)),
                 "drawn_tokens": d, "share": d / drawn.sum(), "residue": d - t, "seed": 7, "phase": 0, "first_shard": 0,
                 "shards": 2}
                for c, w, t, d, n, have in zip(self.cells, self.weights.tolist(), target.tolist(), drawn.tolist(),
                                               self.documents, self.available)]
        plan = pa.Table.from_pylist(rows, PLAN)
        self.gather("compile.draw", self.store.write_shard("plan", plan))
        folders = []
        for name in ("climbmix", "nanochat"):
            own = [self.shard(name, number, rows) for number in range(2)]
            folders += own
            self.step(f"shards.{name}", [[folder] for folder in own])
        counted, held = Counter(), Counter()
        for cell, n, have in zip(self.cells, self.documents, self.available):
            counted[cell.split("/")[1]] += n
            held[cell.split("/")[1]] += have
        self.receipt = make_receipt(
            build="hand", asked={"budget_tokens": self.budget, "max_epochs": 2.0, "on_shortfall": "refuse"}, plan=plan,
            shards=folders,
            sources=pa.table({"source": list(counted), "documents": list(counted.values()), "tokens": list(held.values())}),
            tokenizer=self.tokenizer, taxonomy=self.taxonomy.digest,
            mixture={"method": "domain2vec", "weights": self.mixture.digest, "cells": ["domain", "source"]},
            made={"when": WHEN, "packages": {"corpus-builder": "0.1.0", "numpy": "2.3.1"}})
        self.store.write_json("builds/hand/receipt.json", {"digest": receipt_digest(self.receipt)} | self.receipt)

    def shard(self, name: str, number: int, rows: list[dict[str, Any]]) -> Folder:
        """One of two shards: half of each cell's documents and tokens, the odd one in the first."""
        cells = {r["cell"]: [(r[k] + 1 - number) // 2 for k in ("drawn_documents", "drawn_tokens")] for r in rows}
        sources = {s: [sum(v[i] for c, v in cells.items() if c.endswith(s)) for i in (0, 1)] for s in ("textbooks", "web")}
        file = f"shard_{number:05d}.parquet"
        return self.folder("shard", {
            "format": name, "shard": number, "files": [file], "rows": sum(d for d, _ in cells.values()),
            "tokens": sum(t for _, t in cells.values()), "stream": f"{number:032x}", "cells": cells, "sources": sources,
        }, file, f"{name} {number} " * 900)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty store and a line that can be walked as far as a test wants."""
    return World(tmp_path)


@pytest.fixture
def finished(world: World) -> World:
    return world.walk()
