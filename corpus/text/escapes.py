"""The one spelling of %-escapes in addresses (RFC 3986, section 6.2.2): what needs none loses it, others are upper case."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def normal_escapes(text: str) -> str:
    """`%7euser/%3f` → `~user/%3F`."""
    return _ESCAPE.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _PLAIN else found[0].upper()
