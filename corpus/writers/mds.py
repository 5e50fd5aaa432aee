"""MosaicML Streaming's MDS: a file a shard of samples that can be read in any order, and an index.json over all of them.

What it gives up: compression and hashes (the format has room for both; receipts hold digests), files over 4 GiB (its offsets
are 32 bits wide), and which documents a packed sequence is made of: the sidecar says that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from corpus.errors import ConfigError
from corpus.operators import Writer
from corpus.registry import register
from corpus.tokens.pack import offsets_of
from corpus.writers.records import SHOWN, named_documents, pieces_of, sequences_table, shown, weave
from corpus.writers.stream import Stream

VERSION = 2
LIMIT = 1 << 32


@register("writer", "mds")
@dataclass(frozen=True)
class Mds(Writer):
    """`shard_00000.mds`, one sample a sequence: `tokens` (ndarray:uint16 or uint32), with documents as sequences their `id`
    (base32), with masks `loss_mask` (ndarray:uint8). Source: mosaicml-streaming 0.13, streaming/base/format/mds.

    LLM-Foundry's StreamingTextDataset reads arrays of any integers from a column of this name, cut at its max_seq_len.
    """

    takes_mask: ClassVar[bool] = True

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        name = f"shard_{shard:05d}.mds"
        documents = named_documents(stream)
        columns = (["id"] if documents is not None else []) + (["loss_mask"] if stream.has_mask else []) + ["tokens"]
        config = json.dumps(_config(columns, stream.dtype), sort_keys=True).encode()
        lengths, width = stream.lengths, stream.dtype.itemsize
        sizes = {"id": np.full(len(lengths), SHOWN), "tokens": _shape(lengths) + lengths * width,
                 "loss_mask": _shape(lengths) + lengths}
        records = 4 * len(columns) + sum(sizes[column] for column in columns)
        start = 4 * (len(lengths) + 2) + len(config)
        offsets = offsets_of(records) + start
        if offsets[-1] >= LIMIT:
            raise ConfigError(f"shards.{self.name}", f"shard {shard} would have {offsets[-1]:,} bytes",
                              f"under {LIMIT:,}, as the format's offsets are 32 bits wide; more shards make them smaller")
        names = shown(stream.rows.column("id")) if documents is not None else None
        with open(folder / name, "wb") as out:
            out.write(np.uint32(len(lengths)).tobytes())
            out.write(offsets.astype("<u4").tobytes())
            out.write(config)
            for first, last, ids in stream.batches():
                part = lengths[first:last]
                head = np.column_stack([sizes[column][first:last] for column in columns]).astype("<u4").view(np.uint8)
                if names is not None:
                    head = np.hstack([head, names[documents[first:last]]])
                shape, shape_lengths = _shapes(part)
                parts = [(head.reshape(-1), np.full(len(part), head.shape[1]))]
                mask = stream.mask(first, last)
                if mask is not None:
                    parts += [(shape, shape_lengths), (mask, part)]
                parts += [(shape, shape_lengths), (ids.view(np.uint8), part * width)]
                out.write(weave(*parts)[0].data)
        return [name]

    def describe(self, folder: Path, files: Sequence[str]) -> dict[str, Any]:
        return {"config": _read_config(folder / files[0]), "bytes": (folder / files[0]).stat().st_size}

    def finish(self, shards: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        """index.json, which names every file, its samples and its columns."""
        entries = [shard["extra"]["config"] | {
            "raw_data": {"basename": shard["files"][0], "bytes": shard["extra"]["bytes"], "hashes": {}},
            "samples": shard["sequences"], "version": VERSION, "zip_data": None} for shard in shards]
        return {"index.json": json.dumps({"shards": entries, "version": VERSION}, sort_keys=True).encode()}

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """ValueError where offsets or sizes do not fit the file."""
        data = np.fromfile(folder / files[0], np.uint8)
        config, offsets = _read(data)
        columns = config["column_names"]
        if any(size is not None for size in config["column_sizes"]) or "tokens" not in columns:
            raise ValueError("the samples have columns that this writer does not write")
        starts = offsets[:-1]
        heads = pieces_of(data, starts, np.full(len(starts), 4 * len(columns))).view("<u4").reshape(-1, len(columns))
        sizes = heads.astype(np.int64)
        if not np.array_equal(sizes.sum(axis=1) + 4 * len(columns), np.diff(offsets)):
            raise ValueError("a sample's columns do not fill it")
        at = starts[:, None] + 4 * len(columns) + np.cumsum(sizes, axis=1) - sizes
        found = {}
        for column, encoding in zip(columns, config["column_encodings"]):
            if encoding.startswith("ndarray:"):
                k = columns.index(column)
                found[column] = _arrays(data, at[:, k], sizes[:, k], np.dtype(encoding.split(":")[1]))
        tokens, lengths = found["tokens"]
        return sequences_table(tokens, lengths, found["loss_mask"][0] if "loss_mask" in found else None)


def _config(columns: list[str], dtype: np.dtype) -> dict[str, Any]:
    kinds = {"id": "str", "loss_mask": "ndarray:uint8", "tokens": f"ndarray:{dtype.newbyteorder('=').name}"}
    return {"column_encodings": [kinds[name] for name in columns], "column_names": columns,
            "column_sizes": [None] * len(columns), "compression": None, "format": "mds", "hashes": [], "size_limit": None}


def _shape(lengths: np.ndarray) -> np.ndarray:
    """(n,) int64 bytes before an array of one dimension: a code, and its length in 1, 2 or 4 bytes."""
    return 1 + np.where(lengths < 1 << 8, 1, np.where(lengths < 1 << 16, 2, 4))


def _shapes(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bytes before each array, end to end, and how many they are."""
    wide = _shape(lengths)
    cells = np.zeros((len(lengths), 5), np.uint8)
    cells[:, 0] = (1 << 2) | np.array([0, 0, 0, 1, 0, 2])[wide]
    cells[:, 1:] = lengths.astype("<u4").view(np.uint8).reshape(-1, 4)
    return cells[np.arange(5) < wide[:, None]], wide


def _read(data: np.ndarray) -> tuple[dict[str, Any], np.ndarray]:
    """The file's configuration and the (n + 1,) int64 offsets of its samples."""
    count = int(data[:4].view("<u4")[0]) if len(data) >= 4 else -1
    if count < 0 or len(data) < 4 * (count + 2):
        raise ValueError("the file is shorter than its head")
    offsets = data[4 : 4 * (count + 2)].view("<u4").astype(np.int64)
    if offsets[0] < 4 * (count + 2) or offsets[-1] != len(data) or (np.diff(offsets) < 0).any():
        raise ValueError(f"the samples' offsets do not fit a file of {len(data):,} bytes")
    return json.loads(data[4 * (count + 2) : offsets[0]].tobytes()), offsets


def _read_config(path: Path) -> dict[str, Any]:
    """The configuration that lies between a file's offsets and its samples."""
    with open(path, "rb") as stream:
        count = int.from_bytes(stream.read(4), "little")
        first = int.from_bytes(stream.read(4), "little")
        stream.seek(4 * (count + 2))
        return json.loads(stream.read(first - 4 * (count + 2)))


def _arrays(data: np.ndarray, at: np.ndarray, sizes: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """The values of one column's arrays end to end, and how many each has. at, sizes: (n,) int64 in bytes."""
    if len(at) and (sizes < 2).any():
        raise ValueError("an array is shorter than its head")
    code = data[at].astype(np.int64)
    wide = 1 << (code & 3)
    if ((code >> 2) != 1).any() or (sizes < 1 + wide).any():
        raise ValueError("an array has not one dimension")
    near = np.minimum(at[:, None] + 1 + np.arange(4), len(data) - 1)
    told = (data[near].astype(np.int64) * (np.arange(4) < wide[:, None])) @ (1 << (8 * np.arange(4)))
    if not np.array_equal(told * dtype.itemsize, sizes - 1 - wide):
        raise ValueError("an array's length is not what its head says")
    return pieces_of(data, at + 1 + wide, sizes - 1 - wide).view(dtype.newbyteorder("<")), told
