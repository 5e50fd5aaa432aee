"""The written shards where people look for them: `builds/<name>/shards/<format>/`, as links to what the store holds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from corpus.results import Folder
from corpus.store import Store
from pipelines.step import Result


def export(store: Store, build: str, written: Mapping[str, Result], finish: Mapping[str, Result] | None = None,
           under: str = "shards") -> int:
    """Puts each format's files in place, those of its shards and those of the whole format (`finish`), and takes away those
    of an earlier mixture; returns how many were not in place. under: a folder of the build's.
    """
    changed = 0
    for name, result in written.items():
        outputs = [*(result.outputs or ()), *((finish or {}).get(name, result).outputs or ())]
        wanted = {file: folder for folder in outputs if isinstance(folder, Folder) for file, _, _ in folder.files}
        root = f"builds/{build}/{under}/{name}"
        changed += (_link if store.is_local else _copy)(store, root, wanted)
    _drop_formats(store, f"builds/{build}/{under}", set(written))
    return changed


def _link(store: Store, root: str, wanted: dict[str, Folder]) -> int:
    target = Path(store.full(root))
    target.mkdir(parents=True, exist_ok=True)
    changed = 0
    folders = []
    for old in sorted(target.rglob("*")):
        if old.is_dir() and not old.is_symlink():
            folders.append(old)
        elif old.relative_to(target).as_posix() not in wanted:
            old.unlink()
            changed += 1
    for folder in reversed(folders):                              # the inner ones first
        if not any(folder.iterdir()):
            folder.rmdir()
    for file, folder in wanted.items():
        source, place = Path(store.full(f"{folder.path}/{file}")), target / file
        if place.exists():
            if _same(source, place):
                continue
            place.unlink()
        changed += 1
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, place)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, place)
    return changed


def _same(source: Path, place: Path) -> bool:
    """Whether a place holds the stored file: the file itself, or on another file system one of its length."""
    stored, there = source.stat(), place.stat()
    if stored.st_dev == there.st_dev and stored.st_nlink > 1:
        return stored.st_ino == there.st_ino
    return stored.st_dev != there.st_dev and stored.st_size == there.st_size


def _copy(store: Store, root: str, wanted: dict[str, Folder]) -> int:
    there = store.sizes(root)
    sizes = {file: size for folder in wanted.values() for file, _, size in folder.files}
    changed = 0
    for old in there.keys() - wanted.keys():
        store.remove(f"{root}/{old}")
        changed += 1
    for file, folder in wanted.items():
        if there.get(file) != sizes[file]:
            store.copy(f"{folder.path}/{file}", f"{root}/{file}")
            changed += 1
    return changed


def _drop_formats(store: Store, root: str, wanted: set[str]) -> None:
    for old in store.names(root):
        if old not in wanted:
            store.remove_tree(f"{root}/{old}")
