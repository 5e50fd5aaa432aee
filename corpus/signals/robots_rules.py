"""Robots exclusion (RFC 9309): which rules of a robots.txt are for a crawler, and whether they let it fetch an address.

Groups for one crawler are merged, names compare without case, the longest match decides and of two as long the one that
allows; `*` and `$` as the RFC has them. What it gives up: whatever lies behind the first 500 KiB of a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from corpus.text.escapes import normal_escapes

MOST_BYTES = 500 << 10
EVERYBODY = "*"

_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_ALLOW = frozenset(("allow",))
_DISALLOW = frozenset(("disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"))   # as they are often written
_AGENT = frozenset(("user-agent", "useragent", "user agent"))
_BEYOND_ASCII = re.compile(r"[^\x21-\x7e]")

#: (allows, pattern): a pattern is a path as `normal` spells it, with `*` and a last `$`.
PathRule = tuple[bool, str]


def parse(body: bytes) -> dict[str, list[PathRule]]:
    """Rules by crawler, lower case; `*` has those for all that no group names. A crawler without rules has an empty list."""
    groups: dict[str, list[PathRule]] = {}
    named: list[str] = []
    open_group = False
    for line in _LINE_ENDS.split(body[:MOST_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")):
        key, colon, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon:
            continue
        if key in _AGENT:
            if not open_group:
                named, open_group = [], True
            named.append(product(value))
            groups.setdefault(named[-1], [])
        elif key in _ALLOW or key in _DISALLOW:
            open_group = False
            if value:
                for name in dict.fromkeys(named):
                    groups[name].append((key in _ALLOW, normal(value)))
    return groups


def product(agent: str) -> str:
    """A crawler's product token, lower case: its name without version and remarks."""
    return re.split(r"[/\s]", agent.strip(), maxsplit=1)[0].lower()


def rules_for(groups: dict[str, list[PathRule]], agent: str) -> list[PathRule]:
    """The rules that a crawler follows: of the groups that name it, else of those for all."""
    return groups.get(product(agent), groups.get(EVERYBODY, []))


def normal(path: str) -> str:
    """A path with query as it is compared: unreserved characters plain, those beyond ASCII as escapes in upper case."""
    path = _BEYOND_ASCII.sub(lambda m: "".join(f"%{b:02X}" for b in m[0].encode("utf-8", "replace")), path)
    return normal_escapes(path)


def path_of(url: str) -> str:
    """What rules compare of an address: path and query, `/` where there is none."""
    rest = url.partition("#")[0]
    rest = rest.partition("://")[2] or rest
    at = min((i for i in (rest.find("/"), rest.find("?")) if i >= 0), default=len(rest))
    path = rest[at:]
    return normal(path if path.startswith("/") else "/" + path)


def site_of(url: str | None) -> str | None:
    """Host and port of an address, lower case, the usual ports left out; None where there is none. http and https are
    one site: crawls follow the one to the other.
    """
    try:
        parts = urlsplit(url or "")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme.lower() not in ("http", "https"):
        return None
    return host.rstrip(".") if port in (None, 80, 443) else f"{host.rstrip('.')}:{port}"


def allowed(rules: Iterable[PathRule], path: str) -> bool:
    """Whether rules let a path (of `path_of`) be fetched."""
    best, verdict = -1, True
    for allows, pattern in rules:
        if (len(pattern) > best or (len(pattern) == best and allows)) and matches(pattern, path):
            best, verdict = len(pattern), allows
    return verdict


def matches(pattern: str, path: str) -> bool:
    """Whether a path begins as the pattern says, or with a last `$` is as it says."""
    whole = pattern.endswith("$")
    first, *pieces = (pattern[:-1] if whole else pattern).split("*")
    if not path.startswith(first):
        return False
    if not pieces:
        return not whole or path == first
    at = len(first)
    for piece in pieces[:-1] if whole else pieces:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return not whole or (len(path) - len(pieces[-1]) >= at and path.endswith(pieces[-1]))


def spelled(rules: Sequence[PathRule]) -> str:
    """Rules as lines, `+` or `-` and the pattern; those that change nothing left out."""
    return "\n".join(dict.fromkeys(("+" if allows else "-") + pattern for allows, pattern in rules)) \
        if not all(allows for allows, _ in rules) else ""


def read(lines: str) -> list[PathRule]:
    """The inverse of `spelled`."""
    return [(line[0] == "+", line[1:]) for line in lines.split("\n") if line]
