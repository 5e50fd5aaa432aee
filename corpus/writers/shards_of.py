"""Written shards as streams again, whatever format they are in: with the sidecar, of the documents that they are made of;
without, of ids and masks alone. Given up: formats of texts, which hold no ids.
"""

from __future__ import annotations

import contextlib
import re
import struct
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import keys
from corpus.document import ID, parse_id
from corpus.errors import Mismatch, UserError
from corpus.tokens.pack import Documents, Packing, offsets_of
from corpus.writers.gather import Held
from corpus.writers.stream import Stream

#: What a damaged file makes its reader raise.
UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, OverflowError, MemoryError, struct.error,
              zlib.error, pa.ArrowException)

#: The files of a shard of each format that holds ids, below the format's folder; the group is the shard's number.
FILES = {
    "climbmix": r"[\w-]*?(\d+)[\w-]*\.parquet",
    "climbmix_jsonl": r"\w*?(\d+)(?:\.tokenized)?\.jsonl",
    "climblab": r"cluster_\w+/cluster_\w+_(\d+)\.tokenized\.parquet",
    "datasets": r"[\w-]*?(\d+)[\w-]*\.parquet",
    "litdata": r"(?:chunk-)?(\d+)(?:-0\.bin|\.index\.json)",
    "mds": r"\w+?[._](\d+)\.mds",
    "megatron": r"[\w-]*?(\d+)[\w-]*\.(?:bin|idx)",
    "nanoset": r"\w*?(\d+)\w*\.ds(?:\.\w+)?",
    "npy": r"(?:label_mask/)?\w*?(\d+)\.(?:npy|csv\.gz)",
}

#: What a document is known by, and what is null where nothing says which document it is.
UNKNOWN = {"id": ID, "copy": pa.int32(), "phase": pa.int32(), "url": pa.string(), "source": pa.string(), "cell": pa.string(),
           "style": pa.string(), "cluster_id": pa.int64()}


@contextlib.contextmanager
def local_files(root: str, files: Sequence[Mapping[str, Any]]) -> Iterator[Path]:
    """A local folder with the files at their paths, each as its digest says; Mismatch names the one that is not."""
    fs, base = fsspec.core.url_to_fs(root)
    with tempfile.TemporaryDirectory() as temporary:
        local = Path(base) if "file" in fs.protocol else Path(temporary)
        for file in files:
            path = local / inside(file["path"])
            try:
                if local == Path(temporary):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    fs.get_file(f"{base.rstrip('/')}/{file['path']}", str(path))
                if "digest" in file and keys.digest_file(path) != file["digest"]:
                    raise Mismatch("convert", f"{file['path']} has other bytes than its digest in the receipt")
            except FileNotFoundError:
                raise Mismatch("convert", f"{file['path']} is missing") from None
        yield local


def told_stream(rows: pa.Table, sidecar: pa.Table, dtype: np.dtype) -> Stream:
    """The stream of a shard: what was read back, and the pieces that the sidecar names."""
    flat, lengths, marks = _flat(rows, dtype)
    sequences = offsets_of(lengths)
    column = {name: sidecar.column(name).to_numpy().astype(np.int64) for name in ("sequence", "offset", "length", "begin")}
    base, begins = column["offset"] - column["begin"], column["begin"] == 0
    document = np.cumsum(begins) - 1
    whole = len(base) == 0 or (begins[0] and np.array_equal(base, base[begins][document]))
    if whole:                                                   # documents lie unbroken in the stream: as they were drawn
        row, base, documents = document, base[begins], sidecar.filter(pa.array(begins))
        sizes = np.bincount(document, column["length"], int(begins.sum())).astype(np.int64)
    else:
        row, documents, sizes = np.arange(len(base)), sidecar, column["length"]
    ids = pa.array([parse_id(i or "") for i in documents.column("id").to_pylist()], ID)
    columns = {name: documents.column(name).cast(kind) for name, kind in UNKNOWN.items() if name != "id"}
    table = pa.table({"id": ids, "token_count": sizes, **columns})
    pieces = {"row": row, "begin": column["begin"], "length": column["length"], "sequence": column["sequence"],
              "at": column["offset"]}
    filled = int(column["length"].sum())
    packing = Packing(pieces, sequences, 0, len(flat) - filled)
    return Stream(table, packing, dtype, Held(flat, base), None, _padding(flat, column), None if marks is None else
                  Held(marks, base))


def _padding(flat: np.ndarray, column: Mapping[str, np.ndarray]) -> int:
    """The id that fills what no piece does."""
    ends = column["offset"] + column["length"]
    gaps = ends[np.append(column["offset"][1:], len(flat)) > ends]
    return int(flat[gaps[0]]) if len(gaps) else 0


def lone_stream(rows: pa.Table, dtype: np.dtype, where: str) -> Stream:
    """The stream of a shard of which nothing is known but its ids and masks. Mismatch where an id does not fit the type."""
    span = pc.min_max(pc.list_flatten(rows.column("tokens"))).as_py()
    if span["min"] is not None and (span["min"] < 0 or span["max"] > np.iinfo(dtype).max):
        raise Mismatch("convert", f"{where} has ids from {span['min']:,} to {span['max']:,}; {dtype.name} holds 0 to "
                                  f"{np.iinfo(dtype).max:,}" + ("; try --dtype uint32" if span["min"] >= 0 else ""))
    flat, lengths, marks = _flat(rows, dtype)
    table = pa.table({"token_count": lengths, **{name: pa.nulls(len(lengths), kind) for name, kind in UNKNOWN.items()}})
    starts = offsets_of(lengths)[:-1]
    return Stream(table, Documents().plan(lengths), dtype, Held(flat, starts), None, None,
                  None if marks is None else Held(marks, starts))


def _flat(rows: pa.Table, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Ids and masks end to end, and the lengths of sequences."""
    lengths = pc.list_value_length(rows.column("tokens")).to_numpy().astype(np.int64)
    ids, marks = (_values(rows.column(name), kind) if name in rows.column_names else None
                  for name, kind in (("tokens", dtype), ("loss_mask", np.dtype(np.uint8))))
    assert ids is not None
    return ids, lengths, marks


def _values(lists: pa.ChunkedArray, dtype: np.dtype) -> np.ndarray:
    parts = [chunk.flatten().to_numpy(zero_copy_only=False).astype(dtype, copy=False) for chunk in lists.chunks]
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.zeros(0, dtype)


def found_shards(root: str, name: str, folder_name: str | None = None) -> list[tuple[int, list[str]]]:
    """Shards of a format by the names of its files. folder_name: of their folder, where it is not the format's."""
    fs, base = fsspec.core.url_to_fs(root)
    folder = f"{base.rstrip('/')}/{folder_name or name}"
    found: dict[int, list[str]] = {}
    for path in sorted(fs.find(folder)) if fs.exists(folder) else []:
        match = re.fullmatch(FILES[name], path[len(folder) + 1:])
        if match:
            found.setdefault(int(match[1]), []).append(path[len(folder) + 1:])
    return sorted(found.items())


def inside(path: str) -> str:
    """A path that a receipt names; UserError where it leads out of the folder."""
    if path.startswith("/") or ".." in path.split("/") or "/" not in path:
        raise UserError(f"the receipt names the file '{path}', which is not FORMAT/FILE")
    return path
