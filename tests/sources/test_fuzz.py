"""Damage of any kind: no reader raises or hangs, every row is whole, and records that were not touched survive."""

import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from bad_files import arc_head, arc_record, frames, members, page, read, record, response, warc_dictionary
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import RAW
from corpus.errors import ConfigError
from corpus.sources.arc import Arc
from corpus.sources.jsonl import JsonLines
from corpus.sources.listing import check_source
from corpus.sources.parquet import ParquetRows
from corpus.sources.presets import Datatrove, Dolma
from corpus.sources.warc import Warc

RECORDS = [record(0), record(1, kind=b"request"), record(2),
           record(3, response(gzip.compress(page(3), mtime=0), b"Content-Encoding: gzip")), record(4), record(5)]
LINES = b"".join(json.dumps({"id": str(i), "url": f"http://example.org/{i}", "text": f"text {i} ä"}).encode() + b"\n"
                 for i in range(6))
PARQUET = io.BytesIO()
pq.write_table(pa.table({"id": list("abcdef"), "text": [f"text {i}" for i in range(6)]}), PARQUET, row_group_size=2,
               write_page_checksum=True)
ARC = [arc_head(), *(arc_record(i, version=1 + i % 2) for i in range(5))]
DICTIONARY = b"".join(RECORDS)
WITH_DICTIONARY = warc_dictionary(DICTIONARY, packed=True) + b"".join(
    zstandard.ZstdCompressor(dict_data=zstandard.ZstdCompressionDict(DICTIONARY), write_checksum=True).compress(r)
    for r in RECORDS)
DOCUMENTS = [{"id": str(i), "text": f"text {i}", "source": "s", "metadata": {"url": f"http://example.org/{i}", "n": [i]},
              "attributes": {"a": [[0, 1, 0.5]]}} for i in range(6)]
DOCUMENT_LINES = b"".join(json.dumps(d).encode() + b"\n" for d in DOCUMENTS)
NESTED = io.BytesIO()
pq.write_table(pa.Table.from_pylist(DOCUMENTS), NESTED, row_group_size=2, write_page_checksum=True)
FILES = {
    "arc": (Arc(), b"".join(ARC)), "arc.gz": (Arc(), b"".join(members(ARC))),
    "zstd dictionary": (Warc(), WITH_DICTIONARY),
    "small limit": (Warc(max_record_bytes=100), gzip.compress(b"".join(RECORDS), mtime=0)),
    "datatrove": (Datatrove(), DOCUMENT_LINES), "dolma": (Dolma(), zstandard.compress(DOCUMENT_LINES)),
    "datatrove parquet": (Datatrove(), NESTED.getvalue()),
    "plain": (Warc(), b"".join(RECORDS)), "gzip": (Warc(), b"".join(members(RECORDS))),
    "zstd": (Warc(), b"".join(frames(RECORDS))), "one member": (Warc(), gzip.compress(b"".join(RECORDS), mtime=0)),
    "jsonl": (JsonLines(id="id"), LINES), "jsonl.gz": (JsonLines(id="id"), gzip.compress(LINES, mtime=0)),
    "parquet": (ParquetRows(id="id"), PARQUET.getvalue()),
}
EDITS = st.lists(st.tuples(st.sampled_from(["flip", "cut", "insert", "delete", "splice", "repeat"]), st.integers(0, 1 << 20),
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
        elif how in ("splice", "repeat"):
            span = data[at : at + 40 * what[0]]
            data = data[: at + len(span)] + span + data[at + len(span) :] if how == "repeat" else span + data
        else:
            data = data[:at] + data[at + len(what) * 5 :]
    return data


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=80, deadline=10_000)
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
    try:
        check_source(reader, [str(path)], "sources[0]")
    except ConfigError:
        pass    # what is left may well have no column of that name
    assert len(rows) <= 60 + path.stat().st_size and len({row["id"] for row in rows}) == len(rows)
    assert all((row["payload"] is None) == (row["problem"] is not None) for row in rows)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@settings(max_examples=80, deadline=10_000)
@given(where=st.integers(0, 1 << 20), what=st.binary(min_size=1, max_size=30))
def test_damage_inside_one_member_leaves_all_others(tmp_path_factory, name, where, what):
    parts = members(RECORDS) if name == "gzip" else frames(RECORDS)
    at = where % len(parts[2])
    parts[2] = damaged(parts[2], [("flip", at, what)])
    rows = read(Warc(), _folder(tmp_path_factory) / "fuzzed", b"".join(parts))
    good = {row["url"] for row in rows if row["problem"] is None}
    assert {f"http://example.org/{i}" for i in (0, 3, 4, 5)} <= good and len(rows) >= 4 + (what.strip(b"\0") != b"")


@settings(max_examples=80, deadline=10_000)
@given(where=st.integers(0, 1 << 20), what=st.binary(min_size=1, max_size=30), cut=st.booleans())
def test_damage_inside_one_member_of_an_arc_file_leaves_all_others(tmp_path_factory, where, what, cut):
    parts = members(ARC)
    at = where % len(parts[2])
    parts[2] = parts[2][:at] if cut else damaged(parts[2], [("flip", at, what)])
    rows = read(Arc(), _folder(tmp_path_factory) / "fuzzed", b"".join(parts))
    good = {row["url"] for row in rows if row["problem"] is None}
    assert {f"http://example.org/{i}" for i in (0, 2, 3, 4)} <= good
    assert len(rows) == 5 or cut and at == 0 or not cut and not what.strip(b"\0")


@settings(max_examples=60, deadline=10_000)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_survived(tmp_path_factory, data):
    for prefix in (b"", b"WARC/1.0\r\n", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"{"):
        for reader in (Warc(), Arc(), JsonLines(), Dolma()):
            read(reader, _folder(tmp_path_factory) / "fuzzed", prefix + data)


_FOLDERS: list[Path] = []


def _folder(factory) -> Path:
    if not _FOLDERS:
        _FOLDERS.append(factory.mktemp("fuzz"))
    return _FOLDERS[0]
