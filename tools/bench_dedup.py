"""Near-duplicate removal beside other tools on the same documents: CPU seconds, peak memory, and what is found.

    python tools/bench_dedup.py [DATA] [--megabytes 25] [--rounds 3] [--sides ...]

DATA is the folder of `near_duplicates`: texts, and pairs of them with their exact five-word Jaccard. Each side and round is
a process of its own on one thread, told to import, compile and load before its clock starts; the slow peer runs once.
`alone` is from texts to groups, with words not met before; `shared` has the words' hashes from the task that measured
signals. The peers group by 14 bands of 8 without looking again, ours by 20 of 7 and an exact Jaccard of 0.8 and more.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

Run = Callable[[], np.ndarray]                      # → (m,) a number for each text, equal where they are in one group

DATA = Path(__file__).parents[2] / "shared" / "data" / "near_duplicates"
WARM_UP = ["a few words to begin with, so that all is loaded", "and Some More"]
ONCE = ("datatrove",)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path, nargs="?", default=DATA)
    options.add_argument("--megabytes", type=float, default=25)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--sides", nargs="+", default=["shared", "alone", "datasketch", "datatrove"], choices=sorted(SIDES))
    options.add_argument("--child", nargs=2, metavar=("SIDE", "FILE"), help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        print(json.dumps(measure(given.child[0], json.loads(Path(given.child[1]).read_text()))))
        return
    print(f"{'':12}{'CPU s':>8}{'docs/s':>9}{'MB/s':>8}{'times':>8}{'RSS MB':>8}{'groups':>8}{'found at .95':>14}"
          f"{'at .8':>12}{'under .5':>10}")
    for row in compare(given.data, given.megabytes, given.rounds, given.sides):
        print(f"{row['side']:12}{row['seconds']:8.2f}{row['docs_s']:9.0f}{row['mb_s']:8.1f}{row['ratio']:8.1f}{row['rss_mb']:8.0f}"
              f"{row['groups']:8d}{row['at_95']:>14}{row['at_80']:>12}{row['under_50']:>10}")


def compare(data: Path, megabytes: float, rounds: int, sides: Sequence[str]) -> list[dict]:
    """A row a side; `ratio` is to the last side's seconds."""
    texts, pairs = sample(data, megabytes)
    size = sum(len(t.encode()) for t in texts) / 1e6
    found: dict[str, list[dict]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texts.json"
        file.write_text(json.dumps(texts))
        for number in range(rounds):
            for side in sides:
                if number == 0 or side not in ONCE:
                    found[side].append(in_a_process(side, file))
    seconds = {side: statistics.median(r["seconds"] for r in runs) for side, runs in found.items()}
    return [{"side": side, "seconds": seconds[side], "docs_s": len(texts) / seconds[side], "mb_s": size / seconds[side],
             "ratio": seconds[sides[-1]] / seconds[side], "rss_mb": max(r["rss_mb"] for r in runs),
             **graded(np.array(runs[0]["groups"]), pairs)} for side, runs in found.items()]


def sample(data: Path, megabytes: float) -> tuple[list[str], list[tuple[int, int, float]]]:
    """Texts that are in pairs, drawn pair by pair, and all listed pairs among them."""
    with gzip.open(data / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {d["id"]: d["text"] for d in map(json.loads, lines)}
    with gzip.open(data / "pairs.tsv.gz", "rt", encoding="utf-8") as lines:
        pairs = [(r["id_a"], r["id_b"], float(r["jaccard5w"])) for r in csv.DictReader(lines, delimiter="\t")]
    at: dict[str, int] = {}
    size = 0
    for k in np.random.default_rng(0).permutation(len(pairs)):
        for name in pairs[k][:2]:
            if name not in at and size < megabytes * 1e6:
                at[name] = len(at)
                size += len(texts[name].encode())
    return [texts[n] for n in at], [(at[a], at[b], j) for a, b, j in pairs if a in at and b in at]


def graded(groups: np.ndarray, pairs: Sequence[tuple[int, int, float]]) -> dict:
    """How many of the listed pairs are in one group, by their Jaccard."""
    a, b, jaccard = (np.array(column) for column in zip(*pairs))
    same = groups[a] == groups[b]

    def of(wanted: np.ndarray) -> str:
        return f"{int(same[wanted].sum())}/{int(wanted.sum())}"

    _, sizes = np.unique(groups, return_counts=True)
    return {"groups": int((sizes > 1).sum()), "at_95": of(jaccard >= 0.95), "at_80": of(jaccard >= 0.8),
            "under_50": of(jaccard < 0.5)}


def in_a_process(side: str, file: Path) -> dict:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "PYTHONPATH": os.pathsep.join(
        [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, __file__, "--child", side, str(file)]
    done = subprocess.run(command, env=environment, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(side: str, texts: list[str]) -> dict:
    run = SIDES[side](texts)
    before = cpu()
    groups = run()
    seconds = cpu() - before
    rss = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"seconds": seconds, "rss_mb": rss / 1024, "groups": groups.tolist()}


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def grouped(texts: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    links = coo_matrix((np.ones(len(left), np.int8), (left, right)), shape=(texts, texts))
    return connected_components(links, directed=False)[1]


def alone(texts: list[str]) -> Run:
    from corpus.dedup.near import near_duplicates

    def run(texts: list[str] = texts) -> np.ndarray:
        edges = np.array([(i, j) for i, j, _ in near_duplicates(texts)], np.int64).reshape(-1, 2)
        return grouped(len(texts), edges[:, 0], edges[:, 1])

    run(WARM_UP)
    return run


def shared(texts: list[str]) -> Run:
    from corpus.chance import id_words
    from corpus.dedup.near import near_pairs
    from corpus.text.normal import matching_hashes, text_digests
    from corpus.text.shingles import mix

    array = pa.array(texts, pa.large_string())
    hashed = matching_hashes(array)

    def run(array: pa.Array = array, hashed: tuple[np.ndarray, np.ndarray] = hashed) -> np.ndarray:
        whole = mix(id_words(text_digests(array, hashed))[:, 0])
        left, right, _ = near_pairs(*hashed, whole)
        return grouped(len(array), left, right)

    run(pa.array(WARM_UP, pa.large_string()), matching_hashes(pa.array(WARM_UP, pa.large_string())))
    return run


def datatrove(texts: list[str]) -> Run:
    from datatrove.data import Document
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from xxhash import xxh64_intdigest

    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)

    def signature(folder: str) -> MinhashDedupSignature:
        step = MinhashDedupSignature(folder, config)
        step._hash_func = lambda shingle: xxh64_intdigest(shingle.encode())     # its default, which xxhash 4 takes as bytes
        return step

    def run(texts: list[str] = texts) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            signatures, buckets, clusters = (f"{folder}/{name}" for name in ("signatures", "buckets", "clusters"))
            documents = [Document(text, str(i)) for i, text in enumerate(texts)]
            numbers = -1 - np.arange(len(texts))

            def note(data, rank: int = 0, world_size: int = 1):
                for document in data:
                    if document.metadata["minhash_cluster_id"] >= 0:
                        numbers[int(document.id)] = document.metadata["minhash_cluster_id"]
                    yield document

            for number, (pipeline, tasks) in enumerate([
                ([documents, signature(signatures)], 1),
                ([MinhashDedupBuckets(signatures, buckets, config=config)], 14),
                ([MinhashDedupCluster(buckets, clusters, config=config, save_cluster_id=True)], 1),
                ([documents, MinhashDedupFilter(clusters, load_cluster_ids=True), note], 1),
            ]):
                LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{folder}/logs{number}").run()
            raw = np.fromfile(f"{clusters}/000000.clusters", "<u4").reshape(-1, 2)
            numbers[raw[:, 0]] = raw[:, 1]          # the filter passes on one of a group; the others are in the file
            return numbers

    run([text for text in WARM_UP for _ in range(2)])
    return run


def datasketch(texts: list[str]) -> Run:
    from datasketch import MinHash, MinHashLSH

    def run(texts: list[str] = texts) -> np.ndarray:
        sketches = MinHash.bulk(word_runs(texts), num_perm=112)
        index = MinHashLSH(num_perm=112, params=(14, 8))
        left, right = [], []
        for i, sketch in enumerate(sketches):
            like = index.query(sketch)
            left += like
            right += [i] * len(like)
            index.insert(i, sketch)
        return grouped(len(texts), np.array(left, int), np.array(right, int))

    run(WARM_UP)
    return run


def rensa(texts: list[str]) -> Run:
    from rensa import RMinHash, RMinHashLSH

    def run(texts: list[str] = texts) -> np.ndarray:
        index = RMinHashLSH(threshold=0.8, num_perm=112, num_bands=14)
        left, right = [], []
        for i, runs in enumerate(word_runs(texts)):
            sketch = RMinHash(num_perm=112, seed=1)
            sketch.update([run.decode() for run in runs])
            like = index.query(sketch)
            left += like
            right += [i] * len(like)
            index.insert(i, sketch)
        return grouped(len(texts), np.array(left, int), np.array(right, int))

    run(WARM_UP)
    return run


def word_runs(texts: list[str]) -> list[set[bytes]]:
    """Five-word runs of each text, for sides that leave the words to their user."""
    found = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        found.append({" ".join(words[i : i + 5]).encode() for i in range(max(1, len(words) - 4))})
    return found


SIDES: dict[str, Callable[[list[str]], Run]] = {
    "shared": shared, "alone": alone, "datatrove": datatrove, "datasketch": datasketch, "rensa": rensa}

if __name__ == "__main__":
    main()
