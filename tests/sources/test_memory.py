"""Memory stays flat whatever the size of a file, a line or a record: each case is read by a process of its own."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from bad_files import record, response

from corpus.document import record_id
from corpus.sources.rows import Seen

READ = """
import resource, sys
from corpus import registry
from corpus.sources import arc, jsonl, presets, warc
def read(path):
    reader = registry.lookup("reader", sys.argv[1])()
    return [p for t in reader.read(path, "web") for p in t.column("problem").to_pylist()]
read(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
problems = read(sys.argv[3])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, *problems)
"""
MIB = 1 << 20
GOOD = b'{"text": "a"}\n'


def grown(reader: str, path: Path, small: bytes) -> tuple[float, list[str]]:
    """MiB by which reading a file raises the peak memory of a process that has read a small one; the rows' problems."""
    like = path.with_name("small")
    like.write_bytes(small)
    call = [sys.executable, "-c", READ, reader, str(like), str(path)]
    kib, *problems = subprocess.run(call, capture_output=True, text=True, check=True).stdout.split()
    return int(kib) / 1024, problems


def deflated(head: bytes, zeros: int, tail: bytes, how: str) -> bytes:
    """A long run of zeros between two texts, compressed as one member without being held."""
    packer = (zstandard.ZstdCompressor().compressobj() if how == "zstd" else __import__("zlib").compressobj(6, wbits=31))
    pieces = [packer.compress(head), *(packer.compress(bytes(MIB)) for _ in range(zeros // MIB)), packer.compress(tail)]
    return b"".join(pieces) + packer.flush()


def test_a_line_of_fifty_megabytes(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD + b'{"text": "' + b"x" * 50_000_000 + b'"}\n' + GOOD)
    mib, problems = grown("jsonl", path, GOOD)
    assert problems == ["None", "record_too_large", "None"] and mib < 40


@pytest.mark.parametrize("reader", ["warc", "arc"])
def test_a_record_of_two_gigabytes_in_a_sparse_file_is_passed_over(tmp_path, reader):
    from bad_files import arc_record

    make = record if reader == "warc" else arc_record
    size = 2 << 30
    path = tmp_path / "a"
    with open(path, "wb") as stream:
        head = make(0) + make(1, b"", length=size)
        stream.write(head.removesuffix(b"\r\n\r\n" if reader == "warc" else b"\n"))
        stream.seek(size, 1)
        stream.write((b"\r\n\r\n" if reader == "warc" else b"\n") + make(2))
    mib, problems = grown(reader, path, make(0))
    assert problems == ["None", "record_too_large", "None"] and mib < 10


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_bomb_in_lines(tmp_path, how):
    path = tmp_path / "a.jsonl"
    path.write_bytes(deflated(GOOD + b'{"text": "', 300 * MIB, b'"}\n' + GOOD, how))
    assert path.stat().st_size < 400_000
    mib, problems = grown("jsonl", path, gzip.compress(GOOD))
    assert problems == ["None", "record_too_large", "None"] and mib < 90


def test_a_bomb_of_line_feeds(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(deflated(GOOD, 0, b"\n" * (100 * MIB) + GOOD, "gzip"))
    mib, problems = grown("jsonl", path, gzip.compress(GOOD))
    assert problems == ["None", "None"] and mib < 40


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_a_bomb_in_a_record_and_one_inside_its_body(tmp_path, how):
    record_of = record(1, b"", length=300 * MIB).removesuffix(b"\r\n\r\n")
    path = tmp_path / "a.warc"
    outer = deflated(record(0) + record_of, 300 * MIB, b"\r\n\r\n" + record(2), how)
    body = response(deflated(b"<html>", 300 * MIB, b"", how), b"Content-Encoding: " + how.encode())
    pack = gzip.compress if how == "gzip" else zstandard.compress
    path.write_bytes(outer + pack(record(3, body)))
    mib, problems = grown("warc", path, gzip.compress(record(0)))
    assert problems == ["None", "record_too_large", "None", "record_too_large"] and mib < 100


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
def test_bodies_with_any_encoding_are_bounded(tmp_path, name):
    import zlib

    if name == "br":
        packed = pytest.importorskip("brotli").compress(bytes(300 * MIB), quality=5)
    else:
        packed = (zlib.compress(bytes(300 * MIB), 9) if name == "deflate" else deflated(b"", 300 * MIB, b"", name))
    path = tmp_path / "a.warc"
    path.write_bytes(record(1, response(packed, b"Content-Encoding: " + name.encode())))
    mib, problems = grown("warc", path, record(0))
    assert problems == ["record_too_large"] and mib < 60


def test_a_seen_id_takes_eight_bytes_where_it_is_kept():
    seen = Seen()
    ids = [record_id("web", b"%d" % i) for i in range(200_000)]
    assert all(map(seen.add, ids)) and not any(map(seen.add, ids))
    assert sum(len(place) for place in seen._places.values()) == 8 * 200_000
