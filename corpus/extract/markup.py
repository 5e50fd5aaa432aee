"""Single tags of a page, read from its bytes around places that matter, without parsing the page.

What it gives up: tags of over a thousand bytes, `>` inside an attribute, and pages in UTF-16.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_REACH = 1000           # bytes a tag may have before and behind a place in it
_ELEMENT = re.compile(rb"<(a|area|link|meta|script)\b", re.I)
_ATTRIBUTE = re.compile(
    rb"(?<![\w-])(rel|href|name|property|http-equiv|content|type)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.I)


class Tag(NamedTuple):
    """An opening tag: its element, lower case; attributes by name, lower case; its first byte and the one behind it."""

    element: str
    given: dict[str, str]
    start: int
    end: int


def tags_at(page: bytes, places: Iterable[int]) -> Iterator[Tag]:
    """The links, meta elements and scripts in whose tags any of the places is, each once."""
    seen: set[int] = set()
    for at in places:
        start = page.rfind(b"<", max(0, at - _REACH), at)
        if start < 0 or start in seen:
            continue
        seen.add(start)
        element = _ELEMENT.match(page, start)
        end = page.find(b">", start, at + _REACH) + 1 if element else 0
        if end > at:
            yield Tag(element[1].decode().lower(), dict(_attributes(page, start, end)), start, end)


def _attributes(page: bytes, start: int, end: int) -> Iterator[tuple[str, str]]:
    for found in _ATTRIBUTE.finditer(page, start, end):
        value = (found[2] or found[3] or found[4] or b"").decode("utf-8", "replace")
        yield found[1].decode().lower(), html.unescape(value) if "&" in value else value
