"""Kernels of near-duplicate search: word hashes → sets of shingles → minima → band keys, exact Jaccard, nearest vectors.

Each gives the same numbers with any number of threads, on any machine. What they give up: arguments are taken as they
are, so lengths and offsets that do not belong together are read past: call them through `minhash`, `near`, `neighbours`.
Importing this module loads numba, hence it is imported inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

_FLAT, _AT = (types.Array(t, 1, "C", readonly=True) for t in (types.uint64, types.int64))    # inputs may be Arrow's
_OUT, _OUT_AT, _KEYS = types.uint64[::1], types.int64[::1], types.uint64[:, ::1]
_SMALL = types.Array(types.uint32, 1, "C", readonly=True)
_MATRIX = types.Array(types.float32, 2, "C", readonly=True)

_STEP = np.uint64(0x9E3779B97F4A7C15)
_UPPER = np.uint64(32)
_BLOCK = 4096                                       # shingles at a time: their upper halves stay in a core's first cache


@njit(types.uint64(types.uint64), cache=True, nogil=True)
def _mix(x):
    """`corpus.text.shingles.mix` of one number."""
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


@njit(types.void(_FLAT, _AT, _FLAT, types.int64, _OUT, _OUT_AT), cache=True, nogil=True)
def roll(hashes, offsets, whole, n, out, out_offsets):
    """The shingle at each place of each text: runs of n word hashes folded together, or `whole` of a shorter text.

    hashes (w,) uint64 and offsets (m + 1,) int64: words. out: as long as there are shingles; out_offsets (m + 1,) int64.
    """
    at = 0
    for i in range(len(offsets) - 1):
        out_offsets[i] = at
        first, past = offsets[i], offsets[i + 1] - n + 1
        if past <= first:
            out[at] = whole[i]
            at += 1
        for j in range(first, past):
            folded = _STEP
            for k in range(j, j + n):
                folded = _mix(folded * _STEP + hashes[k])
            out[at] = folded
            at += 1
    out_offsets[len(offsets) - 1] = at


@njit(types.void(_OUT, _OUT_AT), cache=True, nogil=True)
def drop_repeats(flat, offsets):
    """Takes repeats out of each sorted segment, in place; what is left is flat[: offsets[-1]], offsets (m + 1,) anew."""
    at = 0
    for i in range(len(offsets) - 1):
        first, past = offsets[i], offsets[i + 1]
        offsets[i] = at
        for j in range(first, past):
            value = flat[j]
            if j == first or value != flat[at - 1]:
                flat[at] = value
                at += 1
    offsets[len(offsets) - 1] = at


@njit(types.void(_FLAT, _AT, _SMALL, _SMALL, types.int64, _KEYS), cache=True, nogil=True)
def band_keys(flat, offsets, a, b, rows, keys):
    """keys (m, bands) uint64: of each band of `rows` minima and of the band's number. a, b (bands · rows,) uint32.

    A minimum is the least of a·x + b mod 2^32 over the upper halves x of a segment's values, 2^32 - 1 where it is empty.
    """
    block = np.empty(_BLOCK, np.uint32)
    minima = np.empty(len(a), np.uint32)
    for i in range(len(offsets) - 1):
        minima[:] = np.uint32(0xFFFFFFFF)
        for first in range(offsets[i], offsets[i + 1], _BLOCK):
            size = min(_BLOCK, offsets[i + 1] - first)
            for j in range(size):
                block[j] = np.uint32(flat[first + j] >> _UPPER)
            for k in range(len(a)):
                factor, term, least = a[k], b[k], minima[k]
                for j in range(size):
                    least = min(least, np.uint32(block[j] * factor + term))
                minima[k] = least
        for band in range(keys.shape[1]):
            key = _mix(np.uint64(band + 1))
            for k in range(band * rows, (band + 1) * rows):
                key = _mix(key * _STEP + np.uint64(minima[k]))
            keys[i, band] = key


@njit(types.void(_FLAT, _AT, _AT, _AT, types.float64[::1]), cache=True, nogil=True)
def _jaccard(flat, offsets, left, right, out):
    for p in range(len(left)):
        i, end_i = offsets[left[p]], offsets[left[p] + 1]
        j, end_j = offsets[right[p]], offsets[right[p] + 1]
        size = end_i - i + end_j - j
        common = 0
        while i < end_i and j < end_j:              # no branch on the values: which is less cannot be foretold
            x, y = flat[i], flat[j]
            common += x == y
            i += x <= y
            j += y <= x
        out[p] = common / (size - common) if size > 0 else 1.0


def jaccard_sorted(flat: np.ndarray, offsets: np.ndarray, left_rows: np.ndarray, right_rows: np.ndarray) -> np.ndarray:
    """(p,) float64: exact Jaccard of pairs of sets, by merging them; of two empty sets 1.

    flat: uint64, segment after segment, each sorted and without repeats. offsets: (m + 1,) integers. left_rows and
    right_rows: (p,) integers, which segments.
    """
    out = np.empty(len(left_rows), np.float64)
    left, right, offsets = (np.ascontiguousarray(x, np.int64) for x in (left_rows, right_rows, offsets))
    _jaccard(np.ascontiguousarray(flat, np.uint64), offsets, left, right, out)
    return out


@njit(types.void(_MATRIX, _MATRIX, _AT, types.int64, types.int64, types.float64, types.float64[::1], _OUT_AT), cache=True,
      nogil=True)
def improve(tile, vectors, alike, first_row, first_column, slack, best, at):
    """Takes up a tile of products: for each of its rows the column of the greatest, of equals the first, in best and at.

    tile (r, c) float32: products of vectors (n, d) float32 from first_row and first_column on, each within `slack` of the
    true one. alike (n,) int64: a number for each distinct vector, so that copies are multiplied once. best (n,) float64 and
    at (n,) int64: what was found so far, -1 for nothing. A product that may win is made anew in float64, where each term is
    exact and terms are added in order, so how the tile was made cannot matter.
    """
    for i in range(tile.shape[0]):
        row = first_row + i
        top = -np.inf
        for j in range(tile.shape[1]):
            if tile[i, j] > top and first_column + j != row:
                top = tile[i, j]
        floor = max(top - 2 * slack, best[row] - slack)
        for j in range(tile.shape[1]):
            column = first_column + j
            if tile[i, j] < floor or column == row:
                continue
            value = 0.0
            if at[row] >= 0 and alike[column] == alike[at[row]]:
                value = best[row]
            else:
                for k in range(vectors.shape[1]):
                    value += np.float64(vectors[row, k]) * np.float64(vectors[column, k])
            if value > best[row] or (value == best[row] and column < at[row]):
                best[row] = value
                at[row] = column
