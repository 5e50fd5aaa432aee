"""Trafilatura behind our limits: careful with what is around an article, at a fifteenth of the fast extractor's speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from corpus.extract.pages import PageExtractor
from corpus.registry import register


@register("extractor", "trafilatura", version=2, provider=("trafilatura", "lxml", "jusText", "resiliparse"))
@dataclass(frozen=True)
class Trafilatura(PageExtractor):
    """Main text of a page by Trafilatura (Barbaresi 2021, ACL demonstrations).

    At most one of favour_precision and favour_recall has an effect; fast leaves out its fallback extractors.
    """

    packages: ClassVar[tuple[tuple[str, str], ...]] = (("trafilatura", "trafilatura"), ("lxml_html_clean", "trafilatura"))

    favour_precision: bool = False
    favour_recall: bool = False
    fast: bool = False
    comments: bool = True
    tables: bool = True
    links: bool = False

    def page_text(self, page: str) -> str | None:
        import trafilatura

        return trafilatura.extract(
            page, favor_precision=self.favour_precision, favor_recall=self.favour_recall, fast=self.fast,
            include_comments=self.comments, include_tables=self.tables, include_links=self.links)
