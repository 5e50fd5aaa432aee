"""Kernels of packing: whole pieces into sequences, where they fit best.

Each gives the same numbers on any machine. What they give up: arguments are taken as they are, so lengths that are not
sorted, or over the capacity, give nonsense: call them through `pack`. Importing this module loads numba, hence it is
imported inside functions.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types

_LENGTHS = types.Array(types.int64, 1, "C", readonly=True)


@njit(types.int64[::1](_LENGTHS, types.int64), cache=True, nogil=True)
def best_fit(lengths, capacity):
    """(n,) int64: the sequence of each piece, numbered as they are opened. lengths: (n,) falling, 1 .. capacity.

    A tree over amounts of room says which of them some sequence has: the least that is enough is found in log(capacity)
    steps. Of several sequences of that room the one that got it last is taken.
    """
    n = len(lengths)
    out = np.empty(n, np.int64)
    leaves = 1
    while leaves <= capacity:
        leaves *= 2
    some = np.zeros(2 * leaves, np.uint8)
    top = np.full(capacity + 1, -1, np.int64)               # the sequence that has this much room, the last of them
    below = np.full(n, -1, np.int64)                        # the one of the same room before it
    opened = 0
    for i in range(n):
        node = leaves + lengths[i]
        if not some[node]:
            while node > 1 and (node & 1 or not some[node + 1]):
                node >>= 1
            if node > 1:
                node += 1
                while node < leaves:
                    node = 2 * node if some[2 * node] else 2 * node + 1
        if node > 1:
            room = node - leaves
            chosen = top[room]
            top[room] = below[chosen]
            if top[room] < 0:
                while node >= 1:
                    some[node] = 0 if node >= leaves else some[2 * node] | some[2 * node + 1]
                    node >>= 1
        else:
            room, chosen = capacity, opened
            opened += 1
        out[i] = chosen
        left = room - lengths[i]
        below[chosen] = top[left]
        top[left] = chosen
        if left > 0:
            node = leaves + left
            while node >= 1 and not some[node]:
                some[node] = 1
                node >>= 1
    return out
