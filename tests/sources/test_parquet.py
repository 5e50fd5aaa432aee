import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_files import flipped, read

from corpus.document import record_id
from corpus.errors import ConfigError
from corpus.sources.listing import check_source
from corpus.sources.parquet import ParquetRows

TABLE = pa.table({
    "id": ["a", "b", "c", "d"], "text": ["one", None, " ", "four"], "url": ["http://example.org/1", None, None, None],
    "date": pa.array([datetime.date(2024, 5, 18)] * 4), "n": [1, 2, 3, 4]})


def write(path, table=TABLE, **options):
    pq.write_table(table, path, **options)
    return path


def test_rows_are_records_with_their_numbers(tmp_path):
    rows = read(ParquetRows(id="id"), write(tmp_path / "a.parquet", row_group_size=2))
    assert [(r["payload"], r["problem"], r["offset"]) for r in rows] == [
        (b"one", None, 0), (None, "no_text", 1), (None, "empty_text", 2), (b"four", None, 3)]
    assert rows[0]["id"] == record_id("web", b"a") and rows[0]["date"] == "2024-05-18"
    assert rows[0]["url"] == "http://example.org/1" and rows[0]["kind"] == "text"


def test_numbers_and_dictionaries_will_do_as_ids_and_texts(tmp_path):
    table = TABLE.set_column(1, "text", TABLE.column("text").dictionary_encode())
    rows = read(ParquetRows(id="n"), write(tmp_path / "a.parquet", table))
    assert rows[3]["payload"] == b"four" and rows[3]["id"] == record_id("web", b"4")


def test_text_that_is_not_utf8_is_made_valid(tmp_path):
    broken = pa.array([b"caf\xe9", b"\xed\xa0\x80", b"good"], pa.binary())
    rows = read(ParquetRows(), write(tmp_path / "a.parquet", pa.table({"text": broken})))
    assert [r["payload"].decode() for r in rows] == ["caf\ufffd", "\ufffd\ufffd\ufffd", "good"]


def test_a_large_text_is_named_and_tables_stay_small(tmp_path):
    path = write(tmp_path / "a.parquet", pa.table({"text": ["x" * 3000, "y", "z" * 900] * 2}))
    assert [r["problem"] for r in read(ParquetRows(max_record_bytes=1000), path)] == ["record_too_large", None, None] * 2
    assert [t.num_rows for t in ParquetRows(rows=4).read(str(path), "web")] == [4, 2]


def test_a_missing_column_is_found_before_work_starts(tmp_path):
    path = str(write(tmp_path / "a.parquet", TABLE.rename_columns(["id", "texts", "url", "date", "n"])))
    with pytest.raises(ConfigError, match=r"sources\[0\].text: .* has no column 'text'; expected 'texts'"):
        check_source(ParquetRows(), [path], "sources[0]")
    with pytest.raises(ConfigError, match="is int64; expected a column of strings: id, texts, url"):
        check_source(ParquetRows(text="n"), [path], "sources[0]")
    check_source(ParquetRows(text="texts"), [path], "sources[0]")


def test_a_damaged_file_is_one_row_and_no_error(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 not really")
    check_source(ParquetRows(), [str(path)], "sources[0]")
    assert [r["problem"] for r in read(ParquetRows(), path)] == ["not_parquet"]
    assert [r["problem"] for r in read(ParquetRows(), path, b"")] == ["not_parquet"]


def test_a_damaged_row_group_is_one_row_and_the_next_is_read(tmp_path):
    path = tmp_path / "a.parquet"
    table = pa.table({"text": [f"text number {i} " * 50 for i in range(300)]})
    write(path, table, row_group_size=100, compression="zstd", use_dictionary=False, write_page_checksum=True)
    chunk = pq.ParquetFile(path).metadata.row_group(1).column(0)
    rows = read(ParquetRows(), path, flipped(path.read_bytes(), chunk.data_page_offset + chunk.total_compressed_size - 5))
    assert [r["problem"] for r in rows] == [None] * 100 + ["damaged_span"] + [None] * 100
    assert rows[100]["offset"] == 100 and rows[101]["offset"] == 200
