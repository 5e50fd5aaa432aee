"""Repairs of text that was decoded wrongly somewhere before it reached the page (`schÃ¶n` for `schön`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.edits.texts import Span, TextEditor
from corpus.registry import register
from corpus.text.nfc import ordered

#: ASCII that ftfy may change: escapes, controls, carriage returns, entities.
_SUSPECT = "[\\x00-\\x08\\x0b-\\x1f\\x7f&]"


@register("editor", "unicode", provider=("ftfy", "python-unicode"))
@dataclass(frozen=True)
class Unicode(TextEditor):
    """Mojibake, stray controls, terminal escapes, ligatures, line ends and entities repaired by ftfy (Speer 2019).

    Spans are lines that changed. unescape_html: entities, unless the text has a `<`; uncurl_quotes: ’ to '.
    """

    packages: ClassVar[tuple[tuple[str, str], ...]] = (("ftfy", "edits"),)

    normalization: Literal["NFC", "NFKC"] | None = "NFC"
    unescape_html: bool = True
    uncurl_quotes: bool = False

    def may_touch(self, texts: pa.Array) -> np.ndarray:
        plain = pc.and_(pc.string_is_ascii(texts), pc.invert(pc.match_substring_regex(texts, _SUSPECT)))
        return pc.invert(plain).to_numpy(zero_copy_only=False)

    def edit_text(self, text: str) -> tuple[str, list[Span]]:
        import ftfy

        # ftfy decides line by line on everything but entities, which a `<` anywhere in the text forbids
        config = ftfy.TextFixerConfig(unescape_html=self.unescape_html and "<" not in text, explain=False,
                                      uncurl_quotes=self.uncurl_quotes, normalization=self.normalization)
        pieces, spans, at = [], [], 0
        for line in re.findall(r"[^\n]*\n|[^\n]+", text):
            fixed = ftfy.fix_text(ordered(line) if self.normalization else line, config)
            if fixed != line:
                spans.append((at, at + len(line), "unicode"))
            pieces.append(fixed)
            at += len(line)
        return "".join(pieces), spans
