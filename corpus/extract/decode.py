"""Bytes of a page or text → characters, always valid: no lone surrogates, no NUL.

In order: a byte order mark; bytes that are UTF-8 as they stand, which no other encoding looks like by chance; the HTTP
header; the page's own declaration; detection. A label that is unknown, or under which the bytes make no sense, is passed
over. What it gives up: a single-byte encoding that is declared wrongly cannot be told from a right one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_DECLARED = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:()-]{1,40})"
                       rb"|\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:()-]{1,40})", re.I)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD = 4096


def decode(data: bytes, charset: str | None, page: bool) -> str:
    """charset: what the HTTP header said. page: whether to look for a declaration inside, as HTML has it."""
    return valid(_decode(data, charset, page))


def valid(text: str) -> str:
    """Without NUL; surrogates that form a pair become their character, lone ones U+FFFD."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _decode(data: bytes, charset: str | None, page: bool) -> str:
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return data[len(mark):].decode(codec, "replace")
    wide = data.count(0, 0, _HEAD) * 5 > min(len(data), _HEAD)
    shifted = b"\x1b" in data and data.isascii()   # ISO-2022-JP spells everything in ASCII bytes
    if not wide and not shifted:
        try:
            return data.decode()
        except UnicodeDecodeError:
            pass
    for label in _labels(data, charset, page, wide, shifted):
        codec = _codec(label)
        text = None if codec is None else _sensible(data, codec, wide)
        if text is not None:
            return text
    return data.decode("cp1252", "replace")


def _labels(data: bytes, charset: str | None, page: bool, wide: bool, shifted: bool) -> Iterator[str]:
    if charset:
        yield charset
    declared = _DECLARED.search(data, 0, _HEAD) if page else None
    if declared:
        yield (declared[1] or declared[2]).decode()
    if wide:
        yield "utf-16-le" if data.count(0, 1, 2) or data[1:_HEAD:2].count(0) > data[:_HEAD:2].count(0) else "utf-16-be"
    if shifted and b"\x1b$" in data:
        yield "iso-2022-jp"
    yield "utf-8"
    from resiliparse.parse.encoding import detect_encoding

    yield detect_encoding(data) or "cp1252"


def _codec(label: str) -> str | None:
    """Python's codec for a label of the WHATWG Encoding Standard, None for any other label."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    name = map_encoding_to_html5(label, fallback_utf8=False) if label.isascii() and label.isprintable() else None
    try:
        return codecs.lookup(name).name if name else None
    except LookupError:
        return None


def _sensible(data: bytes, codec: str, wide: bool) -> str | None:
    """The text, None where too much of it is not of this encoding: over one in ten of its characters beyond ASCII."""
    if codec.startswith("utf-16") != wide:
        return None
    text = data.decode(codec, "replace")
    bad = text.count("\ufffd")
    if bad and bad * 10 > sum(len(run) for run in re.findall(r"[^\x00-\x7f]+", text)):
        return None
    return text
