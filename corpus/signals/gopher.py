"""Quality signals of Gopher: what its document filters look at, measured and not judged.

Words are those of `corpus.text.words`, so counts differ from a spaCy-based filter's by under 0.2 % on half of all pages.
Stop words are English ones and counted whatever the language; rules say for which languages the count means something.
"""

from __future__ import annotations

import string
import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.operators import Annotator, Batch
from corpus.registry import register
from corpus.text.pieces import Pieces, pieces_of
from corpus.text.words import Words, words_of

#: Characters that make no word: Unicode punctuation, ASCII symbols, controls. datatrove lists about 250 of them; a bullet
#: or an opening quote that stands alone is a word there and none here.
PUNCTUATION = frozenset(string.punctuation) | {
    c for c in map(chr, range(0x20000)) if unicodedata.category(c) in ("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Cc")}


@register("signal", "gopher_quality", provider="python-unicode")
@dataclass(frozen=True)
class GopherQuality(Annotator):
    """Length, symbols, bullets, ellipses, letters and stop words of Rae et al. 2021 (Gopher), section A.1.1.

    Columns: `gopher.words` (words that are not all punctuation), `gopher.mean_word_length` (characters, of those),
    `gopher.hash_ratio` and `gopher.ellipsis_ratio` (occurrences a word or mark), `gopher.symbol_ratio` (the greater of
    the two), `gopher.bullet_lines` and `gopher.ellipsis_lines` (shares of lines that start with one, end with one),
    `gopher.alpha_words` (share of words and marks with a letter), `gopher.stop_words` (how many of them occur). A share
    of nothing is null.
    """

    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")

    def schema(self) -> pa.Schema:
        shares = ("mean_word_length", "hash_ratio", "ellipsis_ratio", "symbol_ratio", "bullet_lines", "ellipsis_lines",
                  "alpha_words")
        return pa.schema([("gopher.words", pa.int64()), *((f"gopher.{s}", pa.float64()) for s in shares),
                          ("gopher.stop_words", pa.int32())])

    def annotate(self, batch: Batch) -> pa.Table:
        words, lines = words_of(batch), batch.shared("lines", lambda: pieces_of([t.splitlines() for t in _texts(batch)]))
        wordy, alpha = _word_kinds(words)
        n_words = words.total(wordy)
        hashes = _occurrences(batch, "#")
        ellipses = _occurrences(batch, "...") + _occurrences(batch, "…")
        bullets, ends = _line_kinds(lines)
        columns = {
            "words": n_words.astype(np.int64),
            "mean_word_length": _share(words.total(wordy * words.lengths), n_words),
            "hash_ratio": _share(hashes, words.counts),
            "ellipsis_ratio": _share(ellipses, words.counts),
            "symbol_ratio": _share(np.maximum(hashes, ellipses), words.counts),
            "bullet_lines": _share(lines.total(bullets), lines.counts),
            "ellipsis_lines": _share(lines.total(ends), lines.counts),
            "alpha_words": _share(words.total(alpha), words.counts),
            "stop_words": self._stop_words(words),
        }
        return pa.table({f"gopher.{n}": c for n, c in columns.items()}).cast(self.schema())

    def _stop_words(self, words: Words) -> np.ndarray:
        found = np.zeros(len(words), np.int32)
        for word in self.stop_words:
            found[np.unique(words.owner[words.ids == words.find(word)])] += 1
        return found


def _texts(batch: Batch) -> list[str]:
    return [t or "" for t in batch.texts()]


def _occurrences(batch: Batch, of: str) -> np.ndarray:
    counts = pc.count_substring(batch.column("text"), of)
    return pc.fill_null(counts, 0).to_numpy(zero_copy_only=False).astype(np.int64)


def _share(part: np.ndarray, whole: np.ndarray) -> pa.Array:
    """part / whole as float64; null where whole is 0."""
    none = whole == 0
    return pa.array(part / np.where(none, 1, whole), mask=none)


def _word_kinds(words: Words) -> tuple[np.ndarray, np.ndarray]:
    """For each distinct word: whether it is more than punctuation, and whether it has a letter."""
    distinct = words.vocabulary.to_pylist()
    alpha = np.fromiter((w.isalpha() or any(map(str.isalpha, w)) for w in distinct), bool, len(distinct))
    wordy = np.fromiter((not PUNCTUATION.issuperset(w) for w in distinct), bool, len(distinct))
    return wordy, alpha


def _line_kinds(lines: Pieces) -> tuple[np.ndarray, np.ndarray]:
    """For each distinct line: whether it starts with a bullet, and whether it ends with an ellipsis."""
    distinct = lines.vocabulary.to_pylist()
    bullets = np.fromiter((s.lstrip().startswith(("•", "-")) for s in distinct), bool, len(distinct))
    ends = np.fromiter((s.rstrip().endswith(("...", "…")) for s in distinct), bool, len(distinct))
    return bullets, ends
