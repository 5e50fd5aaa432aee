"""Formulas of a page as the TeX they were written in, each once: from MathML's annotation or alternative text, MathJax's
scripts, or the alternative text of an image that stands for a formula.
"""

from __future__ import annotations

import re
from typing import Any

_PICTURES = re.compile(r"(?<!\S)(?:tex|latex|math|mwe-math-fallback-image-\w+)(?!\S)")
_STYLED = re.compile(r"\{\\(?:displaystyle|textstyle)\b\s*(.*)\}", re.S)
_ENCODINGS = frozenset(("application/x-tex", "application/x-latex", "tex", "latex"))
_OPENS = ("$", r"\(", r"\[", r"\begin")


class Formulas:
    """Of one page, in reading order: an image that repeats the formula before it, as in MediaWiki, is no formula."""

    def __init__(self) -> None:
        self._before = ""

    def of(self, tag: str, e: Any) -> str | None:
        """TeX in dollars of a `math`, `img` or `script` element of lxml; None where it has none."""
        display = False
        if tag == "math":
            tex, display = e.get("alttext") or _annotation(e), e.get("display") == "block"
        elif tag == "img":
            names = e.get("class")
            tex = e.get("alt") if names and _PICTURES.search(names) else None
        else:
            kind = e.get("type", "")
            tex, display = (e.text if kind.startswith("math/tex") else None), "mode=display" in kind
        tex = tex.strip() if tex else ""
        if styled := _STYLED.fullmatch(tex):
            tex = styled[1].strip()
        if not tex or (tag == "img" and tex == self._before):
            return None
        self._before = tex
        mark = "$$" if display else "$"
        return tex if tex.startswith(_OPENS) else f"{mark}{tex}{mark}"


def _annotation(math: Any) -> str | None:
    for note in math.iter("annotation"):
        if (note.get("encoding") or "").lower() in _ENCODINGS:
            return note.text
    return None
