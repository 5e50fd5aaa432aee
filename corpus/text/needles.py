"""Where a few strings begin in many texts, letter case aside, without making an object of any text.

What it gives up: case beyond ASCII.
"""

from __future__ import annotations

import numpy as np

_BY_FREQUENCY = b"etaoinsrhldcumfpgwybvkxjqz"


def find_all(data: np.ndarray, offsets: np.ndarray, needles: tuple[bytes, ...], most: int = 1 << 62) -> np.ndarray:
    """(p, 3) int64: text, byte within it and index of the needle of each place, by text and byte.

    data: (b,) uint8 with text i at data[offsets[i] : offsets[i + 1]], offsets (m + 1,) int64. most: places of one needle
    in one text that are told, the first ones.
    """
    found = [np.insert(_find(data, offsets, needle.lower(), most), 2, k, axis=1) for k, needle in enumerate(needles)]
    places = np.concatenate(found) if found else np.empty((0, 3), np.int64)
    return places[np.lexsort((places[:, 2], places[:, 1], places[:, 0]))]


def _find(data: np.ndarray, offsets: np.ndarray, needle: bytes, most: int) -> np.ndarray:
    """(p, 2) int64: text and byte within it of each place of a needle."""
    from corpus.text import needle_kernels

    word, rarest = np.frombuffer(needle, np.uint8), sorted(range(len(needle)), key=lambda i: -_BY_FREQUENCY.find(needle[i]))
    probes = np.array(sorted((rarest * 3)[:3]), np.int64)
    out = np.empty((1024, 2), np.int64)
    while (found := needle_kernels.find(data, offsets, word, probes, most, out)) > len(out):
        out = np.empty((found, 2), np.int64)
    return out[:found]
