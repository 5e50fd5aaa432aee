"""Addresses that mean one page, written one way. Nothing is fetched: it is a guess by spelling.

What it gives up: sites whose pages differ by scheme, by `www.`, by a trailing slash or by the order of parameters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from corpus.text.escapes import normal_escapes

#: Parameters that say who came from where, or who is visiting; lower case. `utm_` is told by its beginning.
TRACKING = frozenset(
    "gclid gclsrc dclid gbraid wbraid fbclid msclkid yclid twclid ttclid igshid mc_cid mc_eid _ga _gl _hsenc _hsmi mkt_tok "
    "phpsessid jsessionid sessionid session_id aspsessionid cfid cftoken oly_anon_id oly_enc_id vero_id wickedid".split()
)
_PORTS = {"http": 80, "https": 443}
_PATH_SESSION = re.compile(r";(?:jsessionid|phpsessid|sessionid)=[^/?#;]*", re.IGNORECASE)


def normal_url(url: str | None) -> str | None:
    """`HTTP://www.Example.org:80/a/?utm_source=x&b=2&a=1#top` → `example.org/a?a=1&b=2`; None where it is no web address.

    Scheme, `www.`, the scheme's own port, a trailing slash, the fragment (but for `#!`, which used to name pages) and
    tracking and session parameters go; parameters are sorted; letters that need no %-escape lose it.
    """
    try:
        parts = urlsplit((url or "").strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:                                  # a bracket or a port that is none
        return None
    if parts.scheme not in _PORTS or not host:
        return None
    host = host.removeprefix("www.") if host.count(".") > 1 else host
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _PORTS[parts.scheme]:
        host += f":{port}"
    path = normal_escapes(_PATH_SESSION.sub("", parts.path)).rstrip("/")
    query = sorted(p for p in normal_escapes(parts.query).split("&") if p and not _tracks(p))
    page = f"#{parts.fragment}" if parts.fragment.startswith("!") else ""
    return host + path + ("?" + "&".join(query) if query else "") + page


def url_keys(urls: Sequence[str | None]) -> pa.Array:
    """(n,) uint64: 64 bits of blake2b of each normal URL; null where it is no web address."""
    normal = [normal_url(url) for url in urls]
    raw = [(url or "").encode("utf-8", "surrogatepass") for url in normal]
    digests = b"".join(hashlib.blake2b(url, digest_size=8).digest() for url in raw)
    return pa.array(np.frombuffer(digests, "<u8"), mask=np.fromiter((url is None for url in normal), bool, len(normal)))


def _tracks(parameter: str) -> bool:
    name = parameter.split("=", 1)[0].lower()
    return name in TRACKING or name.startswith("utm_")
