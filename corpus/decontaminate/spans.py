"""From words of the matching form back to characters of the text they were made from.

NFC may join characters and lower case may make two of one, so a word's place in the matching form is not its place in
the text. Offsets count code points, as Python's do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from corpus.text.nfc import is_mark, nfc

_WORD = re.compile(r"\w+")


def word_spans(text: str) -> np.ndarray:
    """(n, 2) int64: where each matching word of a text starts and ends in the text itself."""
    form = nfc(text).lower()
    found = np.array([m.span() for m in _WORD.finditer(form)], np.int64).reshape(-1, 2)
    if not len(found) or (len(form) == len(text) and unicodedata.is_normalized("NFC", text)):
        return found
    pieces = _pieces(text)
    begins = np.r_[0, np.cumsum([len(p) for p in pieces])]
    grown = np.array([len(nfc(p).lower()) for p in pieces])
    piece = np.repeat(np.arange(len(pieces)), grown)               # of each character of the form
    return np.column_stack((begins[piece[found[:, 0]]], begins[piece[found[:, 1] - 1] + 1]))


def _pieces(text: str) -> list[str]:
    """A text cut between all characters that NFC leaves apart."""
    begins: list[int] = []
    for at, character in enumerate(text):
        joins = begins and not character.isascii() and (is_mark(character) or _joins(text[begins[-1] : at], character))
        if not joins:
            begins.append(at)
    return [text[a:b] for a, b in zip(begins, [*begins[1:], len(text)])]


def _joins(before: str, character: str) -> bool:
    return nfc(before + character) != nfc(before) + nfc(character)


def merged(starts: np.ndarray, ends: np.ndarray) -> list[tuple[int, int]]:
    """Runs [start, end) of words, sorted by start → runs that neither overlap nor touch."""
    found: list[tuple[int, int]] = []
    for start, end in zip(starts.tolist(), ends.tolist()):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def character_runs(text: str, runs: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    """Runs of words as spans of characters: [{start, end}]."""
    places = word_spans(text)
    return [{"start": int(places[a, 0]), "end": int(places[b - 1, 1])} for a, b in runs]
