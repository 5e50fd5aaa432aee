"""Documents as token ids: whole documents, each ended by EOS, in the narrowest type that holds the vocabulary.

Text is only ever text: a page that spells a control token gets the ids of those characters. Given up: BOS, truncation
and chat templates; packing into sequences is a trainer's or a packer's business.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corpus.registry import register
from corpus.tasks import Body, TaskIO
from corpus.tokens.tokenizer import load, plain

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: Characters given to the tokenizer at once: its encodings cost about a hundred bytes a token while they live.
BATCH_CHARACTERS = 1 << 21


@dataclass(frozen=True)
class Encoder:
    """An opened tokenizer folder. Holds a live model: made inside a task, never pickled."""

    tokenizer: Tokenizer = field(repr=False)
    vocab_size: int
    eos: str
    eos_id: int
    dtype: np.dtype

    @classmethod
    def open(cls, folder: Path) -> Encoder:
        """folder: as written by `PinTokenizer` or `TrainTokenizer`."""
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        tokenizer = load(folder / "tokenizer.json")
        plain(tokenizer)
        return cls(tokenizer, about["vocab_size"], about["eos"], about["eos_id"], np.dtype(about["dtype"]))

    def encode_batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of all texts end to end (t,) of `dtype`, and offsets (n + 1,) int64; EOS is the last id of every text."""
        pieces: list[np.ndarray] = []
        lengths = np.zeros(len(texts), np.int64)
        end = np.array([self.eos_id], self.dtype)
        for start, stop in _batches(texts):
            for i, found in enumerate(self.tokenizer.encode_batch_fast(texts[start:stop], add_special_tokens=False), start):
                ids = np.array(found.ids, self.dtype)
                pieces += (ids, end)
                lengths[i] = len(ids) + 1
        flat = np.concatenate(pieces) if pieces else np.zeros(0, self.dtype)
        return flat, np.r_[np.int64(0), np.cumsum(lengths)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a document's ids; control ids are left out."""
        return self.tokenizer.decode([int(i) for i in ids], skip_special_tokens=True)


@register("body", "tokenize", provider="tokenizers")
@dataclass(frozen=True)
class Tokenize(Body):
    """A shard of `documents` and the `tokenizer` → `tokens`: id, tokens, token_count (EOS counts), row for row."""

    def run(self, io: TaskIO) -> None:
        table = io.table("documents", ["id", "text"])
        with io.folder("tokenizer") as folder:
            flat, offsets = Encoder.open(folder).encode_batch(table.column("text").to_pylist())
        tokens = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat))
        io.write("tokens", pa.table({"id": table.column("id"), "tokens": tokens, "token_count": np.diff(offsets)}))
        io.count("documents", table.num_rows)
        io.count("tokens", len(flat))


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Ranges of about `BATCH_CHARACTERS`, at least one text each."""
    start = size = 0
    for i, text in enumerate(texts):
        if i > start and size + len(text) > BATCH_CHARACTERS:
            yield start, i
            start, size = i, 0
        size += len(text)
    if start < len(texts):
        yield start, len(texts)
