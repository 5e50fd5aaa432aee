"""How the draw scales: an index of simulated documents, written as the store writes it, and the exact draw from it.

    python tools/bench_draw.py --documents 10_000_000 --totals ../shared/data/mixture_runs/climbmix/cluster_totals.csv

Twenty cells of equally many documents, lengths log-normal with each cluster's published mean, weights the published token
shares, so that some cells are drawn more than once. With --hosts every document has one of so many hosts, and no host may
have more than --cap of the tokens. An index of 10⁹ documents takes about 11 GB under --folder; it is removed afterwards.
Figures are of the draw alone, in a process of its own; the index is read from disk, in one thread.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

SHARD = 1_000_000
SEED = 1
SIGMA = 1.0


def clusters(path: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of the cells, mean tokens of a document (20,), shares of tokens (20,)."""
    with open(path, encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    tokens = np.array([float(row["gpt2_tokens"]) for row in rows])
    return [f"d{int(row['cluster_id']):02d}/web" for row in rows], np.array(
        [float(row["mean_tokens_per_doc"]) for row in rows]), tokens / tokens.sum()


def shard_of(number: int, rows: int, names: list[str], mean: np.ndarray, hosts: int) -> pa.Table:
    """Rows of the simulated index. mean: (cells,) tokens of a document."""
    from corpus import chance
    from corpus.mixture.cells import INDEX

    rng = np.random.default_rng([SEED, number])
    cells = rng.integers(0, len(names), rows).astype(np.int8)
    tokens = rng.lognormal(np.log(mean)[cells] - SIGMA**2 / 2, SIGMA)
    words = np.stack([np.arange(rows, dtype=np.uint64) + np.uint64(number * SHARD), np.zeros(rows, np.uint64)], 1)
    columns = [
        pa.array(chance.hash64(SEED, "draw", words)),
        pa.DictionaryArray.from_arrays(cells, names).cast(pa.string()),
        pa.DictionaryArray.from_arrays(np.zeros(rows, np.int8), ["web"]).cast(pa.string()),
        pa.array(np.maximum(2, tokens).astype(np.int64)),
    ]
    fields = list(INDEX)
    if hosts:                                                       # the r-th most frequent host has about 1/r of the first
        at = (hosts ** rng.random(rows)).astype(np.int32)
        columns.append(pa.array(np.char.add(np.char.add("host", at.astype("U9")), ".example.org")))
        fields.append(pa.field("host", pa.string()))
    return pa.table(columns, schema=pa.schema(fields))


def write(store, documents: int, names: list[str], mean: np.ndarray, hosts: int) -> list[dict]:
    """The index shards, as JSON items."""
    from corpus import results

    items = []
    for number in range(-(-documents // SHARD)):
        rows = min(SHARD, documents - number * SHARD)
        items.append(results.item_to_json(store.write_shard("index", shard_of(number, rows, names, mean, hosts))))
    return items


def draw(folder: str, weights: dict[str, float], items: list[dict], share: float, cap: float) -> dict:
    """Runs the count of cells and the draw, and says what they took."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    from corpus import results
    from corpus.mixture.caps import Cap
    from corpus.mixture.cells import CellTable
    from corpus.mixture.draw import SolveDraw
    from corpus.mixture.schedule import PhaseSpec
    from corpus.store import Store
    from corpus.tasks import Task, execute

    store, index = Store(folder), [results.item_from_json(item) for item in items]
    documents = sum(item.rows for item in index)
    started = time.process_time()
    (cells,) = execute(Task("cells", CellTable(), {"index": index}, store)).of("cells")
    counted = time.process_time()
    table = store.read_shard(cells)
    budget = int(share * sum(table.column("tokens").to_pylist()))
    phases = (PhaseSpec(budget, max(1, budget // 100_000_000), tuple(weights.items())),)
    caps = (Cap("host", cap),) if cap else ()
    few = (PhaseSpec(100_000, 1, tuple(weights.items())),)
    warm = SolveDraw(few, SEED, 8.0, "redistribute")                # kernels are loaded once, not once a document
    execute(Task("warm", warm, {"index": index[:1]}, store))
    before = time.process_time()
    record = execute(Task("draw", SolveDraw(phases, SEED, 8.0, caps=caps), {"index": index, "cells": [cells]}, store))
    after = time.process_time()
    plan = store.read_shard(record.of("plan")[0])
    bounds = store.read_shard(record.of("caps")[0])
    residue = np.abs(np.array(plan.column("residue").to_pylist()))
    total = sum(plan.column("drawn_tokens").to_pylist())
    shares = np.array(plan.column("drawn_tokens").to_pylist()) / total
    return {
        "documents": documents,
        "budget_tokens": budget,
        "bytes_a_document": round(sum(item.bytes for item in index) / documents, 2),
        "cells_us_a_document": round((counted - started) / documents * 1e6, 3),
        "draw_us_a_document": round((after - before) / documents * 1e6, 3),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "largest_residue_tokens": int(residue.max()),
        "largest_residue_documents": round(float(off_by(store, index, plan, bounds).max()), 4),
        "largest_share_error": float(np.abs(shares - np.array([weights[c] for c in plan.column("cell").to_pylist()])).max()),
        "epochs": [round(min(plan.column("epochs").to_pylist()), 3), round(max(plan.column("epochs").to_pylist()), 3)],
        "drawn_documents": sum(plan.column("drawn_documents").to_pylist()),
        "values_capped": bounds.num_rows,
        "largest_capped_share": round(max(bounds.column("tokens_drawn").to_pylist(), default=0) / total, 6),
    }


def off_by(store, index: list, plan: pa.Table, caps: pa.Table) -> np.ndarray:
    """(cells,) each cell's residue as a part of the one document that would bring it nearer: the last that was drawn where
    it has too much, the next one where it has too little.
    """
    from corpus.mixture.cells import cell_codes
    from corpus.mixture.copies import left_out

    names, bound = plan.column("cell"), plan.column("threshold").to_numpy()
    residue = plan.column("residue").to_numpy()
    next_key, size = np.full(len(bound), np.iinfo(np.uint64).max), np.ones(len(bound))
    for shard in index:
        table = store.read_shard(shard, ["key", "cell", "tokens", *caps.column("attribute").unique().to_pylist()])
        table = table.filter(pa.array(~left_out(table, table.column("key").to_numpy(), caps)))
        keys, tokens = table.column("key").to_numpy(), table.column("tokens").to_numpy()
        codes = cell_codes(table.column("cell"), names)
        last = (keys == bound[codes]) & (residue[codes] > 0)
        size[codes[last]] = tokens[last]
        near = np.flatnonzero((keys > bound[codes]) & (keys < next_key[codes]) & (residue[codes] < 0))
        for row in near[np.argsort(keys[near])[::-1]]:
            next_key[codes[row]], size[codes[row]] = keys[row], tokens[row]
    return np.abs(residue) / size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=lambda s: int(s.replace("_", "")), default=10_000_000)
    parser.add_argument("--totals", default="../shared/data/mixture_runs/climbmix/cluster_totals.csv")
    parser.add_argument("--folder", help="where the index is written; a temporary folder where absent")
    parser.add_argument("--budget-share", type=float, default=0.5, help="tokens to draw, of all")
    parser.add_argument("--hosts", type=int, default=0)
    parser.add_argument("--cap", type=float, default=0.0)
    parser.add_argument("--drawing", help=argparse.SUPPRESS)
    args = parser.parse_args()
    names, mean, shares = clusters(args.totals)
    weights = dict(zip(names, shares.tolist()))
    if args.drawing:
        items = json.loads(Path(args.drawing).read_text())
        print(json.dumps(draw(args.folder, weights, items, args.budget_share, args.cap)))
        return
    from corpus.store import Store

    folder = tempfile.mkdtemp(prefix="bench-draw-", dir=args.folder)
    try:
        started = time.process_time()
        items = write(Store(folder), args.documents, names, mean, args.hosts)
        wrote = time.process_time() - started
        listed = Path(folder) / "items.json"
        listed.write_text(json.dumps(items))
        said = subprocess.run(
            [sys.executable, __file__, "--drawing", str(listed), "--folder", folder, "--totals", args.totals,
             "--budget-share", str(args.budget_share), "--cap", str(args.cap)], check=True, stdout=subprocess.PIPE)
        wrote = {"write_us_a_document": round(wrote / args.documents * 1e6, 3)}
        print(json.dumps(wrote | json.loads(said.stdout), indent=1))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
