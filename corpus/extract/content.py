"""Which blocks of a page are its content: what the author says an element is for, held against where the prose is.

In steps: what lies around the content goes, unless most of the prose is in it; the content is the smallest element said
to be such that holds most of what is left; in it, lists of links go, unless the page is such a list; a heading goes
with its section. Every bound below stands on a plateau: a half more or less moves scores by thousandths.
"""

from __future__ import annotations

import numpy as np

from corpus.extract.marks import AROUND, BESIDE, COMMENTS, CONTENT, UNSEEN
from corpus.extract.tree import Layout

_PROSE = 30         # characters outside links that make a block prose
_SCARCE = 0.1       # of the characters: with less prose than that, all text outside links counts, or all text
_LABEL = 8          # characters outside links: the least that counts then
_LONG = 90          # and that no list of links has in a block
_MOST = 0.5         # of the prose: an element with more is no surrounding
_ROOT = 0.6         # of the prose: the least that the content holds
_UNNAMED = 0.8      # the same where no element is said to be the content
_TWIN = 0.1         # of its prose in an element like it beside it: it is one of several
_LINKED = 0.55      # of the characters in links: a list of links
_LEFT = 0.3         # of the text left when lists of links are gone; with less the page is such a list
_ARTICLE = 1000     # characters of prose that are an article of its own beside comments
_ENDS = (".", "!", "?", "…", "。", "！", "？", "؟", "।", '."', ".”")
_ITEMS = frozenset("p h1 h2 h3 h4 h5 h6 th li dt dd tr tbody thead".split())
_ALONE = frozenset("p div section article".split())


def content(b: Layout, comments: bool) -> np.ndarray:
    """(blocks,) bool: what to keep. comments: also readers' comments below an article; a discussion is always kept."""
    return Page(b).content(comments) if b.text else np.zeros(0, bool)


class Page:
    """The blocks of a page as arrays; `within` is the sum of a column over each element."""

    def __init__(self, b: Layout) -> None:
        self.b = b
        self.chars = np.asarray(b.chars, np.int64)
        sentence = np.asarray([text.endswith(_ENDS) for text in b.text]) & (self.chars >= _PROSE)
        linked = np.asarray(b.linked, np.int64)
        self.linked = np.where(sentence, np.minimum(linked, self.chars // 4), linked)   # a card that is one link has prose
        self.own = self.chars - self.linked
        self.prose = np.where(self.own >= _PROSE, self.own, 0)
        if self.prose.sum() < _SCARCE * self.chars.sum():   # a page of labels, cells or links
            labels = self.own.sum() >= _SCARCE * self.chars.sum()
            self.prose = np.where(self.own >= _LABEL, self.own, 0) if labels else self.chars
        self.first, self.last = np.asarray(b.first), np.asarray(b.last)
        self.flags = np.asarray(b.flags)

    def within(self, values: np.ndarray) -> np.ndarray:
        sums = np.concatenate([[0], np.cumsum(values)])
        return sums[self.last] - sums[self.first]

    def blocks_of(self, elements: np.ndarray) -> np.ndarray:
        """(blocks,) bool: those inside any of the elements (a mask)."""
        edges = np.zeros(len(self.chars) + 1, np.int64)
        np.add.at(edges, self.first[elements], 1)
        np.add.at(edges, self.last[elements], -1)
        return np.cumsum(edges[:-1]) > 0

    def content(self, comments: bool) -> np.ndarray:
        left = ~self._around(AROUND | BESIDE | UNSEEN)
        if self.prose[left].sum() < _LEFT * self.prose.sum():   # the words mislead: they are on everything
            plain = ~self._around(AROUND | UNSEEN)
            if self.prose[left].sum() < _LEFT * self.prose[plain].sum():
                left = plain
        talk = self._talk()
        if not comments:
            left = self._without_comments(left, talk)
        root = self._root(np.where(left, self.prose, 0))
        inside = left & (self._from_title(root) | (talk & comments))
        kept = inside & ~self._link_lists(inside)
        if self.chars[kept].sum() < _LEFT * self.chars[inside].sum():
            kept = inside
        kept = self._without_idle_headings(kept, inside)
        return kept if kept.any() else left & (self.linked * 2 < self.chars)

    def _around(self, flags: int) -> np.ndarray:
        prose, chars = self.within(self.prose), self.within(self.chars)
        little = (prose <= _MOST * self.prose.sum()) & ((prose > 0) | (chars <= _MOST * self.chars.sum()))
        titles = self.within(np.asarray([kind == "h1" for kind in self.b.kind], np.int64))
        heads = np.asarray([tag == "header" for tag in self.b.tag]) & (titles == 0)
        return self.blocks_of((((self.flags & flags) != 0) | heads) & little)

    def _talk(self) -> np.ndarray:
        """(blocks,) bool: readers' comments; a column of comments is a table's."""
        said = ((self.flags & COMMENTS) != 0) & (self.within(self.prose) <= 0.9 * self.prose.sum())
        return self.blocks_of(said) & (np.asarray(self.b.row) < 0)

    def _without_comments(self, left: np.ndarray, talk: np.ndarray) -> np.ndarray:
        article, talked = self.prose[left & ~talk].sum(), self.prose[left & talk].sum()
        return left & ~talk if article >= min(_ARTICLE, 0.4 * talked) else left

    def _root(self, prose: np.ndarray) -> int:
        """The element that is the content; 0, the whole page, where none stands out."""
        held, total = self.within(prose), prose.sum()
        if not total:
            return 0
        parent, tags = np.asarray(self.b.parent), self.b.tag
        named = (self.flags & CONTENT) != 0
        for at in np.flatnonzero(named & (held >= _ROOT * total))[::-1].tolist():   # each inside the next
            alike = np.flatnonzero((parent == parent[at]) & named & (held >= _TWIN * held[at]))
            if sum(tags[other] == tags[at] for other in alike.tolist()) == 1:
                return at
        most = np.flatnonzero(held >= _UNNAMED * total)
        most = [at for at in most.tolist() if tags[at] not in _ITEMS and self.last[at] - self.first[at] > 2]
        return most[-1] if most else 0

    def _from_title(self, root: int) -> np.ndarray:
        """The root's blocks, and prose between the page's title and the root: an article's lead."""
        inside = np.zeros(len(self.chars), bool)
        start = int(self.first[root])
        inside[start : int(self.last[root])] = True
        titles = [at for at in range(start) if self.b.kind[at] == "h1"]
        if titles:
            inside[titles[-1] : start] = self.own[titles[-1] : start] >= _LONG
        return inside

    def _link_lists(self, inside: np.ndarray) -> np.ndarray:
        b = self.b
        chars = self.within(np.where(inside, self.chars, 0))
        linked = self.within(np.where(inside, self.linked, 0))
        long = self.within(inside & (self.own >= _LONG))
        links = np.asarray(b.links)
        links = links[self.last] - links[self.first]
        lists = (linked > _LINKED * chars) & (long == 0) & (links >= 2)
        cell = np.asarray(b.cell)
        cells = self.within(cell >= 0)
        columns = (cells >= 6) & (self.within(cell >= 1) >= 0.4 * cells)
        for at in np.flatnonzero(lists).tolist():
            tag = b.tag[at]
            if tag in _ITEMS or (tag == "td" and links[at] < 5) or (tag == "table" and columns[at]):
                lists[at] = False
        alone = np.asarray([kind in _ALONE for kind in b.kind]) & (cell < 0)
        return self.blocks_of(lists) | (alone & (self.linked >= 0.9 * self.chars) & (self.chars < 60))

    def _without_idle_headings(self, kept: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Headings go where all that was below them went."""
        kinds = self.b.kind
        level = [int(kind[1]) if len(kind) == 2 and kind[0] == "h" and kind[1].isdigit() else 0 for kind in kinds]
        at = [i for i, depth in enumerate(level) if depth and kept[i]]
        if not at:
            return kept
        text = np.concatenate([[0], np.cumsum(kept & (np.asarray(level) == 0))])
        gone = np.concatenate([[0], np.cumsum(inside & ~kept)])
        kept, ends = kept.copy(), [(len(level), 0)]
        for i in reversed(at):   # the nearest later heading that is not below this one
            while len(ends) > 1 and ends[-1][1] > level[i]:
                ends.pop()
            end = ends[-1][0]
            kept[i] = text[end] > text[i + 1] or gone[end] == gone[i + 1]
            ends.append((i, level[i]))
        return kept
