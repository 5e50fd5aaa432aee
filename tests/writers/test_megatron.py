from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.document import show_id
from corpus.mixture.place import drawn_schema
from corpus.writers.megatron import Megatron, index_bytes, read_index

UINT16 = pa.uint16()


def drawn(tokens: list[list[int]], dtype: pa.DataType = UINT16) -> pa.Table:
    n = len(tokens)
    return pa.table({
        "order": pa.array(range(n), pa.uint64()), "id": [i.to_bytes(16, "big") for i in range(n)], "copy": [0] * n,
        "url": [f"http://x/{i}" for i in range(n)], "source": ["web"] * n, "cell": ["d01/web"] * n, "cluster_id": [1] * n,
        "token_count": [len(t) for t in tokens], "tokens": tokens,
    }, drawn_schema(dtype, text=False))


TOKENS = [[1, 2, 9], [9], [65535, 9], *[[i] * (i % 5) + [9] for i in range(200)]]


def test_the_index_is_the_bytes_of_the_format(tmp_path):
    files = Megatron().write(drawn([[1, 2, 9], [9]]), tmp_path, 7)
    assert files == ["shard_00007.bin", "shard_00007.idx", "shard_00007.docs.parquet"]
    assert (tmp_path / "shard_00007.bin").read_bytes() == struct.pack("<4H", 1, 2, 9, 9)
    expected = b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, 2, 3) + struct.pack("<2i", 3, 1)
    assert (tmp_path / "shard_00007.idx").read_bytes() == expected + struct.pack("<2q", 0, 6) + struct.pack("<3q", 0, 1, 2)


def test_a_large_vocabulary_is_int32(tmp_path):
    Megatron().write(drawn([[100_000, 9]], pa.uint32()), tmp_path, 0)
    assert (tmp_path / "shard_00000.bin").read_bytes() == struct.pack("<2i", 100_000, 9)
    assert read_index((tmp_path / "shard_00000.idx").read_bytes())[1] == np.dtype("<i4")


def test_the_sidecar_says_which_document_is_at_which_offset(tmp_path):
    rows = drawn(TOKENS)
    Megatron().write(rows, tmp_path, 0)
    sidecar = pq.read_table(tmp_path / "shard_00000.docs.parquet")
    assert sidecar.column_names == ["row", "id", "url", "source", "cell", "copy", "offset", "length"]
    ids = np.fromfile(tmp_path / "shard_00000.bin", "<u2")
    for row in sidecar.to_pylist():
        assert ids[row["offset"] : row["offset"] + row["length"]].tolist() == TOKENS[row["row"]]
        assert row["id"] == show_id(rows.column("id")[row["row"]].as_py())


@pytest.mark.parametrize("dtype", [pa.uint16(), pa.uint32()])
def test_what_was_written_is_read_back(tmp_path, dtype):
    rows = drawn(TOKENS, dtype)
    pieces = pa.concat_tables([rows.slice(0, 50), rows.slice(50)])
    found = Megatron().read_back(tmp_path, Megatron().write(pieces, tmp_path, 0))
    for name in ("id", "copy", "cell", "source", "token_count", "tokens"):
        assert found.column(name).to_pylist() == rows.column(name).to_pylist()


@pytest.mark.parametrize("dtype", [pa.uint16(), pa.uint32()])
def test_megatron_cores_own_reader_gives_the_same_tokens(tmp_path, dtype):
    pytest.importorskip("torch")
    indexed = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    Megatron().write(drawn(TOKENS, dtype), tmp_path, 0)
    assert indexed.IndexedDataset.exists(str(tmp_path / "shard_00000"))
    dataset = indexed.IndexedDataset(str(tmp_path / "shard_00000"))
    assert len(dataset) == len(TOKENS)
    assert [dataset[i].tolist() for i in range(len(dataset))] == TOKENS
    assert dataset.document_indices.tolist() == list(range(len(TOKENS) + 1))
    assert dataset.index.dtype == (np.uint16 if dtype == pa.uint16() else np.int32)


def test_datatroves_writer_makes_the_same_index(tmp_path):
    other = pytest.importorskip("datatrove.pipeline.tokens.megatron_tokenizer").MegatronTokenizedFile(str(tmp_path), "other")
    for tokens in TOKENS:
        other.write(tokens)
    other.close()
    Megatron().write(drawn(TOKENS), tmp_path, 0)
    for suffix in ("bin", "idx"):
        assert (tmp_path / f"shard_00000.{suffix}").read_bytes() == (tmp_path / f"other.{suffix}").read_bytes()


def test_a_shard_without_documents_is_empty_files(tmp_path):
    assert Megatron().read_back(tmp_path, Megatron().write(drawn([]), tmp_path, 0)).num_rows == 0


@pytest.mark.parametrize("damage, what", [
    (lambda b: b[:20], "no header"), (lambda b: b"X" + b[1:], "no header"), (lambda b: b[:-8], "does not fit"),
    (lambda b: b[:-8] + struct.pack("<q", 99), "do not follow")])
def test_a_damaged_index_is_told_from_a_good_one(damage, what):
    good = index_bytes(np.array([3, 1]), np.dtype("<u2"))
    assert read_index(good)[0].tolist() == [3, 1]
    with pytest.raises(ValueError, match=what):
        read_index(damage(good))


def test_a_bin_that_is_too_short_is_told(tmp_path):
    files = Megatron().write(drawn(TOKENS), tmp_path, 0)
    data = (tmp_path / files[0]).read_bytes()
    (tmp_path / files[0]).write_bytes(data[:-2])
    with pytest.raises(ValueError, match="the .bin has"):
        Megatron().read_back(tmp_path, files)
