"""Golden cases of what is measured of frozen documents: tokens, clusters, domains, cells. Numbers are sums of powers of
two, so that every sum is exact in any order.
"""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from golden_inputs import ADDRESSES, IDS, SEED, TOKENS, documents, index, with_ids
from golden_table import case, exchanged, task

from corpus.cluster.domains import AssignDomains
from corpus.cluster.kmeans import AssignClusters
from corpus.dedup.neighbours import FOUND, Neighbours, NeighboursByShard
from corpus.document import ID
from corpus.domains.domain2vec import DomainVectors, TargetVector
from corpus.mixture.cells import CellIndex, CellTable
from corpus.numeric import vectors
from corpus.results import Folder
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.tokenize import Tokenize
from corpus.tokens.tokenizer import PinTokenizer, TrainTokenizer


def folder_of(store: Store, name: str, files: dict[str, object]) -> Folder:
    """A model by hand: arrays as .npy, other values as JSON."""
    with tempfile.TemporaryDirectory() as temporary:
        for file, value in files.items():
            if isinstance(value, np.ndarray):
                np.save(Path(temporary) / file, value)
            else:
                (Path(temporary) / file).write_text(json.dumps(value), encoding="utf-8")
        return store.write_folder(name, Path(temporary))


# tokens ---------------------------------------------------------------------------------------------------------------


def vocabulary(folder: Path) -> Path:
    """A byte-level BPE by hand: GPT-2's 256 characters for bytes, six merges, an end of document."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    letters = [chr(c) for c in shown] + [chr(256 + i) for i in range(len(hidden))]
    merges = ["t h", "th e", "Ġ the", "i n", "e r", "Ġ w"]
    names = letters + [m.replace(" ", "") for m in merges] + ["<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({n: i for i, n in enumerate(names)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    return folder


def ranks(folder: Path) -> Path:
    """A file of ranks by hand: every byte, and four longer tokens."""
    names = [bytes([b]) for b in range(256)] + [b"th", b"the", b" the", b"in"]
    path = folder / "hand.tiktoken"
    path.write_bytes(b"".join(base64.b64encode(n) + b" %d\n" % i for i, n in enumerate(names)))
    return path


@case("tokenizer/pin")
def _(store: Store) -> object:
    specials = {"<|endoftext|>": 300, "<|start|>": 301}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        plain = PinTokenizer(str(vocabulary(folder)))
        ranked = PinTokenizer(str(ranks(folder)), pattern="gpt2", specials=specials, bos="<|start|>", dtype="uint32")
        return [task(store, pin) for pin in (plain, ranked)]


@case("tokenizer/train")
def _(store: Store) -> object:
    return task(store, TrainTokenizer(vocab_size=320, share=0.75, seed=2), documents=[documents(), documents().slice(0, 3)])


@case("body/tokenize")
def _(store: Store) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = str(vocabulary(Path(folder)))
        ends = (PinTokenizer(path), PinTokenizer(path, eos=None, bos="<|endoftext|>", dtype="uint32"))
        pinned = [task_folder(store, pin) for pin in ends]
    return [task(store, Tokenize(), documents=documents(), tokenizer=folder) for folder in pinned]


def task_folder(store: Store, body: PinTokenizer) -> Folder:
    return execute(Task("golden", body, {}, store)).of("tokenizer")[0]


# clusters, domains, cells ---------------------------------------------------------------------------------------------


def vectors_of() -> np.ndarray:
    """(n, 4) float32 unit rows: axes, and rows of ± 1/2."""
    axes = np.eye(4, dtype=np.float32)
    halves = np.array([[0.5 if i >> b & 1 else -0.5 for b in range(4)] for i in range(len(IDS) - 4)], np.float32)
    return np.concatenate([axes, halves])


@case("body/assign")
def _(store: Store) -> object:
    centroids = np.array([[1, 0, 0, 0], [0.5, 0.5, 0.5, 0.5], [0, 0, -1, 0], [0, 0.25, 0, 0.75]], np.float32)
    return task(
        store,
        AssignClusters(),
        vectors=with_ids("vector", vectors.column(vectors_of())),
        centroids=folder_of(store, "centroids", {"centroids.npy": centroids}),
    )


@case("body/domains")
def _(store: Store) -> object:
    taxonomy = {"clusters": [{"domain": d} for d in ("d00", None, "d01", "d00")]}
    return task(
        store,
        AssignDomains(),
        clusters=with_ids("cluster", pa.array([i % 4 for i in range(len(IDS))], pa.int32())),
        taxonomy=folder_of(store, "taxonomy", {"taxonomy.json": taxonomy}),
    )


@case("exchange/neighbours")
def _(store: Store) -> object:
    """Clusters of many, of two and of one; copies, and a vector that is none."""
    found = vectors_of()
    found[9], found[10, 0] = found[5], np.nan
    clusters = pa.array([i % 2 for i in range(11)] + [7, 7, 6, 5], pa.int32())
    shards = {"vectors": with_ids("vector", vectors.column(found)), "clusters": with_ids("cluster", clusters)}
    each = [{name: table.slice(*part) for name, table in shards.items()} for part in ((0, 4), (4,))]
    return [exchanged(store, Neighbours(partitions), each) for partitions in (1, 3)]


@case("exchange/neighbours_by_shard")
def _(store: Store) -> object:
    n = len(IDS)
    rows = [[i % 3 for i in range(n)], [i // 3 for i in range(n)], IDS, [None if i == 5 else IDS[-i] for i in range(n)],
            [None if i == 5 else i / 16 for i in range(n)]]  # fmt: skip
    found = pa.table([pa.array(values, field.type) for values, field in zip(rows, FOUND)], schema=FOUND)
    return exchanged(store, NeighboursByShard(2), [{"found": found.slice(0, 7)}, {"found": found.slice(7)}])


def profiles() -> np.ndarray:
    """(n, 4) float32 rows that sum to 1."""
    parts = [(i % 3 / 8, i % 5 / 16, i % 2 / 4) for i in range(len(IDS))]
    return np.array([(*p, 1 - sum(p)) for p in parts], np.float32)


@case("body/domain_vectors")
def _(store: Store) -> object:
    meta = with_ids("profile", vectors.column(profiles()))
    split = {"meta": [meta.slice(0, 6), meta.slice(6)], "index": [index().slice(0, 6), index().slice(6)]}
    return [task(store, DomainVectors(samples=4, weighting=w, seed=SEED), **split) for w in ("tokens", "documents")]


@case("body/target_vector")
def _(store: Store) -> object:
    meta = with_ids("profile", vectors.column(profiles()))
    return task(store, TargetVector(), meta=[meta.slice(0, 6), meta.slice(6)])


@case("body/cells")
def _(store: Store) -> object:
    domains = pa.table(
        [pa.array(IDS, ID), pa.array([None if i == 4 else f"a/b%{i % 2}" for i in range(len(IDS))])], ["id", "domain"]
    )
    given = {"documents": documents(), "domains": domains, "tokens": with_ids("token_count", pa.array(TOKENS))}
    marks = with_ids("licence", pa.array([None if i % 3 else "CC0-1.0" for i in range(len(IDS))])).append_column(
        "page.noindex", pa.array([None if i % 4 else i % 8 == 0 for i in range(len(IDS))])
    )
    own = CellIndex(("domain", "licence", "page.noindex"), SEED, ("documents", "tokens", "domains", "marks"), ("licence",))
    capped = CellIndex(("domain", "source"), SEED, capped=("host", "domain"))
    addresses = given | {"documents": documents().set_column(3, "url", pa.array(ADDRESSES))}
    out = {name: pa.table([pa.array(ids, ID)], ["id"]) for name, ids in (("tombstones", IDS[2:4]), ("holdout", IDS[3:9:5]))}
    return [
        task(store, CellIndex(("domain", "source"), SEED), **given),
        task(store, own, **given, marks=marks),
        task(store, capped, **addresses, **out),
    ]


@case("body/cell_table")
def _(store: Store) -> object:
    return task(store, CellTable(), index=[index().slice(0, 4), index().slice(4)])
