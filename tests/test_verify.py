from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus import keys
from corpus.exchange import exchange
from corpus.mixture.cells import CellIndex, CellTable
from corpus.mixture.draw import SolveDraw
from corpus.mixture.place import Place
from corpus.mixture.receipt import make_receipt, receipt_digest
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.encode import Tokenize
from corpus.tokens.tokenizer import TrainTokenizer
from corpus.verify import Fault, verify_shards
from corpus.writers.climbmix import ClimbMix
from corpus.writers.megatron import Megatron
from corpus.writers.nanochat import Nanochat
from corpus.writers.write import WriteShard

SEED, SHARDS, N = 11, 3, 90
WORDS = ["river", "stone", "<|endoftext|>", "mountain", "été", "running", "the", "of"]


def build(root: Path) -> dict:
    """Documents to exported shards in three formats under root / "shards"; returns the receipt."""
    store = Store(str(root / "store"))
    ids = pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(N)], pa.binary(16))
    texts = [" ".join(WORDS[(i * k) % len(WORDS)] for k in range(1, 3 + i % 17)) for i in range(N)]
    documents = pa.table({"id": ids, "text": pa.array(texts, pa.large_string()),
                          "source": ["web" if i % 3 else "books" for i in range(N)],
                          "url": [f"http://x/{i}" for i in range(N)], "date": pa.nulls(N, pa.string())})
    domains = pa.table({"id": ids, "cluster": pa.array([i % 5 for i in range(N)], pa.int32()),
                        "domain": pa.array([f"d{i % 2:02d}" if i % 5 else None for i in range(N)])})

    def run(body, inputs, **task):
        return execute(Task("t", body, inputs, store, **task)).outputs

    parts = [{"documents": [store.write_shard("documents", documents.slice(i, 30))],
              "domains": [store.write_shard("domains", domains.slice(i, 30))]} for i in range(0, N, 30)]
    (tokenizer,) = run(TrainTokenizer(vocab_size=300), {"documents": [p["documents"][0] for p in parts]})
    for part in parts:
        part["tokens"] = run(Tokenize(), {"documents": part["documents"], "tokenizer": [tokenizer]})
        part["index"] = run(CellIndex(("domain", "source"), SEED), part)
    indexes = [p["index"][0] for p in parts]
    cells, sources = run(CellTable(), {"index": indexes})
    weights = (("d00/books", 0.1), ("d00/web", 0.3), ("d01/books", 0.4), ("d01/web", 0.2))
    (plan,) = run(SolveDraw(weights, 2000, SHARDS, SEED, max_epochs=8), {"index": indexes, "cells": [cells]})
    records = exchange("place", Place(SHARDS, SEED, text=True), [p | {"plan": [plan]} for p in parts], store,
                       lambda tasks: map(execute, tasks))
    folders = [run(WriteShard(writer), {"drawn": r.of("drawn")}, extra={"shard": n})[0]
               for n, r in enumerate(records) for writer in (ClimbMix(), Nanochat(), Megatron())]
    for folder in folders:
        target = root / "shards" / folder.about["format"]
        target.mkdir(parents=True, exist_ok=True)
        for name, _, _ in folder.files:
            shutil.copy(store.full(f"{folder.path}/{name}"), target / name)
    receipt = make_receipt(
        build="small", budget_tokens=2000, max_epochs=8, on_shortfall="refuse", plan=store.read_shard(plan),
        sources=store.read_shard(sources), shards=folders, tokenizer=tokenizer, mixture={"method": "given"})
    return json.loads(json.dumps(receipt))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("built")
    return build(root), root / "shards"


@pytest.fixture
def copied(built, tmp_path):
    shutil.copytree(built[1], tmp_path / "shards")
    return json.loads(json.dumps(built[0])), tmp_path / "shards"


def entry_of(receipt: dict, fmt: str, shard: int) -> dict:
    return next(s for s in receipt["shards"] if (s["format"], s["shard"]) == (fmt, shard))


def signed(receipt: dict, root: Path, path: str) -> None:
    """Makes the receipt agree with a changed file's bytes, so that only its meaning is wrong."""
    for entry in receipt["shards"]:
        for file in entry["files"]:
            if file["path"] == path:
                file |= {"digest": keys.digest_file(root / path), "bytes": (root / path).stat().st_size}


def test_shards_that_are_as_written_have_no_fault(built):
    receipt, root = built
    assert len(receipt["shards"]) == 3 * SHARDS
    assert verify_shards(receipt, root) == []


def test_the_same_build_has_the_same_receipt(built, tmp_path):
    assert receipt_digest(build(tmp_path)) == receipt_digest(built[0])


def test_every_share_is_within_one_document(built):
    for cell in built[0]["cells"]:
        assert abs(cell["residue_tokens"]) <= 120


@pytest.mark.parametrize("path", ["climbmix/shard_00001.parquet", "nanochat/shard_00000.parquet", "megatron/shard_00002.bin",
                                  "megatron/shard_00000.idx", "megatron/shard_00001.docs.parquet"])
def test_one_flipped_bit_is_named_with_its_file(copied, path):
    receipt, root = copied
    data = bytearray((root / path).read_bytes())
    data[len(data) // 2] ^= 1
    (root / path).write_bytes(data)
    faults = verify_shards(receipt, root)
    assert Fault(path, "has other bytes than its digest in the receipt") in faults
    assert {f.file.split("/")[0] for f in faults} == {path.split("/")[0]}


def test_a_missing_file_and_an_extra_file_are_named(copied):
    receipt, root = copied
    (root / "megatron/shard_00001.idx").unlink()
    shutil.copy(root / "nanochat/shard_00000.parquet", root / "nanochat/shard_00009.parquet")
    assert [str(f) for f in verify_shards(receipt, root)][:2] == [
        "nanochat/shard_00009.parquet: is not in the receipt", "megatron/shard_00001.idx: is missing"]


def test_a_file_that_was_cut_off_is_named_with_both_sizes(copied):
    receipt, root = copied
    path = root / "climbmix/shard_00000.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    faults = [str(f) for f in verify_shards(receipt, root)]
    size = path.stat().st_size
    assert faults[0] == f"climbmix/shard_00000.parquet: has {size:,} bytes, not {size + 10:,}"
    assert faults[1].startswith("climbmix/shard_00000.parquet: cannot be read")


def test_two_shards_that_were_swapped_are_told_by_where_their_documents_belong(copied):
    receipt, root = copied
    a, b = root / "climbmix/shard_00000.parquet", root / "climbmix/shard_00001.parquet"
    a.rename(root / "x"), b.rename(a), (root / "x").rename(b)
    for n in (0, 1):
        signed(receipt, root, f"climbmix/shard_{n:05d}.parquet")
    faults = [str(f) for f in verify_shards(receipt, root)]
    assert any("belong into another shard" in f for f in faults)
    assert any("other token ids" in f or "tokens, not" in f for f in faults)


def rewrite(root: Path, receipt: dict, change) -> list[str]:
    path = root / "climbmix/shard_00000.parquet"
    pq.write_table(change(pq.read_table(path)), path)
    signed(receipt, root, "climbmix/shard_00000.parquet")
    return [f.what for f in verify_shards(receipt, root)]


def test_a_document_that_is_there_twice_is_told(copied):
    receipt, root = copied
    what = rewrite(root, receipt, lambda t: pa.concat_tables([t, t.slice(0, 1)]))
    assert "has 1 documents more than once with the same copy number" in what


def tokens_as(table: pa.Table, change) -> pa.Table:
    tokens = [change(i, t) for i, t in enumerate(table.column("tokens").to_pylist())]
    return table.set_column(table.column_names.index("tokens"), "tokens", pa.array(tokens, pa.list_(pa.int32())))


@pytest.mark.parametrize("change, what", [
    (lambda i, t: t[:-1] + [5] if i == 0 else t, "has 1 documents that do not end with EOS (0)"),
    (lambda i, t: [0] + t[1:] if i == 1 and len(t) > 1 else t, "has EOS (0) inside documents"),
    (lambda i, t: [300] + t[1:] if i == 1 else t, "has ids outside the vocabulary of 300"),
    (lambda i, t: [t[0] % 200 + 1] + t[1:] if i == 1 else t, "has other token ids than the draw"),
    (lambda i, t: t[:-1] if i == 2 else t, "has a token_count that is not the number of tokens")])
def test_ids_that_were_tampered_with_are_told(copied, change, what):
    receipt, root = copied
    assert what in rewrite(root, receipt, lambda table: tokens_as(table, change))


def test_a_document_moved_to_another_cell_shows_in_shard_and_total(copied):
    receipt, root = copied
    what = rewrite(root, receipt, lambda t: t.set_column(
        t.column_names.index("cell"), "cell", pa.array(["d00/web"] + t.column("cell").to_pylist()[1:])
    ) if t.column("cell")[0].as_py() != "d00/web" else t.set_column(
        t.column_names.index("cell"), "cell", pa.array(["d01/web"] + t.column("cell").to_pylist()[1:])))
    assert sum(w.startswith("cell '") for w in what) == 4              # two cells, in the shard and in the sum


def test_a_receipt_that_was_changed_is_told_by_the_shards(copied):
    receipt, root = copied
    receipt["cells"][0]["drawn"]["tokens"] += 1
    assert {f.file for f in verify_shards(receipt, root)} == {"climbmix/", "megatron/"}


def test_formats_of_unequal_streams_are_told(copied):
    receipt, root = copied
    entry_of(receipt, "nanochat", 2)["stream"] = "0" * 32
    assert Fault("shard 2", "is not one token stream in climbmix, megatron, nanochat") in verify_shards(receipt, root)


def test_a_format_that_lacks_a_shard_is_told(copied):
    receipt, root = copied
    receipt["shards"].remove(entry_of(receipt, "megatron", 1))
    faults = verify_shards(receipt, root)
    assert Fault("shard 1", "is not there as megatron") in faults
    assert Fault("megatron/shard_00001.idx", "is not in the receipt") in faults


def test_shards_on_another_file_system_are_read_as_well(built):
    receipt, root = built
    fs = fsspec.filesystem("memory")
    fs.put(str(root), "/verify-test", recursive=True)
    try:
        assert verify_shards(receipt, "memory://verify-test") == []
        fs.rm("/verify-test/megatron/shard_00000.bin")
        assert Fault("megatron/shard_00000.bin", "is missing") in verify_shards(receipt, "memory://verify-test")
    finally:
        fs.rm("/verify-test", recursive=True)


def test_no_document_of_a_pruned_cluster_is_in_any_shard(built):
    for path in sorted((built[1] / "climbmix").iterdir()):
        assert 0 not in pq.read_table(path).column("cluster_id").to_pylist()


def test_the_text_is_the_tokens_of_the_same_row(built):
    texts = pq.read_table(built[1] / "nanochat/shard_00000.parquet").column("text").to_pylist()
    rows = pq.read_table(built[1] / "climbmix/shard_00000.parquet")
    same: dict[str, str] = {}
    for document, text in zip(rows.column("id").to_pylist(), texts, strict=True):
        assert same.setdefault(document, text) == text
    assert np.corrcoef([len(t) for t in texts], rows.column("token_count").to_numpy())[0, 1] > 0.9
