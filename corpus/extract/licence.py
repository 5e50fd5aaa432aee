"""The licence that a page states for itself, as an SPDX id, read from its bytes.

Three kinds of statements, and the first kind that is there decides: `rel` (a link marked as the licence, in the page or
its HTTP header), `metadata` (a meta element, or the page's own node in JSON-LD), `link` (an unmarked link to a content
licence, behind words that license this page or at its foot). Where statements of the deciding kind differ, the page is
a list of works or holds some of others: it has no licence. What it gives up: licences that are told in words without a
link, pages in UTF-16, and whether the statement is true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from corpus.extract.markup import Tag

#: Ported Creative Commons licences that have an SPDX id of their own; others count as the unported licence.
_PORTED = frozenset((
    "BY-2.5-AU BY-3.0-AT BY-3.0-AU BY-3.0-DE BY-3.0-IGO BY-3.0-NL BY-3.0-US BY-NC-3.0-DE BY-NC-ND-3.0-DE BY-NC-ND-3.0-IGO "
    "BY-NC-SA-2.0-DE BY-NC-SA-2.0-FR BY-NC-SA-2.0-UK BY-NC-SA-3.0-DE BY-NC-SA-3.0-IGO BY-ND-3.0-DE BY-SA-2.0-UK "
    "BY-SA-2.1-JP BY-SA-3.0-AT BY-SA-3.0-DE BY-SA-3.0-IGO").split())
_TERMS = frozenset("BY BY-SA BY-ND BY-NC BY-NC-SA BY-NC-ND".split())
_CC = re.compile(r"creativecommons\.org/licen[sc]es/([a-z-]{2,8})/(\d\.\d)(?:/([a-z]{2,3})(?=[/?#\s)]|$))?", re.I)
_CC_WORDS = re.compile(r"\bCC[ -](BY(?:[ -](?:SA|ND|NC|NC[ -]SA|NC[ -]ND))?)[ -](\d\.\d)\b", re.I)
_CONTENT = tuple((re.compile(pattern, re.I), name) for pattern, name in (
    (r"creativecommons\.org/publicdomain/zero/1\.0|creativecommons\.org/licen[sc]es/cc0", "CC0-1.0"),
    (r"creativecommons\.org/publicdomain/mark/1\.0", "CC-PDM-1.0"),
    (r"creativecommons\.org/licen[sc]es/publicdomain", "CC-PDDC"),
    (r"opendatacommons\.org/licenses/pddl", "PDDL-1.0"),
    (r"opendatacommons\.org/licenses/odbl", "ODbL-1.0"),
    (r"opendatacommons\.org/licenses/by", "ODC-By-1.0"),
    (r"nationalarchives\.gov\.uk/doc/open-government-licence/version/1", "OGL-UK-1.0"),
    (r"nationalarchives\.gov\.uk/doc/open-government-licence/version/2", "OGL-UK-2.0"),
    (r"nationalarchives\.gov\.uk/doc/open-government-licence", "OGL-UK-3.0"),   # the address leads to the newest
    (r"etalab\.gouv\.fr/.{0,60}licence-ouverte-v?2", "etalab-2.0"),
    (r"gnu\.org/(?:licenses|copyleft)/(?:old-licenses/)?fdl-1\.1", "GFDL-1.1-or-later"),
    (r"gnu\.org/(?:licenses|copyleft)/(?:old-licenses/)?fdl-1\.2", "GFDL-1.2-or-later"),
    (r"gnu\.org/(?:licenses|copyleft)/fdl", "GFDL-1.3-or-later"),
))
_SOFTWARE = tuple((re.compile(pattern, re.I), name) for pattern, name in (
    (r"apache\.org/licenses/LICENSE-2\.0|opensource\.org/licenses?/apache-2\.?0", "Apache-2.0"),
    (r"opensource\.org/licenses?/mit\b|mit-license\.org", "MIT"),
    (r"opensource\.org/licenses?/bsd-3-clause", "BSD-3-Clause"),
    (r"opensource\.org/licenses?/bsd-2-clause", "BSD-2-Clause"),
    (r"opensource\.org/licenses?/isc\b", "ISC"),
    (r"mozilla\.org/(?:en-US/)?MPL/2\.0|opensource\.org/licenses?/mpl-2\.0", "MPL-2.0"),
    (r"(?:gnu\.org|opensource\.org)/licenses?/agpl-3\.0", "AGPL-3.0-only"),
    (r"(?:gnu\.org|opensource\.org)/licenses?/lgpl-3\.0", "LGPL-3.0-only"),
    (r"(?:gnu\.org|opensource\.org)/licenses?/(?:old-licenses/)?lgpl-2\.1", "LGPL-2.1-only"),
    (r"(?:gnu\.org|opensource\.org)/licenses?/gpl-3\.0", "GPL-3.0-only"),
    (r"(?:gnu\.org|opensource\.org)/licenses?/(?:old-licenses/)?gpl-2\.0", "GPL-2.0-only"),
    (r"unlicense\.org", "Unlicense"),
))

#: One of these is in each tag that is read.
NEEDLES = (b"license", b"licence", b"publicdomain/", b"ld+json")

_BEFORE = 300           # bytes of markup in which an unmarked link's words stand
_FOOT = 0.9             # share of a page behind which an unmarked link is at its foot
_BLOCK = 1 << 18        # bytes of JSON-LD that are read at once
_META = re.compile(r"(?:dc|dcterms)[.:](?:rights(?:\.license)?|licen[sc]e)|licen[sc]e|rights|copyright", re.I)
_GRANTS = re.compile(
    r"licen[sc]ed|available under|(?:distribut|releas|publish|provid)ed under|under (?:the|a) |license:|lizen[sz]|"
    r"steh(?:t|en) unter|sous licence|selon les termes|bajo|licencia|licença|licenza|rilasciat|licentie|licencj|лиценз|"
    r"ライセンス|许可|許可|授權", re.I)
_OTHERS = re.compile(
    r"\b(?:photo|image|picture|screenshot|illustration|icon|logo|credit|courtesy|figure|video|audio|music|font|adapted from|"
    r"foto|bild|imagen|imagem|flickr|wikimedia commons)", re.I)
_TAGS = re.compile(r"<[^>]*>|^[^<]*>")
_WORKS = frozenset(("ImageObject", "VideoObject", "AudioObject", "MediaObject", "SoftwareApplication", "SoftwareSourceCode",
                    "Photograph", "Product", "Organization", "Person"))
_HEADER = re.compile(r"<([^<>]{1,500})>((?:\s*;[^,<]{0,200})*)")
_MARKED = re.compile(r"\brel\s*=\s*\"?[^\";]*\blicense\b", re.I)


def spdx_of(url: str, software: bool = True) -> str | None:
    """The SPDX id of a licence's address, None where none is known for it. software: code licences count too."""
    url = url.replace("\\/", "/")
    found = _CC.search(url)
    if found:
        return _creative_commons(*found.groups())
    return next((name for pattern, name in _CONTENT + (_SOFTWARE if software else ()) if pattern.search(url)), None)


def _creative_commons(terms: str, version: str, place: str | None) -> str | None:
    terms = terms.upper().replace("ND-NC", "NC-ND")
    if terms not in _TERMS:
        return None
    ported = f"{terms}-{version}-{(place or '').upper()}"
    return f"CC-{ported}" if ported in _PORTED else f"CC-{terms}-{version}"


def page_licence(page: bytes, tags: Iterable[Tag], link: str | None = None) -> tuple[str | None, str | None]:
    """(SPDX id, kind of statement) of an HTML page; (None, None) where it states none, or several.

    tags: those around `NEEDLES` (`corpus.extract.markup`). link: the value of the HTTP header of that name.
    """
    stated: dict[str, set[str]] = {"rel": header_licences(link) if link else set(), "metadata": set(), "link": set()}
    for tag in tags:
        if tag.element == "meta":
            stated["metadata"] |= _of_meta(tag.given)
        elif tag.element == "script":
            stated["metadata"] |= _linked_data(page, tag)
        else:
            for kind, name in _of_link(page, tag):
                stated[kind].add(name)
    for kind, names in stated.items():
        if names:
            return (names.pop(), kind) if len(names) == 1 else (None, None)
    return None, None


def header_licences(link: str) -> set[str]:
    """SPDX ids of the links that a Link header (RFC 8288) marks as licences."""
    return {name for m in _HEADER.finditer(link) if _MARKED.search(m[2]) and (name := spdx_of(m[1]))}


def _of_meta(given: dict[str, str]) -> set[str]:
    name = given.get("name", given.get("property", "")).strip()
    found = _told(given.get("content", "")) if _META.fullmatch(name) else None
    return {found} if found else set()


def _of_link(page: bytes, tag: Tag) -> Iterator[tuple[str, str]]:
    rel = tag.given.get("rel", "").lower().split()
    marked = "license" in rel or "licence" in rel
    found = spdx_of(tag.given.get("href", ""), software=marked)
    if found and (marked or "copyright" in rel):
        yield "rel", found
    elif found and _is_the_pages(page, tag.start):
        yield "link", found


def _is_the_pages(page: bytes, start: int) -> bool:
    """Whether the words before an unmarked link license the page, and not a picture in it."""
    before = _TAGS.sub(" ", page[max(0, start - _BEFORE):start].decode("utf-8", "replace"))
    return not _OTHERS.search(before) and (start > _FOOT * len(page) or bool(_GRANTS.search(before)))


def _told(content: str) -> str | None:
    """A licence by its address or its short name."""
    named = _CC_WORDS.search(content)
    return spdx_of(content) or (_creative_commons(named[1].replace(" ", "-"), named[2], None) if named else None)


def _linked_data(page: bytes, tag: Tag) -> set[str]:
    """Licences that a block of JSON-LD gives to the page or to a text in it, not to its pictures."""
    end = page.find(b"</script", tag.end, tag.end + _BLOCK) if "ld+json" in tag.given.get("type", "").lower() else -1
    if end < 0 or page.find(b'"license"', tag.end, end) < 0:
        return set()
    try:
        data = json.loads(page[tag.end:end])
    except (ValueError, RecursionError):
        return set()
    found = set()
    for node in _nodes(data):
        given = node.get("license")
        given = given.get("@id", given.get("url")) if isinstance(given, dict) else given
        found.add(_told(given) if isinstance(given, str) else None)
    return found - {None}


def _nodes(data: Any) -> Iterator[dict[str, Any]]:
    """The nodes of a block that stand for the page: at the top or in its graph, and what they are mainly about."""
    waiting = [data]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            kinds = node.get("@type")
            if _WORKS.isdisjoint(k for k in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(k, str)):
                yield node
                waiting += [node[inner] for inner in ("@graph", "mainEntity") if inner in node]

