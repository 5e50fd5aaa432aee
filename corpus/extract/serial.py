"""Kept blocks → text: paragraphs apart, list items with a dash, a table's rows as cells between bars, `<pre>` as it is."""

from __future__ import annotations

from collections.abc import Sequence

from corpus.extract.tree import Layout

_CLOSE = frozenset(("li", "item", "dt", "dd", "tr", "td", "th"))
_CELL = 300   # characters; a longer cell is a column of a page's layout


def write(b: Layout, kept: Sequence[bool]) -> str:
    """kept: one a block. A blank line between blocks, none between items or rows that follow one another."""
    out: list[str] = []
    n, at, before, whole = len(kept), 0, False, -1
    while at < n:
        end, text, close = at + 1, b.text[at], b.kind[at] in _CLOSE
        row = b.row[at]
        if row >= 0 and row != whole:
            while end < n and b.row[end] == row:
                end += 1
            line = _line(b, range(at, end), kept)
            if line is None:
                whole, end = row, at + 1   # this row is written block by block
            else:
                text, close = line, True
        if any(kept[at:end]) and text:
            if out:
                out.append("\n" if close and before else "\n\n")
            out.append("- " + text if b.kind[at] == "li" else text)
            before = close
        at = end
    return "".join(out)


def _line(b: Layout, blocks: range, kept: Sequence[bool]) -> str | None:
    """A row's cells between bars; None where one is long or code, as in tables made for layout."""
    cells = [""] * (b.cell[blocks[-1]] + 1)
    for i in blocks:
        cell = b.cell[i]
        if cell < 0 or b.kind[i] == "pre" or len(cells[cell]) + b.chars[i] > _CELL:
            return None
        if kept[i]:
            cells[cell] = f"{cells[cell]} {b.text[i]}".strip().replace("\n", " ")
    return " | ".join(cells).strip()
