"""Megatron-core's IndexedDataset: ids end to end in a .bin, where each document lies in an .idx, and beside them a Parquet
that says which document that is. Given up: several sequences a document, and modes (multimodal data).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.document import ID, parse_id, show_id
from corpus.operators import Writer
from corpus.registry import register

MAGIC = b"MMIDIDX\x00\x00"
VERSION = 1
#: The format's number for a type of ids. It has no uint32, and no vocabulary needs the 32nd bit.
CODES = {np.dtype("<u2"): 8, np.dtype("<i4"): 4}


@register("writer", "megatron")
@dataclass(frozen=True)
class Megatron(Writer):
    """`shard_00000.bin`, `.idx` and `.docs.parquet`; one sequence a document. Source: Megatron-core indexed_dataset.py.

    The sidecar's columns: row, id (base32), url, source, cell, copy, and offset and length in tokens of the .bin.
    """

    def write(self, rows: pa.Table, folder: Path, shard: int) -> list[str]:
        stem = f"shard_{shard:05d}"
        tokens = rows.column("tokens")
        narrow = tokens.type.value_type == pa.uint16()
        dtype = np.dtype("<u2") if narrow else np.dtype("<i4")
        with open(folder / f"{stem}.bin", "wb") as stream:
            for chunk in tokens.chunks:
                stream.write(np.ascontiguousarray(chunk.flatten().to_numpy().astype(dtype, copy=False)).data)
        lengths = pc.list_value_length(tokens).to_numpy().astype(np.int64)
        offsets = np.cumsum(lengths) - lengths
        (folder / f"{stem}.idx").write_bytes(index_bytes(lengths, dtype))
        sidecar = pa.table({
            "row": np.arange(len(lengths)),
            "id": pa.array([show_id(i) for i in rows.column("id").to_pylist()], pa.string()),
            **{name: rows.column(name) for name in ("url", "source", "cell", "copy")},
            "offset": offsets,
            "length": lengths,
        })
        pq.write_table(sidecar, folder / f"{stem}.docs.parquet", compression="zstd", row_group_size=1 << 16)
        return [f"{stem}.bin", f"{stem}.idx", f"{stem}.docs.parquet"]

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """Columns id (binary(16)), copy, cell, source, token_count, tokens. ValueError where the three files disagree."""
        paths = {name.split(".", 1)[1]: folder / name for name in files}
        lengths, dtype = read_index(paths["idx"].read_bytes())
        flat = np.fromfile(paths["bin"], dtype)
        if paths["bin"].stat().st_size != int(lengths.sum()) * dtype.itemsize:
            raise ValueError(f"the .bin has {paths['bin'].stat().st_size} bytes, the .idx says {lengths.sum()} ids")
        sidecar = pq.read_table(paths["docs.parquet"], partitioning=None)
        if not np.array_equal(sidecar.column("length").to_numpy(), lengths):
            raise ValueError("the sidecar's lengths are not those of the .idx")
        if not np.array_equal(sidecar.column("offset").to_numpy(), np.cumsum(lengths) - lengths):
            raise ValueError("the sidecar's offsets are not those of the .idx")
        offsets = pa.array(np.r_[np.int64(0), np.cumsum(lengths)])
        return pa.table({
            "id": pa.array([parse_id(i or "") for i in sidecar.column("id").to_pylist()], ID),
            **{name: sidecar.column(name) for name in ("copy", "cell", "source")},
            "token_count": lengths,
            "tokens": pa.LargeListArray.from_arrays(offsets, pa.array(flat)),
        })


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
