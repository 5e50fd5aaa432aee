from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.document import show_id
from corpus.keys import digest_file
from corpus.mixture.place import drawn_schema
from corpus.writers.climbmix import ClimbMix

UINT16 = pa.uint16()


def drawn(n: int = 2500, dtype: pa.DataType = UINT16) -> pa.Table:
    tokens = [[i % 50000, 7, 50256][-(1 + i % 3):] for i in range(n)]
    return pa.table({
        "order": pa.array(range(n), pa.uint64()), "id": [i.to_bytes(16, "big") for i in range(n)],
        "copy": [i % 2 for i in range(n)],
        "url": [f"http://x/{i}" for i in range(n)], "source": ["web"] * n, "cell": ["d01/web"] * n,
        "cluster_id": [i % 20 if i % 5 else None for i in range(n)], "token_count": [len(t) for t in tokens],
        "tokens": tokens,
    }, drawn_schema(dtype, text=False))


def test_the_releases_columns_come_first_with_its_types(tmp_path):
    assert ClimbMix().write(drawn(), tmp_path, 3) == ["shard_00003.parquet"]
    schema = pq.read_schema(tmp_path / "shard_00003.parquet")
    assert schema.names == ["cluster_id", "tokens", "token_count", "id", "url", "source", "cell", "copy"]
    assert schema.field("cluster_id").type == pa.int64() and schema.field("token_count").type == pa.int64()
    assert pa.types.is_list(schema.field("tokens").type) and schema.field("tokens").type.value_type == pa.int32()


@pytest.mark.parametrize("dtype", [pa.uint16(), pa.uint32()])
def test_what_was_written_is_read_back(tmp_path, dtype):
    rows = drawn(dtype=dtype)
    found = ClimbMix().read_back(tmp_path, ClimbMix().write(rows, tmp_path, 0))
    for name in ("id", "copy", "cell", "source", "token_count", "tokens"):
        assert found.column(name).to_pylist() == rows.column(name).to_pylist()


def test_ids_are_spelled_for_people_and_row_groups_are_small(tmp_path):
    rows = drawn()
    ClimbMix().write(rows, tmp_path, 0)
    file = pq.ParquetFile(tmp_path / "shard_00000.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(3)] == [1024, 1024, 452]
    assert file.read(["id"]).column("id")[9].as_py() == show_id(rows.column("id")[9].as_py())


def test_the_same_rows_give_the_same_bytes(tmp_path):
    (tmp_path / "again").mkdir()
    ClimbMix().write(drawn(), tmp_path, 0)
    ClimbMix().write(pa.concat_tables([drawn().slice(0, 700), drawn().slice(700)]), tmp_path / "again", 0)
    assert digest_file(tmp_path / "shard_00000.parquet") == digest_file(tmp_path / "again/shard_00000.parquet")


def test_a_shard_without_documents_is_a_file_without_rows(tmp_path):
    assert ClimbMix().read_back(tmp_path, ClimbMix().write(drawn(0), tmp_path, 0)).num_rows == 0


@pytest.mark.slow
def test_hugging_face_datasets_reads_it(tmp_path):
    datasets = pytest.importorskip("datasets")
    ClimbMix().write(drawn(), tmp_path, 0)
    found = datasets.Dataset.from_parquet(str(tmp_path / "shard_00000.parquet"), cache_dir=str(tmp_path / "cache"))
    assert found["tokens"][:] == drawn().column("tokens").to_pylist()
    assert found["cluster_id"][:] == drawn().column("cluster_id").to_pylist()
