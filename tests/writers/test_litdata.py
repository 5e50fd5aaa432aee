from __future__ import annotations

import json

import pytest
from drawn_rows import stream

from corpus.errors import ConfigError
from corpus.tokens.pack import Documents
from corpus.writers import litdata
from corpus.writers.litdata import LitData


def test_a_chunk_is_a_count_offsets_and_ids(tmp_path):
    LitData().write(stream([[5, 9], [9]]), tmp_path, 3)
    assert (tmp_path / "chunk-3-0.bin").read_bytes() == (
        b"\x02\0\0\0" + b"\x10\0\0\0" + b"\x14\0\0\0" + b"\x16\0\0\0" + b"\x05\0\x09\0\x09\0")


@pytest.mark.parametrize("dtype, code", [("<u2", 20), ("<u4", 15)])
def test_the_index_counts_tokens_and_names_the_type_by_torchs_number(tmp_path, dtype, code):
    told = [{"files": files, "extra": LitData().describe(tmp_path, files)}
            for files in (LitData().write(stream(tokens, dtype), tmp_path, i)
                          for i, tokens in enumerate(([[1, 9], [9]], [], [[9]])))]
    index = json.loads(LitData().finish(told)["index.json"])
    assert [(c["filename"], c["chunk_size"], c["dim"]) for c in index["chunks"]] == [
        ("chunk-0-0.bin", 2, 3), ("chunk-2-0.bin", 1, 1)]
    assert index["config"]["data_format"] == [f"no_header_tensor:{code}"]
    assert index["config"]["item_loader"] == "TokensLoader"


def test_a_shard_over_the_formats_limit_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(litdata, "LIMIT", 500)
    with pytest.raises(ConfigError, match="more shards"):
        LitData().write(stream([[9] * 500]), tmp_path, 0)
    assert not list(tmp_path.iterdir())


def test_ids_of_32_bits_are_refused():
    LitData().check({"vocab_size": 1 << 31}, Documents())
    with pytest.raises(ConfigError, match="31 bits"):
        LitData().check({"vocab_size": (1 << 31) + 1}, Documents())
