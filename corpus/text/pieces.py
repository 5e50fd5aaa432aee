"""Pieces of texts (words, lines) as integers: one flat array of ids for a whole batch, offsets, and the distinct strings.

Work on distinct strings is done once each and spread by id. What it gives up: ids mean nothing outside their batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True)
class Pieces:
    """Pieces of m texts, text after text.

    ids: (n,) int64 into vocabulary: (v,) large_string, each string once. offsets: (m + 1,) int64; text i has
    ids[offsets[i] : offsets[i + 1]].
    """

    ids: np.ndarray
    offsets: np.ndarray
    vocabulary: pa.Array

    @classmethod
    def of(cls, strings: pa.Array | pa.ChunkedArray, counts: np.ndarray) -> Pieces:
        """strings: all pieces, text after text. counts: (m,) pieces of each text."""
        strings = pa.chunked_array(strings) if isinstance(strings, pa.Array) and len(strings) else strings
        offsets = np.r_[0, np.cumsum(counts, dtype=np.int64)]
        if not len(strings):
            return cls(np.zeros(0, np.int64), offsets, pa.array([], pa.large_string()))
        encoded = strings.dictionary_encode().chunks                # one dictionary, shared by all chunks
        ids = np.concatenate([c.indices.to_numpy(zero_copy_only=False) for c in encoded])
        return cls(ids.astype(np.int64, copy=False), offsets, encoded[-1].dictionary.cast(pa.large_string()))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> np.ndarray:
        """(m,) int64: pieces of each text."""
        return np.diff(self.offsets)

    @cached_property
    def owner(self) -> np.ndarray:
        """(n,) int64: which text each piece belongs to."""
        return np.repeat(np.arange(len(self)), self.counts)

    @cached_property
    def lengths(self) -> np.ndarray:
        """(v,) int64: characters (code points) of each distinct piece."""
        return pc.utf8_length(self.vocabulary).to_numpy(zero_copy_only=False).astype(np.int64)

    def total(self, per_distinct: np.ndarray) -> np.ndarray:
        """(m,) float64: sum over each text's pieces of a number given for each distinct piece."""
        return np.bincount(self.owner, weights=per_distinct[self.ids], minlength=len(self))

    def find(self, piece: str) -> int:
        """Id of a piece, -1 where no text has it."""
        return pc.index(self.vocabulary, pa.scalar(piece, self.vocabulary.type)).as_py()

    def blocks(self, size: int) -> Iterator[tuple[int, int]]:
        """Runs of whole texts (first, past the last) of about `size` pieces; a longer text is a run of its own."""
        first = 0
        while first < len(self):
            past = int(np.searchsorted(self.offsets, self.offsets[first] + size, side="right")) - 1
            past = max(past, first + 1)
            yield first, past
            first = past


def pieces_of(texts: list[list[str]]) -> Pieces:
    """Pieces that were split already (lines, paragraphs), by text."""
    counts = np.fromiter((len(t) for t in texts), np.int64, len(texts))
    return Pieces.of(pa.array([line for lines in texts for line in lines], pa.large_string()), counts)


def segment(values: np.ndarray, offsets: np.ndarray, operation: np.ufunc, empty: float) -> np.ndarray:
    """`operation.reduceat` over each segment of `values`; `empty` where a segment has no values."""
    out = np.full(len(offsets) - 1, empty, dtype=values.dtype)
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled):
        out[filled] = operation.reduceat(values, offsets[filled])
    return out
