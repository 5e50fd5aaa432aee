"""What a document's address says of it: host and domain, the list that names it, and telling words in it.

An address is taken apart as text, never fetched or resolved. What it gives up: ports, user names and fragments count for
nothing, and an address without a dotted host has no signals.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import assets
from corpus.errors import ConfigError
from corpus.operators import Annotator, Batch
from corpus.registry import asset, register
from corpus.signals.url_lists import Lists, ascii_host, load

_ADDRESS = (r"^\s*(?:[A-Za-z][A-Za-z0-9+.-]*://|//)?(?:[^/?#@\s]*@)?(?P<host>\[[^\]\s]*\]|[^/?#:\s]*)(?::[0-9]*)?"
            r"(?P<rest>[/?][^#]*)?(?:#.*)?$")
_PARTS = ("domain", "subdomain", "url")
_NUMBERS = re.compile(r"[0-9.]+|\[.*")
_SCHEMA = pa.schema([("url.host", pa.string()), ("url.domain", pa.string()), ("url.listed", pa.string()),
                     ("url.category", pa.string()), ("url.words", pa.int64()), ("url.soft_words", pa.int64()),
                     ("url.subwords", pa.int64())])


@register("signal", "url", provider="tldextract")
@dataclass(frozen=True)
class Url(Annotator):
    """Host, lists and words of an address, as FineWeb's URL filter looks at it (Penedo et al. 2024, section 3.3).

    Columns under `url.`: `host` (lower case, as DNS has it), `domain` (registrable, by the Public Suffix List that
    tldextract brings), `listed` (`domain`, `subdomain` or `url`: what of it is on a list; null where nothing is),
    `category` (the list's), `words` and `soft_words` (how many of two lists are a word of it, letter case counting as in
    datatrove unless `ignore_case`), `subwords` (how many of a third are anywhere in it, signs and case aside). lists: see
    `corpus.signals.url_lists.load`, with `categories`. words, soft_words, subwords: files of one word a line. A host is
    listed with the domain, or any part of the host from a dot on, that is listed. All are null where there is no address.
    """

    lists: str | None = asset(None)
    categories: tuple[str, ...] = ()
    words: str | None = asset(None)
    soft_words: str | None = asset(None)
    subwords: str | None = asset(None)
    ignore_case: bool = False

    packages: ClassVar[tuple[tuple[str, str], ...]] = (("tldextract", "web"),)

    def __post_init__(self) -> None:
        if self.categories and self.lists is None:
            raise ConfigError("categories", "are of no lists", "'lists' beside them")

    def require_packages(self) -> None:
        super().require_packages()
        if self.lists is not None:
            load(self.lists, self.categories)

    def schema(self) -> pa.Schema:
        return _SCHEMA

    @contextlib.contextmanager
    def open(self) -> Iterator[Annotator]:
        self.require_packages()
        lists = load(self.lists, self.categories) if self.lists is not None else None
        yield _Opened(self, lists, *(_words(w) for w in (self.words, self.soft_words, self.subwords)))


@dataclass(frozen=True)
class Address:
    """Addresses taken apart: host and domain (null where there is none), and what lists of addresses are asked for."""

    host: pa.Array
    domain: pa.Array
    spelled: pa.Array

    @classmethod
    def of(cls, urls: pa.Array) -> Address:
        """urls: (n,) string."""
        parts = pc.extract_regex(urls, _ADDRESS)
        host = pc.utf8_rtrim(pc.ascii_lower(pc.struct_field(parts, "host")), ".").cast(pa.large_string())
        odd = pc.invert(pc.string_is_ascii(host))
        if pc.any(odd).as_py():
            host = pa.array([ascii_host(h).lower() if o else h for h, o in zip(host.to_pylist(), odd.to_pylist())],
                            pa.large_string())
        host = pc.if_else(pc.match_substring(host, "."), host, pa.scalar(None, pa.large_string()))
        rest = pc.utf8_rtrim(pc.fill_null(pc.struct_field(parts, "rest"), ""), "/").cast(pa.large_string())
        bare = pc.replace_substring_regex(pc.fill_null(host, ""), r"^www\.", "")
        return cls(host, _domains(host), pc.binary_join_element_wise(bare, rest, pa.scalar("", pa.large_string())))


@dataclass(frozen=True)
class _Opened(Annotator):
    spec: Url
    lists: Lists | None
    words: frozenset[str]
    soft_words: frozenset[str]
    subwords: frozenset[str]

    def schema(self) -> pa.Schema:
        return _SCHEMA

    def annotate(self, batch: Batch) -> pa.Table:
        urls = batch.column("url").cast(pa.string())
        address = Address.of(urls)
        there = pc.is_valid(address.host)
        listed, category = self._listed(address)
        read = pc.fill_null(pc.ascii_lower(urls) if self.spec.ignore_case else urls, "")
        bare = pc.ascii_lower(pc.replace_substring_regex(read, "[^a-zA-Z0-9]+", ""))
        counts = [_whole(read, self.words), _whole(read, self.soft_words), _within(bare, self.subwords)]
        missing = pa.scalar(None, pa.int64())
        return pa.table([address.host.cast(pa.string()), address.domain, listed, category,
                         *(pc.if_else(there, pa.array(c), missing) for c in counts)], schema=_SCHEMA)

    def _listed(self, address: Address) -> tuple[pa.Array, pa.Array]:
        n = len(address.host)
        if self.lists is None:
            return pa.nulls(n, pa.string()), pa.nulls(n, pa.string())
        by_host = self.lists.find_hosts(pc.fill_null(address.host, ""))
        by_domain = self.lists.find_hosts(pc.fill_null(address.domain, "").cast(pa.large_string()))
        by_url = self.lists.find_addresses(address.spelled)
        by_url[pc.is_null(address.host).to_numpy(zero_copy_only=False)] = -1
        numbers = pc.is_null(address.domain).to_numpy(zero_copy_only=False)        # an IP address is no part of another
        found = np.where(by_host >= 0, np.where((by_domain >= 0) | numbers, 0, 1), np.where(by_url >= 0, 2, -1))
        return _named(_PARTS, found), _named(self.lists.categories, np.where(by_host >= 0, by_host, by_url))


def _named(names: tuple[str, ...], at: np.ndarray) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(at, mask=at < 0))


def _whole(urls: pa.Array, words: frozenset[str]) -> np.ndarray:
    """(n,) int64: how many of some words are a run of letters and digits in an address."""
    counts = np.zeros(len(urls), np.int64)
    if not words:
        return counts
    runs = pc.split_pattern_regex(urls, "[^a-zA-Z0-9]+")
    hit = pc.is_in(pc.list_flatten(runs), value_set=pa.array(sorted(words), pa.string()))
    rows = pc.list_parent_indices(runs).filter(hit).to_numpy()
    found = pc.list_flatten(runs).filter(hit).to_pylist()
    for row, _ in set(zip(rows.tolist(), found)):
        counts[row] += 1
    return counts


def _within(bare: pa.Array, words: frozenset[str]) -> np.ndarray:
    """(n,) int64: how many of some words are anywhere in an address without its signs."""
    counts = np.zeros(len(bare), np.int64)
    if words:
        hit = pc.match_substring_regex(bare, "|".join(sorted(words)))
        found = [sum(word in url for word in words) for url in bare.filter(hit).to_pylist()]
        counts[hit.to_numpy(zero_copy_only=False)] = found
    return counts


def _words(spec: str | None) -> frozenset[str]:
    """The words of a file as addresses have them: letters and digits alone, lower case; lines with `#` first are remarks."""
    if spec is None:
        return frozenset()
    lines = assets.locate(spec).read_text("utf-8", "replace").splitlines()
    words = ("".join(c for c in line.lower() if c.isascii() and c.isalnum()) for line in lines if not line.startswith("#"))
    return frozenset(word for word in words if word)


def _domains(hosts: pa.Array) -> pa.Array:
    """The registrable domain of each host; null where it has none (an IP address, a public suffix)."""
    distinct = pc.unique(hosts)
    found = [_domain(host) if host else None for host in distinct.to_pylist()]
    return pa.array(found, pa.string()).take(pc.index_in(hosts, value_set=distinct))


@functools.lru_cache(maxsize=1 << 16)
def _domain(host: str) -> str | None:
    parts = _suffixes().extract_str(host)
    if not parts.suffix and not _NUMBERS.fullmatch(host):
        return ".".join(host.split(".")[-2:])                # a suffix that no rule names is one label (publicsuffix.org)
    return parts.top_domain_under_public_suffix or None


@functools.lru_cache(maxsize=1)
def _suffixes() -> Any:
    import tldextract

    return tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
