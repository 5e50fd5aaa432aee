"""Which files a source has, and what is in them: patterns → sorted URLs → files pinned by the digest of their content.

Pinning reads every file once; what that buys is that a moved file costs one read and no rebuild.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence

import fsspec

from corpus import keys
from corpus.errors import MissingFile
from corpus.operators import Reader
from corpus.results import SourceFile
from corpus.sources.columns import compare


def list_files(patterns: Sequence[str], base: str) -> list[str]:
    """Paths, globs and URLs → the files they name, sorted, each once. Relative ones start at `base`, a folder or URL.

    Raises MissingFile where a pattern names nothing, or a folder.
    """
    found: set[str] = set()
    for pattern in patterns:
        fs, path = fsspec.core.url_to_fs(_absolute(pattern, base))
        if any(c in path for c in "*?["):
            matches = [p for p in fs.glob(path) if not fs.isdir(p)]
            if not matches:
                raise MissingFile(pattern, remedy="no file matches the pattern")
        elif not fs.exists(path):
            raise MissingFile(pattern)
        elif fs.isdir(path):
            raise MissingFile(pattern, remedy=f"it is a folder; name its files, as in {pattern.rstrip('/')}/*")
        else:
            matches = [path]
        local = "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))
        found.update(matches if local else map(fs.unstrip_protocol, matches))
    return sorted(found)


def _absolute(pattern: str, base: str) -> str:
    if "://" in pattern or os.path.isabs(pattern):
        return pattern
    if "://" in base:
        return posixpath.join(base, pattern)
    return os.path.normpath(os.path.join(os.path.abspath(base), pattern))


def pin(url: str) -> SourceFile:
    """The file's digest and size in bytes, from reading it once."""
    fs, path = fsspec.core.url_to_fs(url)
    try:
        with fs.open(path, "rb") as stream:
            digest = keys.digest_stream(stream)
            return SourceFile(url, digest, stream.tell())
    except (FileNotFoundError, IsADirectoryError):
        raise MissingFile(url) from None


def unchanged(file: SourceFile) -> bool:
    """Whether a pinned file is still what it was pinned as: by its size on this machine first, then by reading it again."""
    if os.path.isfile(file.url) and os.path.getsize(file.url) != file.bytes:
        return False
    return pin(file.url).digest == file.digest


def check_source(reader: Reader, files: Sequence[str], where: str) -> None:
    """Names what is wrong between a reader's options and the files, and in what the files differ, before any work starts.

    where: the place of the source, or of its files, in the build file. A reader that can be asked has a method
    `check(path, where)`, which raises a ConfigError and returns the `columns.Shape` of a file.
    """
    check = getattr(reader, "check", None)
    place = where.removesuffix(".files") + ".reader" if where.endswith(".files") else where
    if check:
        compare(((path, check(path, place)) for path in files), place)
