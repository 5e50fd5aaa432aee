"""MinHash bands over shingle hashes: texts that share a band key are candidates for near-duplicates.

With b bands of r rows a pair of Jaccard J meets with probability 1 - (1 - J^r)^b; with 14 of 8 that is 0.92 at J = 0.8,
0.9996 at 0.9, and 0.05 at 0.5.
"""

from __future__ import annotations

import numpy as np

from corpus import chance
from corpus.text.shingles import mix

_BLOCK = 1 << 14                                    # shingles hashed at a time: they stay in a core's cache


def signatures(shingles: np.ndarray, offsets: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """(m, permutations) uint64: for each text, the least of a·x + b mod 2^64 over its shingles x, a odd, for each (a, b).

    shingles: flat uint64; offsets: (m + 1,) int64, each text with one shingle or more.
    """
    draw = chance.generator(seed, "minhash")
    a = draw.integers(0, 2**64, permutations, np.uint64) | np.uint64(1)
    b = draw.integers(0, 2**64, permutations, np.uint64)
    out = np.empty((permutations, len(offsets) - 1), np.uint64)
    first = 0
    while first < len(offsets) - 1:
        past = max(first + 1, int(np.searchsorted(offsets, offsets[first] + _BLOCK, side="right")) - 1)
        block = shingles[offsets[first] : offsets[past]]
        starts = offsets[first:past] - offsets[first]
        hashed = np.empty_like(block)
        for j in range(permutations):
            np.multiply(block, a[j], out=hashed)
            np.add(hashed, b[j], out=hashed)
            out[j, first:past] = np.minimum.reduceat(hashed, starts)
        first = past
    return out.T


def band_keys(signatures: np.ndarray, bands: int, rows: int) -> np.ndarray:
    """(m, bands) uint64: a hash of each band of `rows` minima and of the band's number."""
    minima = signatures.reshape(len(signatures), bands, rows)
    keys = mix(np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64), minima.shape[:2]).copy())
    for k in range(rows):
        keys = mix(keys * np.uint64(0x9E3779B97F4A7C15) + minima[:, :, k])
    return keys
