"""OLMo-core's token arrays: ids end to end without a header, despite the ending, and where each document lies.

What it gives up: the array does not say its type, so `dtype` of OLMo-core's data set has to be told. And OLMo-core reads the
bounds only of remote files, or with OLMO_DATA_PREP_USE_ARRAY_IF_LOCAL=csv; else it looks for EOS in the array.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pyarrow import csv

from corpus.operators import Writer
from corpus.registry import register
from corpus.writers.records import named, sequences_table, shown_strings, write_flat
from corpus.writers.stream import Stream

COLUMNS = ("start", "end", "id", "source", "begin", "sequence", "dtype")
#: A folder of its own: a pattern that names the arrays does not find the masks.
MASKS = "label_mask"


@register("writer", "npy")
@dataclass(frozen=True)
class Npy(Writer):
    """`shard_00000.npy` (raw uint16 or uint32), `shard_00000.csv.gz` (start, end, id, source, begin, sequence, dtype of each
    document or piece of one, no header), with masks `label_mask/shard_00000.npy` (a bool a token). Source: ai2-olmo-core
    3.0, data/utils.py and data/numpy_dataset.py; dolma 1.2 writes the same first four columns.
    """

    takes_mask: ClassVar[bool] = True

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        stem = f"shard_{shard:05d}"
        names = [f"{stem}.npy", f"{stem}.csv.gz"] + ([f"{MASKS}/{stem}.npy"] if stream.has_mask else [])
        write_flat(stream, folder / names[0], folder / names[2] if stream.has_mask else None)
        pieces = stream.pieces
        bounds = pa.table({
            "start": pieces["at"], "end": pieces["at"] + pieces["length"],
            "id": shown_strings(stream.rows.column("id")).take(pa.array(pieces["row"])),
            "source": stream.rows.column("source").take(pa.array(pieces["row"])),
            "begin": pieces["begin"], "sequence": pieces["sequence"],
            "dtype": pa.repeat(stream.dtype.newbyteorder("=").name, len(pieces["row"]))})
        with open(folder / names[1], "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as out:
            csv.write_csv(bounds, out, csv.WriteOptions(include_header=False, quoting_style="needed"))
        return names

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """ValueError where bounds and array do not fit each other."""
        masks = named(files, f"{MASKS}/{Path(files[0]).name.split('.')[0]}.npy")
        array = folder / named([name for name in files if name != masks], ".npy")
        size = array.stat().st_size
        with gzip.open(folder / named(files, ".csv.gz"), "rb") as stream:
            bounds = _bounds(stream.read())
        if bounds is None:
            if size:
                raise ValueError("has ids and no bounds")
            return sequences_table(np.zeros(0, "<u2"), np.zeros(0, np.int64))
        start, end, sequence = (bounds.column(name).to_numpy() for name in ("start", "end", "sequence"))
        dtype = np.dtype(bounds.column("dtype")[0].as_py()).newbyteorder("<")
        count = size // dtype.itemsize
        if size % dtype.itemsize or int(end.max()) > count or (start > end).any() or (np.diff(start) < 0).any() or start[0]:
            raise ValueError(f"the bounds do not fit an array of {size:,} bytes")
        firsts = start[np.flatnonzero(np.diff(sequence, prepend=-1))]
        mask = np.fromfile(folder / masks, np.uint8) if masks else None
        if mask is not None and len(mask) != count:
            raise ValueError(f"the mask has {len(mask):,} values for {count:,} ids")
        return sequences_table(np.fromfile(array, dtype), np.diff(firsts, append=count), mask)


def _bounds(text: bytes) -> pa.Table | None:
    if not text:
        return None
    kinds = {name: pa.int64() for name in ("start", "end", "begin", "sequence")} | {"dtype": pa.string()}
    return csv.read_csv(pa.BufferReader(text), csv.ReadOptions(column_names=list(COLUMNS)),
                        csv.ParseOptions(newlines_in_values=True), csv.ConvertOptions(column_types=kinds))
