"""Lightning's litdata: a chunk of token ids a shard, read in blocks by its TokensLoader, and an index.json over all of them.

What it gives up: ids of documents and masks (the loader has no place for either; the sidecar says which document a token
belongs to), compression, and chunks over 4 GiB (offsets are 32 bits wide). The loader cuts each chunk into blocks and leaves
out what does not fill one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.errors import ConfigError
from corpus.operators import Writer
from corpus.registry import register
from corpus.tokens.pack import Pack
from corpus.writers.records import named, sequences_table
from corpus.writers.stream import Stream

LIMIT = 1 << 32
#: litdata's numbers for torch's types; it has none for uint32, and no vocabulary needs the 32nd bit.
CODES = {np.dtype("<u2"): 20, np.dtype("<i4"): 15}


@register("writer", "litdata")
@dataclass(frozen=True)
class LitData(Writer):
    """`chunk-0-0.bin` (shard 0), one item a sequence, and `0.index.json`, what litdata's own workers leave beside a chunk.
    Read by StreamingDataset(item_loader=TokensLoader(block_size)). Source: litdata 0.2.76, streaming/writer.py.
    """

    def check(self, tokenizer: dict[str, Any], pack: Pack) -> None:
        if tokenizer["vocab_size"] > 1 << 31:
            raise ConfigError(f"shards.{self.name}", f"a vocabulary of {tokenizer['vocab_size']:,}", "ids of 31 bits")

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        name, index = f"chunk-{shard}-0.bin", f"{shard}.index.json"
        dtype = stream.dtype if stream.dtype.itemsize == 2 else np.dtype("<i4")
        count = len(stream.lengths)
        offsets = stream.sequences * dtype.itemsize + 4 * (count + 2)
        if offsets[-1] >= LIMIT:
            raise ConfigError(f"shards.{self.name}", f"shard {shard} would have {offsets[-1]:,} bytes",
                              f"under {LIMIT:,}, as the format's offsets are 32 bits wide; more shards make them smaller")
        with open(folder / name, "wb") as out:
            out.write(np.uint32(count).tobytes())
            out.write(offsets.astype("<u4").tobytes())
            for _, _, ids in stream.batches():
                out.write(ids.data)
        chunk = {"chunk_bytes": int(offsets[-1]), "chunk_size": count, "dim": stream.tokens, "filename": name}
        (folder / index).write_bytes(_index([chunk], CODES[dtype]))
        return [name, index]

    def describe(self, folder: Path, files: Sequence[str]) -> dict[str, Any]:
        return json.loads((folder / named(files, ".index.json")).read_bytes())

    def finish(self, shards: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        """index.json: the chunks of all shards that hold any token."""
        if not shards:
            return {}
        code = int(shards[0]["extra"]["config"]["data_format"][0].split(":")[1])
        return {"index.json": _index([c for shard in shards for c in shard["extra"]["chunks"] if c["dim"]], code)}

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """ValueError where the chunk's head, its length and its index do not agree."""
        name = named(files, ".bin")
        index = self.describe(folder, files)
        codes = {f"no_header_tensor:{code}": dtype for dtype, code in CODES.items()}
        dtype = codes.get(index["config"]["data_format"][0])
        if dtype is None:
            raise ValueError(f"ids of the format {index['config']['data_format']} are not read here")
        data = np.memmap(folder / name, np.uint8, "r")
        count = int(data[:4].view("<u4")[0]) if len(data) >= 4 else -1
        if count < 0 or len(data) < 4 * (count + 2):
            raise ValueError("the chunk is shorter than its head")
        offsets = data[4 : 4 * (count + 2)].view("<u4").astype(np.int64)
        sizes = np.diff(offsets)
        if offsets[0] != 4 * (count + 2) or offsets[-1] != len(data) or (sizes < 0).any() or (sizes % dtype.itemsize).any():
            raise ValueError(f"the items' offsets do not fit a chunk of {len(data):,} bytes")
        chunk = {"chunk_bytes": len(data), "chunk_size": count, "dim": int(sizes.sum()) // dtype.itemsize, "filename": name}
        if index["chunks"] != [chunk]:
            raise ValueError("its index does not describe the chunk")
        flat = np.fromfile(folder / name, dtype, offset=int(offsets[0]))
        return sequences_table(flat, sizes // dtype.itemsize)


def _index(chunks: list[dict[str, Any]], code: int) -> bytes:
    """An index as litdata's writer makes it for items that are one tensor each."""
    config = {"chunk_bytes": None, "chunk_size": None, "compression": None, "data_format": [f"no_header_tensor:{code}"],
              "data_spec": json.dumps([1, {"type": None, "context": None, "children_spec": []}]), "encryption": None,
              "item_loader": "TokensLoader"}
    return json.dumps({"chunks": chunks, "config": config}, sort_keys=True).encode()
