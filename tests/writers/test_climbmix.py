from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.document import show_id
from corpus.errors import ConfigError
from corpus.keys import digest_file
from corpus.mixture.place import DRAWN
from corpus.tokens.pack import Concatenate, Documents
from corpus.writers.climbmix import ClimbMix
from corpus.writers.stream import Stream


def drawn(n: int = 2500) -> pa.Table:
    tokens = [[i % 50000, 7, 50256][-(1 + i % 3):] for i in range(n)]
    return pa.table({
        "order": pa.array(range(n), pa.uint64()), "id": [i.to_bytes(16, "big") for i in range(n)],
        "copy": [i % 2 for i in range(n)], "phase": [0] * n,
        "url": [f"http://x/{i}" for i in range(n)], "source": ["web"] * n, "cell": ["d01/web"] * n,
        "style": ["qa" if i % 7 == 0 else None for i in range(n)],
        "cluster_id": [i % 20 if i % 5 else None for i in range(n)],
        "token_count": [len(t) for t in tokens], "token_hash": [0] * n,
        "tokens": tokens,
    }, DRAWN.append(pa.field("tokens", pa.large_list(pa.uint16()))))


def write(rows: pa.Table, folder, shard: int = 0, dtype: str = "<u2") -> list[str]:
    return ClimbMix().write(Stream.of_table(rows, dtype), folder, shard)


def test_the_releases_columns_come_first_with_its_types(tmp_path):
    assert write(drawn(), tmp_path, 3) == ["shard_00003.parquet"]
    schema = pq.read_schema(tmp_path / "shard_00003.parquet")
    assert schema.names == ["cluster_id", "tokens", "token_count", "id", "url", "source", "cell", "copy",
                            "style"]
    assert schema.field("cluster_id").type == pa.int64() and schema.field("token_count").type == pa.int64()
    assert pa.types.is_list(schema.field("tokens").type) and schema.field("tokens").type.value_type == pa.int32()


@pytest.mark.parametrize("dtype", ["<u2", "<u4"])
def test_what_was_written_is_read_back(tmp_path, dtype):
    rows = drawn()
    found = ClimbMix().read_back(tmp_path, write(rows, tmp_path, dtype=dtype))
    for name in ("copy", "cell", "source", "token_count", "tokens"):
        assert found.column(name).to_pylist() == rows.column(name).to_pylist()
    assert found.column("id").to_pylist() == [show_id(i) for i in rows.column("id").to_pylist()]
    assert pq.read_table(tmp_path / "shard_00000.parquet").column("style").to_pylist() == rows.column("style").to_pylist()


def test_ids_are_spelled_for_people_and_row_groups_are_small(tmp_path):
    rows = drawn()
    write(rows, tmp_path)
    file = pq.ParquetFile(tmp_path / "shard_00000.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(3)] == [1024, 1024, 452]
    assert file.read(["id"]).column("id")[9].as_py() == show_id(rows.column("id")[9].as_py())


def test_the_same_rows_give_the_same_bytes(tmp_path):
    (tmp_path / "again").mkdir()
    write(drawn(), tmp_path)
    write(pa.concat_tables([drawn().slice(0, 700), drawn().slice(700)]), tmp_path / "again")
    assert digest_file(tmp_path / "shard_00000.parquet") == digest_file(tmp_path / "again/shard_00000.parquet")


def test_a_shard_without_documents_is_a_file_without_rows(tmp_path):
    assert ClimbMix().read_back(tmp_path, write(drawn(0), tmp_path)).num_rows == 0


def test_how_much_is_gathered_at_once_changes_no_byte(tmp_path, monkeypatch):
    (tmp_path / "again").mkdir()
    write(drawn(), tmp_path)
    monkeypatch.setattr(Stream.batches, "__defaults__", (100,))
    write(drawn(), tmp_path / "again")
    assert digest_file(tmp_path / "shard_00000.parquet") == digest_file(tmp_path / "again/shard_00000.parquet")


def test_packed_sequences_are_refused():
    ClimbMix().check({}, Documents())
    with pytest.raises(ConfigError, match="whole documents, and pack makes sequences by concatenate"):
        ClimbMix().check({}, Concatenate(2048))


@pytest.mark.slow
def test_hugging_face_datasets_reads_it(tmp_path):
    datasets = pytest.importorskip("datasets")
    write(drawn(), tmp_path)
    found = datasets.Dataset.from_parquet(str(tmp_path / "shard_00000.parquet"), cache_dir=str(tmp_path / "cache"))
    assert found["tokens"][:] == drawn().column("tokens").to_pylist()
    assert found["cluster_id"][:] == drawn().column("cluster_id").to_pylist()
