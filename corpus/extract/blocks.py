"""The careful extractor at the speed of a fast one: a page's blocks, those of its content, as text that keeps its form.

One walk over the tree and a dozen sums; no second opinion from other extractors. Code keeps its indentation, a table's
row its cells, a formula its TeX. What it gives up: pages drawn by scripts alone, but for an article in their metadata.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass

from corpus.extract.content import content
from corpus.extract.pages import PageExtractor
from corpus.extract.serial import write
from corpus.extract.tree import parse
from corpus.registry import register

_LITTLE = 300   # characters: less is looked up in the page's metadata
_ARTICLE = re.compile(r'"articleBody"\s*:\s*("(?:[^"\\]++|\\.)*+")')
_TAG = re.compile(r"<[^<>]{1,200}>")


@register("extractor", "blocks", provider=("lxml", "resiliparse"))
@dataclass(frozen=True)
class Blocks(PageExtractor):
    """Main text of a page by its blocks' prose, links and surroundings, after Kohlschütter et al. 2010 (WSDM, boilerpipe).

    comments: also readers' comments below an article; where a page is mostly discussion they are its text anyway.
    """

    comments: bool = False

    def page_text(self, page: str) -> str | None:
        blocks = parse(page)
        text = write(blocks, content(blocks, self.comments).tolist())
        return _in_metadata(page) or text if len(text) < _LITTLE else text


def _in_metadata(page: str) -> str | None:
    """The article that a page's JSON-LD carries for search engines, where the page itself shows next to none."""
    found = _ARTICLE.search(page)
    try:
        article = json.loads(found[1], strict=False) if found else ""
    except ValueError:
        return None
    article = html.unescape(_TAG.sub(" ", article)).strip()
    return article if len(article) >= _LITTLE else None
