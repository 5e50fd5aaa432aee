from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.writers.nanochat import Nanochat

TEXTS = [f"text {i} <|endoftext|> été" for i in range(2500)]


def rows_of(texts: list[str]) -> pa.Table:
    return pa.table({"id": pa.array([b"0" * 16] * len(texts), pa.binary(16)), "text": pa.array(texts, pa.large_string())})


def test_a_shard_is_texts_in_order(tmp_path):
    assert Nanochat().write(rows_of(TEXTS), tmp_path, 12) == ["shard_00012.parquet"]
    assert Nanochat().read_back(tmp_path, ["shard_00012.parquet"]).column("text").to_pylist() == TEXTS


def test_the_file_keeps_nanochats_contract(tmp_path):
    Nanochat().write(rows_of(TEXTS), tmp_path, 0)
    file = pq.ParquetFile(tmp_path / "shard_00000.parquet")
    assert file.schema_arrow == pa.schema([("text", pa.string())])
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [1024, 1024, 452]
    for i in range(file.num_row_groups):
        column = file.metadata.row_group(i).column(0)
        assert column.compression == "ZSTD"
        assert column.statistics is None
        assert not any("DICTIONARY" in encoding for encoding in column.encodings)


def test_ranks_that_stride_over_row_groups_see_every_text_once(tmp_path):
    Nanochat().write(rows_of(TEXTS), tmp_path, 0)
    file = pq.ParquetFile(tmp_path / "shard_00000.parquet")
    groups = [i for rank in range(2) for i in range(rank, file.num_row_groups, 2)]
    seen = [text for i in groups for text in file.read_row_group(i).column("text").to_pylist()]
    assert sorted(seen) == sorted(TEXTS)


def test_a_shard_without_documents_is_a_file_without_rows(tmp_path):
    assert Nanochat().read_back(tmp_path, Nanochat().write(rows_of([]), tmp_path, 0)).num_rows == 0
