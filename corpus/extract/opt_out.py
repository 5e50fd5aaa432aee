"""What a page asks of those who collect it: robots directives and the reservation of text and data mining.

Directives come from the header X-Robots-Tag and from meta elements, for all crawlers or for one that they name; the
reservation is that of the TDM Reservation Protocol (W3C community report, 2024). Whoever asks `noai` of anybody asks it
of us, and so does who shuts out a crawler that is known to collect for training. What it gives up: headers that were
joined do not show where a named crawler's directives end, so what follows counts as that crawler's; and a meta element
in a comment or a script counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Crawlers that are known to collect text for training, by their product tokens, lower case.
TRAINING_AGENTS = frozenset((
    "ai2bot", "amazonbot", "anthropic-ai", "applebot-extended", "bytespider", "ccbot", "claudebot", "cohere-ai",
    "cohere-training-data-crawler", "diffbot", "facebookbot", "google-extended", "gptbot", "meta-externalagent", "omgili",
    "omgilibot", "pangubot", "petalbot", "timpibot", "webzio-extended"))
RESERVED = "tdm-reservation"
#: One of these is in each meta element that is read; of crawlers' names, those that end in `bot` or `-extended`.
NEEDLES = (b"robots", b'bot"', b"-extended", RESERVED.encode())

_KNOWN = frozenset((
    "noindex", "nofollow", "none", "noarchive", "nocache", "nosnippet", "noimageindex", "notranslate", "noai", "noimageai"))
_VALUED = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))
_AGENT = re.compile(r"[a-z][a-z0-9_-]{1,40}")
_CRAWLER = re.compile(r"[a-z0-9_-]{0,40}(?:bot|spider|crawler|agent)|" + "|".join(sorted(map(re.escape, TRAINING_AGENTS))))
_FULL = ("noindex", "none")


def directives(value: str, agent: str = "") -> set[str]:
    """Directives of a header's or a meta element's value; those for one crawler are written `agent:directive`."""
    found: set[str] = set()
    for part in value.lower().split(","):
        name, colon, rest = part.partition(":")
        if colon and name.strip() in _VALUED:
            continue
        if colon and _AGENT.fullmatch(name.strip()):
            agent, part = name.strip(), rest
        for word in part.split():                      # some write blanks for commas
            if word in _KNOWN:
                found.add(f"{agent}:{word}" if agent else word)
    return found


def from_headers(headers: dict[str, str]) -> set[str]:
    """headers: lower-case names → values."""
    found = directives(headers["x-robots-tag"]) if headers.get("x-robots-tag") else set()
    return found | ({RESERVED} if headers.get(RESERVED, "").strip() == "1" else set())


def from_meta(given: dict[str, str]) -> set[str]:
    """given: attributes of a meta element, names in lower case."""
    name = given.get("name", given.get("http-equiv", "")).strip().lower()
    content = given.get("content", "")
    if name == RESERVED:
        return {RESERVED} if content.strip() == "1" else set()
    if name in ("robots", "x-robots-tag"):
        return directives(content)
    return directives(content, name) if _CRAWLER.fullmatch(name) else set()


def is_noindex(found: Iterable[str]) -> bool:
    """Whether crawlers in general are asked not to index the page."""
    return any(word in _FULL for word in found)


def is_noai(found: Iterable[str]) -> bool:
    """Whether the page asks to stay out of training: `noai` for anybody, `noindex` for a crawler that collects for it."""
    asked = (word.rpartition(":") for word in found)
    return any(word == "noai" or (agent in TRAINING_AGENTS and word in _FULL) for agent, _, word in asked)
