"""Repetition signals of Gopher, by the definitions that datatrove's filter uses, for all texts of a batch at once.

n-grams are numbered by pairing: the id of (n-1)-gram and next word gives the id of the n-gram, so equal ids are equal
n-grams and no hash can lie. Only n-grams whose first n-1 words repeat in their text are looked at again. What it gives
up: n-grams are equal when their words are, where datatrove's duplicate n-grams are equal when the words joined are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.operators import Annotator, Batch
from corpus.registry import register
from corpus.text.pieces import Pieces, pieces_of, segment
from corpus.text.words import Words, words_of

_PARAGRAPHS = re.compile(r"\n{2,}")
_LINES = re.compile(r"\n+")
_BLOCK = 20_000                                     # words numbered at a time: the hash table stays in a core's cache


@register("signal", "gopher_repetition", provider="python-unicode")
@dataclass(frozen=True)
class GopherRepetition(Annotator):
    """Repetition statistics of Rae et al. 2021 (Gopher), table A1: fractions in [0, 1+], one row a document.

    Columns under `repetition.`: `dup_lines`, `dup_paragraphs` (share of lines that occurred before), `dup_line_chars`,
    `dup_paragraph_chars` (their characters over the text's), `top_N_gram` (characters in all occurrences of the most
    frequent N-gram, words joined by a space, over the text's; can exceed 1), `dup_N_grams` (characters of N-grams that
    occurred before, scanned left to right without overlap, over the text's). Fractions of an empty text are null.
    """

    top: tuple[int, ...] = (2, 3, 4)
    duplicate: tuple[int, ...] = (5, 6, 7, 8, 9, 10)

    def schema(self) -> pa.Schema:
        names = ["dup_paragraphs", "dup_paragraph_chars", "dup_lines", "dup_line_chars",
                 *(f"top_{n}_gram" for n in self.top), *(f"dup_{n}_grams" for n in self.duplicate)]
        return pa.schema([(f"repetition.{n}", pa.float64()) for n in names])

    def annotate(self, batch: Batch) -> pa.Table:
        texts = [t or "" for t in batch.texts()]
        size = np.fromiter((len(t) for t in texts), np.int64, len(texts))
        paragraphs = pieces_of([_PARAGRAPHS.split(t.strip()) for t in texts])
        lines = pieces_of([_LINES.split(t) for t in texts])
        counts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for name, pieces in (("paragraph", paragraphs), ("line", lines)):
            repeats, characters = _repeats(pieces)
            counts |= {f"dup_{name}s": (repeats, pieces.counts), f"dup_{name}_chars": (characters, size)}
        top, duplicate = _ngram_characters(words_of(batch), self.top, self.duplicate)
        counts |= {f"top_{n}_gram": (top[n], size) for n in self.top}
        counts |= {f"dup_{n}_grams": (duplicate[n], size) for n in self.duplicate}
        columns = {f"repetition.{n}": pa.array(part / np.maximum(whole, 1), mask=size == 0)
                   for n, (part, whole) in counts.items()}
        return pa.table(columns).select(self.schema().names).cast(self.schema())


def _repeats(pieces: Pieces) -> tuple[np.ndarray, np.ndarray]:
    """For each text: pieces that occurred before in it, and the characters of those."""
    key = pieces.owner * max(1, len(pieces.vocabulary)) + pieces.ids
    _, first = np.unique(key, return_index=True)
    again = np.ones(len(key), bool)
    again[first] = False
    return (np.bincount(pieces.owner[again], minlength=len(pieces)),
            np.bincount(pieces.owner[again], pieces.lengths[pieces.ids[again]], minlength=len(pieces)))


def _ngram_characters(words: Words, top: tuple[int, ...], duplicate: tuple[int, ...]
                      ) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
    """For each n: (m,) characters in the most frequent n-gram's occurrences, and (m,) in repeated n-grams."""
    tops = {n: np.zeros(len(words), np.int64) for n in top}
    duplicates = {n: np.zeros(len(words), np.int64) for n in duplicate}
    reach = np.r_[0, np.cumsum(words.lengths[words.ids])]             # characters before each word
    for first, past in words.blocks(_BLOCK):
        for n, at, grams in _ngrams(words, first, past, max((*top, *duplicate), default=0)):
            size = reach[at + n] - reach[at]
            owner = words.owner[at]
            if n in tops:
                _most_frequent(tops[n], owner, grams, size + n - 1)
                alone = (tops[n][first:past] == 0) & (words.counts[first:past] >= n)   # no n-gram occurs twice
                start = words.offsets[first:past][alone]
                tops[n][first:past][alone] = reach[start + n] - reach[start] + n - 1
            if n in duplicates:
                again = _scan(at, grams, n)
                np.add.at(duplicates[n], owner[again], size[again])
    return tops, duplicates


def _ngrams(words: Words, first: int, past: int, longest: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """For n = 1 … longest: n, and where n-grams that may repeat in their text start, in order, with their ids."""
    lo, hi = words.offsets[first], words.offsets[past]
    at = np.arange(lo, hi)
    ends = words.offsets[1:][words.owner[lo:hi]]
    grams = _number(words.owner[lo:hi], words.ids[lo:hi])
    for n in range(1, longest + 1):
        if n > 1:
            inside = at + n <= ends
            at, ends = at[inside], ends[inside]
            grams = _number(grams[inside], words.ids[at + n - 1])
        repeated = np.bincount(grams)[grams] > 1
        at, ends, grams = at[repeated], ends[repeated], grams[repeated]
        yield n, at, grams


def _number(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Ids of pairs, counted from 0 in the order of their first occurrence."""
    codes = pc.dictionary_encode(pa.array(left << 32 | right)).indices
    return codes.to_numpy(zero_copy_only=False).astype(np.int64)


def _most_frequent(out: np.ndarray, owner: np.ndarray, grams: np.ndarray, size: np.ndarray) -> None:
    """Sets size × occurrences of each text's most frequent n-gram; among equals the one that occurs first."""
    if not len(grams):
        return
    distinct, where, counts = np.unique(grams, return_index=True, return_counts=True)   # ids rise with first occurrence
    owner, size = owner[where], size[where]
    edges = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1], True])
    rank = counts * (len(counts) + 1) - np.arange(len(counts))
    best = len(counts) + 1
    peak = segment(rank, edges, np.maximum, 0)
    chosen = -peak % best
    out[owner[edges[:-1]]] = size[chosen] * counts[chosen]


def _scan(at: np.ndarray, grams: np.ndarray, n: int) -> list[int]:
    """Indices of n-grams that occurred before, left to right; after one, the next n - 1 starts are passed over."""
    seen: set[int] = set()
    again, free = [], 0
    for i, (start, gram) in enumerate(zip(at.tolist(), grams.tolist())):
        if start < free:
            continue
        if gram in seen:
            again.append(i)
            free = start + n
        else:
            seen.add(gram)
    return again
