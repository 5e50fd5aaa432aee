"""Where results live. Files are written whole or not at all, and a task's record comes last: no record, no result.

    FORMAT                      the format version
    shards/ab/<digest>.parquet  rows, named by their content digest
    folders/ab/<digest>/        models and written shards, named by the digest of their files
    tasks/ab/<key>.json         the record of one task; the first one committed under a key is the result
    steps/ab/<key>.json         the manifest of one step
    builds/<name>/              what belongs to one build: lock, state, events, receipt, report, exported shards
    tombstones/                 removed documents, an input of every filter and compile
    leases/                     who is driving a build right now
    pins/                       digests of source files, by name, size and time
    jobs/                       task lists on their way to an engine's workers; left behind only by a kill

All of it goes through fsspec. Shards are named by content, so a second attempt at a task can never overwrite what a
record already points to.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from corpus import keys, results
from corpus.errors import StoreError
from corpus.results import Folder, Part, Record, Shard

FORMAT = 2

#: How shards are written; and runs, whose many small row groups are read once: there a codec's set-up is what costs.
_SHARD: dict[str, Any] = {"compression": "zstd", "compression_level": 3}
_RUN: dict[str, Any] = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}


def shard_path(digest: str) -> str:
    """Where the shard with this content lies in any store."""
    return f"shards/{digest[:2]}/{digest}.parquet"


@dataclass(frozen=True)
class Store:
    """A store at a URL that fsspec understands. Cheap to make and to pickle; holds no state."""

    url: str

    @cached_property
    def _fs(self) -> tuple[fsspec.AbstractFileSystem, str]:
        fs, root = fsspec.core.url_to_fs(self.url)
        return fs, root.rstrip("/")

    def __getstate__(self) -> dict[str, str]:
        return {"url": self.url}

    @property
    def is_local(self) -> bool:
        return "file" in self._fs[0].protocol

    def full(self, path: str) -> str:
        """A path of the store as its file system names it."""
        return posixpath.join(self._fs[1], path)

    def prepare(self) -> Store:
        """Creates the store or checks its format; `StoreError` where it cannot be written or is of another format."""
        try:
            if not self.check_format():
                self.write_json("FORMAT", {"format": FORMAT})
            probe = f"leases/.probe-{uuid.uuid4().hex}"
            self.write_bytes(probe, b"")
            self.remove(probe)
        except (OSError, ValueError) as error:
            raise StoreError(f"the store at {self.url} cannot be written: {error}") from None
        return self

    def check_format(self) -> bool:
        """Whether there is a store; `StoreError` where it is of another format."""
        found = self.read_json("FORMAT")
        if found is not None and (not isinstance(found, dict) or found.get("format") != FORMAT):
            raise StoreError(f"the store at {self.url} has format {found!r}; this release reads {FORMAT}")
        return found is not None

    # plain files -------------------------------------------------------------------------------------------------

    def exists(self, path: str) -> bool:
        return self._fs[0].exists(self.full(path))

    def read_bytes(self, path: str) -> bytes | None:
        try:
            with self._fs[0].open(self.full(path), "rb") as stream:
                return stream.read()
        except FileNotFoundError:
            return None

    def read_json(self, path: str) -> Any:
        """The value, or None where there is no such file; StoreError where it is damaged."""
        found = self.read_bytes(path)
        try:
            return None if found is None else json.loads(found)
        except ValueError as error:
            raise StoreError(f"{self.full(path)} is damaged ({error}); remove it and run the build again") from None

    def write_bytes(self, path: str, data: bytes, fresh: bool = False) -> bool:
        """Writes a file whole. With `fresh`, an existing file wins and False is returned."""
        target = self.full(path)
        if not self.is_local:
            if fresh and self._fs[0].exists(target):
                return False
            with self._fs[0].open(target, "wb") as stream:   # object stores show a file only when it is complete
                stream.write(data)
            return True
        with _part(target) as part:
            with open(part, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            return _publish(part, target, fresh)

    def write_json(self, path: str, value: Any, fresh: bool = False) -> bool:
        return self.write_bytes(path, json.dumps(value, indent=1, ensure_ascii=False).encode(), fresh)

    def append(self, path: str, line: str) -> None:
        """Adds a line to a log of the build (one driver writes it)."""
        target = self.full(path)
        if self.is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            with open(target, "a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        else:
            self.write_bytes(path, (self.read_bytes(path) or b"") + line.encode() + b"\n")

    def remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._fs[0].rm_file(self.full(path))

    def remove_tree(self, path: str) -> None:
        self._fs[0].rm(self.full(path), recursive=True)

    def copy(self, source: str, target: str) -> None:
        """Copies a file inside the store."""
        self._fs[0].copy(self.full(source), self.full(target))

    def sizes(self, path: str) -> dict[str, int]:
        """Bytes of each file anywhere in a folder, by its name relative to it; empty where there is no folder."""
        root = self.full(path)
        found = self._fs[0].find(root, detail=True) if self._fs[0].exists(root) else {}
        return {name[len(root) :].lstrip("/"): entry["size"] for name, entry in found.items()}

    def names(self, path: str) -> list[str]:
        """Names of what is directly in a folder; empty where there is none."""
        try:
            found = self._fs[0].ls(self.full(path), detail=False)
        except FileNotFoundError:
            return []
        return sorted(entry.rstrip("/").rsplit("/", 1)[-1] for entry in found)

    # shards ------------------------------------------------------------------------------------------------------

    def write_shard(self, name: str, table: pa.Table) -> Shard:
        """Writes rows as one Parquet file (zstd) and returns its reference."""
        return self._write_parquet(name, "shards", table, [table], ())

    def write_run(self, name: str, groups: list[tuple[Part, pa.Table]], schema: pa.Schema) -> Shard:
        """An exchange's run: one row group a partition, in order."""
        tables = [t for _, t in groups]
        whole = pa.concat_tables(tables) if tables else schema.empty_table()
        parts = tuple(Part(p.partition, i, t.num_rows, p.digests) for i, (p, t) in enumerate(groups))
        layout = keys.key_of([[p.partition, p.rows] for p in parts])[:8]
        return self._write_parquet(name, f"runs/{layout}", whole, tables, parts)

    def _write_parquet(self, name: str, folder: str, whole: pa.Table, groups: list[pa.Table],
                       parts: tuple[Part, ...]) -> Shard:
        digest = keys.digest_table(whole)
        path = f"{folder}/{digest[:2]}/{digest}.parquet"
        with self._staged(path) as local:
            if local is not None:
                with pq.ParquetWriter(local, whole.schema, **(_RUN if parts else _SHARD)) as writer:
                    for group in groups:
                        writer.write_table(group, row_group_size=max(1, group.num_rows))
        fs, target = self._fs[0], self.full(path)
        with fs.open(target, "rb") as stream:
            file_digest = keys.digest_stream(stream)
        return Shard(name, path, digest, file_digest, whole.num_rows, fs.size(target), parts)

    @contextlib.contextmanager
    def _staged(self, path: str) -> Iterator[str | None]:
        """A local path to write to, published whole on leaving; None where a remote store has the file already.

        A local file that is there and as long is left as it is; it may be linked to from exports.
        """
        target = self.full(path)
        if self.is_local:
            with _part(target) as part:
                yield part
                with open(part, "rb") as stream:
                    os.fsync(stream.fileno())
                if not (os.path.exists(target) and os.path.getsize(target) == os.path.getsize(part)):
                    os.chmod(part, 0o444)           # named by its content: nobody has any business changing it
                    _publish(part, target, fresh=False)
            return
        if self._fs[0].exists(target):
            yield None
            return
        with tempfile.TemporaryDirectory() as folder:
            local = os.path.join(folder, "file")
            yield local
            self._fs[0].put_file(local, target)

    def read_shard(self, shard: Shard, columns: list[str] | None = None) -> pa.Table:
        """All rows of a shard, or some columns of them."""
        if self.is_local:
            return pq.read_table(self.full(shard.path), columns=columns, partitioning=None, memory_map=False)
        with self._fs[0].open(self.full(shard.path), "rb") as stream:
            return pq.read_table(stream, columns=columns)

    def columns(self, shard: Shard) -> list[str]:
        """Names of a shard's columns; reads no rows."""
        if self.is_local:
            return pq.read_schema(self.full(shard.path), memory_map=False).names
        with self._fs[0].open(self.full(shard.path), "rb") as stream:
            return pq.read_schema(stream).names

    def read_part(self, shard: Shard, part: Part) -> pa.Table:
        """One partition of an exchange's run: reads that row group alone."""
        if self.is_local:
            with pq.ParquetFile(self.full(shard.path)) as file:
                return file.read_row_group(part.group, use_threads=False)
        with self._fs[0].open(self.full(shard.path), "rb") as stream:
            return pq.ParquetFile(stream).read_row_group(part.group, use_threads=False)

    # folders -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def new_folder(self) -> Iterator[Path]:
        """An empty folder to make files in for `write_folder`, on the store's own file system where that is local, so that
        they are taken over without a copy. What a kill leaves of it has a name that ends in `.part`.
        """
        parent = self.full("folders") if self.is_local else None
        if parent is not None:
            os.makedirs(parent, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, prefix="new-", suffix=".part") as folder:
            yield Path(folder)

    def write_folder(self, name: str, local: Path, about: dict[str, Any] | None = None, take: bool = False) -> Folder:
        """Puts the files of a local folder into the store; with `take` they are moved there and no longer the caller's.
        `about` is told to people and is in no digest.
        """
        files = []
        for path in sorted(p for p in local.rglob("*") if p.is_file()):
            files.append((path.relative_to(local).as_posix(), keys.digest_file(path), path.stat().st_size))
        digest = keys.key_of([[n, d] for n, d, _ in files])
        root = f"folders/{digest[:2]}/{digest}"
        for relative, _, _ in files:
            if take and self.is_local:
                self._take(local / relative, f"{root}/{relative}")
                continue
            with self._staged(f"{root}/{relative}") as staged:
                if staged is not None:
                    shutil.copyfile(local / relative, staged)
        return Folder(name, root, digest, tuple(files), about or {})

    def _take(self, local: Path, path: str) -> None:
        """Moves a finished file into place, unless the place has it already."""
        target = Path(self.full(path))
        if target.exists() and target.stat().st_size == local.stat().st_size:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(local, "rb") as stream:
            os.fsync(stream.fileno())
        os.chmod(local, 0o444)
        os.replace(local, target)

    @contextlib.contextmanager
    def local_folder(self, folder: Folder) -> Iterator[Path]:
        """The folder's files on this machine; a copy for as long as the context lasts where the store is remote."""
        if self.is_local:
            yield Path(self.full(folder.path))
            return
        with tempfile.TemporaryDirectory() as temporary:
            for relative, _, _ in folder.files:
                (Path(temporary) / relative).parent.mkdir(parents=True, exist_ok=True)
                self._fs[0].get_file(self.full(f"{folder.path}/{relative}"), str(Path(temporary) / relative))
            yield Path(temporary)

    def folder_of(self, name: str, digest: str) -> Folder | None:
        """The folder with this content, told from its digest alone: sizes and digests of its files are not known. None
        where the store has it not. Files in folders of their own are not seen.
        """
        path = f"folders/{digest[:2]}/{digest}"
        files = tuple((file, "", 0) for file in self.names(path))
        return Folder(name, path, digest, files) if files else None

    def read_ranges(self, paths: list[str], starts: list[int], ends: list[int]) -> list[bytes]:
        """Bytes [start, end) of files, many requests at a time where the file system can."""
        return self._fs[0].cat_ranges([self.full(path) for path in paths], starts, ends)

    # records -----------------------------------------------------------------------------------------------------

    def record(self, key: str) -> Record | None:
        """The record under a key, if its outputs are there too: what was lost or cut short has to be made again."""
        found = self.read_json(f"tasks/{key[:2]}/{key}.json")
        record = None if found is None else results.from_json(found)
        return record if record is not None and self.intact(record.outputs) else None

    def intact(self, outputs: Sequence[Shard | Folder]) -> bool:
        """Whether every file of some outputs is there at its length. Remote stores are believed: asking costs a request
        a file.
        """
        return not self.is_local or all(
            _length(self.full(path)) == size for output in outputs for path, size in output.lengths)

    def commit(self, record: Record) -> Record:
        """Commits a task's record. Where another attempt came first, that one is returned: it is the result."""
        path = f"tasks/{record.key[:2]}/{record.key}.json"
        if self.write_json(path, results.to_json(record), fresh=True):
            return record
        first = self.record(record.key)
        if first is None:                            # the record that is there has lost its outputs: this one replaces it
            self.write_json(path, results.to_json(record))
            return record
        return first


@contextlib.contextmanager
def _part(target: str) -> Iterator[str]:
    """A name beside `target` to write to; whatever is left under it is removed."""
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    part = f"{target}.{os.getpid()}-{uuid.uuid4().hex[:8]}.part"
    try:
        yield part
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)


def _length(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _publish(part: str, target: str, fresh: bool) -> bool:
    """Moves a finished file into place; with `fresh`, only where nothing is there yet."""
    if not fresh:
        os.replace(part, target)
        return True
    try:
        os.link(part, target)
        return True
    except FileExistsError:
        return False
