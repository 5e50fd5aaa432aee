"""What every token format has to do, whatever its files are."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from drawn_rows import many, stream

from corpus.operators import Writer
from corpus.tokens.pack import BestFit, Concatenate, Documents
from corpus.writers.climblab import ClimbLab
from corpus.writers.climbmix_jsonl import ClimbMixJsonl
from corpus.writers.datasets import Datasets
from corpus.writers.litdata import LitData
from corpus.writers.mds import Mds
from corpus.writers.nanoset import Nanoset
from corpus.writers.npy import Npy
from corpus.writers.stream import stream_digest

PACKED: list[Writer] = [Mds(), LitData(), Nanoset(), Npy(), Datasets()]
WRITERS = [*PACKED, ClimbLab(), ClimbMixJsonl()]
PACKS = [Documents(), Concatenate(64), Concatenate(64, "pad"), BestFit(64)]
CASES = [(w, p) for w in WRITERS for p in PACKS if w in PACKED or p == Documents()]
UNREADABLE = (OSError, ValueError, KeyError, EOFError, pa.ArrowException)


def label(value: object) -> str:
    return getattr(value, "name", str(value))


@pytest.mark.parametrize("dtype, high", [("<u2", 60_000), ("<u4", 200_000)])
@pytest.mark.parametrize("writer, pack", CASES, ids=label)
def test_what_is_read_back_is_the_stream_that_was_written(tmp_path, writer, pack, dtype, high):
    tokens, _ = many(50, high=high)
    written = stream(tokens, dtype, pack)
    files = writer.write(written, tmp_path, 7)
    found = writer.read_back(tmp_path, sorted(files)).column("tokens")
    assert stream_digest(found, dtype) == written.digest
    if pack == Documents():
        assert found.to_pylist() == tokens
    assert sorted(files) == sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.parametrize("pack", PACKS, ids=label)
@pytest.mark.parametrize("writer", [w for w in PACKED if w.takes_mask], ids=label)
def test_a_mask_is_read_back_beside_its_ids(tmp_path, writer, pack):
    tokens, masks = many(50)
    written = stream(tokens, "<u2", pack, masks=masks)
    found = writer.read_back(tmp_path, writer.write(written, tmp_path, 7))
    flat = [value for mask in found.column("loss_mask").to_pylist() for value in mask]
    assert flat == written.mask(0, len(written.lengths)).tolist()
    if pack == Documents():
        assert found.column("loss_mask").to_pylist() == masks


@pytest.mark.parametrize("writer", WRITERS, ids=label)
def test_the_same_stream_gives_the_same_bytes(tmp_path, writer):
    tokens, _ = many(30)
    held = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        held.append({name: (folder / name).read_bytes() for name in writer.write(stream(tokens), folder, 0)})
    assert held[0] == held[1]


@pytest.mark.parametrize("writer", WRITERS, ids=label)
def test_a_shard_without_documents_has_files_and_no_rows(tmp_path, writer):
    files = writer.write(stream([]), tmp_path, 0)
    assert files and writer.read_back(tmp_path, files).num_rows == 0


@pytest.mark.parametrize("writer", WRITERS, ids=label)
def test_documents_of_one_token_and_of_none_are_kept(tmp_path, writer):
    tokens = [[9], [], [1, 9], [9]]
    assert writer.read_back(tmp_path, writer.write(stream(tokens), tmp_path, 0)).column("tokens").to_pylist() == tokens


@pytest.mark.parametrize("writer", WRITERS, ids=label)
def test_a_file_that_was_cut_short_cannot_be_read_or_gives_another_stream(tmp_path, writer):
    tokens, _ = many(30)
    written = stream(tokens)
    files = writer.write(written, tmp_path, 0)
    for name in files:
        whole = (tmp_path / name).read_bytes()
        for kept in (0, 1, len(whole) // 2, len(whole) - 1):
            (tmp_path / name).write_bytes(whole[:kept])
            assert not _reads(writer, tmp_path, files, written.digest), f"{name} with {kept} of {len(whole)} bytes"
        (tmp_path / name).write_bytes(whole)
    assert _reads(writer, tmp_path, files, written.digest)


def _reads(writer: Writer, folder: Path, files: list[str], digest: str) -> bool:
    try:
        return stream_digest(writer.read_back(folder, files).column("tokens"), "<u2") == digest
    except UNREADABLE:
        return False
