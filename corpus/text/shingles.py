"""The mix by which hashes become other hashes: of runs of words (shingles), of bands, of ids on their way to partitions.

It hashes what words are, never the ids that a process gave them. What it gives up: anybody can make two inputs meet.
"""

from __future__ import annotations

import numpy as np


def mix(x: np.ndarray) -> np.ndarray:
    """Murmur3's 64-bit finaliser (Appleby 2011): every input bit reaches every output bit. x: uint64."""
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))
