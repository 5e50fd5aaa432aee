"""Lists of domains and addresses by category, as UT1 Toulouse publishes them, held as sorted 64-bit hashes.

An entry takes 9 bytes. With 5 million of them, one lookup in 4 * 10^12 takes a stranger for an entry. What it gives up:
UT1's `expressions`, and that an entry can be told again.
"""

from __future__ import annotations

import functools
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from corpus import assets
from corpus.errors import ConfigError

DOMAINS, URLS = "domains", "urls"
LISTED = "listed"                       # the category of what lies in no folder of its own
_SCHEME = re.compile(rb"[a-z][a-z0-9+.-]*://")
_TOP = "blacklists"                     # the folder around UT1's categories
_MOST_CATEGORIES = 255
_BLOCK = 4 << 20


@dataclass(frozen=True)
class Entries:
    """Sorted hashes, each with the number of its category."""

    hashes: np.ndarray      # (k,) uint64
    category: np.ndarray    # (k,) uint8

    @classmethod
    def of(cls, parts: list[tuple[str, np.ndarray]], names: list[str]) -> Entries:
        """parts: a category and hashes of its. names: the categories, in order; an entry of several has the first."""
        parts = sorted(parts, key=lambda part: part[0])
        hashes = np.concatenate([np.empty(0, np.uint64), *(h for _, h in parts)])
        category = np.repeat(np.array([names.index(c) for c, _ in parts], np.uint8), [len(h) for _, h in parts])
        order = np.argsort(hashes, kind="stable")
        hashes, category = hashes[order], category[order]
        first = np.ones(len(hashes), bool)
        first[1:] = hashes[1:] != hashes[:-1]
        return cls(hashes[first], category[first])


@dataclass(frozen=True)
class Lists:
    """Categories, and the domains and addresses in them. Where several hold one entry, the first by name counts."""

    categories: tuple[str, ...]
    domains: Entries
    urls: Entries

    def find_hosts(self, hosts: pa.Array) -> np.ndarray:
        """(n,) int64 number of the category of a host's longest listed ending, -1 where none is. hosts: (n,) large_string,
        lower case, no nulls.
        """
        from corpus.signals import url_kernels

        out = np.empty(len(hosts), np.int64)
        url_kernels.find_hosts(*_bytes_of(hosts), self.domains.hashes, out)
        return self._categories(self.domains, out)

    def find_addresses(self, addresses: pa.Array) -> np.ndarray:
        """(n,) int64 number of the category of an address's longest listed beginning, -1 where none is. addresses: (n,)
        large_string, as `corpus.signals.url.Address` spells them.
        """
        from corpus.signals import url_kernels

        out = np.empty(len(addresses), np.int64)
        url_kernels.find_addresses(*_bytes_of(addresses), self.urls.hashes, out)
        return self._categories(self.urls, out)

    @staticmethod
    def _categories(entries: Entries, at: np.ndarray) -> np.ndarray:
        found = np.full(len(at), -1, np.int64)
        found[at >= 0] = entries.category[at[at >= 0]]
        return found


def load(spec: str, categories: tuple[str, ...] = ()) -> Lists:
    """The lists of an asset: a file of domains and addresses, or a folder or tar file with files named `domains` and `urls`,
    each in the folder of its category. categories: those wanted, all of them where none is named. Loaded once a process.
    """
    return _load(spec, assets.digest(spec), categories)


@functools.lru_cache(maxsize=2)
def _load(spec: str, digest: str, categories: tuple[str, ...]) -> Lists:
    there: set[str] = set()
    domains: list[tuple[str, np.ndarray]] = []
    urls: list[tuple[str, np.ndarray]] = []
    for category, name, stream in _files(assets.locate(spec)):
        there.add(category)
        if not categories or category in categories:
            for block in _blocks(stream):
                of_hosts, of_urls = _entries(block, name)
                domains.append((category, _hashes(of_hosts, True)))
                urls.append((category, _hashes(of_urls, False)))
    names = sorted(there)
    if not names or len(names) > _MOST_CATEGORIES:
        raise ConfigError("url.lists", f"{spec} holds {len(names)} categories",
                          f"files named {DOMAINS} and {URLS} in 1 to {_MOST_CATEGORIES} folders")
    if missing := [c for c in categories if c not in there]:
        raise ConfigError("url.categories", f"{spec} has no category '{missing[0]}'", "one of " + ", ".join(names))
    return Lists(tuple(names), Entries.of(domains, names), Entries.of(urls, names))


def _files(path: Path) -> Iterator[tuple[str, str, BinaryIO]]:
    """(category, name, open file) of each file of a list."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.name in (DOMAINS, URLS) and file.is_file():
                with open(file, "rb") as stream:
                    yield LISTED if file.parent == path else file.parent.name, file.name, stream
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            for member in tar:
                *above, name = member.name.split("/")
                if name in (DOMAINS, URLS) and member.isfile():
                    above = [a for a in above if a not in ("", ".", _TOP)]
                    yield above[-1] if above else LISTED, name, tar.extractfile(member)
    else:
        with open(path, "rb") as stream:
            yield LISTED, path.name, stream


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """A file's lines, a few megabytes at a time, without white space around them and without remarks (`#` first)."""
    while lines := stream.readlines(_BLOCK):
        yield b"\n".join(bare for line in lines if (bare := line.strip()) and not bare.startswith(b"#"))


def _entries(block: bytes, name: str) -> tuple[bytes, bytes]:
    """The lines of a block that are domains and those that are addresses, spelled as they are looked up."""
    if name == DOMAINS:
        return _domains(block), b""
    lines = block.split(b"\n")
    hosts = [] if name == URLS else [line for line in lines if b"/" not in line]
    addresses = lines if name == URLS else [line for line in lines if b"/" in line]
    return _domains(b"\n".join(hosts)), b"\n".join(map(_address, addresses))


def _domains(data: bytes) -> bytes:
    if not data.isascii():
        data = b"\n".join(line if line.isascii() else ascii_host(line.decode("utf-8", "replace")).encode()
                          for line in data.split(b"\n"))
    return data.lower()


def _address(line: bytes) -> bytes:
    """An address without scheme, `www.` and last slash, its host in lower case."""
    scheme = _SCHEME.match(line.lower())
    host, slash, rest = line[scheme.end() if scheme else 0:].partition(b"/")
    host = _domains(host).removeprefix(b"www.")
    return (host + slash + rest).rstrip(b"/")


def ascii_host(host: str) -> str:
    """A host's name as DNS has it; as it is where it is no valid name."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host.encode("utf-8", "replace").decode()


def _hashes(lines: bytes, backwards: bool) -> np.ndarray:
    """(k,) uint64: the hashes of the lines that are not empty."""
    from corpus.signals import url_kernels

    data = np.frombuffer(lines + b"\n", np.uint8)
    stops = np.flatnonzero(data == 0x0A)
    starts = np.r_[0, stops[:-1] + 1]
    full = stops > starts
    starts, stops = starts[full], stops[full]
    out = np.empty(len(starts), np.uint64)
    url_kernels.hash_all(data, starts, stops, backwards, out)
    return out


def _bytes_of(strings: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.frombuffer(strings.buffers()[1], np.int64)[strings.offset : strings.offset + len(strings) + 1]
    data = strings.buffers()[2]
    return (np.frombuffer(data, np.uint8) if data is not None and data.size else np.empty(0, np.uint8)), offsets
