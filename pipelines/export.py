"""The written shards where people look for them: `builds/<name>/shards/<format>/`, as links to what the store holds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from corpus.results import Folder
from corpus.store import Store
from pipelines.step import Result


def export(store: Store, build: str, written: dict[str, Result]) -> None:
    """Puts each format's files in place and takes away those of an earlier mixture."""
    for name, result in written.items():
        wanted = {
            file: folder for folder in result.outputs or () if isinstance(folder, Folder) for file, _, _ in folder.files
        }
        root = f"builds/{build}/shards/{name}"
        if store.is_local:
            _link(store, root, wanted)
        else:
            _copy(store, root, wanted)
    _drop_formats(store, f"builds/{build}/shards", set(written))


def _link(store: Store, root: str, wanted: dict[str, Folder]) -> None:
    target = Path(store.full(root))
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.name not in wanted:
            old.unlink()
    for file, folder in wanted.items():
        source, place = store.full(f"{folder.path}/{file}"), target / file
        if place.exists():
            if os.path.samefile(source, place):
                continue
            place.unlink()
        try:
            os.link(source, place)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, place)


def _copy(store: Store, root: str, wanted: dict[str, Folder]) -> None:
    fs, _ = store._fs
    for old in fs.ls(store.full(root), detail=False) if fs.exists(store.full(root)) else []:
        if old.rsplit("/", 1)[-1] not in wanted:
            fs.rm_file(old)
    for file, folder in wanted.items():
        fs.copy(store.full(f"{folder.path}/{file}"), store.full(f"{root}/{file}"))


def _drop_formats(store: Store, root: str, wanted: set[str]) -> None:
    fs, _ = store._fs
    if not fs.exists(store.full(root)):
        return
    for old in fs.ls(store.full(root), detail=False):
        if old.rstrip("/").rsplit("/", 1)[-1] not in wanted:
            fs.rm(old, recursive=True)
