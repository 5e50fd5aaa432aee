"""The audit: what any file of a folder still holds of a text."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from corpus.removal.scan import Wanted, grams_of, runs_of, scan, without_runs

GONE = " ".join(f"word{i}" for i in range(25))
STAYS = " ".join(f"other{i}" for i in range(25))


IDS = np.arange(1, 26)                 # GONE, as a tokenizer of whole words has it


def decode(ids):
    return " ".join(f"word{i - 1}" for i in ids if i < 26)


def found(folder, tokens=True):
    wanted = Wanted(runs_of([GONE]), np.sort(grams_of(IDS)), decode) if tokens else Wanted(runs_of([GONE]))
    return [(h.path, h.where, h.runs) for h in scan(folder, wanted)]


def test_runs_are_of_the_matching_form_and_short_texts_have_none():
    assert len(runs_of([GONE])) == 6 and len(runs_of([GONE.upper().replace(" ", ", ")])) == 6
    assert np.array_equal(runs_of([GONE]), runs_of([f"“{GONE.upper()}”"])) and not len(runs_of(["too short", ""]))
    assert len(np.intersect1d(runs_of([GONE]), runs_of([STAYS]))) == 0


@pytest.mark.parametrize("data", [
    GONE.encode(), gzip.compress(GONE.encode()) + gzip.compress(b" tail"), zstandard.compress(GONE.encode()),
    json.dumps({"text": GONE.replace(" ", "\n")}).encode(), f"<p>{GONE.replace(' ', '</b> <b>')}</p>".encode(),
    b"\x00\xff" + GONE.encode() + b"\x80"])
def test_bytes_are_read_as_they_are_inflated_and_without_markup(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "b").write_text(STAYS)
    assert {path for path, _, runs in found(tmp_path) if runs == 6} == {"a"}


def test_runs_that_another_text_has_are_left_out_batch_by_batch():
    runs = runs_of([GONE, STAYS])
    assert np.array_equal(without_runs(runs, iter([STAYS.upper(), "short"])), runs_of([GONE]))
    assert len(without_runs(runs, [GONE, STAYS])) == 0 and np.array_equal(without_runs(runs, []), runs)


def test_grams_are_of_eight_ids_in_a_row_whatever_their_type():
    assert len(grams_of(IDS)) == 18 and len(grams_of(IDS[:7])) == 0
    assert np.array_equal(grams_of(IDS.astype("<u2"))[3:4], grams_of(IDS[3:11].astype("<u4")))
    assert len(np.unique(grams_of(np.r_[IDS, IDS[::-1]]))) == 43


def test_every_column_of_parquet_is_read_in_whatever_it_is_nested(tmp_path):
    table = pa.table({
        "text": [STAYS, GONE], "payload": pa.array([None, gzip.compress(GONE.encode())]), "list": [[], [STAYS, GONE]],
        "struct": [{"a": STAYS}, {"a": GONE}], "dictionary": pa.array([STAYS, GONE]).dictionary_encode(),
        "tokens": pa.array([[1], list(range(1, 26))], pa.large_list(pa.uint16())), "number": [1, 2]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=1)
    names = {where for _, where, runs in found(tmp_path) if runs == 6}
    assert names == {"text", "payload", "list", "struct", "dictionary", "tokens"}
    assert "tokens" not in {where for _, where, _ in found(tmp_path, tokens=False)}


@pytest.mark.parametrize(("dtype", "head"), [("<u2", 0), ("<u2", 3), ("<u4", 0), ("<u4", 5)])
def test_token_ids_are_found_at_any_offset_of_a_file(tmp_path, dtype, head):
    ids = np.array([99, *IDS, 99], dtype)
    (tmp_path / "a.bin").write_bytes(b"\xfe" * head + ids.tobytes())
    assert ("a.bin", f"ids of {ids.itemsize} bytes", 6) in found(tmp_path)
