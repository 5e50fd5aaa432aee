import datetime
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_files import read

from corpus.document import record_id
from corpus.errors import ConfigError
from corpus.sources.jsonl import JsonLines
from corpus.sources.listing import check_source
from corpus.sources.parquet import ParquetRows

RECORD = {"doc": {"body": "the text", "no": 7}, "a.b": "dotted", "lang": "en",
          "meta": {"link": "http://example.org/7", "when": "2024-05-18", "tags": ["a", "b"]}}
NAMES = {"text": "doc.body", "id": "doc.no", "url": ("href", "meta.link"), "date": "meta.when"}


def both(tmp_path, records, **options):
    """The rows of the same records from JSON Lines and from Parquet, which have to be the same."""
    lines = read(JsonLines(**options), tmp_path / "a.jsonl", b"".join(json.dumps(r).encode() + b"\n" for r in records))
    pq.write_table(pa.Table.from_pylist(records), tmp_path / "a.parquet")
    rows = read(ParquetRows(**options), tmp_path / "a.parquet")
    keep = ("id", "url", "date", "payload", "problem", "fields")
    assert [[row[k] for k in keep] for row in lines] == [[row[k] for k in keep] for row in rows]
    return lines


def test_names_may_be_paths_and_several_and_literal_names_come_first(tmp_path):
    (row,) = both(tmp_path, [RECORD], **NAMES, fields=("a.b", "meta.tags"))
    assert (row["payload"], row["id"]) == (b"the text", record_id("web", b"7"))
    assert (row["url"], row["date"]) == ("http://example.org/7", "2024-05-18")
    assert json.loads(row["fields"]) == {"a.b": "dotted", "meta.tags": ["a", "b"]}


def test_a_star_carries_what_no_option_names_and_spreads_what_it_follows(tmp_path):
    records = [{"text": "t", "url": "u", "extra": 1, "meta": {"a": 1, "extra": 2}}]
    (row,) = both(tmp_path, records, fields=("*",))
    assert json.loads(row["fields"]) == {"extra": 1, "meta": {"a": 1, "extra": 2}}
    (row,) = both(tmp_path, records, fields=("meta.*", "*"))
    assert json.loads(row["fields"]) == {"a": 1, "extra": 1}


def test_nothing_to_carry_is_null(tmp_path):
    assert [row["fields"] for row in both(tmp_path, [{"text": "t", "n": None}], fields=("n", "absent"))] == [None]


def test_numbers_that_are_none_and_lone_surrogates_do_not_spoil_what_is_carried(tmp_path):
    line = b'{"text": "t", "n": NaN, "m": [1e999], "s": "a\\ud800", "big": 123456789012345678901234567890}'
    (row,) = read(JsonLines(id="big", fields=("n", "m", "s")), tmp_path / "a.jsonl", line)
    assert json.loads(row["fields"]) == {"m": [None], "s": "a\ufffd"}
    assert row["id"] == record_id("web", b"123456789012345678901234567890")


def test_parquet_values_that_json_has_no_word_for_are_told_as_text(tmp_path):
    broken = pa.array([b"caf\xe9"], pa.binary()).view(pa.string())
    when = pa.array([datetime.datetime(2024, 5, 18, 1, 58)], pa.timestamp("ns", "Europe/Berlin"))
    inner = pa.StructArray.from_arrays([broken, when], ["name", "when"])
    pairs = pa.array([[("k", "v")]], pa.map_(pa.string(), pa.string()))
    table = pa.table({"text": ["t"], "date": when, "inner": inner, "pairs": pairs})
    pq.write_table(table, tmp_path / "a.parquet")
    (row,) = read(ParquetRows(fields=("*",)), tmp_path / "a.parquet")
    assert row["date"] == "2024-05-18 01:58:00.000000000Z"
    assert json.loads(row["fields"]) == {"inner": {"name": "caf\ufffd", "when": row["date"]}, "pairs": {"k": "v"}}


def test_depth_is_limited_alike_wherever_the_parser_is_called_from(tmp_path):
    def line(depth):
        return b'{"text": "t", "x": ' + b"[" * depth + b"]" * depth + b"}\n"

    data = line(199) + line(200) + line(3000) + b'{"text": "' + b"[{" * 500 + b'"}\n'
    assert [r["problem"] for r in read(JsonLines(), tmp_path / "a.jsonl", data)] == [None, "not_json", "not_json", None]


def jsonl(path, *records):
    path.write_bytes(b"".join((r if isinstance(r, bytes) else json.dumps(r).encode()) + b"\n" for r in records))
    return str(path)


def parquet(path, **columns):
    pq.write_table(pa.table(columns), path)
    return str(path)


@pytest.mark.parametrize("records, wrong", [
    ([{"texts": "a"}], "has no column 'text'; expected 'texts'"),
    ([{"text": 3}, {"text": 4}], None),          # a number is a value; each such line is a row with a reason
    ([{"text": ["a"]}], "column 'text' of .* is a list; expected a string or a number"),
    ([{"text": {"a": 1}}, {"text": [1]}], "is a list or an object"),
    ([{"text": None}], None), ([{"texts": "a"}, {"text": "a"}], None), ([], None), ([b"no json", b"\x00"], None),
    ([{"text": "a", "id": True}], "column 'id' of .* is true or false"),
])
def test_a_jsonl_file_is_asked_by_its_first_lines(tmp_path, records, wrong):
    path = jsonl(tmp_path / "a.jsonl", *records)
    reader = JsonLines(id="id" if any(isinstance(r, dict) and "id" in r for r in records) else None)
    if wrong is None:
        check_source(reader, [path], "sources[0]")
    else:
        with pytest.raises(ConfigError, match=wrong):
            check_source(reader, [path], "sources[0]")


def test_the_file_that_differs_is_named_wherever_it_is(tmp_path):
    files = [jsonl(tmp_path / f"{i}.jsonl", {"text": "a", "url": "u" if i < 9 else ["u"]}) for i in range(10)]
    with pytest.raises(ConfigError, match=r"s.url: column 'url' is a list in .*9.jsonl and a string or a number in .*0.js"):
        check_source(JsonLines(), files, "s")
    files = [parquet(tmp_path / "0.parquet", text=["a"], m=[{"x": 1}]), parquet(tmp_path / "1.parquet", text=["a"], m=["x"])]
    check_source(ParquetRows(), files, "s")
    with pytest.raises(ConfigError, match=r"s.fields: column 'm' is a string or a number in .*1.parquet and an object in"):
        check_source(ParquetRows(fields=("m",)), files, "s")
    with pytest.raises(ConfigError, match=r"s.fields: column 'm' is"):
        check_source(ParquetRows(fields=("*",)), files, "s")


def test_null_columns_and_other_widths_of_one_kind_are_no_difference(tmp_path):
    files = [parquet(tmp_path / "0.parquet", text=["a"], url=["u"], date=pa.array([datetime.date(2024, 1, 1)])),
             parquet(tmp_path / "1.parquet", text=pa.array(["a"], pa.large_string()), url=pa.nulls(1), date=["2024"]),
             parquet(tmp_path / "2.parquet", text=pa.nulls(1)),
             parquet(tmp_path / "3.parquet", text=pa.array(["a"]).dictionary_encode(), url=[3], date=[2024])]
    check_source(ParquetRows(), files, "s")
    assert [read(ParquetRows(), f)[0]["problem"] for f in map(type(tmp_path), files)] == [None, None, "no_text", None]
    (tmp_path / "4.parquet").write_bytes(b"PAR1 broken")
    check_source(ParquetRows(), [*files, str(tmp_path / "4.parquet")], "s")


def test_asking_a_file_costs_the_same_however_long_it_is(tmp_path):
    import gzip
    import time

    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "a"}\n' * 40 + bytes(200_000_000), 1) * 2)
    before = time.process_time()
    check_source(JsonLines(), [str(path)], "s")
    assert time.process_time() - before < 0.5
