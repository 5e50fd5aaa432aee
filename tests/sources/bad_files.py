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
