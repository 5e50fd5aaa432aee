"""Header fields as WARC and HTTP write them: `name: value` lines, ended by an empty line, LF tolerated for CR LF."""

from __future__ import annotations

import re

_BLANK = re.compile(rb"\r?\n\r?\n")
_JOINED = frozenset([b"content-encoding", b"transfer-encoding", b"x-robots-tag", b"link", b"content-language"])


def end_of_head(data: bytes | bytearray, start: int, stop: int) -> int:
    """Position after the empty line that ends a head, or -1 where there is none before `stop`."""
    found = _BLANK.search(data, start, stop)
    return found.end() if found else -1


def parse_fields(head: bytes) -> dict[bytes, bytes]:
    """Lower-case names → values, without the first line. The first of several counts; lists are joined."""
    fields: dict[bytes, bytes] = {}
    last = b""
    for line in head.split(b"\n")[1:]:
        line = line.rstrip()
        if line[:1] in (b" ", b"\t") and last:
            fields[last] += b" " + line.strip()
            continue
        name, colon, value = line.partition(b":")
        if not colon:
            continue
        last, value = name.strip().lower(), value.strip()
        if last in fields:
            if last in _JOINED:
                fields[last] += b"," + value
            else:
                last = b""
        else:
            fields[last] = value
    return fields


def kept(fields: dict[bytes, bytes], names: frozenset[bytes]) -> dict[str, str]:
    """Those of the fields that have one of the names and a value, as text."""
    if names.isdisjoint(fields):
        return {}
    return {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items() if name in names and value}


def media_type(value: bytes | None) -> tuple[str | None, str | None]:
    """`text/html; charset="x"` → (text/html, x), lower case; None for what is not there."""
    if not value:
        return None, None
    kind, *parameters = value.decode("latin-1").split(";")
    charset = None
    for parameter in parameters:
        name, equals, text = parameter.partition("=")
        if equals and name.strip().lower() == "charset":
            charset = text.strip().strip("\"' ").lower()[:64] or None
            break
    return kind.strip().lower() or None, charset
