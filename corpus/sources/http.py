"""An HTTP response as a crawler stored it → its body, with transfer and content encodings undone.

Tolerant where crawlers are known to differ from the header: a body that was already decoded, or cut short, is taken as
it is. Bounded: no body is inflated past a limit.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

from corpus.sources.fields import end_of_head, kept, media_type, parse_fields

HEAD_BYTES = 64 << 10
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t\r\n]|$)")
_CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")
_USABLE = (200, 203)
_MANY_ENCODINGS = 4
_KEPT = frozenset([b"x-robots-tag", b"tdm-reservation", b"tdm-policy", b"content-language", b"last-modified", b"link"])


class Response(NamedTuple):
    """Body in bytes, None where there is a problem; media type, charset and the headers worth keeping as the head says."""

    body: bytes | None
    type: str | None = None
    charset: str | None = None
    problem: str | None = None
    headers: dict[str, str] = {}


class _Unusable(ValueError):
    """Carries the reason as its message."""


def parse_response(block: bytes, limit: int) -> Response:
    """block: a response's head and body. limit: most bytes a body may have."""
    status = _STATUS.match(block)
    if not status:
        return Response(None, problem="bad_http")
    end = end_of_head(block, 0, HEAD_BYTES)
    if end < 0 and len(block) > HEAD_BYTES:
        return Response(None, problem="bad_http")
    fields = parse_fields(block[: end if end >= 0 else len(block)])
    kind, charset = media_type(fields.get(b"content-type"))
    headers = kept(fields, _KEPT)
    if int(status[1]) not in _USABLE:
        return Response(None, kind, charset, "http_status", headers)
    body = block[end:] if end >= 0 else b""
    try:
        for name in reversed(_tokens(fields.get(b"transfer-encoding"))):
            body = _undo(name, body, limit)
        for name in reversed(_tokens(fields.get(b"content-encoding"))):
            body = _undo(name, body, limit)
    except _Unusable as error:
        return Response(None, kind, charset, str(error), headers)
    problem = "record_too_large" if len(body) > limit else None if body else "empty_payload"
    return Response(None if problem else body, kind, charset, problem, headers)


def _tokens(value: bytes | None) -> list[str]:
    names = [t.strip().lower() for t in (value or b"").decode("latin-1").split(",")]
    names = [t for t in names if t not in ("", "identity", "none", "binary", "utf-8", "8bit")]
    if len(names) > _MANY_ENCODINGS:
        raise _Unusable("unsupported_encoding")
    return names


def _undo(name: str, body: bytes, limit: int) -> bytes:
    if name == "chunked":
        return _dechunk(body)
    decode = _DECODERS.get(name)
    if decode is None:
        raise _Unusable("unsupported_encoding")
    if not body:
        return body
    try:
        found = decode(body, limit)
    except (zlib.error, OSError):
        if body.lstrip()[:1] == b"<":
            return body
        raise _Unusable("bad_http") from None
    if len(found) > limit:
        raise _Unusable("record_too_large")
    return found


def _dechunk(body: bytes) -> bytes:
    pieces, at = [], 0
    while at < len(body):
        found = _CHUNK.match(body, at)
        if not found:
            if at == 0:
                return body
            raise _Unusable("bad_http")
        size = int(found[1], 16)
        if size == 0:
            break
        pieces.append(body[found.end() : found.end() + size])
        at = found.end() + size
        if body[at : at + 2] == b"\r\n":
            at += 2
        elif body[at : at + 1] == b"\n":
            at += 1
    return b"".join(pieces)


def _gzip(body: bytes, limit: int) -> bytes:
    found = b""
    while body[:2] == b"\x1f\x8b" and len(found) <= limit:
        inflater = zlib.decompressobj(31)
        found += inflater.decompress(body, limit + 1 - len(found))
        body = inflater.unused_data
    if not found and body:
        raise zlib.error("no gzip member")
    return found


def _deflate(body: bytes, limit: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(body, limit + 1)
    except zlib.error:
        return zlib.decompressobj(-15).decompress(body, limit + 1)


def _streamed(reader: str) -> Callable[[bytes, int], bytes]:
    def decode(body: bytes, limit: int) -> bytes:
        from fastwarc import stream_io

        stream = getattr(stream_io, reader)(io.BytesIO(body))
        pieces, left = [], limit + 1
        while left > 0 and (piece := stream.read(min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
        return b"".join(pieces)

    return decode


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate, "br": _streamed("BrotliReader"), "zstd": _streamed("ZstdReader"),
}
