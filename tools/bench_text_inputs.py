"""Inputs of `bench_text.py`: samples, halves and salted replicas of a WARC file, each record a gzip member of its own."""

from __future__ import annotations

import re
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_TEXT = re.compile(rb">[^<]+")
_WORD = re.compile(rb"[A-Za-z]{4,}")
_SALTED = 8          # one word in about so many is changed
_LETTERS = b"bcdfghjklmnpqrstvwxz"

Record = tuple[dict[bytes, bytes], bytes]


def responses(path: Path) -> Iterator[Record]:
    """(WARC headers, HTTP block) of each response of a file."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with open(path, "rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False):
            yield {k.encode(): v.encode() for k, v in record.headers.items()}, record.reader.read()


def sample(source: Path, target: Path, most: int) -> int:
    """About `most` responses of `source`, evenly spread; how many there are.

    Each says that it is HTML, as Common Crawl's do: without that datatrove's reader leaves some pages out, and sides
    would not be timed on the same ones.
    """
    every = max(1, round(sum(1 for _ in responses(source)) / most))
    chosen = [record for i, record in enumerate(responses(source)) if i % every == 0][:most]
    with open(target, "wb") as out:
        for record in chosen:
            write(out, record[0] | {b"WARC-Identified-Payload-Type": b"text/html"}, record[1])
    return len(chosen)


def halves(source: Path, folder: Path) -> None:
    """Two files of every other response."""
    folder.mkdir(exist_ok=True)
    with open(folder / "0.warc.gz", "wb") as even, open(folder / "1.warc.gz", "wb") as odd:
        for i, record in enumerate(responses(source)):
            write((even, odd)[i % 2], *record)


def replicas(source: Path, target: Path, times: int) -> int:
    """`times` copies of each response, each with an address, an id and words of its own; how many there are."""
    records = 0
    with open(target, "wb") as out:
        for copy in range(times):
            mark = bytes(_LETTERS[copy // 20**place % 20] for place in range(2))
            for headers, block in responses(source):
                url = headers[b"WARC-Target-URI"] + b"?copy=%d" % copy
                headers = {name: value for name, value in headers.items() if not name.endswith(b"-Digest")}
                own = f"<{uuid.uuid5(uuid.NAMESPACE_URL, url.decode('utf-8', 'replace')).urn}>"
                write(out, headers | {b"WARC-Target-URI": url, b"WARC-Record-ID": own.encode()}, salted(block, mark))
                records += 1
    return records


def salted(block: bytes, mark: bytes) -> bytes:
    """An HTTP response in whose text some words end in `mark`. One whose body is encoded is left as it is."""
    head, gap, body = block.partition(b"\r\n\r\n")
    if re.search(rb"(?im)^(content|transfer)-encoding", head):
        return block
    head = re.sub(rb"(?im)^content-length:[^\r\n]*\r?\n?", b"", head).rstrip(b"\r\n")

    def word(found: re.Match[bytes]) -> bytes:
        return found[0] + mark if found.start() % _SALTED == 0 else found[0]

    return head + gap + _TEXT.sub(lambda found: _WORD.sub(word, found[0]), body)


def write(out: BinaryIO, headers: dict[bytes, bytes], block: bytes) -> None:
    named = [b"%s: %s" % pair for pair in headers.items() if pair[0].lower() != b"content-length"]
    head = b"\r\n".join([b"WARC/1.0", *named, b"Content-Length: %d" % len(block)])
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    out.write(packer.compress(head + b"\r\n\r\n" + block + b"\r\n\r\n") + packer.flush())
