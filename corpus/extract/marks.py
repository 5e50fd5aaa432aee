"""What a page's author says an element is for: by its tag, its role, and the words of its class and id.

Words, not substrings: `post-comments` says comments, `commentary` does not. All of it is a hint, which the text itself
can overrule (`corpus.extract.content`). The words are those of English-language templates, whatever the page's language.
"""

from __future__ import annotations

import re
from functools import lru_cache

SKIP, INLINE, BLOCK = 0, 1, 2

#: What an element may be said to be, as flags: around the content by tag or role, or by its words; readers' comments;
#: content; not shown.
AROUND, BESIDE, COMMENTS, CONTENT, UNSEEN = 1, 2, 4, 8, 16

_SKIPPED = frozenset(
    "script style template svg iframe object embed canvas audio video select option datalist button input textarea "
    "annotation annotation-xml noscript noframes head map area dialog applet frameset rp link meta title".split())
_INLINE = frozenset(
    "a abbr acronym b basefont bdi bdo big br cite code col colgroup data del dfn em font i img ins kbd label "
    "mark math nobr q rb rt ruby s samp small source span strike strong sub sup time track tt u var wbr picture "
    "maction menclose merror mfenced mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow "
    "ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover semantics".split())
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dir div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup p pre section "
    "summary table tbody td tfoot th thead tr ul xmp".split())


class Kinds(dict):
    """SKIP, INLINE or BLOCK of a tag; one that is not listed is inline where it has a dash, else a block."""

    def __missing__(self, tag: object) -> int:
        if not isinstance(tag, str):   # a comment or a processing instruction
            return SKIP
        return INLINE if "-" in tag else BLOCK


KINDS = Kinds({tag: SKIP for tag in _SKIPPED} | {tag: INLINE for tag in _INLINE} | {tag: BLOCK for tag in _BLOCKS})

_TAGS = {"nav": AROUND, "footer": AROUND, "aside": AROUND, "menu": AROUND, "form": BESIDE, "main": CONTENT,
         "article": CONTENT}
_ROLES = {name: AROUND for name in (
    "navigation banner contentinfo complementary search dialog alertdialog menu menubar toolbar tooltip directory").split()}
_ROLES |= {"main": CONTENT, "article": CONTENT}

_WORDS = {
    BESIDE: (
        "ad ads addthis addtoany adsense advert advertisement advertising authorbox backlink banner banners "
        "breadcrumb breadcrumbs byline catlinks consent cookie cookies copyright crumbs disclaimer drawer "
        "dropdown feedback flyout foot footer gdpr jumplinks langswitch languages lightbox login masthead "
        "megamenu menu menubar metadata mobilenav modal nav navbar navbox navfooter navheader navi navigate "
        "navigation navtable newsletter next offcanvas outbrain overlay pager pagination paginator popular popup "
        "postmeta prev previous prevnext printfriendly promo promotion promotions rating ratings recommend "
        "recommendations recommended related screenreader search searchbox searchform share sharebar sharedaddy "
        "sharing sidebar sidebars sidenav signin signup sitemap skip skiplink skiplinks social sociallinks "
        "socials sphinxsidebar sponsor sponsored submenu subnav subscribe subscription suggested taboola tagcloud "
        "toc tocs toolbar tooltip topbar topnav trending"),
    COMMENTS: "comment commentlist commentlisting comments disqus guestbook livefyre pingback replies respond trackback",
    CONTENT: (
        "article articlebody body bodycontent content contents doc document documentation entry main mainbody maincontent "
        "markdown page post postbody prose story storybody text"),
}
_SAYS = {word: flag for flag, words in _WORDS.items() for word in words.split()}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_DENIES = re.compile(r"(?<!\S)(?:has|no|with|without|not)-\S*")   # `no-sidebar` is said of what is no sidebar
_WHOLE = re.compile(   # names that mean something only as they stand
    r"(?<!\S)(?:(?P<unseen>sr-only|visually-?hidden|screen-reader-text|screen-reader-only|element-invisible|katex-html|"
    r"mathjax(?:_preview|_display|_svg|_chtml)?|mjx-\w+|mwe-math-fallback-image-\w+|headerlink|anchor-?link|mw-editsection|"
    r"linenos?|linenodiv|line-numbers-rows|gutter|hidden|d-none|display-none|is-hidden|invisible|hide|"
    r"no-?print)|(?P<beside>widget|widget-area|widgets))(?!\S)", re.I)


@lru_cache(1 << 16)
def said(names: str) -> int:
    """What class and id, joined by a space, say."""
    flags = 0
    for whole in _WHOLE.finditer(names):
        flags |= UNSEEN if whole["unseen"] else BESIDE
    for word in _WORD.findall(_DENIES.sub(" ", names)):
        flags |= _SAYS.get(word.lower(), 0)
    return flags


def purpose(tag: str, attributes: dict[str, str]) -> int:
    """What tag and attributes say of an element."""
    flags = _TAGS.get(tag, 0)
    if not attributes:
        return flags
    names = attributes.get("class", "")
    own = attributes.get("id")
    if own:
        names = f"{names} {own}"
    if names:
        flags |= said(names)
    if role := attributes.get("role"):
        flags |= _ROLES.get(role, 0)
    if attributes.get("itemprop") == "articleBody":
        flags |= CONTENT
    if "hidden" in attributes or "display:none" in attributes.get("style", "").replace(" ", ""):
        flags |= UNSEEN
    return flags
