"""Megatron-core's IndexedDataset: ids end to end in a .bin, where each sequence lies in an .idx. Given up: several sequences
a document, and modes (multimodal data).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.errors import ConfigError
from corpus.operators import Operator, Writer
from corpus.registry import register
from corpus.tokens.pack import offsets_of
from corpus.writers.stream import Stream

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
#: The format's number for a type of ids. It has no uint32, and no vocabulary needs the 32nd bit.
CODES = {np.dtype("<u2"): 8, np.dtype("<i4"): 4}


@register("writer", "megatron", version=2)
@dataclass(frozen=True)
class Megatron(Writer):
    """`shard_00000.bin` and `.idx`; a document of the format is one sequence. Source: Megatron-core indexed_dataset.py."""

    def check(self, tokenizer: dict[str, Any], pack: Operator) -> None:
        if tokenizer["vocab_size"] > 1 << 31:
            raise ConfigError(f"shards.{self.name}", f"a vocabulary of {tokenizer['vocab_size']:,} ids", "at most 2^31")

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        stem = f"shard_{shard:05d}"
        kind = np.dtype("<u2") if stream.dtype.itemsize == 2 else np.dtype("<i4")
        with open(folder / f"{stem}.bin", "wb") as out:
            for _, _, ids in stream.batches():
                out.write(memoryview(ids).cast("B"))                  # an id below 2^31 is the same as int32 and as uint32
        (folder / f"{stem}.idx").write_bytes(index_bytes(stream.lengths, kind))
        return [f"{stem}.bin", f"{stem}.idx"]

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """Column tokens. ValueError where the two files disagree."""
        paths = {name.split(".", 1)[1]: folder / name for name in files}
        lengths, dtype = read_index(paths["idx"].read_bytes())
        flat = np.fromfile(paths["bin"], dtype)
        if paths["bin"].stat().st_size != int(lengths.sum()) * dtype.itemsize:
            raise ValueError(f"the .bin has {paths['bin'].stat().st_size} bytes, the .idx says {lengths.sum()} ids")
        return pa.table({"tokens": pa.LargeListArray.from_arrays(pa.array(offsets_of(lengths)), pa.array(flat))})


def index_bytes(lengths: np.ndarray, dtype: np.dtype) -> bytes:
    """An .idx: header; sequences and documents + 1; lengths int32, byte offsets int64, first sequence a document int64."""
    n = len(lengths)
    head = MAGIC + np.uint64(VERSION).tobytes() + bytes([CODES[dtype]]) + np.array([n, n + 1], "<u8").tobytes()
    pointers = (np.cumsum(lengths) - lengths) * dtype.itemsize
    columns = (lengths.astype("<i4"), pointers.astype("<i8"), np.arange(n + 1, dtype="<i8"))
    return head + b"".join(column.tobytes() for column in columns)


def read_index(data: bytes) -> tuple[np.ndarray, np.dtype]:
    """Lengths (n,) int64 and the type of ids; ValueError where the bytes are not an index as `index_bytes` makes it."""
    codes = {code: dtype for dtype, code in CODES.items()}
    head = len(MAGIC) + 8 + 1 + 16
    if len(data) < head or not data.startswith(MAGIC) or data[17] not in codes:
        raise ValueError("the .idx has no header of version 1")
    n = int(np.frombuffer(data, "<u8", 1, 18)[0])
    if len(data) != head + n * 12 + (n + 1) * 8:
        raise ValueError(f"the .idx has {len(data)} bytes, which does not fit its {n} documents")
    lengths, dtype = np.frombuffer(data, "<i4", n, head).astype(np.int64), codes[data[17]]
    if index_bytes(lengths, dtype) != data:
        raise ValueError("the .idx has offsets that do not follow from its lengths")
    return lengths, dtype
