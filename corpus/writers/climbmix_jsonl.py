"""Token JSONL as NVIDIA released ClimbMix: a line a document, `cluster_id`, `tokens`, `token_count`, with what the release
left out: which document it is, where it came from, its style, its cell and which of its copies this is.

What it gives up: packing (a line is a document), and space: ids are written out in digits. The Parquet variant is
`climbmix`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.operators import Writer
from corpus.registry import register
from corpus.tokens.pack import Pack, offsets_of
from corpus.writers.climbmix import whole_documents
from corpus.writers.records import lists, shown_strings, weave
from corpus.writers.stream import Stream

#: Characters of the longest id and the comma before it.
WIDEST = 11
#: Of a line only this is read back.
READ = pa.schema([("tokens", pa.list_(pa.int64())), ("token_count", pa.int64())])


@register("writer", "climbmix_jsonl")
@dataclass(frozen=True)
class ClimbMixJsonl(Writer):
    """`part_0.tokenized.jsonl` (shard 0): cluster_id, tokens, token_count as released, then id (base32), url, source, style,
    cell, copy. Source: nvidia/Nemotron-ClimbMix, fields as in its viewer, file names as listed.
    """

    def check(self, tokenizer: dict[str, Any], pack: Pack) -> None:
        whole_documents(self.name, pack)

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        from corpus.writers import digit_kernels

        name = f"part_{shard}.tokenized.jsonl"
        rows = stream.rows.select(["cluster_id", "url", "source", "style", "cell", "copy"]).append_column(
            "id", shown_strings(stream.rows.column("id")))
        out = np.empty(0, np.uint8)
        with open(folder / name, "wb") as file:
            for first, last, ids in stream.batches():
                lengths = stream.lengths[first:last]
                if len(out) < len(ids) * WIDEST:
                    out = np.empty(len(ids) * WIDEST, np.uint8)
                sizes = np.empty(last - first, np.int64)
                used = digit_kernels.spell(ids.astype(np.uint32, copy=False), offsets_of(lengths), out, sizes)
                heads, tails = _around(rows.slice(first, last - first), lengths)
                file.write(weave(heads, (out[:used], sizes), tails)[0].data)
        return [name]

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """Columns tokens and token_count. Lines that are spelled in another way than this writer's are read by Arrow."""
        from corpus.writers import digit_kernels

        data = np.fromfile(folder / files[0], np.uint8)
        if not len(data):
            return READ.empty_table()
        if data[-1] != 10:
            raise ValueError("the last line has no end")
        lines = digit_kernels.count(data, 10)
        lengths, said = np.empty(lines, np.int64), np.empty(lines, np.int64)
        flat = np.empty(lines + digit_kernels.count(data, 44), np.uint32)
        found, used = digit_kernels.parse(data, flat, lengths, said)
        if found < 0:
            return _parsed(folder / files[0])
        if not np.array_equal(lengths, said):
            raise ValueError("a token_count is not the number of tokens")
        return pa.table({"tokens": lists(flat[:used], lengths), "token_count": said})


def _parsed(path: Path) -> pa.Table:
    """Lines of any spelling. A block that Arrow parses has to hold the longest line."""
    from pyarrow import json as arrow_json

    ends = np.flatnonzero(np.memmap(path, np.uint8, "r") == 10)
    options = arrow_json.ReadOptions(use_threads=False, block_size=max(1 << 24, 2 * int(np.diff(ends, prepend=-1).max())))
    table = arrow_json.read_json(path, options,
                                 arrow_json.ParseOptions(explicit_schema=READ, unexpected_field_behavior="ignore"))
    return table.set_column(0, "tokens", table.column("tokens").cast(pa.large_list(pa.uint32())))


def _around(rows: pa.Table, lengths: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """What stands before and after the ids of each line: bytes end to end, and how many each has."""
    heads, tails = [], []
    for row, n in zip(rows.to_pylist(), lengths.tolist()):
        rest = {"token_count": n, "id": row["id"]} | {k: row[k] for k in ("url", "source", "style", "cell", "copy")}
        cluster = "null" if row["cluster_id"] is None else row["cluster_id"]
        heads.append(f'{{"cluster_id":{cluster},"tokens":['.encode())
        tails.append(b"]," + json.dumps(rest, separators=(",", ":")).encode()[1:] + b"\n")
    return _joined(heads), _joined(tails)


def _joined(parts: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    return np.frombuffer(b"".join(parts), np.uint8), np.array([len(part) for part in parts], np.int64)
