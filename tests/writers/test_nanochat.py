from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.tokens.pack import Documents
from corpus.writers.nanochat import Nanochat
from corpus.writers.stream import Stream

TEXTS = [f"text {i} <|endoftext|> été" for i in range(2500)]


def write(texts: list[str], folder, shard: int = 0) -> list[str]:
    rows = pa.table({"id": pa.array([b"0" * 16] * len(texts), pa.binary(16)), "text": pa.array(texts, pa.large_string())})
    return Nanochat().write(Stream(rows, Documents().plan([1] * len(texts)), "<u2", None), folder, shard)


def test_a_shard_is_texts_in_order(tmp_path):
    assert write(TEXTS, tmp_path, 12) == ["shard_00012.parquet"]
    assert Nanochat().read_back(tmp_path, ["shard_00012.parquet"]).column("text").to_pylist() == TEXTS


def test_the_file_keeps_nanochats_contract(tmp_path):
    write(TEXTS, tmp_path)
    file = pq.ParquetFile(tmp_path / "shard_00000.parquet")
    assert file.schema_arrow == pa.schema([("text", pa.string())])
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [1024, 1024, 452]
    for i in range(file.num_row_groups):
        column = file.metadata.row_group(i).column(0)
        assert column.compression == "ZSTD"
        assert column.statistics is None
        assert not any("DICTIONARY" in encoding for encoding in column.encodings)


def test_ranks_that_stride_over_row_groups_see_every_text_once(tmp_path):
    write(TEXTS, tmp_path)
    file = pq.ParquetFile(tmp_path / "shard_00000.parquet")
    groups = [i for rank in range(2) for i in range(rank, file.num_row_groups, 2)]
    seen = [text for i in groups for text in file.read_row_group(i).column("text").to_pylist()]
    assert sorted(seen) == sorted(TEXTS)


def test_a_shard_without_documents_is_a_file_without_rows(tmp_path):
    assert Nanochat().read_back(tmp_path, write([], tmp_path)).num_rows == 0


def test_held_out_texts_are_the_file_that_sorts_last(tmp_path):
    write(TEXTS, tmp_path, 3)
    tables = (pa.table({"text": TEXTS[i : i + 700]}) for i in range(0, 2500, 700))
    assert Nanochat().write_validation(tables, tmp_path, 4) == ["shard_00004.parquet"]
    file = pq.ParquetFile(tmp_path / "shard_00004.parquet")
    assert file.read().column("text").to_pylist() == TEXTS
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [1024, 1024, 452]
    assert sorted(p.name for p in tmp_path.iterdir())[-1] == "shard_00004.parquet"
