"""Imports every module that registers operators. Nothing here is heavy: models and libraries load when they are opened."""

from __future__ import annotations

import importlib

MODULES = (
    "corpus.annotate",
    "corpus.exchange",
    "corpus.sources.warc",
    "corpus.sources.jsonl",
    "corpus.sources.parquet",
    "corpus.sources.ingest",
    "corpus.extract.resiliparse",
    "corpus.extract.trafilatura",
    "corpus.extract.plain",
    "corpus.extract.body",
    "corpus.signals.gopher",
    "corpus.signals.repetition",
    "corpus.signals.language",
    "corpus.rules.filter",
    "corpus.dedup.shingle",
    "corpus.dedup.candidates",
    "corpus.dedup.verify",
    "corpus.dedup.components",
    "corpus.freeze",
    "corpus.ledger",
    "corpus.tokens.tokenizer",
    "corpus.tokens.encode",
    "corpus.quality.classifier",
    "corpus.embed.sentence",
    "corpus.cluster.kmeans",
    "corpus.cluster.taxonomy",
    "corpus.cluster.domains",
    "corpus.domains.domain2vec",
    "corpus.mixture.cells",
    "corpus.mixture.draw",
    "corpus.mixture.place",
    "corpus.optimize.untrained",
    "corpus.optimize.domain2vec",
    "corpus.optimize.search",
    "corpus.writers.climbmix",
    "corpus.writers.nanochat",
    "corpus.writers.megatron",
    "corpus.writers.write",
)


def load() -> None:
    """Fills the registry; called by whatever looks operators up by name, and by each worker."""
    for module in MODULES:
        importlib.import_module(module)
