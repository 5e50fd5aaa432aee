from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pytest

from corpus.tokens.pack import Concatenate, Pack
from corpus.writers.megatron import Megatron, index_bytes, read_index
from corpus.writers.stream import Stream


def write(tokens: list[list[int]], folder, shard: int = 0, dtype: str = "<u2", pack: Pack | None = None) -> list[str]:
    rows = pa.table({"tokens": pa.array(tokens, pa.large_list(pa.uint32()))})
    return Megatron().write(Stream.of_table(rows, dtype, pack), folder, shard)


TOKENS = [[1, 2, 9], [9], [65535, 9], *[[i] * (i % 5) + [9] for i in range(200)]]


def test_the_index_is_the_bytes_of_the_format(tmp_path):
    assert write([[1, 2, 9], [9]], tmp_path, 7) == ["shard_00007.bin", "shard_00007.idx"]
    assert (tmp_path / "shard_00007.bin").read_bytes() == struct.pack("<4H", 1, 2, 9, 9)
    expected = b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, 8, 2, 3) + struct.pack("<2i", 3, 1)
    assert (tmp_path / "shard_00007.idx").read_bytes() == expected + struct.pack("<2q", 0, 6) + struct.pack("<3q", 0, 1, 2)


def test_a_large_vocabulary_is_int32(tmp_path):
    write([[100_000, 9]], tmp_path, dtype="<u4")
    assert (tmp_path / "shard_00000.bin").read_bytes() == struct.pack("<2i", 100_000, 9)
    assert read_index((tmp_path / "shard_00000.idx").read_bytes())[1] == np.dtype("<i4")


def test_packed_sequences_are_its_documents(tmp_path):
    files = write(TOKENS, tmp_path, pack=Concatenate(16))
    flat = [t for tokens in TOKENS for t in tokens]
    read = Megatron().read_back(tmp_path, files).column("tokens").to_pylist()
    assert read == [flat[i : i + 16] for i in range(0, len(flat) // 16 * 16, 16)]


@pytest.mark.parametrize("dtype", ["<u2", "<u4"])
def test_what_was_written_is_read_back(tmp_path, dtype):
    assert Megatron().read_back(tmp_path, write(TOKENS, tmp_path, dtype=dtype)).column("tokens").to_pylist() == TOKENS


@pytest.mark.parametrize("dtype", ["<u2", "<u4"])
def test_megatron_cores_own_reader_gives_the_same_tokens(tmp_path, dtype):
    pytest.importorskip("torch")
    indexed = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    write(TOKENS, tmp_path, dtype=dtype)
    assert indexed.IndexedDataset.exists(str(tmp_path / "shard_00000"))
    dataset = indexed.IndexedDataset(str(tmp_path / "shard_00000"))
    assert len(dataset) == len(TOKENS)
    assert [dataset[i].tolist() for i in range(len(dataset))] == TOKENS
    assert dataset.document_indices.tolist() == list(range(len(TOKENS) + 1))
    assert dataset.index.dtype == (np.uint16 if dtype == "<u2" else np.int32)


def test_datatroves_writer_makes_the_same_index(tmp_path):
    other = pytest.importorskip("datatrove.pipeline.tokens.megatron_tokenizer").MegatronTokenizedFile(str(tmp_path), "other")
    for tokens in TOKENS:
        other.write(tokens)
    other.close()
    write(TOKENS, tmp_path)
    for suffix in ("bin", "idx"):
        assert (tmp_path / f"shard_00000.{suffix}").read_bytes() == (tmp_path / f"other.{suffix}").read_bytes()


def test_a_shard_without_documents_is_empty_files(tmp_path):
    assert Megatron().read_back(tmp_path, write([], tmp_path)).num_rows == 0


@pytest.mark.parametrize("damage, what", [
    (lambda b: b[:20], "no header"), (lambda b: b"X" + b[1:], "no header"), (lambda b: b[:-8], "does not fit"),
    (lambda b: b[:-8] + struct.pack("<q", 99), "do not follow")])
def test_a_damaged_index_is_told_from_a_good_one(damage, what):
    good = index_bytes(np.array([3, 1]), np.dtype("<u2"))
    assert read_index(good)[0].tolist() == [3, 1]
    with pytest.raises(ValueError, match=what):
        read_index(damage(good))


def test_a_bin_that_is_too_short_is_told(tmp_path):
    files = write(TOKENS, tmp_path)
    data = (tmp_path / files[0]).read_bytes()
    (tmp_path / files[0]).write_bytes(data[:-2])
    with pytest.raises(ValueError, match="the .bin has"):
        Megatron().read_back(tmp_path, files)
