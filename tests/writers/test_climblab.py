from __future__ import annotations

import os
import resource

import pyarrow.parquet as pq
import pytest
from drawn_rows import stream

from corpus.document import show_id
from corpus.errors import ConfigError
from corpus.tokens.pack import Concatenate
from corpus.writers.climblab import ClimbLab

TOKENS = [[1, 9], [2, 9], [3, 3, 9], [9]]


def test_every_cluster_is_a_folder_and_the_release_s_columns_come_first(tmp_path):
    files = ClimbLab().write(stream(TOKENS, clusters=[4, 12, None, 4]), tmp_path, 7)
    assert sorted(files) == ["cluster_12/cluster_12_007.tokenized.parquet", "cluster_4/cluster_4_007.tokenized.parquet",
                             "cluster_none/cluster_none_007.tokenized.parquet"]
    table = pq.read_table(tmp_path / "cluster_4/cluster_4_007.tokenized.parquet", partitioning=None)
    assert table.column_names == ["tokens", "token_count", "id", "url", "source", "style", "row"]
    assert table.select(["tokens", "token_count", "row", "style"]).to_pylist() == [
        {"tokens": [1, 9], "token_count": 2, "row": 0, "style": None},
        {"tokens": [9], "token_count": 1, "row": 3, "style": "qa"}]


def test_the_clusters_together_give_the_drawn_order_back(tmp_path):
    found = ClimbLab().read_back(tmp_path, ClimbLab().write(stream(TOKENS, clusters=[4, 12, None, 4]), tmp_path, 0))
    assert found.column("tokens").to_pylist() == TOKENS
    assert found.column("id").to_pylist() == [show_id(bytes([i] * 16)) for i in range(4)]


def test_more_clusters_than_files_may_be_open_at_first(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 80, hard))
    try:
        tokens = [[i, 9] for i in range(200)]
        files = ClimbLab().write(stream(tokens, clusters=list(range(200))), tmp_path, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert ClimbLab().read_back(tmp_path, files).column("tokens").to_pylist() == tokens


def test_a_clusters_file_that_is_missing_is_noticed(tmp_path):
    files = ClimbLab().write(stream(TOKENS, clusters=[4, 12, None, 4]), tmp_path, 0)
    with pytest.raises(ValueError, match="each row"):
        ClimbLab().read_back(tmp_path, files[1:])


def test_packing_is_refused():
    with pytest.raises(ConfigError, match="documents"):
        ClimbLab().check({"vocab_size": 9}, Concatenate(4))
