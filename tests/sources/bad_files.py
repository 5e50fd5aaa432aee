"""Makes small WARC and JSONL files, good and bad, for tests. Pages are numbered, so that survivors can be named."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import zstandard

from corpus.operators import Reader

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart"


def page(i: int) -> bytes:
    return b"<html><body><p>This is page number %d of the collection.</p></body></html>" % i


def response(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(h + b"\r\n" for h in headers) + b"\r\n" + body


def record(i: int, block: bytes | None = None, *, kind: bytes = b"response", length: int | None = None,
           content_type: bytes = b"application/http; msgtype=response", own: bytes | None = None) -> bytes:
    """Record number i. length: what the head claims, where it is to lie."""
    block = response(page(i), b"Content-Type: text/html") if block is None else block
    own = b"<urn:uuid:%08d>" % i if own is None else own
    claimed = len(block) if length is None else length
    return (b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: %s\r\nWARC-Date: 2024-05-18T01:58:10Z\r\n"
            b"WARC-Target-URI: http://example.org/%d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
            % (kind, own, i, content_type, claimed)) + block + b"\r\n\r\n"


def members(records: Sequence[bytes]) -> list[bytes]:
    """Each record as a gzip member."""
    return [gzip.compress(r, mtime=0) for r in records]


def frames(records: Sequence[bytes]) -> list[bytes]:
    """Each record as a Zstandard frame with a checksum."""
    return [zstandard.ZstdCompressor(write_checksum=True).compress(r) for r in records]


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :] if at >= 0 else flipped(data, len(data) + at)


def read(reader: Reader, path: Path, data: bytes | None = None) -> list[dict]:
    """Rows of a file, which is written first where data is given."""
    if data is not None:
        path.write_bytes(data)
    return [row for table in reader.read(str(path), "web") for row in table.to_pylist()]


def outcome(rows: Sequence[dict]) -> list[str]:
    """`3` for page 3 read well, `3:problem` for a problem with it, `:problem` for a span that names no page."""
    names = [row["url"].rsplit("/", 1)[1] if row["url"] else "" for row in rows]
    return [name + (f":{row['problem']}" if row["problem"] else "") for name, row in zip(names, rows)]


def arc_record(i: int, block: bytes | None = None, *, length: int | None = None, version: int = 1) -> bytes:
    """Record number i of an ARC file, in one of the two versions."""
    block = response(page(i), b"Content-Type: text/html") if block is None else block
    claimed = len(block) if length is None else length
    between = b"text/html" if version == 1 else b"text/html 200 abcdef - 1234 some.arc.gz"
    return b"http://example.org/%d 192.0.2.1 20080430204826 %s %d\n" % (i, between, claimed) + block + b"\n"


def arc_head(version: int = 1) -> bytes:
    """The record that an ARC file begins with."""
    columns = (b"URL IP-address Archive-date Content-type Archive-length" if version == 1 else
               b"URL IP-address Archive-date Content-type Result-code Checksum Location Offset Filename Archive-length")
    block = b"%d 0 InternetArchive\n%s\n\n" % (version, columns)
    between = b"text/plain" if version == 1 else b"text/plain 200 - - 0 some.arc.gz"
    return b"filedesc://some.arc.gz 0.0.0.0 20080430204825 %s %d\n" % (between, len(block)) + block + b"\n"


def warc_dictionary(raw: bytes, *, packed: bool) -> bytes:
    """The skippable frame in which a .warc.zst file carries its dictionary, compressed or not."""
    data = zstandard.compress(raw) if packed else raw
    return b"\x5d\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data
