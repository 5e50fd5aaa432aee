from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpus.errors import Mismatch
from corpus.store import Store
from corpus.writers import gather
from corpus.writers.gather import Held, opened


def folder_of(store: Store, ids: np.ndarray):
    with store.new_folder() as folder:
        ids.tofile(folder / "ids.bin")
        return store.write_folder("ids", folder, {"dtype": ids.dtype.name, "tokens": len(ids)}, take=True)


def pieces_of(rng: np.random.Generator, sizes: list[int], n: int):
    """Random pieces: (file, start, begin, length) int64."""
    file = rng.integers(0, len(sizes), n)
    room = np.array(sizes)[file]
    start = rng.integers(0, room)
    length = np.minimum(rng.integers(0, 90, n), room - start)
    begin = rng.integers(0, length + 1)
    return file, start, begin, length - begin


@pytest.mark.parametrize("url", ["local", "memory"])
@pytest.mark.parametrize("dtype", ["<u2", "<u4"])
def test_pieces_come_to_their_places_from_any_file_in_any_order(tmp_path, url, dtype):
    store = Store(str(tmp_path) if url == "local" else f"memory://{tmp_path.name}{dtype}").prepare()
    rng, sizes = np.random.default_rng(0), [1000, 5, 70_000]
    files = [rng.integers(0, 60_000, size).astype(dtype) for size in sizes]
    folders = [folder_of(store, ids) for ids in files]
    file, start, begin, length = pieces_of(rng, sizes, 500)
    where = pa.table({"file": np.array([folders[f].number for f in file], np.uint64), "start": start})
    rows = rng.permutation(500)
    at = np.cumsum(length[rows]) - length[rows]
    out = np.zeros(int(length.sum()) + 3, dtype)
    with opened(store, folders, where, np.dtype(dtype)) as ids:
        ids.gather(rows, begin[rows], length[rows], at, out)
    expected = [files[file[r]][start[r] + begin[r] :][: length[r]] for r in rows]
    assert out[:-3].tolist() == np.concatenate(expected).tolist() and out[-3:].tolist() == [0, 0, 0]


def test_more_files_than_may_be_open_are_read_some_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(gather, "allowed_files", lambda wanted: 2)
    store = Store(str(tmp_path)).prepare()
    files = [(np.arange(10) + 100 * i).astype("<u2") for i in range(7)]
    folders = [folder_of(store, ids) for ids in files]
    order = [6, 0, 3, 3, 1, 5, 2, 4]
    where = pa.table({"file": np.array([folders[i].number for i in order], np.uint64), "start": [2] * 8})
    out, rows = np.zeros(24, "<u2"), np.arange(8)
    with opened(store, folders, where, np.dtype("<u2")) as ids:
        ids.gather(rows, np.zeros(8, np.int64), np.full(8, 3), rows * 3, out)
        assert not ids.opened
    assert out.tolist() == [100 * i + k for i in order for k in (2, 3, 4)]


@pytest.mark.parametrize("url", ["local", "memory"])
def test_a_piece_outside_of_its_file_is_refused(tmp_path, url):
    store = Store(str(tmp_path) if url == "local" else f"memory://{tmp_path.name}").prepare()
    folder = folder_of(store, np.arange(10).astype("<u2"))
    where = pa.table({"file": pa.array([folder.number], pa.uint64()), "start": [4]})
    one = np.zeros(1, np.int64)
    with opened(store, [folder], where, np.dtype("<u2")) as ids, pytest.raises(Mismatch, match="outside of their file"):
        ids.gather(one, one, np.array([7]), one, np.zeros(7, "<u2"))


def test_a_file_that_was_cut_short_is_told_from_a_whole_one(tmp_path):
    store = Store(str(tmp_path)).prepare()
    folder = folder_of(store, np.arange(10).astype("<u2"))
    path = Path(store.full(f"{folder.path}/ids.bin"))
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[:10])
    where = pa.table({"file": pa.array([folder.number], pa.uint64()), "start": [0]})
    one = np.zeros(1, np.int64)
    with opened(store, [folder], where, np.dtype("<u2")) as ids, pytest.raises(Mismatch):
        ids.gather(one, one, np.array([10]), one, np.zeros(10, "<u2"))


def test_a_file_that_is_not_an_input_or_of_another_type_is_refused(tmp_path):
    store = Store(str(tmp_path)).prepare()
    folder = folder_of(store, np.arange(10).astype("<u2"))
    where = pa.table({"file": pa.array([1], pa.uint64()), "start": [0]})
    with pytest.raises(Mismatch, match="1 files of token ids are not among the inputs"), \
            opened(store, [folder], where, np.dtype("<u2")):
        pass
    where = pa.table({"file": pa.array([folder.number], pa.uint64()), "start": [0]})
    with pytest.raises(Mismatch, match="are not uint32"), opened(store, [folder], where, np.dtype("<u4")):
        pass


def test_a_buffer_of_another_type_or_too_small_is_refused():
    held, zero = Held(np.arange(10).astype("<u2"), np.zeros(1, np.int64)), np.zeros(1, np.int64)
    with pytest.raises(ValueError, match="a buffer of uint32"):
        held.gather(zero, zero, np.array([2]), zero, np.zeros(2, "<u4"))
    with pytest.raises(Mismatch):
        held.gather(zero, zero, np.array([3]), zero, np.zeros(2, "<u2"))
