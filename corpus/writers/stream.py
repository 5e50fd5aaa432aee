"""What a writer gets: the documents of one shard, and their token ids as one stream of sequences, a few MB at a time.

Every format of a shard is written from the same stream, so the formats hold the same ids in the same order. The ids are
gathered while they are written, into one buffer that is used again and again: a shard costs its rows and that buffer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from blake3 import blake3

from corpus.keys import DIGEST_BYTES
from corpus.tokens.pack import Documents, Pack, Packing
from corpus.writers.gather import Held

#: Tokens gathered at once: what of them a writer reads next is still in the processor's cache.
BATCH_TOKENS = 1 << 20


class Gather(Protocol):
    """Where the ids of documents lie."""

    def gather(self, row: np.ndarray, begin: np.ndarray, length: np.ndarray, at: np.ndarray, out: np.ndarray) -> None:
        """Copies pieces of documents to their places in `out`. row, begin, length, at: (p,) int64."""
        ...


class Stream:
    """The documents of a shard and their packed token ids.

    rows: the drawn documents in shard order (`corpus.mixture.place.DRAWN`; for a text format with `text`).
    dtype: '<u2' or '<u4'. eos_id: None where documents have no end. pad_id: the id that fills a padded sequence.
    packing: the pieces and sequences. ids, marks: where ids and loss masks (uint8) lie; both may be absent.
    """

    def __init__(self, rows: pa.Table, packing: Packing, dtype: np.dtype | str, ids: Gather | None,
                 eos_id: int | None = None, pad_id: int | None = None, marks: Gather | None = None) -> None:
        self.rows, self.packing, self.dtype = rows, packing, np.dtype(dtype).newbyteorder("<")
        self.eos_id = eos_id
        self.pad_id = pad_id if pad_id is not None else eos_id if eos_id is not None else 0
        self._ids, self._marks = ids, marks
        self._digest: str | None = None

    @classmethod
    def of_table(cls, rows: pa.Table, dtype: np.dtype | str, pack: Pack | None = None, eos_id: int | None = None,
                 pad_id: int | None = None) -> Stream:
        """Of rows with a list column `tokens`, and `loss_mask` where there are masks; both are held in memory."""
        lengths, held = _held(rows.column("tokens"), np.dtype(dtype).newbyteorder("<"))
        marks = None
        if "loss_mask" in rows.column_names:
            marked, marks = _held(rows.column("loss_mask"), np.dtype(np.uint8))
            if not np.array_equal(marked, lengths):
                raise ValueError("a loss_mask is not as long as its tokens")
        return cls(rows, (pack or Documents()).plan(lengths), dtype, held, eos_id, pad_id, marks)

    @property
    def pieces(self) -> dict[str, np.ndarray]:
        """Arrays (p,) int64 in stream order: row, begin (in the document), length, sequence, at (in the stream)."""
        return self.packing.pieces

    @property
    def sequences(self) -> np.ndarray:
        """(s + 1,) int64 offsets of the sequences in the stream."""
        return self.packing.sequences

    @property
    def tokens(self) -> int:
        """Length of the stream."""
        return self.packing.tokens

    @property
    def has_mask(self) -> bool:
        return self._marks is not None

    @cached_property
    def lengths(self) -> np.ndarray:
        """(s,) int64 tokens of each sequence."""
        return np.diff(self.sequences)

    def batches(self, max_tokens: int = BATCH_TOKENS) -> Iterator[tuple[int, int, np.ndarray]]:
        """(first, last, ids): the ids of sequences first .. last - 1 end to end, at most `max_tokens` unless one sequence is
        longer. The array is good until the next step: its memory is used again.
        """
        if self._ids is None:
            raise ValueError("this stream was made for a text format and holds no token ids")
        h = blake3(self.lengths.astype("<i8").tobytes())
        buffer = np.empty(0, self.dtype)
        for first, last in self._ranges(max_tokens):
            n = int(self.sequences[last] - self.sequences[first])
            if len(buffer) < n:
                buffer = np.empty(n if n > max_tokens else min(max_tokens, self.tokens), self.dtype)
            ids = self._fill(self._ids, first, last, buffer[:n], self.pad_id)
            h.update(memoryview(ids).cast("B"))
            yield first, last, ids
        self._digest = h.hexdigest(DIGEST_BYTES)

    def mask(self, first: int, last: int) -> np.ndarray | None:
        """(t,) uint8, 1 where a trainer learns from the token, of sequences first .. last - 1; None where none has masks.
        Padding is 0.
        """
        if self._marks is None:
            return None
        out = np.empty(int(self.sequences[last] - self.sequences[first]), np.uint8)
        return self._fill(self._marks, first, last, out, 0)

    @property
    def digest(self) -> str:
        """Of the sequences' lengths ('<i8') and then all ids (`dtype`): free after `batches` was read to its end."""
        if self._digest is None:
            for _ in self.batches():
                pass
        assert self._digest is not None
        return self._digest

    def _fill(self, ids: Gather, first: int, last: int, out: np.ndarray, pad: int) -> np.ndarray:
        row, begin, length, at = (self.pieces[name] for name in ("row", "begin", "length", "at"))
        low, high = np.searchsorted(self.pieces["sequence"], [first, last])
        if self.packing.padded_tokens:
            out[:] = pad
        ids.gather(row[low:high], begin[low:high], length[low:high], at[low:high] - self.sequences[first], out)
        return out

    def _ranges(self, max_tokens: int) -> Iterator[tuple[int, int]]:
        count, first = len(self.sequences) - 1, 0
        while first < count:
            last = int(np.searchsorted(self.sequences, self.sequences[first] + max_tokens, side="right")) - 1
            last = min(count, max(last, first + 1))
            yield first, last
            first = last


def stream_digest(sequences: pa.ChunkedArray, dtype: np.dtype | str) -> str:
    """The digest of a stream that was read back as one list a sequence, in chunks of any integers."""
    h = blake3(pc.list_value_length(sequences).to_numpy().astype("<i8").tobytes())
    kind = np.dtype(dtype).newbyteorder("<")
    for chunk in sequences.chunks:
        flat = chunk.flatten().to_numpy()
        for start in range(0, len(flat), BATCH_TOKENS):
            h.update(np.ascontiguousarray(flat[start : start + BATCH_TOKENS].astype(kind, copy=False)).data.cast("B"))
    return h.hexdigest(DIGEST_BYTES)


def _held(lists: pa.ChunkedArray, dtype: np.dtype) -> tuple[np.ndarray, Any]:
    lengths = pc.list_value_length(lists).to_numpy().astype(np.int64)
    flat = [np.asarray(chunk.flatten().to_numpy(zero_copy_only=False)).astype(dtype, copy=False) for chunk in lists.chunks]
    starts = np.cumsum(lengths) - lengths
    return lengths, Held(np.concatenate(flat) if flat else np.zeros(0, dtype), starts)
