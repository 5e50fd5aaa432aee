"""How the records of an archive look: what one begins with, where its head ends, and what its head says.

WARC has named fields, ARC a line of words; to what reads them both are fields under WARC's names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from corpus.sources.fields import end_of_head, parse_fields


class Syntax(NamedTuple):
    """begins: matches where a record starts. inside: searched for in text that is damaged. member: matches what the first
    kilobyte of a compressed member may begin with. ahead: bytes that `begins` and `inside` have to see. ending: what is
    between two records. end_of_head: as `fields.end_of_head`. fields: of a whole head.
    """

    begins: re.Pattern[bytes]
    inside: re.Pattern[bytes]
    member: re.Pattern[bytes]
    ahead: int
    ending: bytes
    end_of_head: Callable[[bytes | bytearray, int, int], int]
    fields: Callable[[bytes], dict[bytes, bytes]]


_MAGIC = re.compile(rb"WARC/")
WARC = Syntax(_MAGIC, re.compile(rb"WARC/[01]\.[0-9]\r?\n[A-Za-z-]+:"), _MAGIC, 64, b"\r\n\r\n", end_of_head, parse_fields)

# address, IP address, date, and up to the length at its end what version 1 or 2 has between: spaces may be in any of them
_LINE = (rb"(?P<url>[A-Za-z][A-Za-z0-9+.-]{1,30}:[^\r\n]{0,4096}?) [0-9A-Fa-f.:-]{1,45} (?P<date>[0-9]{8,17}) "
         rb"(?:(?P<type>[^ \r\n]{1,200}) )?(?:[^\r\n]{0,2048} )?(?P<length>[0-9]{1,18})\r?\n")
_ARC_HEAD = re.compile(_LINE)


def _end_of_line(data: bytes | bytearray, start: int, stop: int) -> int:
    return data.find(b"\n", start, stop) + 1 or -1


def _arc_fields(head: bytes) -> dict[bytes, bytes]:
    found = _ARC_HEAD.match(head)
    if not found:
        return {}
    about = found["url"].lower().startswith(b"filedesc:")
    fields = {b"warc-type": b"warcinfo" if about else b"response", b"warc-target-uri": found["url"],
              b"warc-date": _iso(found["date"]), b"content-length": found["length"]}
    return fields | ({b"content-type": found["type"]} if found["type"] else {})


def _iso(digits: bytes) -> bytes:
    """20080430204826 → 2008-04-30T20:48:26Z, as WARC has it; what is shorter or longer stays as it is."""
    if len(digits) != 14:
        return digits
    year, *rest = digits[:4], *(digits[i : i + 2] for i in range(4, 14, 2))
    return b"%s-%s-%sT%s:%s:%sZ" % (year, *rest)


ARC = Syntax(_ARC_HEAD, re.compile(rb"(?<=\n)" + _LINE), re.compile(rb"[A-Za-z][A-Za-z0-9+.-]{1,30}:"), 8192, b"",
             _end_of_line, _arc_fields)
