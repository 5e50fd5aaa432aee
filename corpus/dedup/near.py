"""Near-duplicate pairs of texts in memory, by the same shingles, bands and exact Jaccard as the build's four exchanges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from corpus.dedup.candidates import bucket_pairs
from corpus.dedup.ids import one_array
from corpus.dedup.shingle import Shingle
from corpus.dedup.verify import jaccard
from corpus.document import ID


def near_duplicates(texts: Sequence[str], threshold: float = 0.8, shingle: Shingle | None = None
                    ) -> list[tuple[int, int, float]]:
    """Pairs (i, j, Jaccard) with i < j and Jaccard of `threshold` or more, among the candidates that bands find.

    What bands miss is missed: see `corpus.dedup.minhash` for the odds.
    """
    shingle = shingle or Shingle()
    ids = pa.array([i.to_bytes(16, "big") for i in range(len(texts))], ID)
    rows = shingle.of(ids, texts)
    keys = one_array(rows.column("bands")).flatten().to_numpy(zero_copy_only=False)
    owner = np.repeat(np.arange(len(texts)), shingle.bands + 1)
    order = np.lexsort((owner, keys))
    pairs = np.unique(np.column_stack(bucket_pairs(keys[order], owner[order])), axis=0)
    found = pair_jaccard(one_array(rows.column("shingles")), pairs)
    return [(int(a), int(b), float(j)) for (a, b), j in zip(pairs, found) if j >= threshold]


def pair_jaccard(sets: pa.ListArray, pairs: np.ndarray) -> np.ndarray:
    """(p,) float64: Jaccard of the sets (rows of `sets`, distinct elements) that pairs (p, 2) name."""
    return jaccard(sets.take(pa.array(pairs.ravel())))
