from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from built_in_store import WEIGHTS, InStore, make

from corpus import keys
from corpus.errors import UserError
from corpus.mixture.receipt import receipt_digest
from corpus.mixture.schedule import PhaseSpec
from corpus.replay import replay_shards, sample
from corpus.store import Store
from corpus.tokens.pack import BestFit, Concatenate
from corpus.verify import verify_shards

FORMATS = ("climbmix", "nanochat", "megatron", "npy", "mds", "litdata", "nanoset", "datasets", "climblab", "climbmix_jsonl")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> InStore:
    return make(tmp_path_factory.mktemp("built"), FORMATS)


@pytest.fixture
def copied(built, tmp_path) -> InStore:
    shutil.copytree(built.root, tmp_path / "shards")
    return InStore(built.store, copy.deepcopy(built.receipt), tmp_path / "shards")


def said(built: InStore, shards=(0, 1, 2), root=True) -> list[str]:
    return [str(f) for f in replay_shards(built.store, built.receipt, shards, built.root if root else None)]


def signed(built: InStore, path: str) -> None:
    """Makes the receipt agree with a changed file: in its bytes, and in its own digest."""
    for entry in built.receipt["shards"]:
        for file in entry["files"]:
            if file["path"] == path:
                file |= {"digest": keys.digest_file(built.root / path), "bytes": (built.root / path).stat().st_size}
    built.receipt["digest"] = receipt_digest(built.receipt)


def test_every_shard_in_every_format_is_made_again_to_the_byte(built):
    assert verify_shards(built.receipt, built.root) == []
    assert said(built) == []
    assert said(built, root=False) == []


@pytest.mark.parametrize("pack", [Concatenate(16, "drop"), Concatenate(16, "pad"), BestFit(16)], ids=str)
def test_packed_shards_of_several_phases_are_made_again(tmp_path, pack):
    phases = (PhaseSpec(1000, 2, WEIGHTS), PhaseSpec(1500, 2, WEIGHTS[::-1]))
    made = make(tmp_path, ("megatron", "nanochat"), pack, phases)
    assert made.receipt["pack"]["use"] == pack.name and len(made.receipt["phases"]) == 2
    assert said(made, [0, 1, 2, 3]) == []


def test_any_one_shard_is_made_alone(built):
    told: list[int] = []
    assert list(replay_shards(built.store, built.receipt, [1], built.root, told.append)) == [] and told == [1]


def test_a_document_that_was_exchanged_is_named_though_receipt_and_files_agree(copied):
    """The ids of one document are changed, and everything that says so is made to agree: only a replay can tell."""
    path = copied.root / "megatron/shard_00001.bin"
    rows = pq.read_table(copied.root / "index/shard_00001.parquet").slice(4, 1).to_pylist()[0]
    ids = np.fromfile(path, "<u2")
    ids[rows["offset"]] = (ids[rows["offset"]] + 1) % 200 + 2
    ids.tofile(path)
    signed(copied, "megatron/shard_00001.bin")
    (fault,) = said(copied)
    assert fault == (f"megatron/shard_00001.bin: is not what receipt and frozen set make: first in document {rows['id']} "
                     f"({rows['url']}), copy {rows['copy']}")
    assert said(copied, [0, 2]) == []


def test_texts_and_sidecars_that_were_changed_are_named_with_their_document(copied):
    where = pq.read_table(copied.root / "index/shard_00000.parquet")
    for path, column in (("nanochat/shard_00000.parquet", "text"), ("index/shard_00000.parquet", "id")):
        table = pq.read_table(copied.root / path)
        values = table.column(column).to_pylist()
        values[3] = values[3][::-1] + "x" if column == "text" else values[2]
        at, kind = table.column_names.index(column), table.schema.field(column).type
        pq.write_table(table.set_column(at, column, pa.array(values, kind)), copied.root / path)
        signed(copied, path)
    faults = said(copied, [0])
    assert [f.split(":")[0] for f in faults] == ["index/shard_00000.parquet", "nanochat/shard_00000.parquet"]
    assert all(f"first in document {where.column('id')[3].as_py()}" in f for f in faults)


def test_the_same_rows_in_other_bytes_are_told_apart_from_other_rows(copied):
    path = "climbmix/shard_00000.parquet"
    pq.write_table(pq.read_table(copied.root / path), copied.root / path, compression="none")
    copied.receipt["made"] = {"packages": {"pyarrow": "1.2.3"}}
    signed(copied, path)
    (fault,) = said(copied, [0])
    assert f"the same ids in other bytes; written with pyarrow 1.2.3, here {pa.__version__}" in fault


@pytest.mark.parametrize("change, what", [
    (lambda r: r.update(seed=12), "has keys that are not those of its documents"),
    (lambda r: [c.update(threshold="f" * 16) for c in r["cells"]], "is not what receipt and frozen set make"),
    (lambda r: [c.update(whole_copies=0, threshold=None) for c in r["cells"]], "has no document by the receipt's own"),
    (lambda r: r["pack"].update(use="concatenate", length=8, rest="drop"), "is not what receipt and frozen set make")])
def test_a_receipt_that_was_changed_makes_other_shards(built, change, what):
    other = InStore(built.store, copy.deepcopy(built.receipt), built.root)
    change(other.receipt)
    assert receipt_digest(other.receipt) != built.receipt["digest"]
    assert any(what in f for f in said(other, [0]))


def test_an_index_that_counts_tokens_wrongly_is_told(built, tmp_path):
    shutil.copytree(built.root.parent / "store", tmp_path / "store")
    other = InStore(Store(str(tmp_path / "store")), copy.deepcopy(built.receipt), built.root)
    digest = other.receipt["frozen"]["index"][0]
    path = tmp_path / f"store/shards/{digest[:2]}/{digest}.parquet"
    table = pq.read_table(path)
    wrong = pa.array(np.asarray(table.column("tokens")) + 1)
    path.chmod(0o644)
    pq.write_table(table.set_column(table.column_names.index("tokens"), "tokens", wrong), path)
    assert any(f.startswith(f"shards/{digest[:2]}/{digest}.parquet: counts the tokens of ") for f in said(other))


@pytest.mark.parametrize("name", ["index", "documents", "domains"])
def test_frozen_shards_that_are_gone_are_told_before_any_work(built, tmp_path, name):
    shutil.copytree(built.root.parent / "store", tmp_path / "store")
    digest = built.receipt["frozen"][name][1]
    (tmp_path / f"store/shards/{digest[:2]}/{digest}.parquet").unlink()
    with pytest.raises(UserError, match=rf"1 of the frozen shards .* not in the store .*\({name} {digest[:12]}\)"):
        list(replay_shards(Store(str(tmp_path / "store")), built.receipt, [0]))


def test_a_tokenizer_that_is_gone_is_told(built):
    receipt = built.receipt | {"tokenizer": built.receipt["tokenizer"] | {"digest": "ab" * 16}}
    with pytest.raises(UserError, match="the tokenizer abababababab is not in the store"):
        list(replay_shards(built.store, receipt, [0]))


def test_a_shard_that_there_is_none_of_is_told_with_the_range(built):
    with pytest.raises(UserError, match="there is no shard 7; the receipt has 0 to 2"):
        list(replay_shards(built.store, built.receipt, [1, 7]))


def test_the_sample_is_told_by_the_receipt_alone(built):
    entries = [{"shard": n, "format": "index"} for n in range(1000)]
    receipt = json.loads(json.dumps(built.receipt)) | {"shards": entries}
    assert len(sample(receipt, 0.01)) == 10 == len(set(sample(receipt, 0.01)))
    assert sample(receipt, 0.01) == sample(receipt, 0.01) != sample(receipt | {"seed": 5}, 0.01)
    assert set(sample(receipt, 0.01)) < set(sample(receipt, 0.02))
    assert sample(receipt, 0.0) and len(sample(receipt, 1.0)) == 1000
    assert Path(built.root).exists() and sample(built.receipt, 0.01) != []
