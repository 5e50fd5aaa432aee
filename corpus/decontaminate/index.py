"""The n-grams of evaluation items, ready to be looked up: what a document is compared with.

An item's question is cut into runs of `ngram` words of the matching form (NFC, lower case, `\\w+`), known by 64-bit hashes;
a shorter one is one run, down to `min_words`, and a still shorter one is looked for together with its answer. n-grams that
many questions share, and those of numbers and single letters, say nothing about a question and are left out. What it gives
up: hashes are not checked against the words (two runs share one with probability about 2**-60); items that are too short or
of such n-grams alone are never found, and are listed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from corpus.decontaminate.items import EvalItem
from corpus.decontaminate.tasks import items_table
from corpus.errors import ConfigError
from corpus.text.normal import matching_words, word_hash
from corpus.text.shingles import mix

_BASE = np.uint64(0x9E3779B97F4A7C15)
_ITEM = ["task", "item", "question", "answer"]
_NUMBERS = ("ngram", "min_words", "max_questions")
_ARRAYS = ("grams", "gram_lengths", "offsets", "parts", "places", "part_items", "part_sizes", "answers", "answer_offsets")
NGRAMS, WITH_ANSWER, TOO_SHORT, COMMON = "ngrams", "with_answer", "too_short", "common"
#: An n-gram has to have so many different words of two characters or more, with a letter among them.
TELLING = 4


@dataclass(frozen=True)
class Index:
    """n-grams of items. A part is one way of writing an item's question down.

    grams: (g,) uint64, sorted; gram_lengths: (g,) uint8, in words. Gram i occurs at the postings offsets[i] to
    offsets[i + 1]: in part parts[j] from word places[j] on. part_items: (p,) int32, the item of each part; part_sizes:
    (p,) int32, its words that some n-gram of the index covers. answers: flat uint64 word hashes, by item. items: a row an
    item: task, item, question, answer, and `sought`, how it is looked for.
    """

    ngram: int
    min_words: int
    max_questions: int
    grams: np.ndarray
    gram_lengths: np.ndarray
    offsets: np.ndarray
    parts: np.ndarray
    places: np.ndarray
    part_items: np.ndarray
    part_sizes: np.ndarray
    answers: np.ndarray
    answer_offsets: np.ndarray
    items: pa.Table

    @cached_property
    def lengths(self) -> np.ndarray:
        """(l,) int64: the lengths that n-grams have, ascending."""
        return np.unique(self.gram_lengths).astype(np.int64)

    @cached_property
    def seen(self) -> tuple[np.ndarray, np.uint64]:
        """A bitmap over the top bits of the hashes, one bit in 16 or fewer set, and by how much to shift for them."""
        bits = max(6, int(np.ceil(np.log2(max(len(self.grams), 1) * 16))))
        at = self.grams >> np.uint64(64 - bits)
        bitmap = np.zeros(1 << (bits - 6), np.uint64)
        np.bitwise_or.at(bitmap, (at >> np.uint64(6)).astype(np.int64), np.uint64(1) << (at & np.uint64(63)))
        return bitmap, np.uint64(64 - bits)

    @cached_property
    def sought(self) -> dict[str, int]:
        """How many items are looked for in which way, and how many cannot be."""
        return {v["values"]: v["counts"] for v in self.items.column("sought").value_counts().to_pylist()}

    def save(self, folder: Path) -> None:
        for name in _ARRAYS:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        with pa.ipc.new_file(folder / "items.arrow", self.items.schema) as sink:      # the same bytes with every release
            sink.write_table(self.items)
        (folder / "index.json").write_text(json.dumps({name: getattr(self, name) for name in _NUMBERS}))

    @classmethod
    def load(cls, folder: Path) -> Index:
        about = json.loads((folder / "index.json").read_text())
        arrays = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ARRAYS)
        return cls(*(about[name] for name in _NUMBERS), *arrays,
                   pa.ipc.open_file((folder / "items.arrow").read_bytes()).read_all())


def build_index(items: Sequence[EvalItem], ngram: int = 13, min_words: int = 8, max_questions: int = 10) -> Index:
    """The index of some items.

    ngram: words of a run, 8 to 13. min_words: the fewest words of a question that is looked for, as one run, where it has
    fewer than `ngram`. max_questions: an n-gram that more different questions than this have is left out.
    """
    check(ngram, min_words, max_questions)
    texts = [[q, f"{q} {i.answer}"] for i in items for q in i.questions]
    owners = np.repeat(np.arange(len(items)), [len(i.questions) for i in items])
    flat, ends, telling = _words([t for pair in texts for t in pair])
    sizes = np.diff(ends)
    alone, together = sizes[0::2], sizes[1::2]
    choice = np.where(alone >= min_words, 0, np.where(together >= min_words, 1, -1))
    kept = np.flatnonzero(choice >= 0)
    starts = ends[:-1][2 * kept + choice[kept]]
    words = sizes[2 * kept + choice[kept]]
    hashes, parts, places, lengths = _grams(flat, starts, words, ngram)
    kept_runs = ~_common(hashes, parts, flat, starts, words, max_questions)
    kept_runs &= _telling(telling, starts[parts] + places, lengths) >= TELLING
    hashes, parts, places, lengths = (a[kept_runs] for a in (hashes, parts, places, lengths))
    order = np.lexsort((places, parts, hashes))
    hashes, parts, places, lengths = (a[order] for a in (hashes, parts, places, lengths))
    first = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]]) if len(hashes) else np.zeros(0, np.int64)
    covered = union(parts, places, lengths, len(kept))
    sought = np.full(len(items), TOO_SHORT, object)
    sought[owners[kept]] = COMMON
    for way, name in ((1, WITH_ANSWER), (0, NGRAMS)):
        sought[owners[kept][(covered > 0) & (choice[kept] == way)]] = name
    answers, answer_offsets, _ = _words([i.answer for i in items])
    return Index(ngram, min_words, max_questions, hashes[first], lengths[first].astype(np.uint8),
                 np.r_[first, len(hashes)].astype(np.int64), parts.astype(np.int32), places.astype(np.int32),
                 owners[kept].astype(np.int32), covered.astype(np.int32), answers, answer_offsets,
                 items_table(items).select(_ITEM).append_column("sought", pa.array(sought, pa.string())))


def check(ngram: int, min_words: int, max_questions: int, where: str = "decontaminate") -> None:
    """Raises ConfigError for an option outside its bounds."""
    if not 8 <= ngram <= 13:
        raise ConfigError(f"{where}.ngram", str(ngram), "8 to 13 words")
    if not 5 <= min_words <= ngram:
        raise ConfigError(f"{where}.min_words", str(min_words), f"5 to {ngram}, the words of an n-gram")
    if max_questions < 1:
        raise ConfigError(f"{where}.max_questions", str(max_questions), "1 or more")


def hash_runs(words: np.ndarray, first: np.ndarray, size: int) -> np.ndarray:
    """Hashes of the runs of `size` words that start at `first`; the same that `kernels.scan` makes."""
    h = np.zeros(len(first), np.uint64)
    for k in range(size):
        h = h * _BASE + words[first + k]
    return mix(h + np.uint64(size * int(_BASE) & 0xFFFFFFFFFFFFFFFF))


def union(group: np.ndarray, start: np.ndarray, length: np.ndarray, groups: int) -> np.ndarray:
    """(groups,) int64: words that the runs [start, start + length) of each group cover, each once.

    Runs of one group have one length.
    """
    order = np.lexsort((start, group))
    group, start, length = group[order], start[order], length[order].astype(np.int64)
    gain = length.copy()
    same = group[1:] == group[:-1]
    gain[:-1][same] = np.minimum(length[:-1], start[1:] - start[:-1])[same]
    return np.bincount(group, weights=gain, minlength=groups).astype(np.int64)


def _words(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hashes of the matching words of m texts, (n,) uint64; (m + 1,) offsets; and for each word its number where it tells
    something of a text, -1 where it does not.
    """
    found = [matching_words(text) for text in texts]
    numbers: dict[str, int] = {}
    ids = np.array([numbers.setdefault(word, len(numbers)) for words in found for word in words], np.int64)
    hashes = np.frombuffer(b"".join(map(word_hash, numbers)), "<u8")
    tells = np.fromiter((len(w) > 1 and any(map(str.isalpha, w)) for w in numbers), bool, len(numbers))
    offsets = np.cumsum([0, *map(len, found)], dtype=np.int64)
    return hashes[ids], offsets, np.where(tells, np.arange(len(tells)), -1)[ids]


def _telling(numbers: np.ndarray, first: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """(n,) int: the different words with a number of 0 or more in each run."""
    out = np.zeros(len(first), np.int64)
    for n in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == n)
        for block in np.array_split(rows, len(rows) // (1 << 16) + 1):
            inside = np.sort(numbers[first[block][:, None] + np.arange(n)], axis=1)
            out[block] = (inside[:, 0] >= 0) + ((inside[:, 1:] != inside[:, :-1]) & (inside[:, 1:] >= 0)).sum(1)
    return out


def _grams(flat: np.ndarray, starts: np.ndarray, words: np.ndarray, ngram: int) -> tuple[np.ndarray, ...]:
    """Every run of each part: hash, part, first word within the part, words."""
    size = np.minimum(words, ngram)
    count = words - size + 1
    parts = np.repeat(np.arange(len(starts)), count)
    places = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    lengths = size[parts]
    hashes = np.zeros(len(parts), np.uint64)
    for n in np.unique(lengths).tolist():
        rows = lengths == n
        hashes[rows] = hash_runs(flat, (starts[parts] + places)[rows], n)
    return hashes, parts, places, lengths


def _common(hashes: np.ndarray, parts: np.ndarray, flat: np.ndarray, starts: np.ndarray, words: np.ndarray,
            most: int) -> np.ndarray:
    """(n,) bool: runs that more than `most` different questions have."""
    whole = np.zeros(len(starts), np.uint64)
    for part, (start, n) in enumerate(zip(starts.tolist(), words.tolist())):
        whole[part] = np.bitwise_xor.reduce(mix(flat[start : start + n] + np.arange(n, dtype=np.uint64)))
    order = np.lexsort((whole[parts], hashes))
    h, text = hashes[order], whole[parts][order]
    new_hash = np.r_[True, h[1:] != h[:-1]] if len(h) else np.zeros(0, bool)
    new_text = new_hash.copy()
    new_text[1:] |= text[1:] != text[:-1]
    group = np.cumsum(new_hash) - 1
    many = np.bincount(group, weights=new_text)[group] > most if len(h) else new_hash
    out = np.zeros(len(hashes), bool)
    out[order] = many
    return out
