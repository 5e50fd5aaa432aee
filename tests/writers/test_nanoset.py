from __future__ import annotations

import numpy as np
import pytest
from drawn_rows import stream

from corpus.errors import ConfigError
from corpus.tokens.pack import Concatenate
from corpus.writers.nanoset import Nanoset

TOKENS = [[1, 2, 9], [9], [3, 9]]


def test_ids_are_raw_and_the_index_says_where_documents_end(tmp_path):
    assert Nanoset("gpt2").write(stream(TOKENS), tmp_path, 0) == [
        "shard_00000.ds", "shard_00000.ds.index", "shard_00000.ds.metadata"]
    assert np.fromfile(tmp_path / "shard_00000.ds", "<u2").tolist() == [1, 2, 9, 9, 3, 9]
    assert np.fromfile(tmp_path / "shard_00000.ds.index", "<u8").tolist() == [3, 4, 6]
    assert (tmp_path / "shard_00000.ds.metadata").read_text() == "gpt2|2\n6\n6 T"


def test_of_packed_sequences_the_index_has_the_ends_of_documents_and_of_sequences(tmp_path):
    Nanoset().write(stream(TOKENS, "<u4", Concatenate(4, "pad")), tmp_path, 0)
    assert np.fromfile(tmp_path / "shard_00000.ds", "<u4").tolist() == [1, 2, 9, 9, 3, 9, 9, 9]
    assert np.fromfile(tmp_path / "shard_00000.ds.index", "<u8").tolist() == [3, 4, 6, 8]
    assert (tmp_path / "shard_00000.ds.metadata").read_text().splitlines()[3] == "sequence_length|4"


def test_a_mask_is_a_byte_a_token(tmp_path):
    Nanoset().write(stream(TOKENS, masks=[[0, 1, 1], [0], [1, 0]]), tmp_path, 0)
    assert (tmp_path / "shard_00000.ds.loss").read_bytes() == b"\0\1\1\0\1\0"


def test_a_tokenizers_name_that_would_break_the_line_is_refused():
    with pytest.raises(ConfigError, match="without"):
        Nanoset("a|b")
