"""The fast extractor: rules on a page's tree, compiled. It keeps more of menus and footers than the others do."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.extract.pages import PageExtractor
from corpus.registry import register

_AROUND = ("nav footer aside header menu form [role=navigation] [role=banner] [role=contentinfo] [role=search] "
           ".sidebar .menu .breadcrumb .breadcrumbs .footer .navbar").split()


@register("extractor", "resiliparse", version=2, provider="resiliparse")
@dataclass(frozen=True)
class Resiliparse(PageExtractor):
    """Main text of a page by Resiliparse (Bevendorff et al. 2018, ECIR).

    Where it finds no main content, all text of the page counts but what is marked as navigation.
    """

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

        options = {
            "preserve_formatting": self.preserve_formatting, "links": self.links, "list_bullets": self.list_bullets,
            "alt_texts": self.alt_texts, "comments": self.comments, "form_fields": self.form_fields,
            "noscript": self.noscript}
        text = extract_plain_text(page, main_content=self.main_content, **options)
        if self.main_content and not text.strip():
            text = extract_plain_text(page, main_content=False, skip_elements=_AROUND, **options)
        return text
