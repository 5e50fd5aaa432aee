"""Is it a page, is it text? The first bytes decide where the header is absent or lies.

What it gives up: a page that neither its header nor its first kilobyte shows to be HTML is not found.
"""

from __future__ import annotations

import re

_HEAD = 1024
_PAGE = re.compile(
    rb"\s*+(?>(?:<\?(?:xml|php)[^>]*>|<!--.*?-->)\s*)*+"
    rb"<(?:!doctype\s+(?:html|\"-//)|(?:html|head|body|title|meta|link|base|script|style|noscript|iframe|frameset|div|p|h[1-6]"
    rb"|table|center|font|a|b|br|hr|img|ul|ol|dl|span|form|main|article|section|header|nav|pre)(?=[\s/>]))", re.I | re.S)
_OPEN_COMMENT = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<!--")
_ROBOTS = re.compile(r"(?i:https?)://[^/?#]*+/robots\.txt(?:[?#]|\Z)")
_BINARY = (
    b"%PDF-", b"%!PS", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ",
    b"7z\xbc\xaf", b"Rar!", b"\x7fELF", b"MZ\x90", b"OggS", b"ID3", b"RIFF", b"wOFF", b"wOF2", b"\x00\x01\x00\x00", b"OTTO",
    b"\xd0\xcf\x11\xe0", b"\x00asm", b"\xca\xfe\xba\xbe", b"FWS", b"CWS", b"fLaC", b"II*\x00", b"MM\x00*",
    b"\x28\xb5\x2f\xfd",
)
_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_CONTROL = bytes(set(range(32)) - {7, 8, 9, 10, 12, 13, 27})


def kind_of(declared: str | None, data: bytes, url: str | None = None) -> str | None:
    """`html`, `text`, `robots` for a site's robots.txt, or None for none of them. declared: the media type, lower case."""
    head = data[:_HEAD]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[2:].replace(b"\x00", b"")
    elif head.startswith(b"\xef\xbb\xbf"):
        head = head[3:]
    elif head.startswith(_BINARY) or head[4:8] == b"ftyp":
        return None
    if _PAGE.match(head):
        return "html"
    if url and _ROBOTS.match(url) and not _binary(head):   # before the header, which often calls it HTML
        return "robots"
    if declared in _HTML_TYPES:
        return "html"
    if declared is None and _OPEN_COMMENT.match(head):
        return "html" if _PAGE.match(data[: 64 * _HEAD]) else None
    if declared == "text/plain" and not _binary(head):
        return "text"
    return None


def _binary(head: bytes) -> bool:
    """More than one in fifty bytes that no text has."""
    return (len(head) - len(head.translate(None, _CONTROL))) * 50 > len(head)
