import gzip
import json

import pytest
import zstandard
from bad_files import QUICKSTART, read

from corpus.document import record_id
from corpus.sources.jsonl import JsonLines
from corpus.sources.rows import skipped

GOOD = b'{"text": "first", "url": "http://example.org/1", "date": "2024-01-01", "n": 7}\n{"text": "second", "n": 8}\n'


def problems(rows):
    return [row["problem"] for row in rows]


def test_the_quickstart_sample_is_read_whole():
    rows = read(JsonLines(id="module"), QUICKSTART / "openstax_ccby_sample.jsonl.gz")
    with gzip.open(QUICKSTART / "openstax_ccby_sample.jsonl.gz", "rt", encoding="utf-8") as stream:
        texts = [json.loads(line)["text"] for line in stream]
    assert len(rows) == 150 and [row["payload"].decode() for row in rows] == texts
    assert {row["kind"] for row in rows} == {"text"} and [row["offset"] for row in rows] == list(range(150))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_lines_are_rows_with_their_line_numbers(tmp_path, pack):
    rows = read(JsonLines(id="n"), tmp_path / "a.jsonl", pack(GOOD))
    assert [(r["payload"], r["offset"], r["url"], r["date"]) for r in rows] == [
        (b"first", 0, "http://example.org/1", "2024-01-01"), (b"second", 1, None, None)]
    assert rows[0]["id"] == record_id("web", b"7")


@pytest.mark.parametrize("line, problem", [
    (b"{", "not_json"), (b"hello", "not_json"), (b'{"text": "a"} x', "not_json"), (b"\x00\x01", "not_json"),
    (b"[" * 100_000, "not_json"), (b'{"text": ' + b"1" * 5000 + b"}", "not_json"),
    (b"[1]", "no_text"), (b"null", "no_text"), (b'"text"', "no_text"), (b"{}", "no_text"),
    (b'{"text": null}', "no_text"), (b'{"text": 3}', "no_text"), (b'{"text": ["a"]}', "no_text"),
    (b'{"text": ""}', "empty_text"), (b'{"text": " \\n\\u3000"}', "empty_text"),
    (b'{"text": "' + b"x" * 2000 + b'"}', "record_too_large"),
])
def test_a_bad_line_is_a_row_with_a_reason_between_good_ones(tmp_path, line, problem):
    limit = 1000 if problem == "record_too_large" else 1 << 20
    data = GOOD + line + b"\n" + GOOD.replace(b"first", b"third")
    rows = read(JsonLines(max_record_bytes=limit), tmp_path / "a.jsonl", data)
    assert problems(rows) == [None, None, problem, None, None] and rows[2]["payload"] is None


def test_stored_text_is_valid_whatever_the_line_holds(tmp_path):
    data = b'{"text": "a\\ud800b"}\n{"text": "\\ud83d\\ude00"}\n{"text": "caf\xe9"}\n\xef\xbb\xbf'
    rows = read(JsonLines(), tmp_path / "a.jsonl", data)
    assert [r["payload"].decode() for r in rows[:3]] == ["a\ufffdb", "😀", "caf\ufffd"]


def test_a_byte_order_mark_and_blank_lines_are_no_records(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD + b"\n  \r\n" + GOOD)
    (table,) = JsonLines().read(str(path), "web")
    assert table.column("offset").to_pylist() == [0, 1, 4, 5] and skipped(table) == {"blank_line": 2}


def test_equal_lines_without_ids_are_told_apart_by_number(tmp_path):
    rows = read(JsonLines(), tmp_path / "a.jsonl", GOOD + GOOD + b"x\nx\n")
    assert len({row["id"] for row in rows}) == 6


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_file_cut_short_keeps_the_lines_before(tmp_path, pack):
    lines = b"".join(b'{"text": "%s"}\n' % json.dumps([i * j for j in range(40)]).encode() for i in range(20_000))
    rows = read(JsonLines(), tmp_path / "a.jsonl.gz", pack(lines)[:-1000])
    assert len(rows) > 10_000 and set(problems(rows[:-1])) == {None} and rows[-1]["problem"] == "truncated_record"


def test_garbage_after_a_member_is_one_row(tmp_path):
    rows = read(JsonLines(), tmp_path / "a.jsonl.gz", gzip.compress(GOOD.rstrip(b"\n")) + b"garbage")
    assert problems(rows) == [None, None, "trailing_garbage"]


def test_lines_go_on_after_a_damaged_member(tmp_path):
    parts = [gzip.compress(GOOD.replace(b"first", b"%d" % i)) for i in range(3)]
    rows = read(JsonLines(), tmp_path / "a.jsonl.gz", parts[0] + parts[1][:-3] + b"xyz" + parts[2])
    assert problems(rows)[:2] == [None, None] and "damaged_span" in problems(rows) and problems(rows)[-2:] == [None, None]


def test_a_line_of_any_length_is_not_held(tmp_path):
    import resource

    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "' + bytes(100_000_000), 1) + gzip.compress(b"\n" + GOOD))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert problems(read(JsonLines(max_record_bytes=1 << 20), path)) == ["record_too_large", None, None]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000   # KiB


def test_control_characters_and_scripts_that_run_to_the_left_pass_through_intact(tmp_path):
    texts = ["\x01\x02 a \x7f\x85", "\u05e9\u05dc\u05d5\u05dd \u202eabc\u202c \u200f(1)",
             "\u0639\u0631\u0628\u064a \u4e2d\u6587 \U0001f600 e\u0301"]
    for ascii_only in (True, False):
        data = b"".join(json.dumps({"text": t}, ensure_ascii=ascii_only).encode() + b"\n" for t in texts)
        assert [r["payload"].decode() for r in read(JsonLines(), tmp_path / "a.jsonl", data)] == texts


def test_runs_of_blank_lines_keep_the_numbers_of_the_lines_behind_them(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD + b"\n" * 5_000_000 + GOOD))
    (table,) = JsonLines().read(str(path), "web")
    assert table.column("offset").to_pylist() == [0, 1, 5_000_002, 5_000_003] and skipped(table) == {"blank_line": 5_000_000}
