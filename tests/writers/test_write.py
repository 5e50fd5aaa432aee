from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.document import show_id
from corpus.mixture.place import DRAWN, DRAWN_TEXT, WHERE
from corpus.operators import Writer
from corpus.registry import lookup
from corpus.results import Folder
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.pack import BestFit, Concatenate, Documents
from corpus.writers import climblab, index, litdata, mds, nanoset, npy  # noqa: F401  (importing registers them)
from corpus.writers.climbmix import ClimbMix
from corpus.writers.index import SIDECAR, Index
from corpus.writers.megatron import Megatron
from corpus.writers.nanochat import Nanochat
from corpus.writers.stream import stream_digest
from corpus.writers.write import FinishFormat, WriteShard

TOKENS = [[1, 9], [9], [2, 3, 4, 5, 9], [7, 9], [6, 6, 9]]
ORDER = [3, 0, 4, 2, 1, 0]                                # of the documents in the shard: one is there twice


def shard_of(store: Store, filler: int = 0) -> dict:
    """Inputs of `WriteShard`: the documents lie in two files, behind `filler` ids that are no drawn document's."""
    folders, places = [], {}
    for part in ([0, 1, 2], [3, 4]):
        flat = [[8] * filler, *(TOKENS[i] for i in part)]
        start = filler
        for i in part:
            places[i] = (len(folders), start)
            start += len(TOKENS[i])
        with store.new_folder() as folder:
            np.concatenate(flat).astype("<u2").tofile(folder / "ids.bin")
            folders.append(store.write_folder("ids", folder, {"dtype": "uint16", "tokens": start}, take=True))
    with store.new_folder() as folder:
        (folder / "about.json").write_text("{}")
        about = {"dtype": "uint16", "eos_id": 9, "vocab_size": 100}
        tokenizer = store.write_folder("tokenizer", folder, about, take=True)
    n = len(ORDER)
    rows = {
        "order": range(n), "id": [bytes([i] * 16) for i in ORDER], "copy": [0, 0, 0, 0, 0, 1], "phase": [2] * n,
        "url": [f"http://x/{i}" for i in ORDER], "source": ["web" if i % 2 else "books" for i in ORDER],
        "cell": ["ab"[i % 2] for i in ORDER], "style": [None] * n, "cluster_id": ORDER,
        "token_count": [len(TOKENS[i]) for i in ORDER], "token_hash": ORDER}
    where = {"file": [folders[places[i][0]].number for i in ORDER], "start": [places[i][1] for i in ORDER]}
    return {"drawn": [store.write_shard("drawn", pa.table(rows, DRAWN))], "tokenizer": [tokenizer],
            "where": [store.write_shard("where", pa.table(where, WHERE))], "ids": folders}


def write(store: Store, writer: Writer, inputs: dict, shard: int = 4, **fields) -> Folder:
    body = WriteShard(writer, **fields)
    if not writer.needs_ids:
        inputs = {name: inputs[name] for name in ("drawn", "tokenizer")}
    (folder,) = execute(Task("t", body, inputs, store, {"shard": shard}, ("where", "ids"))).outputs
    return folder


def read(store: Store, writer: Writer, folder: Folder) -> pa.Table:
    with store.local_folder(folder) as path:
        return writer.read_back(path, folder.about["files"])


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://write-{tmp_path.name}").prepare()


def test_a_written_shard_says_what_it_holds(store):
    folder = write(store, Megatron(), shard_of(store), shard_tokens=4)
    about = folder.about
    assert [name for name, _, _ in folder.files] == about["files"] == ["shard_00004.bin", "shard_00004.idx"]
    assert (about["format"], about["shard"], about["phase"]) == ("megatron", 4, 2)
    assert (about["rows"], about["sequences"], about["tokens"]) == (6, 6, 15)
    assert about["cells"] == {"a": [4, 12], "b": [2, 3]} and about["sources"] == {"books": [4, 12], "web": [2, 3]}
    assert (about["cut_tokens"], about["padded_tokens"], about["long_documents"]) == (0, 0, 1)


@dataclass(frozen=True)
class Case:
    name: str
    pack: bool


CASES = [Case("climbmix", False), Case("megatron", True), Case("mds", True), Case("litdata", True), Case("npy", True)]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_every_format_carries_the_same_stream_and_says_its_digest(tmp_path, case):
    store = Store(str(tmp_path)).prepare()
    inputs, writer = shard_of(store), lookup("writer", case.name)()
    for pack in (Documents(), Concatenate(4), Concatenate(4, "pad"), BestFit(4)) if case.pack else (Documents(),):
        folder = write(store, writer, inputs, pack=pack)
        sidecar = read(store, Index(), write(store, Index(), inputs, pack=pack)).to_pylist()
        tokens = read(store, writer, folder).column("tokens")
        megatron = write(store, Megatron(), inputs, pack=pack)
        assert stream_digest(tokens, "<u2") == folder.about["stream"] == megatron.about["stream"]
        flat = [t for sequence in tokens.to_pylist() for t in sequence]
        assert len(flat) == folder.about["tokens"]
        for piece in sidecar:
            document = TOKENS[int(piece["url"].rsplit("/", 1)[1])]
            expected = document[piece["begin"] : piece["begin"] + piece["length"]]
            assert flat[piece["offset"] : piece["offset"] + piece["length"]] == expected


def test_the_sidecar_says_which_document_is_at_which_offset(store):
    folder = write(store, Index(), shard_of(store), pack=Concatenate(4))
    table = read(store, Index(), folder)
    assert table.schema == SIDECAR and folder.about["stream"] is None and folder.about["tokens"] == 12
    assert table.select(["sequence", "offset", "length", "begin", "url"]).to_pylist()[:5] == [
        {"sequence": 0, "offset": 0, "length": 2, "begin": 0, "url": "http://x/3"},
        {"sequence": 0, "offset": 2, "length": 2, "begin": 0, "url": "http://x/0"},
        {"sequence": 1, "offset": 4, "length": 3, "begin": 0, "url": "http://x/4"},
        {"sequence": 1, "offset": 7, "length": 1, "begin": 0, "url": "http://x/2"},
        {"sequence": 2, "offset": 8, "length": 4, "begin": 1, "url": "http://x/2"}]
    assert table.column("id")[0].as_py() == show_id(bytes([3] * 16))
    assert table.column("copy").to_pylist() == [0] * 5 and folder.about["cut_tokens"] == 3


def test_documents_without_tokens_are_not_in_the_sidecar_and_offsets_have_statistics(tmp_path):
    store = Store(str(tmp_path)).prepare()
    inputs = shard_of(store)
    rows = store.read_shard(inputs["drawn"][0])
    counts = pa.array([2, 0, 3, 5, 0, 2], pa.int64())
    rows = rows.set_column(rows.column_names.index("token_count"), "token_count", counts)
    inputs["drawn"] = [store.write_shard("drawn", rows)]
    folder = write(store, Index(), inputs)
    assert read(store, Index(), folder).column("sequence").to_pylist() == [0, 2, 3, 5]
    with store.local_folder(folder) as path:
        statistics = pq.ParquetFile(path / "shard_00004.parquet").metadata.row_group(0).column(1).statistics
        assert (statistics.min, statistics.max) == (0, 10)


def test_a_shard_is_not_written_again_when_its_ids_lie_elsewhere(store):
    before, after = (shard_of(store, filler) for filler in (0, 5))
    tasks = [Task("t", WriteShard(Megatron()), inputs, store, {"shard": 4}, ("where", "ids")) for inputs in (before, after)]
    assert before["where"][0].digest != after["where"][0].digest and before["ids"] != after["ids"]
    assert tasks[0].key == tasks[1].key
    other = Store(f"{store.url}-other").prepare()
    assert write(store, Megatron(), before).digest == write(other, Megatron(), shard_of(other, 5)).digest


def test_shards_of_other_numbers_writers_and_packings_have_other_keys(store):
    inputs = shard_of(store)
    keys = {Task("t", WriteShard(writer, pack), inputs, store, {"shard": n}, ("where", "ids")).key
            for n in range(3) for writer in (Megatron(), ClimbMix())
            for pack in (Documents(), Concatenate(4), Concatenate(5))}
    assert len(keys) == 18


def test_a_text_format_is_written_from_texts_alone(store):
    inputs = shard_of(store)
    texts = pa.array([f"text {i}" for i in ORDER], pa.large_string())
    rows = store.read_shard(inputs["drawn"][0])
    drawn = store.write_shard("drawn", pa.table([*rows.columns, texts], DRAWN_TEXT))
    folder = write(store, Nanochat(), {"drawn": [drawn], "tokenizer": inputs["tokenizer"]})
    assert read(store, Nanochat(), folder).column("text").to_pylist() == texts.to_pylist()
    assert folder.about["stream"] is None and (folder.about["rows"], folder.about["tokens"]) == (6, 15)


def test_what_belongs_to_a_whole_format_is_made_from_what_its_shards_say(store):
    inputs, writer = shard_of(store), lookup("writer", "mds")()
    shards = [write(store, writer, inputs, shard=n) for n in (1, 0)]
    (folder,) = execute(Task("f", FinishFormat(writer), {"shards": shards}, store)).outputs
    assert [name for name, _, _ in folder.files] == ["index.json"] and folder.name == "finish"
    with store.local_folder(folder) as path:
        said = (path / "index.json").read_text()
    assert said.index("shard_00000.mds") < said.index("shard_00001.mds")
    assert execute(Task("f", FinishFormat(Megatron()), {"shards": shards}, store)).outputs == ()


def test_held_out_texts_are_a_text_formats_last_file(store):
    texts = [store.write_shard("texts", pa.table({"text": pa.array([t], pa.large_string())})) for t in ("one", "two")]
    shards = [Folder("shard", "x", "0", (), {"shard": n, "files": []}) for n in (0, 6)]
    (folder,) = execute(Task("f", FinishFormat(Nanochat()), {"shards": shards, "holdout": texts}, store)).outputs
    assert [name for name, _, _ in folder.files] == ["shard_00007.parquet"]
    with store.local_folder(folder) as path:
        assert pq.read_table(path / "shard_00007.parquet").column("text").to_pylist() == ["one", "two"]
    assert execute(Task("f", FinishFormat(Nanochat()), {"shards": shards}, store)).outputs == ()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("name", ["megatron", "npy"])
def test_a_shard_of_200_mb_is_written_in_memory_of_its_rows_and_buffers(tmp_path, name):
    script = f"""
import sys
import numpy as np, pyarrow as pa
from corpus.mixture.place import DRAWN, WHERE
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.writers import index, megatron, npy
from corpus.writers.write import WriteShard
from corpus.registry import lookup
from corpus.tokens.pack import Concatenate

def peak(what):
    return int(next(l for l in open("/proc/self/status") if l.startswith(what)).split()[1]) >> 10

store, rng, n = Store({str(tmp_path)!r}).prepare(), np.random.default_rng(0), 60_000
counts = rng.integers(1, 3334, n)
def make(counts):
    total = int(counts.sum())
    with store.new_folder() as folder:
        with open(folder / "ids.bin", "wb") as out:
            for start in range(0, total, 1 << 20):
                out.write(rng.integers(0, 50_000, min(1 << 20, total - start)).astype("<u2"))
        return store.write_folder("ids", folder, {{"dtype": "uint16", "tokens": total}}, take=True)
def small(counts, ids):
    order = rng.permutation(len(counts))
    starts = (np.cumsum(counts) - counts)[order]
    with store.new_folder() as folder:
        (folder / "about.json").write_text("")
        tokenizer = store.write_folder("tokenizer", folder, {{"dtype": "uint16", "eos_id": 9}}, take=True)
    n = len(counts)
    columns = {{"id": pa.array([b"%016d" % i for i in range(n)], pa.binary(16)), "token_count": counts[order],
               "source": ["web"] * n, "cell": ["a"] * n, "url": ["http://x/%d" % i for i in range(n)]}}
    columns["style"] = pa.nulls(n)
    drawn = pa.table([columns.get(f.name, np.zeros(n, np.int64)) for f in DRAWN], DRAWN)
    where = pa.table([np.full(n, ids.number, np.uint64), starts], WHERE)
    return {{"drawn": [store.write_shard("drawn", drawn)], "where": [store.write_shard("where", where)], "ids": [ids],
            "tokenizer": [tokenizer]}}
ids = make(counts)
body = WriteShard(lookup("writer", {name!r})(), Concatenate(2048))
few = make(counts[:50])
execute(Task("warm", body, small(counts[:50], few), store, {{"shard": 0}}))
inputs = small(counts, ids)
open("/proc/self/clear_refs", "w").write("5")
base = peak("VmRSS")
(folder,) = execute(Task("t", body, inputs, store, {{"shard": 1}})).outputs
print(folder.about["tokens"] * 2 >> 20, peak("VmHWM") - base)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    size, above = map(int, done.stdout.split())
    assert size > 185 and above < 100
