from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from built_in_store import InStore, make

from corpus.errors import Mismatch, MissingFile, UserError
from pipelines.receipt import faults_of, read_receipt, receipt_at
from pipelines.replay import replay, shards_named, share_of


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> InStore:
    """As a build leaves it: builds/small in its store."""
    made = make(tmp_path_factory.mktemp("built"), ("megatron", "nanochat"))
    folder = made.root.parent / "store/builds/small"
    folder.mkdir(parents=True)
    (folder / "receipt.json").write_text(json.dumps(made.receipt))
    made.root.rename(folder / "shards")
    return InStore(made.store, made.receipt, folder)


@pytest.fixture
def copied(built, tmp_path) -> Path:
    return Path(shutil.copytree(built.root, tmp_path / "elsewhere"))


def test_a_receipt_is_found_by_its_folder_and_by_its_file(built):
    for where in (built.root, f"{built.root}/", built.root / "receipt.json"):
        told = receipt_at(str(where))
        assert told.said == built.receipt["digest"] and told.own_faults() == [] and faults_of(told) == []
        assert told.store is not None and told.store.full("") == built.store.full("")


def test_a_receipt_is_found_by_the_name_and_store_of_a_build_file(built, tmp_path):
    """Nothing else of the file is needed for it; a file that says neither is looked at in full."""
    file = tmp_path / "b.yaml"
    file.write_text(f"name: small\nstore: {built.store.url}\nsources: anything\n")
    assert receipt_at(str(file)).said == built.receipt["digest"]
    file.write_text(f"name: other\nstore: {built.store.url}\n")
    with pytest.raises(MissingFile, match=f"make the shards first: corpus build {file}"):
        receipt_at(str(file))
    for text in ("name: ../small\nstore: x\n", "store: x\n", "[]\n"):
        file.write_text(text)
        with pytest.raises(UserError, match="b.yaml"):
            receipt_at(str(file))


def test_a_folder_that_was_copied_is_in_no_store_and_verifies_all_the_same(copied, built):
    told = receipt_at(str(copied))
    assert told.store is None and faults_of(told) == []
    with pytest.raises(UserError, match="name it: --store URL, or the build file"):
        replay(told, "1%")
    assert replay(receipt_at(str(copied), built.store.url), "1%").faults == []


def test_a_replay_takes_a_sample_or_the_shards_that_are_named(built):
    told, seen = receipt_at(str(built.root)), []
    assert len(replay(told, "1%").shards) == 1
    assert len(replay(told, "0.5").shards) == 2
    found = replay(told, None, [0, 2], seen.append)
    assert found.shards == seen == [0, 2] and found.faults == []


def test_a_manipulated_shard_is_found_by_its_digest_and_by_the_replay(copied, built):
    path = copied / "shards/megatron/shard_00000.bin"
    ids = np.fromfile(path, "<u2")
    ids[5] += 1
    ids.tofile(path)
    told = receipt_at(str(copied), built.store.url)
    assert faults_of(told) == ["megatron/shard_00000.bin: has other bytes than its digest in the receipt"]
    assert replay(told, None, [0, 1, 2]).faults == []                  # the receipt itself is as it was made
    from corpus.mixture.receipt import receipt_digest

    entry = next(e for e in told.receipt["shards"] if (e["format"], e["shard"]) == ("megatron", 0))
    from corpus.keys import digest_file

    next(f for f in entry["files"] if f["path"].endswith(".bin"))["digest"] = digest_file(path)
    (copied / "receipt.json").write_text(json.dumps({"digest": receipt_digest(told.receipt)} | told.receipt))
    told = receipt_at(str(copied), built.store.url)
    assert told.own_faults() == []
    (fault,) = replay(told, None, [0, 1, 2]).faults
    assert fault.startswith("megatron/shard_00000.bin: is not what receipt and frozen set make: first in document ")


def test_a_manipulated_receipt_is_named_first(copied):
    receipt = json.loads((copied / "receipt.json").read_text())
    receipt["cells"][0]["drawn"]["tokens"] += 1
    (copied / "receipt.json").write_text(json.dumps(receipt))
    faults = faults_of(receipt_at(str(copied)))
    assert faults[0].startswith("receipt.json: its digest is ") and faults[0].endswith(f"it says {receipt['digest']}")
    assert faults[1].startswith("receipt.json: cell ")


def test_any_flipped_bit_of_a_receipt_is_told_and_none_ends_in_a_crash(copied):
    good = (copied / "receipt.json").read_bytes()
    rng = np.random.default_rng(1)
    said = json.loads(good)
    told = {"digest": 0, "unreadable": 0}
    for bit in rng.integers(0, 8 * len(good), 120).tolist():
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        (copied / "receipt.json").write_bytes(data)
        try:
            found = receipt_at(str(copied))
        except (Mismatch, UserError):
            told["unreadable"] += 1
            continue
        if {n: v for n, v in found.receipt.items() if n != "made"} == {n: v for n, v in said.items() if n not in
                                                                      ("made", "digest")} and found.said == said["digest"]:
            continue                                                   # a space, or the same value written otherwise
        assert faults_of(found)[0].startswith("receipt.json: its digest is ")
        told["digest"] += 1
    assert told["digest"] > 20 and told["unreadable"] > 20


def test_what_is_no_receipt_is_told_with_its_place(tmp_path):
    path = tmp_path / "receipt.json"
    with pytest.raises(MissingFile, match="receipt.json and shards/"):
        read_receipt(str(path))
    for text, what in (("{", "cannot be read, it is damaged"), ('{"schema": 2}', "lacks after, asked, build"),
                       ('{"schema": 1}', "is of schema 1, this release reads 2"),
                       ('{"schema": 1, "kind": "conversations"}', "is of conversations"), ("[]", "is of schema None")):
        path.write_text(text)
        with pytest.raises((Mismatch, UserError), match=what):
            receipt_at(str(tmp_path))


@pytest.mark.parametrize("text, share", [("1%", 0.01), ("0.01", 0.01), (" 50 % ", 0.5), ("100%", 1.0), ("1", 1.0)])
def test_a_share_is_a_percentage_or_a_number(text, share):
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["", "x", "0", "-1%", "101%", "1.5", "nan", "inf"])
def test_what_is_no_share_is_told(text):
    with pytest.raises(UserError, match="expected a share of the shards, such as 1% or 0.01"):
        share_of(text)


def test_shards_are_named_one_by_one_or_as_ranges():
    assert shards_named("3,7") == [3, 7] and shards_named("3-5, 4") == [3, 4, 5]
    for text in ("", "a", "5-3", "-3", "1,,2", "3-", "1.5", "0-99999999"):
        with pytest.raises(UserError, match="is no shard; expected numbers such as 3,7 or 3-5"):
            shards_named(text)
