"""Unicode's composed form (NFC) in time that grows with the text, however many marks are piled on one letter.

The form orders marks by class, and the interpreter does that by exchanging neighbours: the square of their number, seconds
for 40,000 marks and hours for the millions that a page has room for. Long runs are put in order here first, which changes
nothing of the form. What it gives up: the compatibility form, whose marks can be hidden in other characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import numpy as np

_PILE = re.compile(rb"\x01{32,}")                   # marks in a row; no language writes so many


def nfc(text: str) -> str:
    """`unicodedata.normalize("NFC", text)`."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", ordered(text))


def ordered(text: str) -> str:
    """A text of the same composed form, with long runs of marks in the order that the form has them."""
    if text.isascii():
        return text
    marks = _marks()[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)]
    pieces, at = [], 0
    for pile in _PILE.finditer(marks.tobytes()):
        decomposed = "".join(unicodedata.normalize("NFD", mark) for mark in text[pile.start() : pile.end()])
        pieces += [text[at : pile.start()], *sorted(decomposed, key=unicodedata.combining)]
        at = pile.end()
    return "".join([*pieces, text[at:]]) if pieces else text


def is_mark(character: str) -> bool:
    """Whether a character is ordered with the marks around it: it has a class, or is made of characters that have."""
    return unicodedata.combining(unicodedata.normalize("NFD", character)[0]) > 0


@lru_cache(maxsize=1)
def _marks() -> np.ndarray:
    """(0x110000,) bool: which code points are marks; there are none past the second plane."""
    found = np.zeros(0x110000, bool)
    found[:0x20000] = np.fromiter(map(is_mark, map(chr, range(0x20000))), bool, 0x20000)
    return found
