"""Shards and their receipt made by hand from random documents: thresholds are chosen, and what they draw is counted. Only
the writers under test are the library's own, so nothing here depends on how a build comes to its shards.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import chance, keys
from corpus.document import show_id
from corpus.mixture.copies import copies_of
from corpus.mixture.held import cut_of
from corpus.mixture.receipt import make_receipt, receipt_digest
from corpus.operators import Writer
from corpus.results import Folder
from corpus.tokens.pack import BestFit, Concatenate, Documents, Pack
from corpus.verify import writer_of
from corpus.writers.stream import Stream

EOS, BOS, VOCABULARY, SEED = 0, 1, 300, 11
PLAN_TYPES = {"phase": pa.int32(), "first_shard": pa.int64(), "shards": pa.int64(), "cell": pa.string(),
              "whole": pa.int64(), "threshold": pa.uint64(), "seed": pa.int64()}


@dataclass
class Drawn:
    """A receipt, where its shards lie, and the stream of each shard."""

    receipt: dict[str, Any]
    root: Path
    streams: dict[int, Stream]


def documents(n: int, seed: int = 0, longest: int = 40) -> pa.Table:
    """n documents of random ids, with BOS and EOS; columns of a drawn shard, and `key`."""
    rng = np.random.default_rng(seed)
    ids = pa.array([rng.bytes(16) for _ in range(n)], pa.binary(16))
    lengths = rng.integers(2, longest, n)
    tokens = [[BOS, *rng.integers(2, VOCABULARY, k - 2).tolist(), EOS] for k in lengths.tolist()]
    words = ["river", "stone", "été", "mountain"]
    return pa.table({
        "id": ids,
        "key": chance.hash64(SEED, "draw", ids),
        "url": [f"http://x/{i}" for i in range(n)],
        "source": [("web", "books")[i % 3 == 0] for i in range(n)],
        "cell": [f"d{i % 2:02d}/{('web', 'books')[i % 3 == 0]}" for i in range(n)],
        "style": pa.array([("qa", None)[i % 2] for i in range(n)], pa.string()),
        "cluster_id": pa.array([i % 5 if i % 7 else None for i in range(n)], pa.int64()),
        "token_count": lengths,
        "tokens": pa.array(tokens, pa.large_list(pa.uint16())),
        "text": pa.array([" ".join(words[(i * k) % 4] for k in range(2 + i % 9)) for i in range(n)], pa.large_string()),
    })


def plan_of(found: pa.Table, phases: int, shards: int) -> pa.Table:
    """Every cell once whole and then some, growing from phase to phase, with what that draws counted."""
    cells = pc.unique(found.column("cell")).sort().to_pylist()
    rows = [{"phase": p, "first_shard": p * shards, "shards": shards, "cell": cell, "whole": (p + c) // 2,
             "threshold": None if c == 1 and p == 0 else (1 << 62) + (c << 61), "seed": SEED}
            for p in range(phases) for c, cell in enumerate(cells)]
    bare = pa.table({name: pa.array([r[name] for r in rows], kind) for name, kind in PLAN_TYPES.items()})
    copies = copies_of(found, bare)
    took = pa.table({"phase": copies.phase, "row": copies.row, "cell": found.column("cell").take(pa.array(copies.row)),
                     "n": found.column("token_count").take(pa.array(copies.row))})
    full: dict[str, list[Any]] = {n: [] for n in ("weight", "target", "documents", "tokens", "epochs", "drawn_documents",
                                                  "distinct_documents", "drawn_tokens", "share", "residue")}
    for row in rows:
        mine = took.filter(pc.and_(pc.equal(took["phase"], row["phase"]), pc.equal(took["cell"], row["cell"])))
        there = found.filter(pc.equal(found["cell"], row["cell"])).column("token_count")
        phase = pc.sum(took.filter(pc.equal(took["phase"], row["phase"]))["n"]).as_py() or 1
        drawn = pc.sum(mine["n"]).as_py() or 0
        for name, value in zip(full, (drawn / phase, drawn, len(there), pc.sum(there).as_py(), drawn / pc.sum(there).as_py(),
                                      mine.num_rows, len(mine["row"].unique()), drawn, drawn / phase, 0)):
            full[name].append(value)
    return pa.table({**{n: bare.column(n) for n in PLAN_TYPES}, **full})


def sidecar(stream: Stream, phase: int) -> pa.Table:
    """The rows of a shard's index, as the contract of the format says."""
    pieces = stream.pieces
    rows = stream.rows.take(pa.array(pieces["row"]))
    return pa.table({
        "sequence": pieces["sequence"], "offset": pieces["at"], "length": pieces["length"], "begin": pieces["begin"],
        "id": pa.array([show_id(i) for i in rows.column("id").to_pylist()], pa.string()),
        "url": rows.column("url"), "source": rows.column("source"), "cell": rows.column("cell"),
        "copy": rows.column("copy"), "phase": pa.array(np.full(rows.num_rows, phase, np.int32)),
        "style": rows.column("style"), "cluster_id": rows.column("cluster_id")})


def make(root: Path, n: int = 200, shards: int = 3, phases: int = 1, formats: tuple[str, ...] = (),
         pack: Pack | None = None, row_group: int = 16, seed: int = 0, longest: int = 40) -> Drawn:
    """Writes everything under root / "shards"."""
    pack = pack or Documents()
    found = documents(n, seed, longest)
    plan = plan_of(found, phases, shards)
    copies = copies_of(found, plan)
    streams: dict[int, Stream] = {}
    folders = []
    for shard in range(phases * shards):
        mine = np.flatnonzero(copies.shard == shard)
        if not len(mine):
            continue
        rows = found.take(pa.array(copies.row[mine]))
        rows = rows.append_column("copy", pa.array(copies.copy[mine].astype(np.int32)))
        rows = rows.append_column("order", pa.array(copies.order[mine]))
        rows = rows.append_column("phase", pa.array(copies.phase[mine].astype(np.int32)))
        rows = rows.sort_by([("order", "ascending"), ("copy", "ascending")])
        stream = streams[shard] = Stream.of_table(rows, "<u2", pack, eos_id=EOS)
        place = root / "shards" / "index"
        place.mkdir(parents=True, exist_ok=True)
        name = f"shard_{shard:05d}.parquet"
        pq.write_table(sidecar(stream, shard // shards), place / name, row_group_size=row_group)
        folders.append(folder_of(root, "index", shard, shard // shards, stream, [name]))
        for name in formats:
            writer = writer_for(name)
            (root / "shards" / name).mkdir(parents=True, exist_ok=True)
            source = stream
            if writer.needs_text:
                lengths = stream.rows.column("token_count").to_numpy()
                source = Stream(stream.rows, Documents().plan(lengths), "<u2", None, EOS)
            files = writer.write(source, root / "shards" / name, shard)
            folders.append(folder_of(root, name, shard, shard // shards, stream, files))
    told = {"use": pack.name, "length": pack.length, "rest": getattr(pack, "rest", None)}
    about = {"kind": "huggingface", "vocab_size": VOCABULARY, "eos": "<end>", "eos_id": EOS, "bos": "<start>", "bos_id": BOS,
             "dtype": "uint16", "documents_start_with": "bos", "documents_end_with": "eos"}
    held = found.group_by("source").aggregate([("token_count", "count"), ("token_count", "sum")]).sort_by("source")
    receipt = make_receipt(
        build="by-hand", asked={"budget_tokens": 2000, "max_epochs": 4.0, "on_shortfall": "refuse"}, plan=plan,
        sources=held.rename_columns(["source", "documents", "tokens"]),
        shards=folders, tokenizer=Folder("tokenizer", "p", "t" * 32, (), about), pack=told,
        mixture={"method": "given", "weights": "w" * 32, "cells": ["domain", "source"]}, taxonomy="x" * 32)
    receipt = json.loads(json.dumps({"digest": receipt_digest(receipt)} | receipt))
    (root / "receipt.json").write_text(json.dumps(receipt))
    return Drawn(receipt, root / "shards", streams)


def writer_for(name: str) -> Writer:
    return writer_of({}, name)


def folder_of(root: Path, name: str, shard: int, phase: int, stream: Stream, files: list[str]) -> Folder:
    paths = [root / "shards" / name / f for f in files]
    about = {"format": name, "shard": shard, "phase": phase, "files": files, "rows": stream.rows.num_rows,
             "sequences": len(stream.sequences) - 1, "tokens": stream.tokens,
             "stream": None if name in ("index", "nanochat") else stream.digest,
             "cells": sums(stream.rows, "cell"), "sources": sums(stream.rows, "source"),
             "cut": cut_of(stream.rows, stream.pieces), "cut_tokens": stream.packing.cut_tokens,
             "padded_tokens": stream.packing.padded_tokens}
    return Folder("shard", "p", "d", tuple((f, keys.digest_file(p), p.stat().st_size) for f, p in zip(files, paths)), about)


def sums(rows: pa.Table, by: str) -> dict[str, list[int]]:
    found = rows.group_by(by).aggregate([("token_count", "count"), ("token_count", "sum")]).to_pylist()
    return {r[by]: [r["token_count_count"], r["token_count_sum"]] for r in found}


PACKS = (Documents(), Concatenate(16, "drop"), Concatenate(16, "pad"), BestFit(16))
