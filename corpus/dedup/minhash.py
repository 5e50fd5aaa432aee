"""Shingle sets of texts and MinHash bands over them: texts that share a band key are candidates for near-duplicates.

A minimum of two texts' shingles is equal with the odds of their Jaccard J, so with b bands of r rows a pair meets with
probability 1 - (1 - J^r)^b; with 20 of 7 that is 0.991 at J = 0.8, 0.9996 at 0.85, 0.82 at 0.7 and 0.15 at 0.5. Hashes
are a·x + b mod 2^32 of a shingle's upper half, a odd: a permutation for each (a, b), and twice as many a vector
instruction as with 64 bits, ten times as fast in all. What they give up: different minima of sets of n shingles are equal
by chance about once in 2^32 / n times, which makes candidates and never loses a pair. One permutation cut into bins
(densified) was no faster here and found no more.
"""

from __future__ import annotations

import numpy as np

from corpus import chance


def sketch(hashes: np.ndarray, offsets: np.ndarray, whole: np.ndarray, ngram: int = 5, bands: int = 20, rows: int = 7,
           seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The shingle set of each text and the keys under which it looks for its like.

    hashes: flat uint64, one a word; offsets: (m + 1,) int64; whole: (m,) uint64, one hash of each text, the only shingle of
    a text of fewer than `ngram` words. Returns flat uint64 shingles, each text's sorted and distinct, their offsets
    (m + 1,) int64, and keys (m, bands) uint64.
    """
    flat, offsets = shingle_sets(hashes, offsets, whole, ngram)
    return flat, offsets, band_keys(flat, offsets, bands, rows, seed)


def shingle_sets(hashes: np.ndarray, offsets: np.ndarray, whole: np.ndarray, ngram: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct shingles of each text, sorted: flat uint64 and (m + 1,) int64 offsets. Arguments as of `sketch`.

    A shingle is a 64-bit hash of a run of `ngram` words' hashes: two different ones are equal with odds of 2^-64, so the
    Jaccard of these sets is that of sets of word tuples.
    """
    from corpus.dedup import kernels

    if ngram < 1:
        raise ValueError(f"a shingle has 1 word or more, not {ngram}")
    offsets = np.ascontiguousarray(offsets, np.int64)
    flat = np.empty(int(np.maximum(np.diff(offsets) - ngram + 1, 1).sum()), np.uint64)
    at = np.empty(len(offsets), np.int64)
    kernels.roll(np.ascontiguousarray(hashes, np.uint64), offsets, np.ascontiguousarray(whole, np.uint64), ngram, flat, at)
    for first, past in zip(at[:-1].tolist(), at[1:].tolist()):
        flat[first:past].sort()                     # numpy's is vectorised: ten times as fast as sorting in the kernel
    kernels.drop_repeats(flat, at)
    return flat[: at[-1]], at


def band_keys(flat: np.ndarray, offsets: np.ndarray, bands: int = 20, rows: int = 7, seed: int = 0) -> np.ndarray:
    """(m, bands) uint64 keys of sets of shingles: flat uint64, offsets (m + 1,) int64."""
    from corpus.dedup import kernels

    draw = chance.generator(seed, "minhash")
    a, b = (draw.integers(0, 2**32, bands * rows, np.uint32) for _ in range(2))
    keys = np.empty((len(offsets) - 1, bands), np.uint64)
    kernels.band_keys(np.ascontiguousarray(flat, np.uint64), np.ascontiguousarray(offsets, np.int64), a | np.uint32(1), b,
                      rows, keys)
    return keys
