"""What a build leaves on disk, as values: shards, models, source files, the record of a task, the manifest of a step."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1


@dataclass(frozen=True)
class Part:
    """One partition of an exchange's run: which row group, how many rows, and the digests of what went into it."""

    partition: int
    group: int
    rows: int
    digests: tuple[str, ...]


@dataclass(frozen=True)
class Shard:
    """A Parquet file of rows in the store. `digest` is of its values, `file_digest` of its bytes; `path` is relative."""

    name: str
    path: str
    digest: str
    file_digest: str
    rows: int
    bytes: int
    parts: tuple[Part, ...] = ()

    @property
    def lengths(self) -> list[tuple[str, int]]:
        """(path, bytes) of its files."""
        return [(self.path, self.bytes)]


@dataclass(frozen=True)
class Folder:
    """Files that belong together: a fitted model or a written shard of a training format. `digest` is of all bytes."""

    name: str
    path: str
    digest: str
    files: tuple[tuple[str, str, int], ...]   # (relative name, digest, bytes)
    about: dict[str, Any] = field(default_factory=dict, compare=False, hash=False)

    @property
    def number(self) -> int:
        """What pointers into it call it: the first 64 bits of its digest."""
        return int(self.digest[:16], 16)

    @property
    def bytes(self) -> int:
        return sum(size for _, _, size in self.files)

    @property
    def lengths(self) -> list[tuple[str, int]]:
        """(path, bytes) of its files."""
        return [(f"{self.path}/{file}", size) for file, _, size in self.files]


@dataclass(frozen=True)
class SourceFile:
    """A file of a source, pinned by its content. `url` is where it lies today and never part of a key."""

    url: str
    digest: str
    bytes: int

    name = "file"


Item = Shard | Folder | SourceFile


@dataclass(frozen=True)
class Record:
    """The result of one task: what it was, what it read, what it left, what it counted. `made` is outside every digest;
    `extra` is the task's (a partition number).
    """

    step: str
    key: str
    identity: Any
    inputs: dict[str, list[str]]
    outputs: tuple[Shard | Folder, ...]
    counts: dict[str, int]
    made: dict[str, Any]
    extra: Any = None

    def of(self, name: str) -> list[Shard | Folder]:
        """Its outputs of that name, in order."""
        return [o for o in self.outputs if o.name == name]


def to_json(record: Record) -> dict[str, Any]:
    found = dataclasses.asdict(record)
    found["schema"] = SCHEMA
    for plain, output in zip(found["outputs"], record.outputs):
        plain["is"] = "shard" if isinstance(output, Shard) else "folder"
    return found


def from_json(found: dict[str, Any]) -> Record:
    return Record(found["step"], found["key"], found["identity"], found["inputs"],
                  tuple(item_from_json(o) for o in found["outputs"]), found["counts"], found["made"], found.get("extra"))


def item_to_json(item: Shard | Folder) -> dict[str, Any]:
    return dataclasses.asdict(item) | {"is": "shard" if isinstance(item, Shard) else "folder"}


def item_from_json(o: dict[str, Any]) -> Shard | Folder:
    if o["is"] == "shard":
        parts = tuple(Part(p["partition"], p["group"], p["rows"], tuple(p["digests"])) for p in o["parts"])
        return Shard(o["name"], o["path"], o["digest"], o["file_digest"], o["rows"], o["bytes"], parts)
    return Folder(o["name"], o["path"], o["digest"], tuple(tuple(f) for f in o["files"]), o["about"])
