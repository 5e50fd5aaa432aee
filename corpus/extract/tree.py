"""A page's HTML → its blocks of text in reading order, and the elements around them, from one walk over lxml's tree.

A block is a run of text between two places where a line breaks. Elements are numbered in document order and know which
blocks they hold, so a sum over an element is a difference of two running sums. What it gives up: whatever a style sheet
or a script would hide, move or add.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from corpus.extract.marks import BLOCK, KINDS, SKIP, UNSEEN, purpose, said
from corpus.extract.tex import Formulas

_BREAK = "\x00"   # a <br>; pages have no NUL when they come here
_BLANK_LINES = re.compile(r"\A(?:[^\S\n]*\n)+")
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))


@dataclass
class Layout:
    """A page as columns of blocks, and from `parent` on of elements.

    chars, linked: characters of a block, and of them in links. kind: the tag of the block element around it; `li` for the
    first block of an item, `item` for its others. row, cell: the table row around it and the cell's number in it, -1
    outside. links: <a> elements before each block, and at the end. flags: `corpus.extract.marks`. An element holds blocks
    first..last-1.
    """

    text: list[str] = field(default_factory=list)
    chars: list[int] = field(default_factory=list)
    linked: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    row: list[int] = field(default_factory=list)
    cell: list[int] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    tag: list[str] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)


def parse(page: str) -> Layout:
    """page: decoded HTML without NUL or lone surrogates."""
    from lxml import etree

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, no_network=True)
    try:
        root = etree.fromstring(page.encode(), parser)
    except etree.XMLSyntaxError:   # nothing at all in it
        return Layout()
    if root is None:
        return Layout()
    body = root.find("body")
    return _Walk().over(root if body is None else body)


class _Walk:
    """Where the walk is: the block under way, and the elements, table rows and links that are open."""

    def __init__(self) -> None:
        self.blocks = Layout()
        self.pieces: list[str] = []
        self.open: list[int] = []
        self.rows: list[tuple[int, int]] = []
        self.row = self.cell = -1
        self.rows_seen = self.anchors = self.in_link = self.linked = self.in_pre = 0
        self.item = False
        self.formulas = Formulas()

    def over(self, root: Any) -> Layout:
        from lxml.etree import iterwalk

        pieces, kinds = self.pieces, KINDS
        walk = iterwalk(root, events=("start", "end"))
        for event, e in walk:
            tag = e.tag
            kind = kinds[tag]
            if event == "start":
                if kind == BLOCK:
                    self._enter(tag, e.attrib)
                elif kind == SKIP or not self._inline(tag, e):
                    if kind != SKIP or not self._shown(tag, e):
                        walk.skip_subtree()
                        continue
                text = e.text
            else:
                if kind == BLOCK:
                    self._leave(tag)
                    if not self.open:
                        break
                elif tag == "a":
                    self.in_link -= 1
                text = e.tail
            if text and (pieces or self.in_pre or not text.isspace()):
                pieces.append(text)
                if self.in_link:
                    self.linked += len(text.strip())
        self.blocks.links.append(self.anchors)
        return self.blocks

    def _enter(self, tag: str, attributes: Any) -> None:
        if self.pieces:
            self._flush()
        b = self.blocks
        b.parent.append(self.open[-1] if self.open else -1)
        self.open.append(len(b.tag))
        b.tag.append(tag)
        b.flags.append(purpose(tag, attributes))
        b.first.append(len(b.text))
        b.last.append(0)
        if tag == "li":
            self.item = True
        elif tag == "td" or tag == "th":
            self.cell += 1
        elif tag == "tr":
            self.rows.append((self.row, self.cell))
            self.row, self.cell = self.rows_seen, -1
            self.rows_seen += 1
        elif tag == "pre":
            self.in_pre += 1

    def _leave(self, tag: str) -> None:
        if self.pieces:
            self._flush()
        self.blocks.last[self.open.pop()] = len(self.blocks.text)
        if tag == "li":
            self.item = False
        elif tag == "tr":
            self.row, self.cell = self.rows.pop()
        elif tag == "pre":
            self.in_pre -= 1

    def _inline(self, tag: str, e: Any) -> bool:
        """Opens an inline element; whether to go into it."""
        if tag == "br":
            self.pieces.append(_BREAK)
            return True
        if tag == "a":
            self.anchors += 1
            self.in_link += 1
        elif tag == "math" or tag == "img":
            tex = self.formulas.of(tag, e)
            if tex:
                self.pieces.append(tex)
                return False
        names = e.get("class")
        return not names or not said(names) & UNSEEN

    def _shown(self, tag: str, e: Any) -> bool:
        """Whether to go into an element of a kind that is passed over: a button that is a section's heading."""
        if tag == "script":
            tex = self.formulas.of(tag, e)
            if tex:
                self.pieces.append(tex)
        return tag == "button" and bool(self.open) and self.blocks.tag[self.open[-1]] in _HEADINGS

    def _flush(self) -> None:
        """Ends the block under way."""
        raw = "".join(self.pieces)
        self.pieces.clear()
        linked, self.linked = self.linked, 0
        if self.in_pre:
            text = _BLANK_LINES.sub("", raw.replace("\r\n", "\n").replace(_BREAK, "\n")).rstrip()
        elif _BREAK in raw:
            text = "\n".join(line for part in raw.split(_BREAK) if (line := " ".join(part.split())))
        else:
            text = " ".join(raw.split())
        if not text:
            return
        b, tag = self.blocks, self.blocks.tag[self.open[-1]]
        b.text.append(text)
        b.chars.append(len(text))
        b.linked.append(min(linked, len(text)))
        b.kind.append("pre" if self.in_pre else "li" if self.item else "item" if tag == "li" else tag)
        b.row.append(self.row)
        b.cell.append(self.cell)
        b.links.append(self.anchors)
        self.item = False
