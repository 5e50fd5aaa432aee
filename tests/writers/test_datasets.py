from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_rows import stream

from corpus.errors import ConfigError
from corpus.tokens.pack import Concatenate, Documents
from corpus.writers.datasets import Datasets

TOKENS = [[1, 2, 9], [9]]


def test_documents_have_input_ids_of_int32_and_where_they_came_from(tmp_path):
    Datasets().write(stream(TOKENS), tmp_path, 0)
    table = pq.read_table(tmp_path / "shard_00000.parquet")
    assert table.column_names == ["input_ids", "id", "source", "cell"]
    assert table.schema.field("input_ids").type.value_type == pa.int32()
    assert table.column("input_ids").to_pylist() == TOKENS


def test_where_the_mask_is_zero_the_label_is_ignored(tmp_path):
    Datasets().write(stream(TOKENS, masks=[[0, 1, 1], [0]]), tmp_path, 0)
    assert pq.read_table(tmp_path / "shard_00000.parquet").column("labels").to_pylist() == [[-100, 2, 9], [-100]]


def test_packed_sequences_have_ids_alone(tmp_path):
    Datasets().write(stream(TOKENS, "<u4", Concatenate(2)), tmp_path, 0)
    table = pq.read_table(tmp_path / "shard_00000.parquet")
    assert table.column_names == ["input_ids"] and table.column("input_ids").to_pylist() == [[1, 2], [9, 9]]


def test_a_label_that_is_neither_its_id_nor_ignored_is_damage(tmp_path):
    table = pa.table({"input_ids": [[1, 2]], "labels": [[1, 3]]},
                     pa.schema([("input_ids", pa.list_(pa.int32())), ("labels", pa.list_(pa.int32()))]))
    pq.write_table(table, tmp_path / "shard_00000.parquet")
    with pytest.raises(ValueError, match="label"):
        Datasets().read_back(tmp_path, ["shard_00000.parquet"])


def test_ids_of_32_bits_are_refused():
    with pytest.raises(ConfigError, match="31 bits"):
        Datasets().check({"vocab_size": (1 << 31) + 1}, Documents())
