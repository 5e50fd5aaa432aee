"""Near-duplicate pairs of texts in memory, by the same shingles, bands and exact Jaccard as the build's exchanges.

It holds 8 bytes a word and 8 a distinct shingle, two to three times the texts' own size; what does not fit is for the
exchanges. These also take equal texts for one before they look for their like; here every text is compared for itself, so
more than `candidates.MANY` copies of one text crowd what is merely near them out of their buckets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from corpus.chance import id_words
from corpus.dedup.candidates import bucket_pairs
from corpus.dedup.minhash import sketch
from corpus.text.normal import matching_hashes, text_digests
from corpus.text.shingles import mix


def near_duplicates(texts: Sequence[str | None] | pa.Array | pa.ChunkedArray, threshold: float = 0.8, ngram: int = 5,
                    bands: int = 20, rows: int = 7, seed: int = 0) -> list[tuple[int, int, float]]:
    """Pairs (i, j, Jaccard) with i < j and Jaccard of `threshold` or more, in order, among the candidates of the bands.

    What bands miss is missed: see `corpus.dedup.minhash` for the odds. The Jaccard is exact.
    """
    array = texts if isinstance(texts, (pa.Array, pa.ChunkedArray)) else pa.array(texts, pa.large_string())
    hashed = matching_hashes(array)
    whole = mix(id_words(text_digests(array, hashed))[:, 0])
    found = near_pairs(*hashed, whole, threshold, ngram, bands, rows, seed)
    return list(zip(*(column.tolist() for column in found)))


def near_pairs(hashes: np.ndarray, offsets: np.ndarray, whole: np.ndarray, threshold: float = 0.8, ngram: int = 5,
               bands: int = 20, rows: int = 7, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `near_duplicates`, of texts whose words are hashed: i (p,) int64, j (p,) int64, Jaccard (p,) float64.

    Arguments as of `corpus.dedup.minhash.sketch`.
    """
    from corpus.dedup import kernels

    flat, at, keys = sketch(hashes, offsets, whole, ngram, bands, rows, seed)
    left, right = candidate_pairs(np.column_stack((keys, mix(whole))))      # equal texts always meet
    found = kernels.jaccard_sorted(flat, at, left, right)
    near = found >= threshold
    return left[near], right[near], found[near]


def candidate_pairs(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of rows of keys (m, k) uint64 that share one, i < j, in order; large buckets as in `bucket_pairs`."""
    m, k = keys.shape
    flat = keys.ravel()
    order = np.argsort(flat)
    ordered = flat[order]
    twin = ordered[1:] == ordered[:-1]
    shared = np.flatnonzero(np.r_[twin, False] | np.r_[False, twin])        # a key of one row alone gives no pair
    owner, ordered = order[shared] // k, ordered[shared]
    by_owner = np.lexsort((owner, ordered))
    left, right = bucket_pairs(ordered[by_owner], owner[by_owner])
    return np.divmod(np.unique(left * m + right), max(1, m))
