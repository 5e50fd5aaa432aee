"""The licence of each file of a repository: as declared, or as the nearest licence file above it says.

Licence files of all shards are gathered by repository and folder. What it gives up: licences of single files that are told
in words in their heads, and what a manifest (package.json, Cargo.toml) declares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import ID
from corpus.registry import register
from corpus.signals.licence_texts import licence_of
from corpus.tasks import Body, TaskIO

#: A folder that has licence files: an SPDX id or expression, null where none of them is known.
FOLDERS = pa.schema([("repository", pa.string()), ("folder", pa.string()), ("licence", pa.string())])

#: `code.licence`: SPDX id or expression of a file's licence; null where it is unknown, and for what is no file.
LICENCES = pa.schema([("id", ID), ("code.licence", pa.string())])

_COLUMNS = ["id", "code.repository", "code.path"]


@register("body", "licence_files")
@dataclass(frozen=True)
class LicenceFiles(Body):
    """Licence files among one shard's `documents`, by what its `signals` say → `folders` (`FOLDERS`), a row a file."""

    def run(self, io: TaskIO) -> None:
        signals = io.table("signals", [*_COLUMNS, "code.licence_file"])
        is_one = pc.fill_null(signals.column("code.licence_file"), False)
        is_one = pc.and_(is_one, pc.is_valid(signals.column("code.repository")))
        rows: list[tuple[str, str, str | None]] = []
        if pc.any(is_one).as_py():
            documents = io.table("documents", ["id", "text"])
            if not documents.column("id").combine_chunks().equals(signals.column("id").combine_chunks()):
                raise ValueError("'signals' is not aligned with 'documents'")
            texts = documents.column("text").filter(is_one).to_pylist()
            for at, text in zip(signals.filter(is_one).to_pylist(), texts):
                rows.append((at["code.repository"], _above(at["code.path"]), licence_of(text)))
        io.write("folders", pa.table(list(zip(*rows)) or [[], [], []], schema=FOLDERS))
        io.count("licence_files", len(rows))


@register("body", "licence_folders")
@dataclass(frozen=True)
class LicenceFolders(Body):
    """The `folders` of all shards → `folders`, a row a folder, in order. Of several licences one may choose (OR)."""

    def run(self, io: TaskIO) -> None:
        found: dict[tuple[str, str], set[str | None]] = {}
        for table in io.tables("folders"):
            for row in table.to_pylist():
                found.setdefault((row["repository"], row["folder"]), set()).add(row["licence"])
        rows = [(repository, folder, _choice(found[repository, folder])) for repository, folder in sorted(found)]
        io.write("folders", pa.table(list(zip(*rows)) or [[], [], []], schema=FOLDERS))


@register("body", "licences")
@dataclass(frozen=True)
class Licences(Body):
    """Each file's licence, by a shard's `signals` and all `folders`; writes `licences` (`LICENCES`), row for row."""

    def run(self, io: TaskIO) -> None:
        signals = io.table("signals", [*_COLUMNS, "code.declared_licence"])
        folders = io.table("folders")
        here = pc.unique(signals.column("code.repository").combine_chunks()).drop_null()
        some = folders.filter(pc.is_in(folders.column("repository"), value_set=here))
        known = {(row["repository"], row["folder"]): row["licence"] for row in some.to_pylist()}
        licences = [row["code.declared_licence"] or _nearest(row["code.repository"], row["code.path"], known)
                    for row in signals.to_pylist()]
        io.write("licences", pa.table([signals.column("id"), pa.array(licences, pa.string())], schema=LICENCES))
        io.count("documents", signals.num_rows)


def _above(path: str) -> str:
    return path.replace("\\", "/").strip("/").rpartition("/")[0]


def _choice(licences: Iterable[str | None]) -> str | None:
    """One licence or a choice of several; the Lesser GPL 3 comes with the GPL that it changes."""
    known = {one for one in licences if one is not None}
    if any(one.startswith("LGPL-") for one in known):
        known = {one for one in known if not one.startswith("GPL-")}
    return " OR ".join(sorted(f"({one})" if " AND " in one and len(known) > 1 else one for one in known)) or None


def _nearest(repository: str | None, path: str | None, folders: dict[tuple[str, str], str | None]) -> str | None:
    """What the nearest folder above a file says, be it unknown."""
    if repository is None or path is None or not folders:
        return None
    folder = _above(path)
    while (repository, folder) not in folders:
        if not folder:
            return None
        folder = folder.rpartition("/")[0]
    return folders[repository, folder]
