"""Personal data masked where its form alone tells: mail addresses, public IP addresses, telephone numbers.

Names, postal addresses and numbers of documents are not looked for. Replacements are constants that nobody owns
(RFC 2606, RFC 5737, numbers reserved for fiction), so masking a masked text changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.edits.texts import Span, TextEditor, replaced
from corpus.registry import register

_ATOM = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# every repeat has an end (RFC 5321's), so no text makes the search slow
_EMAIL = re.compile(rf"(?<![\w.+-])[A-Za-z0-9_](?:[.{_ATOM}]{{0,62}}[{_ATOM}])?"
                    rf"@(?:{_LABEL}\.){{1,8}}[A-Za-z]{{2,63}}(?![\w@-])")
_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?<![\w.])(?:{_BYTE}\.){{3}}{_BYTE}(?!\w|\.\w)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){4,7}(?![\w:])")
#: A country code with 7 to 14 more digits; or a North American number: area and exchange start with 2 to 9.
_PHONE = re.compile(
    r"(?<![\w+.-])(?:\+[1-9]\d{0,2}(?:[ .-]?\(0\))?(?:[ .-]?\(?\d{1,5}\)?){2,6}"
    r"|(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d([ .-]))[2-9]\d\d(?(1)\1|[ .-])\d{4})(?![\w-]|\.\d)")
_DIGITS = re.compile(r"\d")
_OURS = ("example.com", "example.org", "example.net")


@register("editor", "pii", provider="python-unicode")
@dataclass(frozen=True)
class Pii(TextEditor):
    """Masks e-mail addresses, public IPv4 and IPv6 addresses and telephone numbers; spans say which of them it was.

    Telephone numbers are masked in two forms alone, international (`+49 30 1234567`) and North American (`(212) 555-0199`),
    as other national forms cannot be told from other numbers. An empty replacement leaves that kind alone.
    """

    email: str = "email@example.com"
    ip: str = "192.0.2.1"
    ipv6: str = "2001:db8::1"
    phone: str = "+1-202-555-0100"

    def may_touch(self, texts: pa.Array) -> np.ndarray:
        # an address has an @, an IP three dots or four colons between digits, a telephone number seven digits
        shape = r"@|\d\.\d{1,3}\.\d{1,3}\.|[0-9A-Fa-f]:{1,2}[0-9A-Fa-f]{1,4}:|\d[ ().-]{0,3}\d[ ().-]{0,3}\d[ ().-]{0,3}\d"
        return pc.match_substring_regex(texts, shape).to_numpy(zero_copy_only=False)

    def edit_text(self, text: str) -> tuple[str, list[Span]]:
        found: list[tuple[int, int, str, str]] = []
        if self.email and "@" in text:
            found += [(*m.span(), "email", self.email) for m in _EMAIL.finditer(text) if _personal(m[0])]
        for pattern, kind, mask in ((_IPV4, "ip", self.ip), (_IPV6, "ip", self.ipv6)):
            if mask:
                found += [(*m.span(), kind, mask) for m in pattern.finditer(text) if _public(m[0])]
        if self.phone:
            found += [(*m.span(), "phone", self.phone) for m in _PHONE.finditer(text)
                      if 7 <= len(_DIGITS.findall(m[0])) <= 15 and m[0] != self.phone]
        return replaced(text, _apart(found))


def _personal(address: str) -> bool:
    domain = address.rpartition("@")[2].lower()
    return not domain.endswith(_OURS)


def _public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _apart(found: list[tuple[int, int, str, str]]) -> list[tuple[int, int, str, str]]:
    """Of spans that overlap, the one that starts first, and of those the longest."""
    kept: list[tuple[int, int, str, str]] = []
    for span in sorted(found, key=lambda s: (s[0], -s[1])):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
