"""Splits texts into words, a block of texts at a time on arrays of code points: no Python object a word.

The rules are, in short, those by which spaCy's English tokenizer parts a run of characters without spaces: marks are
taken off its ends one by one (`(`, `"`, `,`, but no `/`, `-`, `@`); what remains is one word, cut inside at a hyphen or
comma between letters, at `/ : = < >` before a letter, at a full stop from lower to upper case, at an ellipsis, at an
operator between digits, and before `'s`, `'ll`, `n't` and their like. Symbols and emoji stand alone, and so does each
ideograph and kana, as those scripts write no spaces. What it gives up: lists of abbreviations, units and emoticons, and
words in Thai, Lao, Khmer, Burmese and Tibetan, whose phrases come out whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from corpus.operators import Batch
from corpus.text import characters as c
from corpus.text.pieces import Pieces

Words = Pieces
#: (code points (n,) uint32, where texts start (n,) bool) → where pieces start, and which places are in a piece: (n,) bool.
Cutter = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

BLOCK = 1 << 18                                     # characters split at a time; bounds memory, decides nothing


def words_of(batch: Batch) -> Words:
    """Words of the batch's texts, split once a batch."""
    return batch.shared("words", lambda: split_words(batch.texts()))


def split_words(texts: Sequence[str | None]) -> Words:
    """Words and punctuation of each text, as the module says; a null text has none."""
    return split(texts, cut_words)


def split(texts: Sequence[str | None], cutter: Cutter) -> Words:
    """Pieces of each text as `cutter` cuts them; a null text has none."""
    strings, counts = [], []
    for block in _blocks(texts):
        found, count = _split_block(block, cutter)
        strings.append(found)
        counts.append(count)
    whole = pa.chunked_array(strings, pa.large_string())
    return Pieces.of(whole, np.concatenate(counts) if counts else np.zeros(0, np.int64))


def _blocks(texts: Sequence[str | None]) -> Iterator[list[str]]:
    block, size = [], 0
    for text in texts:
        block.append(text or "")
        size += len(block[-1])
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block


def _split_block(texts: list[str], cutter: Cutter) -> tuple[pa.Array, np.ndarray]:
    joined = "".join(texts)
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
    edges = np.r_[0, np.cumsum(np.fromiter((len(t) for t in texts), np.int64, len(texts)))]
    if not len(points):
        return pa.array([], pa.large_string()), np.zeros(len(texts), np.int64)
    opens = np.zeros(len(points) + 1, bool)
    opens[edges] = True
    start, solid = cutter(points, opens[:-1])
    starts = np.flatnonzero(start)
    at = _byte_offsets(points)
    offsets = np.r_[at[starts], at[-1]]
    pieces = pa.LargeStringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(joined.encode()))
    keep = solid[starts]
    before = np.r_[0, np.cumsum(keep)]
    return pieces.filter(pa.array(keep)), np.diff(before[np.searchsorted(starts, edges)])


def _byte_offsets(points: np.ndarray) -> np.ndarray:
    """(n + 1,) int64: where each code point starts in UTF-8."""
    if points.max() < 0x80:
        return np.arange(len(points) + 1, dtype=np.int64)
    sizes = np.ones(len(points), np.int64)
    for limit in (0x80, 0x800, 0x10000):
        sizes += points >= limit
    return np.r_[0, np.cumsum(sizes)]


def cut_words(points: np.ndarray, opens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where words and marks start, by the module's rules, and which characters are not space (a `Cutter`)."""
    kinds = c.kinds()[points]
    solid = kinds & c.SPACE == 0
    chunk = opens.copy()                                         # starts of runs with no space inside, and of spaces
    chunk[1:] |= solid[1:] != solid[:-1]
    dot = points == ord(".")
    more = np.zeros(len(points), bool)                           # a full stop after another: inside an ellipsis
    more[1:] = dot[1:] & dot[:-1] & ~chunk[1:]
    alone = more | (kinds & c.ALONE != 0)
    alone[:-1] |= more[1:]
    head = _run(alone | (kinds & c.HEAD != 0), chunk)
    ends = np.append(chunk[1:], True)
    tail = _run((alone | (kinds & c.TAIL != 0) | _full_stops(dot, kinds, chunk))[::-1], ends[::-1])[::-1]
    loose = alone | head | tail
    core = solid & ~loose
    core[_cuts(points, kinds, chunk, core)] = False
    start = chunk | ~core
    start[1:] |= ~core[:-1]
    start[_contractions(points, kinds, chunk, core)] = True
    return start & ~more, solid


def _run(wanted: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(n,) bool: whether every place from the last start to here is wanted."""
    twice = np.arange(0, 2 * len(wanted), 2, dtype=np.int64)     # the last event here: even a start, odd an unwanted place
    events = np.where(wanted, np.where(starts, twice, 0), twice + 1)
    return np.maximum.accumulate(events) & 1 == 0


def _full_stops(dot: np.ndarray, kinds: np.ndarray, chunk: np.ndarray) -> np.ndarray:
    """Full stops that end a sentence rather than an abbreviation: after anything but one capital (`J.`, `U.S.`, `e.g.`)."""
    at = np.flatnonzero(dot & ~chunk)
    near, far = kinds[at - 1], np.where(chunk[at - 1], 0, kinds[at - 2])
    initial = (near & c.LETTER != 0) & (at >= 2) & dot[at - 2] & ~chunk[at - 1]
    ends = (near & (c.LOWER | c.DIGIT | c.TAIL) != 0) | ((near & c.UPPER != 0) & (far & c.UPPER != 0))
    out = np.zeros(len(dot), bool)
    out[at[ends & ~initial]] = True
    return out


def _cuts(points: np.ndarray, kinds: np.ndarray, chunk: np.ndarray, core: np.ndarray) -> np.ndarray:
    """Places of marks inside words that part them; none in a URL with its scheme."""
    at = np.flatnonzero(core & (kinds & c.INSIDE != 0))
    at = at[(at > 0) & (at < len(points) - 1)]
    at = at[~chunk[at] & ~chunk[at + 1]]
    mark, left, right = points[at], kinds[at - 1], kinds[at + 1]
    letters = (left & c.LETTER != 0) & (right & c.LETTER != 0)
    numbers = (left & c.DIGIT != 0) & ((right & c.DIGIT != 0) | (points[at + 1] == ord("-")))
    opened = (left & (c.LETTER | c.DIGIT) != 0) & (right & c.LETTER != 0)
    sentence = (left & c.LOWER != 0) & (right & c.UPPER != 0)
    cut = letters & _any_of(mark, ",-–—~") | numbers & _any_of(mark, "+-*^") | opened & _any_of(mark, ":<>=/")
    cut |= sentence & (mark == ord("."))
    if not len(at):
        return at
    run = np.searchsorted(np.flatnonzero(chunk), at, side="right")
    scheme = (mark == ord(":")) & (points[at + 1] == ord("/")) & (points[np.minimum(at + 2, len(points) - 1)] == ord("/"))
    return at[cut & ~np.isin(run, run[scheme])]


def _contractions(points: np.ndarray, kinds: np.ndarray, chunk: np.ndarray, core: np.ndarray) -> np.ndarray:
    """Where `'s`, `'m`, `'d`, `'ll`, `'re`, `'ve` and `n't` start at the end of a word."""
    at = np.flatnonzero(core & ((points == ord("'")) | (points == ord("’"))) & ~chunk)
    at = at[kinds[at - 1] & c.LETTER != 0]
    ahead = np.full((len(at), 3), ord(" "), np.uint32)           # the next three characters of the word, or spaces
    inside = np.ones(len(at), bool)
    for k in range(3):
        place = np.minimum(at + 1 + k, len(points) - 1)
        inside &= (at + 1 + k < len(points)) & core[place] & ~chunk[place]
        ahead[inside, k] = points[place[inside]] | 0x20          # ASCII letters in lower case
    found = [(ahead == np.frombuffer(ending.encode("utf-32-le"), np.uint32)).all(1)
             for ending in ("s  ", "m  ", "d  ", "ll ", "re ", "ve ")]
    negation = (ahead == np.frombuffer("t  ".encode("utf-32-le"), np.uint32)).all(1)
    negation &= (points[at - 1] | 0x20 == ord("n")) & ~chunk[at - 1] & core[at - 1]
    return np.concatenate((at[np.logical_or.reduce(found)], at[negation] - 1))


def _any_of(points: np.ndarray, marks: str) -> np.ndarray:
    return np.isin(points, np.frombuffer(marks.encode("utf-32-le"), np.uint32))
