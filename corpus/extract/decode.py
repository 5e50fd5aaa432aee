"""Bytes of a page or text → characters, always valid: no lone surrogates, no NUL.

In order: a byte order mark; the HTTP header; the page's own declaration; detection. A label that is unknown, or under which
the bytes make no sense, is passed over. One exception: bytes that are UTF-8 as they stand are UTF-8 whatever was declared,
for no text of another encoding is so by chance; only where there are next to none beyond ASCII is a declared East Asian
encoding believed, whose two-byte characters can be. What it gives up: a single-byte encoding declared wrongly cannot be
told from a right one, so the header's word stands against the page's.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_DECLARED = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:()-]{1,40})"
                       rb"|\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:()-]{1,40})", re.I)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HEAD = 4096
_PAIRED = frozenset(("gbk", "gb2312", "gb18030", "big5", "big5hkscs", "shift_jis", "cp932", "euc_jp", "euc_kr", "cp949"))
_SURE = 4   # bytes that UTF-8 takes over one a character: one in ten of an East Asian encoding's pairs is UTF-8 by chance


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
    utf8 = None if wide or shifted else _utf8(data)
    if utf8 is not None and (len(utf8) == len(data) or len(data) - len(utf8) >= _SURE):
        return utf8
    for label in _labels(data, charset, page, wide, shifted):
        codec = _codec(label)
        if codec is None:
            continue
        if utf8 is not None and codec not in _PAIRED:
            return utf8
        text = _sensible(data, codec, wide)
        if text is not None:
            return text
    return data.decode("cp1252", "replace")


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


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
