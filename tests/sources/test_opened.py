"""Files of other file systems: in memory, by URL, and from servers on this machine, with and without parts of files."""

import functools
import gzip
import http.server
import re
import threading

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_files import members, outcome, page, record, response

from corpus.sources.jsonl import JsonLines
from corpus.sources.listing import check_source, list_files, pin, unchanged
from corpus.sources.opened import Forward, opened_stream
from corpus.sources.parquet import ParquetRows
from corpus.sources.presets import Datatrove
from corpus.sources.warc import Warc

BIG = record(1, response(b"<html>" + b"x" * 3_000_000, b"Content-Type: text/html"))
PLAIN = record(0) + BIG + record(2, length=10**9) + record(3)
PACKED = b"".join(members([record(0), BIG])) + b"garbage" + members([record(3)])[0]
ONE = gzip.compress(record(0) + record(2, length=10**9) + record(3))


def rows(reader, url):
    return [row for table in reader.read(url, "web") for row in table.to_pylist()]


class Whole(http.server.SimpleHTTPRequestHandler):
    """Serves files as a whole, whatever part was asked for."""

    def log_message(self, *about):
        pass


class Parts(Whole):
    """Serves parts of files, and the sizes of those asked for are kept."""

    asked: list[int] = []

    def do_HEAD(self):
        self._head(200, 0, self._size())

    def do_GET(self):
        size = self._size()
        first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-")).groups()
        last = min(int(last or size), size - 1)
        self.asked.append(last + 1 - int(first))
        self._head(206, int(first), last + 1)
        with open(self.translate_path(self.path), "rb") as stream:
            stream.seek(int(first))
            self.wfile.write(stream.read(last + 1 - int(first)))

    def _size(self):
        with open(self.translate_path(self.path), "rb") as stream:
            return stream.seek(0, 2)

    def _head(self, status, first, end):
        self.send_response(status)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - first))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{self._size()}")
        self.end_headers()


@pytest.fixture(params=[Whole, Parts], ids=["whole files", "parts of files"])
def server(request, tmp_path):
    pytest.importorskip("aiohttp")
    handler = functools.partial(request.param, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_address[1]}"
        made.shutdown()


@pytest.mark.parametrize("name, data, expected", [
    ("a.warc", PLAIN, ["0", "1:record_too_large", "2:bad_length", "3"]),
    ("a.warc.gz", PACKED, ["0", "1:record_too_large", ":damaged_span", "3"]),
    ("one.warc.gz", ONE, ["0", "2:bad_length", "3"]),
])
def test_a_file_is_read_the_same_from_a_server_damage_and_lies_included(server, tmp_path, name, data, expected):
    (tmp_path / name).write_bytes(data)
    reader = Warc(max_record_bytes=1 << 20)
    found = rows(reader, f"{server}/{name}")
    assert outcome(found) == expected and found == rows(reader, str(tmp_path / name))
    pinned = pin(f"{server}/{name}")
    assert pinned.bytes == len(data) and pinned.digest == pin(str(tmp_path / name)).digest and unchanged(pinned)


def test_records_of_a_server_are_checked_and_read(server, tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'{"text": "one"}\n{"text": "two"}\n'))
    pq.write_table(pa.table({"text": ["one", "two"]}), tmp_path / "a.parquet")
    for reader, name in ((JsonLines(), "a.jsonl.gz"), (ParquetRows(), "a.parquet"), (Datatrove(), "a.parquet")):
        check_source(reader, [f"{server}/{name}"], "s")
        assert [row["payload"] for row in rows(reader, f"{server}/{name}")] == [b"one", b"two"]


def test_files_in_memory_are_listed_and_read():
    files = fsspec.filesystem("memory")
    files.pipe("/opened/a.warc.gz", PACKED)
    (url,) = list_files(["memory://opened/*.gz"], ".")
    assert outcome(rows(Warc(), url)) == ["0", "1", ":damaged_span", "3"]


def test_a_stream_that_only_goes_forward_is_opened_again_to_go_back(tmp_path):
    data = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(data)
    opened = []

    def anew():
        opened.append(open(tmp_path / "a", "rb"))
        return opened[-1]

    stream = Forward(anew)
    assert stream.read(10) == data[:10]
    assert stream.seek(2_000_000) == 2_000_000 and stream.read(5) == data[2_000_000:2_000_005]
    assert stream.seek(7) == 7 and stream.read(3) == data[7:10] and len(opened) == 2 and opened[0].closed
    assert stream.seek(0, 2) == len(data) and stream.read() == b"" and stream.seek(10**9) == len(data)
    assert stream.seek(1) == 1 and stream.read() == data[1:]
    stream.close()


def test_a_file_of_this_machine_is_only_opened_once(tmp_path):
    (tmp_path / "a").write_bytes(page(1))
    with opened_stream(f"file://{tmp_path}/a") as stream:
        assert not isinstance(stream, Forward) and stream.read() == page(1)
