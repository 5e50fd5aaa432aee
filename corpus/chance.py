"""Chance as an argument: draws are keyed hashes of (seed, purpose, document id, copy), so a document draws the same
number on any machine, in any order, on any engine.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa


def id_words(ids: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n, 2) uint64 view of a column of 16-byte ids without nulls."""
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
        if isinstance(ids, pa.ChunkedArray):
            ids = pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], pa.binary(16))
    if not len(ids):
        return np.zeros((0, 2), np.uint64)
    data = np.frombuffer(ids.buffers()[1], dtype="<u8").reshape(-1, 2)
    return data[ids.offset : ids.offset + len(ids)]


def hash64(seed: int, purpose: str, ids: pa.Array | pa.ChunkedArray | np.ndarray, copy: np.ndarray | int = 0) -> np.ndarray:
    """(n,) uint64, uniform: a keyed mix of each id. ids: column of 16-byte ids or their (n, 2) uint64 view."""
    words = ids if isinstance(ids, np.ndarray) else id_words(ids)
    salt = hashlib.blake2b(f"{seed}\x00{purpose}".encode(), digest_size=16).digest()
    k0, k1 = np.frombuffer(salt, dtype="<u8")
    with np.errstate(over="ignore"):
        h = _mix(words[:, 0] ^ k0)
        h = _mix(h + _mix(words[:, 1] ^ k1))
        h = _mix(h ^ (np.asarray(copy, np.uint64) * np.uint64(0x9E3779B97F4A7C15)))
    return h


def rekey(seed: int, purpose: str, keys: np.ndarray, copy: np.ndarray | int = 0) -> np.ndarray:
    """(n,) uint64, uniform: another draw for what is known by an earlier one. keys: (n,) uint64 of `hash64`."""
    salt = hashlib.blake2b(f"{seed}\x00{purpose}".encode(), digest_size=16).digest()
    k0, k1 = np.frombuffer(salt, dtype="<u8")
    with np.errstate(over="ignore"):
        h = _mix(_mix(keys ^ k0) + k1)
        return _mix(h ^ (np.asarray(copy, np.uint64) * np.uint64(0x9E3779B97F4A7C15)))


def uniform(seed: int, purpose: str, ids: pa.Array | pa.ChunkedArray | np.ndarray, copy: np.ndarray | int = 0) -> np.ndarray:
    """(n,) float64 in [0, 1): the top 53 bits of `hash64`."""
    return (hash64(seed, purpose, ids, copy) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A numpy generator for draws that belong to no document (mixtures, initial centroids)."""
    salt = hashlib.blake2b(f"{seed}\x00{purpose}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(salt, "little")))


def seed32(seed: int, purpose: str) -> int:
    """A 31-bit seed for a library that takes an int."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\x00{purpose}".encode(), digest_size=4).digest(), "little") & 0x7FFFFFFF


def _mix(x: np.ndarray) -> np.ndarray:
    """splitmix64's finaliser (Steele, Lea, Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
