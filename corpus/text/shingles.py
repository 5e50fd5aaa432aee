"""Shingles: 64-bit hashes of runs of n words, by what the words are, never by ids of a process.

Two different shingles share a hash with probability 2**-64; exact Jaccard over hashes is exact but for that.
"""

from __future__ import annotations

import hashlib

import numpy as np

from corpus.text.words import Words

_STEP = np.uint64(0x9E3779B97F4A7C15)


def mix(x: np.ndarray) -> np.ndarray:
    """Murmur3's 64-bit finaliser (Appleby 2011): every input bit reaches every output bit. x: uint64."""
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


def word_hashes(words: Words) -> np.ndarray:
    """(v,) uint64: the first 8 bytes of blake2b of each distinct word."""
    digests = b"".join(hashlib.blake2b(w.encode(), digest_size=8).digest() for w in words.vocabulary.to_pylist())
    return np.frombuffer(digests, "<u8")


def shingles(words: Words, n: int, whole: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct shingles of each text, sorted: flat uint64 hashes and (m + 1,) int64 offsets.

    whole: (m,) uint64, one hash of each text; a text of fewer than n words has that as its only shingle.
    """
    if n < 1:
        raise ValueError(f"a shingle has 1 word or more, not {n}")
    hashes = word_hashes(words)[words.ids]
    counts = np.maximum(words.counts - n + 1, 0)
    ends = np.repeat(words.offsets[1:], words.counts)
    first = np.flatnonzero(np.arange(len(hashes)) + n <= ends)       # where a whole shingle starts
    rolled = np.full(len(first), _STEP)
    for k in range(n):
        rolled = mix(rolled * _STEP + hashes[first + k])
    short = counts == 0
    offsets = np.r_[0, np.cumsum(np.where(short, 1, counts))]
    flat = np.empty(offsets[-1], np.uint64)
    alone = np.zeros(len(flat), bool)
    alone[offsets[:-1][short]] = True
    flat[alone] = whole[short]
    flat[~alone] = rolled
    return distinct(flat, offsets)


def distinct(flat: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each segment of `flat` sorted and without repeats; `flat` itself gets sorted."""
    for lo, hi in zip(offsets[:-1].tolist(), offsets[1:].tolist()):
        flat[lo:hi].sort()
    keep = np.ones(len(flat), bool)
    keep[1:] = flat[1:] != flat[:-1]
    keep[offsets[:-1][np.diff(offsets) > 0]] = True
    return flat[keep], np.r_[0, np.cumsum(keep)][offsets]
