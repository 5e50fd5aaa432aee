"""Rules about where a document comes from: what its page asks for, its address, and what kind of file it is.

Reasons of `url` are datatrove's, in its order. Of opt-outs the ones that speak of training count, not `noindex`, which
speaks of search; a build that heeds it too adds a rule on `page.noindex`.
"""

from __future__ import annotations

from corpus.operators import Rule

WEB_PRESETS: dict[str, tuple[Rule, ...]] = {
    #: `noai` by header or meta element, and the reservation of text and data mining (TDMRep).
    "opt_out": (Rule("page.noai", "opted_out", high=0), Rule("page.tdm_reserved", "tdm_reserved", high=0)),
    #: RFC 9309; the crawlers that count are those of `filter.robots`.
    "robots": (Rule("robots.disallowed", "robots_disallowed", among=("",)),),
    #: Penedo et al. 2024 (FineWeb), section 3.3.
    "url": (
        Rule("url.listed", "domain", among=("subdomain", "url")),
        Rule("url.listed", "subdomain", among=("url",)),
        Rule("url.listed", "url", among=()),
        Rule("url.words", "hard_blacklisted", high=0),
        Rule("url.soft_words", "soft_blacklisted", high=1),
        Rule("url.subwords", "blacklisted_subword", high=0),
    ),
    #: Kocetkov et al. 2022 (The Stack) and Li et al. 2023 (StarCoder), section 3.
    "code": (
        Rule("code.generated", "generated", high=0),
        Rule("code.minified", "minified", high=0),
        Rule("code.vendored", "vendored", high=0),
        Rule("code.max_line", "long_lines", high=1000),
        Rule("code.mean_line", "long_lines_on_average", high=100),
        Rule("code.alphanumeric", "low_alphanumeric", low=0.25),
        Rule("code.secrets", "secrets", high=0),
    ),
}
