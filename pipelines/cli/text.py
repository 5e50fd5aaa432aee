"""Words for a terminal: page text is made inert before it is printed, numbers and tables are laid out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Text without control characters, so that nothing read from the web can drive a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], right: Sequence[int] = ()) -> str:
    """Columns of plain text; `right` names those to align to the right."""
    cells = [[plain(str(c)) for c in row] for row in rows]
    widths = [max([len(h), *(len(r[i]) for r in cells)]) for i, h in enumerate(head)]
    lines = []
    for row in [list(head), *cells]:
        lines.append(
            "  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip()
        )
    return "\n".join(lines)


def as_json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True, default=str)


def size(n: float) -> str:
    """Bytes for people."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if n < 1000 or unit == "TB":
            return f"{n:,.0f} {unit}" if unit == "B" else f"{n:,.1f} {unit}"
        n /= 1000
    raise AssertionError
