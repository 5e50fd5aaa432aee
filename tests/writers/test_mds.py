from __future__ import annotations

import json

import pytest
from drawn_rows import stream

from corpus.document import show_id
from corpus.errors import ConfigError
from corpus.tokens.pack import Concatenate
from corpus.writers import mds
from corpus.writers.mds import Mds


def test_a_sample_is_sizes_then_id_then_the_array_with_its_shape(tmp_path):
    Mds().write(stream([[5, 9]]), tmp_path, 3)
    data = (tmp_path / "shard_00003.mds").read_bytes()
    sample = b"\x1a\0\0\0" + b"\x06\0\0\0" + show_id(bytes(16)).encode() + b"\x04\x02" + b"\x05\0\x09\0"
    assert data.endswith(sample) and data[:4] == b"\x01\0\0\0"
    start, end = (int.from_bytes(data[i : i + 4], "little") for i in (4, 8))
    assert (end - start, end) == (len(sample), len(data))
    config = json.loads(data[12:start])
    assert config["column_names"] == ["id", "tokens"] and config["column_encodings"] == ["str", "ndarray:uint16"]


@pytest.mark.parametrize("length, head", [(255, b"\x04\xff"), (256, b"\x05\0\x01"), (65536, b"\x06\0\0\x01\0")])
def test_a_length_takes_one_two_or_four_bytes(tmp_path, length, head):
    Mds().write(stream([[7] * length], "<u4"), tmp_path, 0)
    assert (tmp_path / "shard_00000.mds").read_bytes()[-4 * length - len(head) : -4 * length] == head


def test_packed_sequences_have_no_id(tmp_path):
    files = Mds().write(stream([[1, 2, 9], [9]], "<u4", Concatenate(2)), tmp_path, 0)
    config = Mds().describe(tmp_path, files)["config"]
    assert (config["column_names"], config["column_encodings"]) == (["tokens"], ["ndarray:uint32"])


def test_the_index_names_every_file_with_its_samples(tmp_path):
    told = []
    for shard, tokens in ((0, [[1, 9], [9]]), (2, [[9]])):
        files = Mds().write(stream(tokens), tmp_path, shard)
        told.append({"shard": shard, "sequences": len(tokens), "files": files, "extra": Mds().describe(tmp_path, files)})
    index = json.loads(Mds().finish(told)["index.json"])
    assert [(s["raw_data"]["basename"], s["samples"]) for s in index["shards"]] == [
        ("shard_00000.mds", 2), ("shard_00002.mds", 1)]
    assert all((tmp_path / s["raw_data"]["basename"]).stat().st_size == s["raw_data"]["bytes"] for s in index["shards"])


def test_a_shard_over_the_formats_limit_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(mds, "LIMIT", 1000)
    with pytest.raises(ConfigError, match="more shards"):
        Mds().write(stream([[9] * 500]), tmp_path, 0)
    assert not list(tmp_path.iterdir())
