"""Damage of any kind: no reader raises or hangs, every row is whole, and records that were not touched survive."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_files import frames, members, page, read, record, response
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import RAW
from corpus.sources.jsonl import JsonLines
from corpus.sources.parquet import ParquetRows
from corpus.sources.warc import Warc

RECORDS = [record(0), record(1, kind=b"request"), record(2),
           record(3, response(gzip.compress(page(3), mtime=0), b"Content-Encoding: gzip")), record(4), record(5)]
LINES = b"".join(json.dumps({"id": str(i), "url": f"http://example.org/{i}", "text": f"text {i} ä"}).encode() + b"\n"
                 for i in range(6))
PARQUET = io.BytesIO()
pq.write_table(pa.table({"id": list("abcdef"), "text": [f"text {i}" for i in range(6)]}), PARQUET, row_group_size=2,
               write_page_checksum=True)
FILES = {
    "plain": (Warc(), b"".join(RECORDS)), "gzip": (Warc(), b"".join(members(RECORDS))),
    "zstd": (Warc(), b"".join(frames(RECORDS))), "one member": (Warc(), gzip.compress(b"".join(RECORDS), mtime=0)),
    "jsonl": (JsonLines(id="id"), LINES), "jsonl.gz": (JsonLines(id="id"), gzip.compress(LINES, mtime=0)),
    "parquet": (ParquetRows(id="id"), PARQUET.getvalue()),
}
EDITS = st.lists(st.tuples(st.sampled_from(["flip", "cut", "insert", "delete"]), st.integers(0, 1 << 20),
                           st.binary(min_size=1, max_size=12)), min_size=1, max_size=4)


def damaged(data: bytes, edits) -> bytes:
    for how, where, what in edits:
        at = where % max(1, len(data))
        if how == "flip":
            data = data[:at] + bytes(a ^ b for a, b in zip(data[at : at + len(what)], what)) + data[at + len(what) :]
        elif how == "cut":
            data = data[:at]
        elif how == "insert":
            data = data[:at] + what + data[at:]
        else:
            data = data[:at] + data[at + len(what) * 5 :]
    return data


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=150, deadline=10_000)
@given(edits=EDITS)
def test_no_damage_makes_a_reader_raise(tmp_path_factory, name, edits):
    reader, data = FILES[name]
    path = _folder(tmp_path_factory) / "fuzzed"
    path.write_bytes(damaged(data, edits))
    rows = []
    for table in reader.read(str(path), "web"):
        assert table.schema.equals(RAW)
        table.validate(full=True)
        rows += table.to_pylist()
    assert len(rows) <= 40 and len({row["id"] for row in rows}) == len(rows)
    assert all((row["payload"] is None) == (row["problem"] is not None) for row in rows)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@settings(max_examples=150, deadline=10_000)
@given(where=st.integers(0, 1 << 20), what=st.binary(min_size=1, max_size=30))
def test_damage_inside_one_member_leaves_all_others(tmp_path_factory, name, where, what):
    parts = members(RECORDS) if name == "gzip" else frames(RECORDS)
    at = where % len(parts[2])
    parts[2] = damaged(parts[2], [("flip", at, what)])
    rows = read(Warc(), _folder(tmp_path_factory) / "fuzzed", b"".join(parts))
    good = {row["url"] for row in rows if row["problem"] is None}
    assert {f"http://example.org/{i}" for i in (0, 3, 4, 5)} <= good and len(rows) >= 4 + (what.strip(b"\0") != b"")


@settings(max_examples=60, deadline=10_000)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_survived(tmp_path_factory, data):
    for prefix in (b"", b"WARC/1.0\r\n", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"{"):
        for reader in (Warc(), JsonLines()):
            read(reader, _folder(tmp_path_factory) / "fuzzed", prefix + data)


_FOLDERS: list[Path] = []


def _folder(factory) -> Path:
    if not _FOLDERS:
        _FOLDERS.append(factory.mktemp("fuzz"))
    return _FOLDERS[0]
