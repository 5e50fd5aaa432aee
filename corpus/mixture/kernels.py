"""Kernels of the draw: sums over the index by cell, by bucket of keys and by hashed value.

They give up every check: codes and offsets that do not belong together are read past, so they are called through `levels`
and `caps` alone. Importing this module loads numba, hence it is imported inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

_BYTES, _KEYS, _COUNTS, _CODES, _AT = (
    types.Array(t, 1, "C", readonly=True) for t in (types.uint8, types.uint64, types.int64, types.int64, types.int32))
_SLOTS = types.Array(types.int64, 2, "C", readonly=True)
_FLAGS = types.Array(types.uint8, 2, "C", readonly=True)
_SUMS, _ROWS = types.int64[:, ::1], types.int64[::1]


@njit(types.void(_CODES, _BYTES, _COUNTS, _SUMS, _SUMS), cache=True, nogil=True)
def add_sums(cells, seen, tokens, sums, documents):
    """Adds each row's tokens and the row itself at (cell, seen). cells: -1 for none. sums, documents: (cells, 256)."""
    for i in range(len(cells)):
        if cells[i] >= 0:
            sums[cells[i], seen[i]] += tokens[i]
            documents[cells[i], seen[i]] += 1


@njit(types.void(_CODES, _BYTES, _KEYS, _COUNTS, _SLOTS, types.uint64, _SUMS, _SUMS), cache=True, nogil=True)
def add_buckets(groups, seen, keys, tokens, slots, shift, sums, documents):
    """Adds each row at (slot of its group and what was seen of it, bucket of its key). slots: (groups, 256), -1 for none."""
    for i in range(len(groups)):
        if groups[i] >= 0:
            slot = slots[groups[i], seen[i]]
            if slot >= 0:
                bucket = keys[i] >> shift
                sums[slot, bucket] += tokens[i]
                documents[slot, bucket] += 1


@njit(types.int64(_CODES, _BYTES, _KEYS, _SLOTS, types.uint64, _FLAGS, _ROWS), cache=True, nogil=True)
def pick(groups, seen, keys, slots, shift, flags, rows):
    """Numbers of the rows whose (group, bucket) is flagged, into `rows`; returns how many. flags: (groups, buckets)."""
    n = 0
    for i in range(len(groups)):
        if groups[i] >= 0 and slots[groups[i], seen[i]] >= 0 and flags[groups[i], keys[i] >> shift]:
            rows[n] = i
            n += 1
    return n


@njit(types.uint64(_BYTES, types.int64, types.int64), cache=True, nogil=True)
def _hash(data, first, past):
    """FNV-1a, mixed once more so that its low bits are good."""
    h = np.uint64(0xCBF29CE484222325)
    for i in range(first, past):
        h = (h ^ np.uint64(data[i])) * np.uint64(0x100000001B3)
    h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    return h ^ (h >> np.uint64(33))


@njit(types.void(_CODES, _COUNTS, _BYTES, _AT, _ROWS), cache=True, nogil=True)
def add_values(cells, weights, data, offsets, buckets):
    """Adds each row's weight to its value's bucket. Values are data[offsets[i] : offsets[i + 1]]. buckets: a power of 2."""
    last = np.uint64(len(buckets) - 1)
    for i in range(len(cells)):
        if cells[i] >= 0 and weights[i] > 0:
            buckets[_hash(data, offsets[i], offsets[i + 1]) & last] += weights[i]


@njit(types.int64(_CODES, _COUNTS, _BYTES, _AT, _COUNTS, types.int64, _ROWS), cache=True, nogil=True)
def pick_values(cells, weights, data, offsets, buckets, bound, rows):
    """Numbers of the rows whose value's bucket is over the bound, into `rows`; returns how many."""
    last, n = np.uint64(len(buckets) - 1), 0
    for i in range(len(cells)):
        if cells[i] >= 0 and weights[i] > 0 and buckets[_hash(data, offsets[i], offsets[i + 1]) & last] > bound:
            rows[n] = i
            n += 1
    return n
