"""ARC files, plain or compressed: what the Internet Archive's crawler wrote before WARC, in versions 1 and 2.

Read as WARC files are, damage included. What it gives up: a record whose line of words does not parse is damage; and since
nothing but the next record shows that a length was right, the record before garbage in a plain file is `bad_length`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from corpus.registry import register
from corpus.sources.records import Frame
from corpus.sources.syntax import ARC, Syntax
from corpus.sources.warc import Warc


@register("reader", "arc", provider="fastwarc")
@dataclass(frozen=True)
class Arc(Warc):
    """Records of an ARC file (Burner and Kahle 1996), each with its payload decoded; the one about the file is counted.

    Records have no ids of their own: theirs is of address, date and content. max_record_bytes: as for `warc`.
    """

    syntax: ClassVar[Syntax] = ARC

    def _own(self, frame: Frame) -> bytes | None:
        if frame.block is None:
            return None
        told = (frame.fields[b"warc-target-uri"], frame.fields[b"warc-date"])
        return b" ".join([*told, hashlib.blake2b(frame.block, digest_size=16).digest()])
