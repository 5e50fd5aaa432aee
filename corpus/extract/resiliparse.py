"""The fast extractor: rules on a page's tree, compiled. It keeps more of menus and footers than Trafilatura does."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.extract.pages import PageExtractor
from corpus.registry import register


@register("extractor", "resiliparse", provider="resiliparse")
@dataclass(frozen=True)
class Resiliparse(PageExtractor):
    """Main text of a page by Resiliparse (Bevendorff et al. 2018, ECIR)."""

    main_content: bool = True
    preserve_formatting: bool = True
    list_bullets: bool = True
    alt_texts: bool = False
    links: bool = False
    comments: bool = True
    form_fields: bool = False
    noscript: bool = False

    def page_text(self, page: str) -> str | None:
        from resiliparse.extract.html2text import extract_plain_text

        return extract_plain_text(
            page, main_content=self.main_content, preserve_formatting=self.preserve_formatting, links=self.links,
            list_bullets=self.list_bullets, alt_texts=self.alt_texts, comments=self.comments,
            form_fields=self.form_fields, noscript=self.noscript)
