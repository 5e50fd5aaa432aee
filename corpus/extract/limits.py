"""How large and how deep a page is, from one scan and before any parser sees it.

Parsers take time that grows with the square of depth, of attributes in a tag and of options in a list, and memory that
grows with formatting left open, which is opened again in every later block. A page built to mislead the scan costs time.
"""

from __future__ import annotations

import re

_ATTRIBUTE = r"(?:=[^\s/>=]*+|[^\s/>=]++)(?:\s*+=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s>\"'][^\s>]*+)?+)?+"
_USUAL = r"[^>\"'=]*+(?:(?<![\s/=])=\"[^\"]*+\"[^>\"'=]*+)*+>"   # attributes as nearly all pages write them
_TAG = re.compile(
    r"<(?:!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|((?i:script|style|textarea|title|xmp|iframe|noembed|noframes))(?=[\s/>]).*?(?:</(?i:\1)(?=[\s/>])|\Z)"
    r"|(/?[a-zA-Z][^\s/>]*+)(?:" + _USUAL + r"|(?>[\s/]++|" + _ATTRIBUTE + r")*+(?:>|\Z)))", re.S)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
_LONG_TAG = 16_000
_MANY = 10_000
_FLAT = frozenset(
    # without content, or closed by the next of their kind or the end of their parent
    "area base br col embed hr img input link meta param source track wbr keygen frame "
    "a p li dt dd option optgroup tr td th thead tbody tfoot colgroup caption rt rp nobr button html head body".split())
_FORMATTING = frozenset("b big code em font i s small strike strong tt u".split())


_NESTING = re.compile(r"<(?!(?:a|p|li|br|img|td|tr|th|dt|dd|link|meta|input|hr)[\s>/])[a-zA-Z]")
_OPENS_AGAIN = re.compile(r"<(?i:" + "|".join(sorted(_FORMATTING)) + r")[\s>/]")
_LONG = re.compile(rf"<[a-zA-Z][^<>]{{{_LONG_TAG},}}")


def too_much(page: str, max_nodes: int, max_depth: int) -> str | None:
    """`too_many_nodes`, `too_deep`, or None. Nodes are elements, and attributes where a tag has thousands."""
    if _small(page, max_nodes, max_depth):
        return None
    opened: dict[str, int] = {}
    depth = formatting = nodes = options = 0
    if any(len(_ATTRIBUTES.findall(tag[0])) > _MANY for tag in _LONG.finditer(page)):
        return "too_many_nodes"
    for _, name in _TAG.findall(page):
        if not name:
            nodes += 1
            continue
        name = name.lower()
        if name[0] == "/":
            name = name[1:]
            if opened.get(name, 0):
                opened[name] -= 1
                depth -= 1
                formatting -= name in _FORMATTING
            continue
        nodes += 1
        if name in _FLAT:
            nodes += formatting
            options += name == "option"
            if options > _MANY:
                return "too_many_nodes"
            continue
        opened[name] = opened.get(name, 0) + 1
        depth += 1
        if name in _FORMATTING:
            formatting += 1
        else:
            nodes += formatting
        if depth > max_depth:
            return "too_deep"
        if nodes > max_nodes:
            return "too_many_nodes"
    return "too_many_nodes" if nodes > max_nodes else None


def _small(page: str, max_nodes: int, max_depth: int) -> bool:
    """Whether counting alone shows that a page is within the limits: it spares most pages the scan of their tags."""
    tags = page.count("<")
    nesting = len(_NESTING.findall(page))
    if tags > _MANY or nesting > max_depth or _LONG.search(page):
        return False
    return tags * (1 + nesting) <= max_nodes or tags * (1 + len(_OPENS_AGAIN.findall(page))) <= max_nodes
