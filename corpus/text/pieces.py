"""Words of texts as integers beside the distinct words themselves: for what has to show words, not only compare them.

What it gives up: ids mean nothing outside their batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Pieces:
    """Pieces of m texts, text after text.

    ids: (n,) int64 into vocabulary: (v,) large_string, each string once, in the order of their first occurrence. offsets:
    (m + 1,) int64; text i has ids[offsets[i] : offsets[i + 1]].
    """

    ids: np.ndarray
    offsets: np.ndarray
    vocabulary: pa.Array

    @classmethod
    def of(cls, strings: pa.Array, counts: np.ndarray) -> Pieces:
        """strings: all pieces, text after text. counts: (m,) pieces of each text."""
        encoded = strings.cast(pa.large_string()).dictionary_encode()
        ids = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls(ids, np.r_[0, np.cumsum(counts, dtype=np.int64)], encoded.dictionary)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> np.ndarray:
        """(m,) int64: pieces of each text."""
        return np.diff(self.offsets)
