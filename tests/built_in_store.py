"""Frozen documents in a store, drawn and written by the library's own tasks, with their receipt: where a replay starts."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus.exchange import exchange
from corpus.mixture.cells import CellIndex, CellTable
from corpus.mixture.draw import SolveDraw
from corpus.mixture.place import Place
from corpus.mixture.receipt import make_receipt, receipt_digest
from corpus.mixture.schedule import PhaseSpec
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.pack import Documents, Pack
from corpus.tokens.tokenize import Tokenize
from corpus.tokens.tokenizer import TrainTokenizer
from corpus.verify import writer_of
from corpus.writers.index import Index
from corpus.writers.write import WriteShard

SEED, N = 11, 120
WORDS = ["river", "stone", "<|endoftext|>", "mountain", "été", "running", "the", "of"]
WEIGHTS = (("d00/books", 0.1), ("d00/web", 0.3), ("d01/books", 0.4), ("d01/web", 0.2))


@dataclass
class InStore:
    """A store, its receipt, and where the shards were put."""

    store: Store
    receipt: dict[str, Any]
    root: Path


def make(root: Path, formats: tuple[str, ...] = ("climbmix", "nanochat", "megatron"), pack: Pack | None = None,
         phases: tuple[PhaseSpec, ...] = (PhaseSpec(2000, 3, WEIGHTS),), salt: str = "") -> InStore:
    """Documents to exported shards under root / "shards"."""
    store = Store(str(root / "store")).prepare()
    ids = pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(N)], pa.binary(16))
    texts = [salt + " ".join(WORDS[(i * k) % len(WORDS)] for k in range(1, 3 + i % 17)) for i in range(N)]
    documents = pa.table({"id": ids, "text": pa.array(texts, pa.large_string()),
                          "source": ["web" if i % 3 else "books" for i in range(N)],
                          "url": [f"http://x/{i}" for i in range(N)], "date": pa.nulls(N, pa.string())})
    domains = pa.table({"id": ids, "cluster": pa.array([i % 5 for i in range(N)], pa.int32()),
                        "domain": pa.array([f"d{i % 2:02d}" if i % 5 else None for i in range(N)])})

    def run(body, inputs, **task):
        return execute(Task("t", body, inputs, store, **task)).outputs

    parts = [{"documents": [store.write_shard("documents", documents.slice(i, 40))],
              "domains": [store.write_shard("domains", domains.slice(i, 40))]} for i in range(0, N, 40)]
    (tokenizer,) = run(TrainTokenizer(vocab_size=300), {"documents": [p["documents"][0] for p in parts]})
    for part in parts:
        made = run(Tokenize(), {"documents": part["documents"], "tokenizer": [tokenizer]})
        part |= {name: [o for o in made if o.name == name] for name in ("tokens", "ids")}
        part["index"] = run(CellIndex(("domain", "source"), SEED), {n: part[n] for n in ("documents", "tokens", "domains")})
    indexes = [p["index"][0] for p in parts]
    cells, sources, *_ = run(CellTable(), {"index": indexes})
    plan, caps = run(SolveDraw(phases, SEED, max_epochs=8), {"index": indexes, "cells": [cells]})
    shared = {"plan": [plan], "caps": [caps]}
    count = sum(p.shards for p in phases)
    writers, folders = [writer_of({}, name) for name in formats], []
    for text in {w.needs_text for w in writers} | {False}:
        each = [{n: p[n] for n in p if not (text and n == "ids")} | shared for p in parts]
        for record in exchange("place", Place(count, text), each, store, lambda tasks: map(execute, tasks)):
            inputs = {"drawn": record.of("drawn"), "tokenizer": [tokenizer]}
            for writer in [w for w in (*writers, Index()) if w.needs_text == text]:
                own = inputs | ({} if text else {"where": record.of("where"), "ids": [p["ids"][0] for p in parts]})
                body = WriteShard(writer) if text else WriteShard(writer, pack or Documents())
                folders += run(body, own, extra={"shard": record.extra["partition"]})
    for folder in folders:
        for name, _, _ in folder.files:
            target = root / "shards" / folder.about["format"] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(store.full(f"{folder.path}/{name}"), target)
    packed = pack or Documents()
    receipt = make_receipt(
        build="small", asked={"budget_tokens": 2000, "max_epochs": 8.0, "on_shortfall": "refuse"},
        plan=store.read_shard(plan), caps=store.read_shard(caps), sources=store.read_shard(sources), shards=folders,
        tokenizer=tokenizer, mixture={"method": "given", "cells": ["domain", "source"]},
        pack={"use": packed.name, "length": packed.length, "rest": getattr(packed, "rest", None)},
        frozen={name: [p[name][0].digest for p in parts] for name in ("documents", "tokens", "domains", "index")})
    return InStore(store, json.loads(json.dumps({"digest": receipt_digest(receipt)} | receipt)), root / "shards")
