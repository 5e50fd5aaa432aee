"""What each character is to a word splitter, as one table over all code points. Follows the interpreter's Unicode tables."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np

SPACE, LETTER, DIGIT, LOWER, UPPER = 1, 2, 4, 8, 16
HEAD, TAIL = 32, 64                                 # comes off the start, off the end, of what no space parts
ALONE = 128                                         # a piece of its own wherever it is
INSIDE = 256                                        # may part the letters or digits around it

_POINTS = 0x110000
_KEEPS_ITS_PLACE = frozenset("-./\\@")              # punctuation that stays at the ends of paths, options and hosts
_UNSPACED = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))


@lru_cache(maxsize=1)
def kinds() -> np.ndarray:
    """(0x110000,) uint16: the flags above for each code point."""
    table = np.fromiter((_kind(chr(i)) for i in range(_POINTS)), np.uint16, _POINTS)
    for low, high in _UNSPACED:
        table[low : high + 1][table[low : high + 1] & LETTER != 0] |= ALONE
    for mark in "+=§":
        table[ord(mark)] |= HEAD
    for mark in "<>`´":
        table[ord(mark)] |= HEAD | TAIL
    table[ord("…")] |= ALONE
    for mark in ",-–—~:<>=/.+*^":
        table[ord(mark)] |= INSIDE
    return table


def _kind(character: str) -> int:
    category = unicodedata.category(character)
    major = category[0]
    if major in "LM":
        return LETTER | (UPPER if category in ("Lu", "Lt") else LOWER)
    if major == "N":
        return DIGIT
    if major == "P":
        return 0 if character in _KEEPS_ITS_PLACE else HEAD | TAIL
    if category == "Sc":
        return HEAD | TAIL
    if category == "So":
        return HEAD | TAIL | ALONE if character != "°" else TAIL
    return 0 if major == "S" else SPACE


@lru_cache(maxsize=1)
def word_characters() -> np.ndarray:
    """(0x110000,) bool: what `\\w` matches."""
    table = np.fromiter((chr(i).isalnum() for i in range(_POINTS)), bool, _POINTS)
    table[ord("_")] = True
    return table
