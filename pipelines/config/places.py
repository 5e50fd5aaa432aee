"""Paths and URLs of a build file: what they are relative to, and whether anything can open them. Connects to nothing that a
file system's own constructor does not connect to.
"""

from __future__ import annotations

import glob
import os

import fsspec

from corpus.errors import ConfigError


def resolve(path: str, base: str) -> str:
    """A path of the build file as the process sees it: URLs, packages and hubs stay as they are."""
    if "://" in path or path.startswith(("package:", "hf:")) or os.path.isabs(path):
        return path
    return os.path.normpath(os.path.join(base, os.path.expanduser(path)))


def check_protocols(url: str, where: str) -> None:
    """Refuses a URL whose file system fsspec does not know, or whose package is not installed. Connects to nothing."""
    for link in url.split("::"):                     # a chain, as in zip://a.jsonl::s3://bucket/b.zip
        protocol, is_url, _ = link.partition("://")
        if is_url:
            try:
                fsspec.get_filesystem_class(protocol)
            except (ImportError, ValueError) as error:
                raise ConfigError(where, f"{url} cannot be opened: {error}") from None


def rooted(pattern: str, base: str) -> str:
    """The pattern as it is; below a folder whose own name looks like a pattern, absolute and with that name escaped."""
    if glob.escape(base) == base or "://" in pattern or os.path.isabs(pattern):
        return pattern
    return os.path.normpath(os.path.join(glob.escape(base), pattern))


def check_store(url: str) -> None:
    """Refuses a store that cannot be one, before anything looks into it."""
    if url.startswith(("package:", "hf:")) or "::" in url and "://" not in url:
        raise ConfigError("store", f"{url} names no folder", "a path, or a URL that fsspec opens")
    check_protocols(url, "store")
    try:
        fs, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, TypeError, OSError) as error:
        raise ConfigError("store", f"{url} cannot be opened: {error}", "a path, or a URL that fsspec opens") from None
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol
    if "http" in protocols:
        raise ConfigError("store", f"{url} can only be read", "a store that can be written, as a path or s3://")
    if "file" in protocols:
        there = root
        while there != os.path.dirname(there) and not os.path.lexists(there):
            there = os.path.dirname(there)
        if not os.path.isdir(there):
            raise ConfigError("store", f"{root} cannot be written: {there} is no folder", "a folder, or a new one")
