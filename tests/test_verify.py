from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_by_hand import BOS, EOS, PACKS, VOCABULARY, Drawn, make

from corpus import keys
from corpus.tokens.pack import Concatenate
from corpus.verify import Fault, verify_shards
from corpus.verify_stream import id_words

TOKENS = ("megatron", "npy", "nanoset", "mds", "litdata", "datasets", "climblab", "climbmix", "climbmix_jsonl")
FORMATS = (*TOKENS, "nanochat")
SIDE = "index/shard_00000.parquet"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Drawn:
    return make(tmp_path_factory.mktemp("built"), formats=("climbmix", "megatron", "nanochat"))


@pytest.fixture
def copied(built, tmp_path):
    shutil.copytree(built.root, tmp_path / "shards")
    return json.loads(json.dumps(built.receipt)), tmp_path / "shards"


def entry_of(receipt: dict, fmt: str, shard: int) -> dict:
    return next(s for s in receipt["shards"] if (s["format"], s["shard"]) == (fmt, shard))


def signed(receipt: dict, root: Path, path: str) -> None:
    """Makes the receipt agree with a changed file's bytes, so that only its meaning is wrong."""
    for entry in receipt["shards"]:
        for file in entry["files"]:
            if file["path"] == path:
                file |= {"digest": keys.digest_file(root / path), "bytes": (root / path).stat().st_size}


def said(receipt: dict, root: Path) -> list[str]:
    return [str(f) for f in verify_shards(receipt, root)]


def test_shards_that_are_as_written_have_no_fault(built):
    assert {(s["format"], s["shard"]) for s in built.receipt["shards"]} == {
        (f, n) for f in ("index", "climbmix", "megatron", "nanochat") for n in range(3)}
    assert said(built.receipt, built.root) == []


@pytest.mark.parametrize("pack", PACKS, ids=str)
@pytest.mark.parametrize("phases", [1, 3])
def test_every_packing_and_every_phase_is_as_the_receipt_says(tmp_path, pack, phases):
    made = make(tmp_path, phases=phases, pack=pack, formats=("megatron", "npy"))
    assert said(made.receipt, made.root) == []
    assert made.receipt["shard_count"] == 3 * phases


@pytest.mark.parametrize("name", FORMATS)
def test_one_flipped_bit_in_any_file_of_any_format_is_named(tmp_path, name):
    made = make(tmp_path, n=60, shards=2, formats=(name,))
    assert said(made.receipt, made.root) == []
    rng = np.random.default_rng(5)
    paths = [f["path"] for entry in made.receipt["shards"] for f in entry["files"]]
    assert {p.split("/")[0] for p in paths} == {name, "index"}
    for path in paths:
        good = (made.root / path).read_bytes()
        for bit in {0, 8 * len(good) - 1, *rng.integers(0, 8 * len(good), 4).tolist()}:
            data = bytearray(good)
            data[bit // 8] ^= 1 << bit % 8
            (made.root / path).write_bytes(data)
            assert said(made.receipt, made.root) == [f"{path}: has other bytes than its digest in the receipt"]
        (made.root / path).write_bytes(good)


def test_a_missing_file_and_an_extra_file_are_named(copied):
    receipt, root = copied
    (root / "megatron/shard_00001.idx").unlink()
    shutil.copy(root / "nanochat/shard_00000.parquet", root / "nanochat/shard_00009.parquet")
    assert said(receipt, root) == ["nanochat/shard_00009.parquet: is not in the receipt",
                                   "megatron/shard_00001.idx: is missing"]


def test_a_file_in_a_folder_of_no_format_is_named(copied):
    receipt, root = copied
    (root / "other").mkdir()
    shutil.copy(root / "nanochat/shard_00000.parquet", root / "other/shard_00000.parquet")
    assert said(receipt, root) == ["other/shard_00000.parquet: is not in the receipt"]


@pytest.mark.parametrize("path", ["climbmix/shard_00000.parquet", "megatron/shard_00000.bin", SIDE])
def test_a_file_that_was_cut_off_is_named_with_both_sizes(copied, path):
    receipt, root = copied
    data = (root / path).read_bytes()
    (root / path).write_bytes(data[:-10])
    assert said(receipt, root) == [f"{path}: has {len(data) - 10:,} bytes, not {len(data):,}"]
    signed(receipt, root, path)
    assert any(f.startswith(f"{path}: cannot be read: ") for f in said(receipt, root))


def test_files_of_whole_formats_and_of_holdouts_are_looked_at(copied):
    receipt, root = copied
    for path in ("mds/index.json", "../holdout-v/npy/a.bin"):
        (root / path).parent.mkdir(parents=True)
        (root / path).write_bytes(b"whole")
    file = {"digest": keys.digest_bytes(b"whole"), "bytes": 5}
    receipt["finish"] = [{"format": "mds", "files": [{"path": "mds/index.json"} | file]}]
    receipt["holdout"] = [{"name": "v", "digest": "0", "files": [{"path": "holdout-v/npy/a.bin"} | file]}]
    assert said(receipt, root) == []
    (root / "mds/index.json").write_bytes(b"whale")
    (root / "../holdout-v/npy/a.bin").rename(root / "../holdout-v/npy/b.bin")
    assert said(receipt, root) == ["holdout-v/npy/b.bin: is not in the receipt",
                                   "mds/index.json: has other bytes than its digest in the receipt",
                                   "holdout-v/npy/a.bin: is missing"]


def swap(receipt: dict, root: Path, a: str, b: str) -> list[str]:
    (root / a).rename(root / "x"), (root / b).rename(root / a), (root / "x").rename(root / b)
    signed(receipt, root, a), signed(receipt, root, b)
    return said(receipt, root)


def test_two_sidecars_that_were_swapped_are_told_by_where_their_documents_belong(copied):
    assert any("documents that belong into another shard" in f for f in swap(*copied, SIDE, "index/shard_00001.parquet"))


def test_two_shards_that_were_swapped_are_told_by_their_streams(copied):
    faults = swap(*copied, "megatron/shard_00000.bin", "megatron/shard_00001.bin")
    assert any(f.startswith("megatron/shard_00000.bin") for f in faults)


# what the files mean, where bytes and digests agree ------------------------------------------------------------------


def rewrite(copied, change, path: str = SIDE) -> list[str]:
    """What is said of a file after its table was changed and the receipt made to agree with its bytes."""
    receipt, root = copied
    pq.write_table(change(pq.read_table(root / path)), root / path)
    signed(receipt, root, path)
    faults = verify_shards(receipt, root)
    assert {f.file for f in faults} == {path}
    return [f.what for f in faults if f.file == path]


def with_value(name: str, row: int, change):
    def apply(table: pa.Table) -> pa.Table:
        values = table.column(name).to_pylist()
        values[row] = change(values[row])
        return table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))

    return apply


@pytest.mark.parametrize("change, what", [
    (with_value("offset", 3, lambda v: v - 1), "has offsets that overlap, are out of order or lie behind"),
    (with_value("offset", -1, lambda v: v + 100), "has offsets that overlap, are out of order or lie behind"),
    (with_value("length", 3, lambda v: v - 1), "has pieces of"),
    (with_value("length", 3, lambda v: 0), "has pieces of no length or at no place"),
    (with_value("begin", 2, lambda v: 1), "has 1 documents with a part missing"),
    (with_value("sequence", 2, lambda v: 9), "has sequence numbers that are out of order or of no sequence"),
    (with_value("phase", 2, lambda v: 7), "has 1 documents of another phase"),
    (with_value("copy", 2, lambda v: v + 5), "another shard|thresholds do not draw"),
    (with_value("id", 2, lambda v: "a" * 26), "another shard|thresholds do not draw"),
    (with_value("id", 2, lambda v: "A" * 26), "cannot be read: ValueError: an id that is not base32"),
    (with_value("id", 2, lambda v: "a" * 25), "cannot be read: ValueError: an id that is not 26 characters of base32"),
    (with_value("id", 2, lambda v: None), "cannot be read: ValueError: 1 rows without id"),
    (lambda t: pa.concat_tables([t, t.slice(0, 1)]), "has 1 documents more than once with the same copy number"),
    (lambda t: t.slice(1), "documents, not"),
    (lambda t: t.drop(["copy"]), "cannot be read: KeyError")])
def test_a_sidecar_that_was_tampered_with_is_told(copied, change, what):
    found = rewrite(copied, change)
    assert any(re.search(what, f) for f in found), found


def test_a_document_moved_to_another_cell_shows_in_both(copied):
    def other(value: str) -> str:
        return "d00/web" if value != "d00/web" else "d01/web"

    found = rewrite(copied, with_value("cell", 0, other))
    assert sum(w.startswith("cell '") for w in found) == 2
    assert any("thresholds do not draw" in w for w in found) or len(found) == 2


def tokens_as(change):
    def apply(table: pa.Table) -> pa.Table:
        tokens = [change(i, t) for i, t in enumerate(table.column("tokens").to_pylist())]
        return table.set_column(table.column_names.index("tokens"), "tokens", pa.array(tokens, pa.list_(pa.int32())))

    return apply


@pytest.mark.parametrize("change, what", [
    (lambda i, t: t[:-1] + [5] if i == 0 else t, f"has 1 documents that do not end with EOS ({EOS})"),
    (lambda i, t: [5] + t[1:] if i == 0 else t, f"has 1 documents that do not start with BOS ({BOS})"),
    (lambda i, t: t[:1] + [EOS] + t[2:] if len(t) > 2 else t, f"has EOS ({EOS}) inside documents"),
    (lambda i, t: t[:1] + [BOS] + t[2:] if len(t) > 2 else t, f"has BOS ({BOS}) inside documents"),
    (lambda i, t: t[:1] + [VOCABULARY] + t[2:] if i == 1 else t, f"has 1 ids outside the vocabulary of {VOCABULARY}"),
    (lambda i, t: t[:1] + [-3] + t[2:] if i == 1 else t, f"has 1 ids outside the vocabulary of {VOCABULARY}"),
    (lambda i, t: t[:1] + [(t[1] + 1) % 200 + 2] + t[2:] if i == 1 else t, "has other token ids than the draw"),
    (lambda i, t: t[1:] if i == 2 else t, "has sequences that are not those of the sidecar")])
def test_ids_that_were_tampered_with_are_told(copied, change, what):
    assert what in rewrite(copied, tokens_as(change), "climbmix/shard_00000.parquet")


def test_padding_is_no_end_of_a_document(tmp_path):
    made = make(tmp_path, pack=Concatenate(64, "pad"), formats=("megatron",))
    assert made.receipt["pack"]["padded_tokens"] and said(made.receipt, made.root) == []
    path, entry = made.root / "megatron/shard_00000.bin", entry_of(made.receipt, "megatron", 0)
    ids = np.fromfile(path, "<u2")
    assert (ids[-entry["padded_tokens"]:] == EOS).all()
    ids[-entry["padded_tokens"] - 1] = 7                                   # the last document's own end
    ids.tofile(path)
    signed(made.receipt, made.root, "megatron/shard_00000.bin")
    assert f"megatron/shard_00000.bin: has 1 documents that do not end with EOS ({EOS})" in said(made.receipt, made.root)


def test_what_packing_cut_is_at_the_end_of_a_shard_and_nowhere_else(tmp_path):
    made = make(tmp_path, pack=Concatenate(16, "drop"), formats=("megatron",))
    entry = entry_of(made.receipt, "index", 0)
    assert entry["cut_tokens"] and said(made.receipt, made.root) == []
    table = pq.read_table(made.root / SIDE)
    pq.write_table(table.slice(0, table.num_rows - 2), made.root / SIDE)     # two pieces more
    signed(made.receipt, made.root, SIDE)
    assert any("that packing cut" in f for f in said(made.receipt, made.root))


# the receipt against itself ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change, what", [
    (lambda r: r["cells"][0]["drawn"].update(tokens=r["cells"][0]["drawn"]["tokens"] + 1), "cell 'd00/books' of phase 0"),
    (lambda r: r["sources"][1]["drawn"].update(documents=1), "source 'web'"),
    (lambda r: r["total"].update(tokens=5), "says 5 tokens in all"),
    (lambda r: entry_of(r, "index", 1)["sources"].update(x=[1, 1]), "source 'x'")])
def test_a_receipt_whose_sums_do_not_agree_is_told(copied, change, what):
    receipt, root = copied
    change(receipt)
    assert any(f.startswith("receipt.json: ") and what in f for f in said(receipt, root))


def test_documents_that_a_cap_leaves_out_are_told(copied):
    receipt, root = copied
    cap = {"attribute": "host", "value": "x", "tokens_allowed": 0, "tokens_drawn": 0}
    receipt["caps"] = [cap | {"threshold": "f" * 16}]
    assert said(receipt, root) == []
    receipt["caps"] = [cap | {"threshold": None}]
    assert sum("thresholds do not draw" in f for f in said(receipt, root)) == 3


def test_a_threshold_that_was_changed_is_told_by_the_documents(copied):
    receipt, root = copied
    for cell in receipt["cells"]:
        cell["threshold"] = "0" * 15 + "1"
    assert sum("thresholds do not draw" in f for f in said(receipt, root)) == 3


def test_formats_of_unequal_streams_are_told(copied):
    receipt, root = copied
    entry_of(receipt, "megatron", 2)["stream"] = "0" * 32
    assert Fault("shard 2", "is not one token stream in climbmix, megatron") in verify_shards(receipt, root)


def test_a_format_that_lacks_a_shard_is_told(copied):
    receipt, root = copied
    receipt["shards"].remove(entry_of(receipt, "megatron", 1))
    faults = verify_shards(receipt, root)
    assert Fault("shard 1", "is not there as megatron") in faults
    assert Fault("megatron/shard_00001.idx", "is not in the receipt") in faults


def test_shards_on_another_file_system_are_read_as_well(built):
    fs = fsspec.filesystem("memory")
    fs.put(str(built.root), "/verify-test", recursive=True)
    try:
        assert verify_shards(built.receipt, "memory://verify-test") == []
        fs.rm("/verify-test/megatron/shard_00000.bin")
        assert Fault("megatron/shard_00000.bin", "is missing") in verify_shards(built.receipt, "memory://verify-test")
    finally:
        fs.rm("/verify-test", recursive=True)


def test_ids_are_read_from_base32_as_they_were_written(built):
    from corpus import chance

    rows = built.streams[0].rows
    shown = pq.read_table(built.root / SIDE).column("id")
    assert np.array_equal(id_words(shown), chance.id_words(rows.column("id")))
    assert np.array_equal(id_words(shown.combine_chunks().slice(2, 3)), chance.id_words(rows.column("id"))[2:5])
