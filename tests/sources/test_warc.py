import gzip
import json
import zlib
from pathlib import Path

import pytest
from bad_files import QUICKSTART, members, outcome, page, read, record, response
from fastwarc.warc import ArchiveIterator, WarcRecordType

from corpus.document import RAW, record_id
from corpus.registry import identity
from corpus.sources.rows import skipped
from corpus.sources.warc import Warc, Wet


def one(tmp_path, block, **options):
    (row,) = read(Warc(**options), tmp_path / "a.warc", record(1, block))
    return row


def chunked(body, size=20):
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_the_quickstart_file_agrees_with_fastwarc_record_by_record():
    rows = read(Warc(), QUICKSTART / "quickstart.warc.gz")
    with open(QUICKSTART / "quickstart.warc.gz", "rb") as stream:
        theirs = [(r.stream_pos, r.headers.get("WARC-Target-URI"), r.reader.read())
                  for r in ArchiveIterator(stream, WarcRecordType.response, auto_decode="all")]
    assert len(rows) == 666 and all(row["problem"] is None for row in rows)
    assert [(row["offset"], row["url"], row["payload"]) for row in rows] == theirs


def test_common_crawls_sample_is_the_same_page_plain_and_compressed():
    (plain,) = read(Warc(), QUICKSTART / "cc_whirlwind" / "whirlwind.warc")
    (packed,) = read(Warc(), QUICKSTART / "cc_whirlwind" / "whirlwind.warc.gz")
    assert plain["url"] == "https://an.wikipedia.org/wiki/Escopete" and plain["kind"] == "html"
    assert plain["charset"] == "utf-8" and plain["date"] == "2024-05-18T01:58:10Z"
    assert plain["id"] == packed["id"] and plain["payload"] == packed["payload"] and len(plain["payload"]) == 72848


def test_a_wet_file_gives_text():
    (row,) = read(Wet(), QUICKSTART / "cc_whirlwind" / "whirlwind.warc.wet.gz")
    assert row["kind"] == "text" and row["payload"].decode().startswith("Escopete")


def test_records_that_hold_no_document_are_counted_and_give_no_row():
    (table,) = Warc().read(str(QUICKSTART / "cc_whirlwind" / "whirlwind.warc.gz"), "web")
    assert table.schema.equals(RAW) and skipped(table) == {"warcinfo": 1, "request": 1, "metadata": 1}
    (table,) = Warc().read(str(QUICKSTART / "cc_whirlwind" / "whirlwind.warc.wat"), "web")
    assert table.num_rows == 0 and skipped(table) == {"warcinfo": 1, "metadata": 1}


def test_the_id_is_of_source_and_record_id_and_not_of_the_place(tmp_path):
    (first,) = read(Warc(), tmp_path / "a.warc", record(1))
    (second,) = read(Warc(), tmp_path / "b.warc.gz", members([record(1)])[0])
    assert first["id"] == second["id"] == record_id("web", b"<urn:uuid:00000001>")
    assert first["file"] == "a.warc" and first["source"] == "web"


def test_records_with_one_id_in_a_file_get_ids_of_their_own(tmp_path):
    rows = read(Warc(), tmp_path / "a.warc", record(1) * 3 + record(2, own=b"") + record(3, own=b""))
    assert len({row["id"] for row in rows}) == 5


@pytest.mark.parametrize("headers, body", [
    ([b"Transfer-Encoding: chunked"], chunked(page(1))),
    ([b"Transfer-Encoding: chunked"], page(1)),                          # the crawler had put the chunks together
    ([b"Content-Encoding: gzip"], gzip.compress(page(1), mtime=0)),
    ([b"Content-Encoding: gzip"], page(1)),                              # the crawler had inflated it
    ([b"content-encoding: X-GZIP"], gzip.compress(page(1)[:20], mtime=0) + gzip.compress(page(1)[20:], mtime=0)),
    ([b"Content-Encoding: deflate"], zlib.compress(page(1))),
    ([b"Content-Encoding: deflate"], zlib.compress(page(1))[2:-4]),
    ([b"Content-Encoding: deflate, gzip", b"Transfer-Encoding: chunked"],
     chunked(gzip.compress(zlib.compress(page(1)), mtime=0))),
    ([b"Content-Encoding: identity"], page(1)),
])
def test_encodings_of_the_body_are_undone(tmp_path, headers, body):
    row = one(tmp_path, response(body, b"Content-Type: text/html", *headers))
    assert row["payload"] == page(1) and row["problem"] is None


def test_brotli_and_zstd_bodies_are_undone(tmp_path):
    import zstandard

    brotli = pytest.importorskip("brotli")
    for name, body in (("br", brotli.compress(page(1))), ("zstd", zstandard.compress(page(1)))):
        assert one(tmp_path, response(body, b"Content-Encoding: " + name.encode()))["payload"] == page(1)


def test_a_body_cut_short_keeps_what_is_there(tmp_path):
    long = b"<html>" + b"".join(b"<p>line %d</p>" % i for i in range(1000))
    row = one(tmp_path, response(gzip.compress(long)[:-500], b"Content-Encoding: gzip"))
    assert row["problem"] is None and long.startswith(row["payload"]) and len(row["payload"]) > 1000


def test_a_bomb_is_too_large_and_is_never_inflated(tmp_path):
    bomb = gzip.compress(bytes(200_000_000), 1)
    assert one(tmp_path, response(bomb, b"Content-Encoding: gzip"))["problem"] == "record_too_large"
    nested = gzip.compress(bomb)
    assert one(tmp_path, response(nested, b"Content-Encoding: gzip, gzip"))["problem"] == "record_too_large"


@pytest.mark.parametrize("block, problem", [
    (page(1), "bad_http"),
    (b"", "bad_http"),
    (b"HTTP/1.1 abc\r\n\r\n" + page(1), "bad_http"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n" + page(1), "bad_http"),
    (response(chunked(page(1))[:52] + b"zz\r\n", b"Transfer-Encoding: chunked"), "bad_http"),
    (response(b"\x1f\x8bnot gzip", b"Content-Encoding: gzip"), "bad_http"),
    (response(page(1), b"Content-Encoding: sdch"), "unsupported_encoding"),
    (response(page(1), status=b"404 Not Found"), "http_status"),
    (response(b"", status=b"301 Moved"), "http_status"),
    (response(b"", b"Content-Type: text/html"), "empty_payload"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/html", "empty_payload"),
    (response(b"\x89PNG\r\n\x1a\n" + bytes(50), b"Content-Type: text/html"), "not_html"),
    (response(b"%PDF-1.4 ...", b"Content-Type: application/pdf"), "not_html"),
    (response(b'{"a": 1}', b"Content-Type: application/json"), "not_html"),
    (response(b'<?xml version="1.0"?><rss version="2.0"></rss>', b"Content-Type: text/xml"), "not_html"),
    (response(b"no tag in sight"), "not_html"),
    (response(bytes(range(256)), b"Content-Type: text/plain"), "not_html"),
])
def test_what_is_no_page_has_a_reason(tmp_path, block, problem):
    row = one(tmp_path, block)
    assert row["problem"] == problem and row["payload"] is None and row["url"] == "http://example.org/1"


@pytest.mark.parametrize("body, declared, kind", [
    (page(1), b"image/png", "html"),
    (b'<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">', b"text/xml", "html"),
    (b"words first, <b>tags</b> later", b"text/html; charset=utf-8", "html"),
    ("\ufeff<html><body>hello".encode("utf-16-le"), b"application/octet-stream", "html"),
    (b"Plain words.\n", b"text/plain; charset=UTF-8", "text"),
    (page(1), b"text/plain", "html"),
])
def test_the_first_bytes_decide_where_the_header_lies(tmp_path, body, declared, kind):
    row = one(tmp_path, response(body, b"Content-Type: " + declared))
    assert (row["problem"], row["kind"], row["payload"]) == (None, kind, body)


def test_a_page_without_a_content_type_is_sniffed(tmp_path):
    assert one(tmp_path, response(page(1)))["kind"] == "html"
    assert one(tmp_path, response(b"<!-- " + b"x" * 2000 + b" -->" + page(1)))["kind"] == "html"


def test_sniffing_hostile_comments_is_quick(tmp_path):
    assert one(tmp_path, response(b"<!-- -->" * 10_000 + b"?"))["problem"] == "not_html"


def test_resources_are_read_and_revisits_named(tmp_path):
    data = (record(1, page(1), kind=b"resource", content_type=b"text/html; charset=koi8-r")
            + record(2, response(b""), kind=b"revisit") + record(3, b"unknown", kind=b"teapot"))
    rows = read(Warc(), tmp_path / "a.warc", data)
    assert outcome(rows) == ["1", "2:revisit"] and rows[0]["charset"] == "koi8-r" and rows[0]["payload"] == page(1)


def test_headers_that_say_how_a_page_may_be_used_are_kept(tmp_path):
    headers = (b"X-Robots-Tag: noindex", b"x-robots-tag: otherbot: nofollow", b"TDM-Reservation: 1", b"Server: caf\xe9",
               b"TDM-Policy: https://example.org/p.json", b"Content-Language: de", b"Content-Type: text/html",
               b"Last-Modified: Sat, 18 May 2024 01:58:10 GMT", b"Link: <https://example.org/l>; rel=license")
    assert json.loads(one(tmp_path, response(page(1), *headers))["headers"]) == {
        "x-robots-tag": "noindex,otherbot: nofollow", "tdm-reservation": "1", "tdm-policy": "https://example.org/p.json",
        "content-language": "de", "link": "<https://example.org/l>; rel=license",
        "last-modified": "Sat, 18 May 2024 01:58:10 GMT"}
    assert one(tmp_path, response(page(1), b"Content-Type: text/html"))["headers"] is None
    gone = one(tmp_path, response(b"", b"X-Robots-Tag: noai\xff", status=b"404 Not Found"))
    assert json.loads(gone["headers"]) == {"x-robots-tag": "noai\ufffd"} and gone["problem"] == "http_status"


@pytest.mark.parametrize("url, block, kind, problem", [
    (b"https://example.org/robots.txt", response(b"User-agent: *\nAllow: /", b"Content-Type: text/plain"), "robots", None),
    (b"HTTP://example.org:8080/robots.txt?x", response(b"User-agent: *", b"Content-Type: text/html"), "robots", None),
    (b"https://example.org/robots.txt", response(b"User-agent: *"), "robots", None),
    (b"https://example.org/robots.txt", response(page(1), b"Content-Type: text/html"), "html", None),
    (b"https://example.org/robots.txt", response(b"\x89PNG\r\n" + bytes(40)), None, "not_html"),
    (b"https://example.org/robots.txt", response(b"gone", status=b"404 Not Found"), None, "http_status"),
    (b"https://example.org/about/robots.txt", response(b"hello", b"Content-Type: text/plain"), "text", None),
    (b"https://example.org/?u=/robots.txt", response(b"hello", b"Content-Type: text/plain"), "text", None),
])
def test_a_robots_file_is_a_record_of_its_own_kind(tmp_path, url, block, kind, problem):
    data = record(1, block).replace(b"http://example.org/1\r", url + b"\r")
    (row,) = read(Warc(), tmp_path / "a.warc", data)
    assert (row["kind"], row["problem"]) == (kind, problem) and (row["payload"] is None) == (problem is not None)


def test_what_the_crawler_cut_short_is_kept_and_says_so(tmp_path):
    data = record(1).replace(b"WARC-Date:", b"WARC-Truncated: length\r\nWARC-Date:")
    (row,) = read(Warc(), tmp_path / "a.warc", data)
    assert row["payload"] == page(1) and json.loads(row["headers"]) == {"warc-truncated": "length"}


def test_of_a_record_in_segments_the_first_is_named_and_the_others_counted(tmp_path):
    path = tmp_path / "a.warc"
    segment = b"WARC-Segment-Number: %d\r\nWARC-Date:"
    path.write_bytes(record(0) + record(1).replace(b"WARC-Date:", segment % 1)
                     + record(2, b"more", kind=b"continuation").replace(b"WARC-Date:", segment % 2) + record(3))
    (table,) = Warc().read(str(path), "web")
    assert outcome(table.to_pylist()) == ["0", "1:segmented_record", "3"] and skipped(table) == {"continuation": 1}


def test_encodings_in_one_another_are_undone_up_to_four(tmp_path):
    brotli = pytest.importorskip("brotli")
    names = [b"gzip", b"deflate", b"br", b"gzip"]
    body = page(1)
    for pack in (gzip.compress, zlib.compress, brotli.compress, gzip.compress):
        body = pack(body)
    assert one(tmp_path, response(body, b"Content-Encoding: " + b", ".join(names)))["payload"] == page(1)
    five = response(gzip.compress(body), b"Content-Encoding: " + b", ".join([*names, b"gzip"]))
    assert one(tmp_path, five)["problem"] == "unsupported_encoding"


def test_every_page_of_the_labelled_crawl_arrives():
    path = Path(__file__).parents[3] / "shared" / "data" / "web_pages" / "pages.warc.gz"
    if not path.exists():
        pytest.skip("no labelled pages here")
    kinds = [kind for table in Warc().read(str(path), "web") for kind in table.column("kind").to_pylist()]
    assert kinds == ["html"] * 5285


def test_line_feeds_alone_end_lines_too(tmp_path):
    data = record(1, response(page(1), b"Content-Type: text/html").replace(b"\r\n", b"\n")).replace(b"\r\n", b"\n")
    assert outcome(read(Warc(), tmp_path / "a.warc", data)) == ["1"]


def test_tables_are_bounded_and_their_size_is_no_part_of_identity(tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(record(i) for i in range(10)))
    assert [t.num_rows for t in Warc(rows=4).read(str(path), "web")] == [4, 4, 2]
    assert identity(Warc(rows=4)) == identity(Warc())
