"""Frozen documents as token ids beside them: all ids of a shard end to end in one file, and one row a document that says
how many are its own. A draw reads the rows; whoever writes shards copies slices of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from corpus.document import ID
from corpus.registry import register
from corpus.tasks import Body, TaskIO
from corpus.tokens.encode import Encoder

IDS = "ids.bin"

#: One row a document. `token_count` counts BOS and EOS; `token_hash` is of the document's ids.
TOKENS = pa.schema([("id", ID), ("token_count", pa.int64()), ("token_hash", pa.uint64())])

#: Bytes of text that are encoded at once.
BATCH_BYTES = 1 << 22


@register("body", "tokenize", version=2, provider="tokenizers")
@dataclass(frozen=True)
class Tokenize(Body):
    """A shard of `documents` and the `tokenizer` → `tokens` (see `TOKENS`) and the folder `ids`, row for row.

    The folder holds `ids.bin`: the ids of all documents end to end, little-endian, in the tokenizer's dtype.
    """

    def run(self, io: TaskIO) -> None:
        table = io.table("documents", ["id", "text"])
        with io.folder("tokenizer") as opened, io.new_folder("ids") as (folder, about):
            encoder = Encoder.open(opened)
            found = write_ids(encoder, table.column("text"), folder / IDS)
            if found is None:                       # the library was found wrong on the way: what it gave is not kept
                found = write_ids(encoder, table.column("text"), folder / IDS, sure=True)
            assert found is not None
            count, hashes = found
            about |= {"dtype": np.dtype(encoder.dtype).name, "tokens": int(count.sum())}
        io.write("tokens", pa.table([table.column("id"), count, hashes], TOKENS))
        io.count("documents", table.num_rows)
        io.count("tokens", about["tokens"])
        for note, n in encoder.notes().items():
            io.count(note, n)


def write_ids(encoder: Encoder, texts: pa.ChunkedArray, path: Path, sure: bool = False,
              ) -> tuple[np.ndarray, np.ndarray] | None:
    """Writes the ids of all texts; returns the documents' counts (n,) int64 and hashes (n,) uint64. None where the encoder
    had to change to another library after the first texts, unless `sure` that it has.
    """
    lengths, hashes = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    dtype = np.dtype(encoder.dtype).newbyteorder("<")
    with open(path, "wb") as stream:
        for some in batches(texts):
            flat, offsets = encoder.encode_batch(some)
            if encoder.start_over and not sure:
                return None
            flat = np.ascontiguousarray(flat, dtype)
            hashes.append(hash_documents(flat, offsets))
            lengths.append(np.diff(offsets))
            stream.write(flat.view(np.uint8).data)
    return np.concatenate(lengths), np.concatenate(hashes)


def batches(texts: pa.ChunkedArray) -> Iterator[pa.Array]:
    """The texts in order, about `BATCH_BYTES` at a time, at least one text each."""
    for chunk in texts.chunks:
        ends = np.cumsum(pc.binary_length(chunk).to_numpy())
        start = 0
        while start < len(chunk):
            past = (ends[start - 1] if start else 0) + BATCH_BYTES
            stop = max(start + 1, int(np.searchsorted(ends, past, side="right")))
            yield chunk.slice(start, stop - start)
            start = stop


def hash_documents(flat: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(n,) uint64: the first 8 bytes of blake3 of each document's ids. flat: (t,) ids; offsets: (n + 1,) int64."""
    data, width = memoryview(flat.view(np.uint8)), flat.itemsize
    ends = (offsets * width).tolist()
    found = b"".join(blake3(data[a:b]).digest(8) for a, b in zip(ends, ends[1:]))
    return np.frombuffer(found, "<u8").astype(np.uint64)
