import gzip

import pytest
from bad_files import arc_head, arc_record, flipped, members, outcome, page, read, response
from warcio.archiveiterator import ArchiveIterator

from corpus.sources.arc import Arc
from corpus.sources.rows import skipped

FOUR = [arc_head(), *(arc_record(i) for i in range(4))]
WRITTEN = {"plain": b"".join, "gzip": lambda records: b"".join(members(records)),
           "one gzip member": lambda records: gzip.compress(b"".join(records))}


def outcomes(tmp_path, data):
    return outcome(read(Arc(), tmp_path / "a.arc", data))


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_give_their_pages_however_they_are_compressed(tmp_path, how, version):
    data = WRITTEN[how]([arc_head(version), *(arc_record(i, version=version) for i in range(4))])
    (tmp_path / "a.arc").write_bytes(data)
    (table,) = Arc().read(str(tmp_path / "a.arc"), "web")
    rows = table.to_pylist()
    assert outcome(rows) == ["0", "1", "2", "3"] and [row["payload"] for row in rows] == [page(i) for i in range(4)]
    assert skipped(table) == {"warcinfo": 1} and {row["date"] for row in rows} == {"2008-04-30T20:48:26Z"}


def test_warcio_reads_the_same_records(tmp_path):
    bodies = [response(page(0), b"Content-Type: text/html"), response(b"", status=b"404 Not Found"),
              response(gzip.compress(page(2), mtime=0), b"Content-Encoding: gzip"), response(b"\x89PNG" + bytes(9))]
    data = b"".join(members([arc_head(), *(arc_record(i, body) for i, body in enumerate(bodies))]))
    rows = read(Arc(), tmp_path / "a.arc.gz", data)
    with open(tmp_path / "a.arc.gz", "rb") as stream:
        theirs = [(r.rec_headers.get_header("uri"), r.http_headers.get_statuscode(), r.content_stream().read())
                  for r in ArchiveIterator(stream) if r.rec_type == "response"]
    assert [row["url"] for row in rows] == [url for url, _, _ in theirs]
    assert [row["problem"] for row in rows] == [None, "http_status", None, "not_html"]
    assert [rows[i]["payload"] for i in (0, 2)] == [theirs[i][2] for i in (0, 2)]


def test_a_url_with_spaces_and_a_type_with_parameters_are_taken_apart(tmp_path):
    block = response(page(1), b"Content-Type: text/html")
    line = b"http://example.org/a page 192.0.2.1 20080430204826 text/html; charset=utf-8 %d\n" % len(block)
    (row,) = read(Arc(), tmp_path / "a.arc", line + block + b"\n")
    assert row["url"] == "http://example.org/a page" and row["payload"] == page(1)


def test_what_is_no_http_is_sniffed(tmp_path):
    data = (b"dns:example.org 192.0.2.1 20080430204826 text/dns 9\n20080430\n\n"
            + b"http://example.org/1 192.0.2.1 20080430204826 text/html %d\n" % len(page(1)) + page(1) + b"\n")
    assert [row["problem"] for row in read(Arc(), tmp_path / "a.arc", data)] == ["not_html", None]


def test_an_id_is_of_address_date_and_content_and_not_of_the_place(tmp_path):
    (first,) = read(Arc(), tmp_path / "a.arc", arc_record(1))
    moved = read(Arc(), tmp_path / "b.arc.gz", members([arc_record(0)])[0] + members([arc_record(1, version=2)])[0])
    assert first["id"] == moved[1]["id"] != moved[0]["id"]
    assert len({row["id"] for row in read(Arc(), tmp_path / "c.arc", arc_record(1) * 3)}) == 3


@pytest.mark.parametrize("how", ["plain", "gzip"])
@pytest.mark.parametrize("length", [0, 50, 400, 700, 10**12, 10**17])
def test_a_record_that_lies_about_its_length_costs_no_other_record(tmp_path, how, length):
    data = WRITTEN[how]([*FOUR[:2], arc_record(1, length=length), *FOUR[3:]])
    assert outcomes(tmp_path, data) == ["0", "1:bad_length", "2", "3"]


@pytest.mark.parametrize("how", ["plain", "gzip"])
def test_a_file_cut_short_keeps_all_but_its_last_record(tmp_path, how):
    rows = outcomes(tmp_path, WRITTEN[how](FOUR)[:-20])
    assert rows[:3] == ["0", "1", "2"] and len(rows) == 4 and rows[3].endswith(":truncated_record")


def test_garbage_is_one_row_wherever_it_is(tmp_path):
    junk, packed = b"garbage" * 20, WRITTEN["gzip"]
    assert outcomes(tmp_path, packed(FOUR) + junk) == ["0", "1", "2", "3", ":trailing_garbage"]
    assert outcomes(tmp_path, packed(FOUR[:2]) + junk + packed(FOUR[2:])) == ["0", ":damaged_span", "1", "2", "3"]


def test_in_a_plain_file_garbage_makes_the_length_before_it_doubtful(tmp_path):
    data = b"".join(FOUR[:3]) + b"garbage" * 20 + b"\n" + b"".join(FOUR[3:])
    assert outcomes(tmp_path, data) == ["0", "1:bad_length", "2", "3"]


@pytest.mark.parametrize("at", [0, 60, -60, -6])
def test_a_damaged_member_is_one_row_and_the_next_is_found(tmp_path, at):
    parts = members(FOUR)
    rows = outcomes(tmp_path, b"".join(parts[:2]) + flipped(parts[2], at) + b"".join(parts[3:]))
    assert [rows[0], *rows[2:]] == ["0", "2", "3"] and rows[1].endswith(":damaged_span")


def test_a_warc_file_is_no_arc_file(tmp_path):
    assert outcomes(tmp_path, b"WARC/1.0\r\nWARC-Type: response\r\n\r\n" * 5) == [":damaged_span"]
