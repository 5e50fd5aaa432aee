"""Shards in another format: the same files as if the build had written that format, from any other one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from drawn_rows import EOS, drawn, many

from corpus import keys
from corpus.errors import ConfigError, Mismatch, MissingFile, UnknownName, UserError
from corpus.mixture.receipt import receipt_digest
from corpus.operators import Writer
from corpus.tokens.pack import BestFit, Concatenate, Documents, Pack
from corpus.writers.climblab import ClimbLab
from corpus.writers.climbmix import ClimbMix
from corpus.writers.climbmix_jsonl import ClimbMixJsonl
from corpus.writers.datasets import Datasets
from corpus.writers.index import Index
from corpus.writers.litdata import LitData
from corpus.writers.mds import Mds
from corpus.writers.megatron import Megatron
from corpus.writers.nanochat import Nanochat
from corpus.writers.nanoset import Nanoset
from corpus.writers.npy import Npy
from corpus.writers.stream import Stream
from corpus.writers.write import write_stream
from pipelines.cli.convert import convert

PACKED: list[Writer] = [Mds(), LitData(), Nanoset(), Npy(), Datasets(), Megatron()]
WRITERS: list[Writer] = [*PACKED, ClimbMix(), ClimbLab(), ClimbMixJsonl()]


def exported(root: Path, writers: list[Writer], pack: Pack, masks: bool = False, dtype: str = "uint16") -> dict[str, Any]:
    """Two shards with their receipt, as a build exports them."""
    entries, finish = [], []
    for writer in [*writers, Index()]:
        folder, told = root / "shards" / writer.name, []
        for shard in (0, 2):
            tokens, marks = many(20, shard)
            rows = drawn(tokens, marks if masks else None, [c if c < 4 else None for c in (i % 5 for i in range(20))])
            rows = rows.append_column("text", pa.array(["t"] * 20))
            stream = Stream.of_table(rows, f"<u{2 if dtype == 'uint16' else 4}", pack, eos_id=EOS)
            part = root / "part"
            part.mkdir(parents=True)
            about = write_stream(writer, stream, part, shard)
            files = [entry_of(part, writer.name, name) for name in sorted(about["files"])]
            for name in about["files"]:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (part / name).rename(folder / name)
            for empty in sorted(part.rglob("*"), reverse=True):
                empty.rmdir()
            part.rmdir()
            told.append(about)
            entries.append({name: about[name] for name in (
                "shard", "phase", "format", "rows", "sequences", "tokens", "stream", "cells", "sources", "cut_tokens",
                "padded_tokens")} | {"files": files})
        files = []
        for name, data in writer.finish(told).items():
            (folder / name).write_bytes(data)
            files.append(entry_of(folder, writer.name, name))
        finish += [{"format": writer.name, "files": files}] if files else []
    receipt = {"schema": 2, "build": "b", "tokenizer": {"dtype": dtype, "vocab_size": 1 << 16, "eos_id": EOS}, "holdout": [],
               "pack": {"use": pack.name, "length": pack.length, "rest": getattr(pack, "rest", None)}, "formats": {},
               "shards": sorted(entries, key=lambda e: (e["format"], e["shard"])), "finish": finish, "made": {}}
    receipt["digest"] = receipt_digest(receipt)
    (root / "receipt.json").write_text(json.dumps(receipt))
    return receipt


def entry_of(folder: Path, name: str, file: str) -> dict[str, Any]:
    path = folder / file
    return {"path": f"{name}/{file}", "digest": keys.digest_file(path), "bytes": path.stat().st_size}


def files_below(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def name(value: object) -> str:
    return getattr(value, "name", str(value))


@pytest.mark.parametrize("pack", [Documents(), Concatenate(64, "pad"), Concatenate(64), BestFit(64)], ids=name)
@pytest.mark.parametrize("source", WRITERS, ids=name)
def test_every_format_becomes_every_other_byte_for_byte(tmp_path, source, pack):
    writers = PACKED if pack.length else WRITERS
    if source not in writers:
        pytest.skip("a row of this format is a document")
    exported(tmp_path / "made", writers, pack)
    said = exported(tmp_path / "source", [source], pack)
    for target in writers:
        to = tmp_path / f"to_{target.name}"
        convert(str(tmp_path / "source"), target.name, str(to))
        assert files_below(to / "shards") == {
            path: data for path, data in files_below(tmp_path / "made/shards").items()
            if path.split("/")[0] in (target.name, "index")}
        receipt = json.loads((to / "receipt.json").read_text())
        assert receipt["digest"] == receipt_digest(receipt)
        assert receipt["converted_from"] == {"receipt": said["digest"], "format": source.name}
        made = json.loads((tmp_path / "made/receipt.json").read_text())
        assert receipt["shards"] == [e for e in made["shards"] if e["format"] in (target.name, "index")]
        assert receipt["finish"] == [e for e in made["finish"] if e["format"] == target.name]


@pytest.mark.parametrize("source", [Mds(), Nanoset(), Npy(), Datasets()], ids=name)
def test_masks_go_with_their_ids_and_a_format_without_a_place_for_them_is_refused(tmp_path, source):
    exported(tmp_path / "made", [Npy()], Documents(), masks=True)
    exported(tmp_path / "source", [source], Documents(), masks=True)
    convert(str(tmp_path / "source"), "npy", str(tmp_path / "to"))
    assert files_below(tmp_path / "to/shards/npy") == files_below(tmp_path / "made/shards/npy")
    with pytest.raises(ConfigError, match="loss masks"):
        convert(str(tmp_path / "source"), "megatron", str(tmp_path / "bare"))
    assert not (tmp_path / "bare").exists()


@pytest.mark.parametrize("source", [w for w in WRITERS if w.name != "datasets"], ids=name)
def test_without_a_receipt_ids_alone_are_converted(tmp_path, source):
    exported(tmp_path / "source", [source], Documents())
    (tmp_path / "source/receipt.json").unlink()
    with pytest.raises(MissingFile, match="--from-format"):
        convert(str(tmp_path / "source"), "megatron", str(tmp_path / "to"))
    convert(str(tmp_path / "source"), "megatron", str(tmp_path / "to"), source.name, "uint16")
    exported(tmp_path / "made", [Megatron()], Documents())
    assert files_below(tmp_path / "to") == {
        path: data for path, data in files_below(tmp_path / "made").items() if "megatron" in path}


def test_a_folder_that_holds_the_files_themselves_is_converted_whatever_its_name(tmp_path):
    exported(tmp_path / "source", [Mds()], Documents())
    (tmp_path / "source/shards/mds").rename(tmp_path / "old")
    convert(str(tmp_path / "old"), "megatron", str(tmp_path / "to"), "mds", "uint16")
    exported(tmp_path / "made", [Megatron()], Documents())
    assert files_below(tmp_path / "to") == {
        path: data for path, data in files_below(tmp_path / "made").items() if "megatron" in path}


def test_one_flipped_bit_is_named_and_nothing_is_left_under_the_targets_name(tmp_path, capsys):
    exported(tmp_path / "source", [Mds()], Documents())
    path = tmp_path / "source/shards/mds/shard_00002.mds"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(Mismatch, match=r"mds/shard_00002\.mds") as raised:
        convert(str(tmp_path / "source"), "npy", str(tmp_path / "to"))
    assert raised.value.exit_code == 1
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_a_missing_file_is_named(tmp_path):
    exported(tmp_path / "source", [Mds()], Documents())
    (tmp_path / "source/shards/index/shard_00000.parquet").unlink()
    with pytest.raises(Mismatch, match=r"index/shard_00000\.parquet is missing"):
        convert(str(tmp_path / "source"), "npy", str(tmp_path / "to"))


def test_a_damaged_shard_without_a_receipt_is_named(tmp_path):
    exported(tmp_path / "source", [Mds()], Documents())
    (tmp_path / "source/receipt.json").unlink()
    path = tmp_path / "source/shards/mds/shard_00002.mds"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(Mismatch, match=r"mds/shard_00002\.mds cannot be read"):
        convert(str(tmp_path / "source"), "npy", str(tmp_path / "to"), "mds")
    assert not (tmp_path / "to").exists()


def test_calls_that_cannot_be_carried_out_say_why(tmp_path):
    source, to = tmp_path / "source", str(tmp_path / "to")
    exported(source, [Mds(), Nanochat()], Concatenate(64))
    with pytest.raises(UnknownName, match="did you mean 'nanoset'"):
        convert(str(source), "nanosets", to)
    with pytest.raises(ConfigError, match="texts"):
        convert(str(source), "nanochat", to)
    with pytest.raises(ConfigError, match="no token ids"):
        convert(str(source), "npy", to, "nanochat")
    with pytest.raises(ConfigError, match="sidecar"):
        convert(str(source), "index", to)
    with pytest.raises(ConfigError, match="documents"):
        convert(str(source), "climblab", to)
    with pytest.raises(ConfigError, match="no shards of litdata"):
        convert(str(source), "npy", to, "litdata")
    with pytest.raises(ConfigError, match="option of nanoset"):
        convert(str(source), "{use: nanoset, tokeniser: x}", to)
    with pytest.raises(MissingFile):
        convert(str(tmp_path / "nowhere"), "npy", to)
    with pytest.raises(UserError, match="is there already"):
        convert(str(source), "npy", str(source))
    assert not (tmp_path / "to").exists()


def test_shards_of_texts_alone_are_refused(tmp_path):
    exported(tmp_path / "source", [Nanochat()], Documents())
    with pytest.raises(UserError, match="texts, not token ids"):
        convert(str(tmp_path / "source"), "npy", str(tmp_path / "to"))


def test_ids_that_do_not_fit_the_type_are_refused(tmp_path):
    (tmp_path / "shards/datasets").mkdir(parents=True)
    Datasets().write(Stream.of_table(drawn([[70_000, EOS]]), "<u4"), tmp_path / "shards/datasets", 0)
    with pytest.raises(Mismatch, match="65,535"):
        convert(str(tmp_path), "megatron", str(tmp_path / "to"), "datasets", "uint16")
    convert(str(tmp_path), "megatron", str(tmp_path / "to"), "datasets", "uint32")


def test_a_receipt_that_names_files_outside_is_refused(tmp_path):
    receipt = exported(tmp_path / "source", [Mds()], Documents())
    receipt["shards"][-1]["files"][0]["path"] = "mds/../../receipt.json"
    (tmp_path / "source/receipt.json").write_text(json.dumps(receipt))
    with pytest.raises(UserError, match="FORMAT/FILE"):
        convert(str(tmp_path / "source"), "npy", str(tmp_path / "to"))


def test_a_writers_options_can_be_given(tmp_path):
    exported(tmp_path / "source", [Mds()], Documents())
    convert(str(tmp_path / "source"), "{use: nanoset, tokenizer: gpt2}", str(tmp_path / "to"))
    assert (tmp_path / "to/shards/nanoset/shard_00000.ds.metadata").read_text().startswith("gpt2|2\n")
    assert json.loads((tmp_path / "to/receipt.json").read_text())["formats"] == {"nanoset": {"tokenizer": "gpt2"}}
