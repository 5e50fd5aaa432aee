"""Splits chunks (runs of characters without white space) into English words and marks, token for token as spaCy 3.8 does.

A chunk's tokens are a function of the chunk alone: marks come off its ends one by one until what is left is listed or has
none, and the rest is cut inside unless it is an address. What it gives up: spaCy puts emoticons and abbreviations together
again over a whole text, where in rare cases a match across a space hides one beside it (`x' ''y`); here none does.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate

import numpy as np

from corpus.text import english_rules as rules

_BLOCK = 1 << 16                                    # characters split at a time; bounds memory, decides nothing
_SLOTS = 1 << 12                                    # of the table, some three for a string


def tokens(chunk: str) -> list[str]:
    """Tokens of one chunk without white space. For more than a few, `tokens_of` is far faster."""
    return tokens_of([chunk])[0]


def tokens_of(chunks: list[str]) -> tuple[list[str], np.ndarray]:
    """Tokens of n chunks, each without white space: all tokens, chunk after chunk, and (n,) int64 tokens of each."""
    flat: list[str] = []
    counts = np.zeros(len(chunks), np.int64)
    highs = _highs(chunks)
    first = 0
    while first < len(chunks):
        past = int(np.searchsorted(highs, (highs[first - 1] if first else 0) + _BLOCK, side="right"))
        past = max(past, first + 1)
        found, counts[first:past] = _split(chunks[first:past], _table(), rejoin=True)
        flat += found
        first = past
    return flat, counts


def _split(chunks: list[str], table: np.ndarray, rejoin: bool) -> tuple[list[str], np.ndarray]:
    from corpus.text import english_kernels as kernels

    points, highs = _points(chunks), _highs(chunks)
    starts, counts = np.empty(len(points), np.int64), np.empty(len(chunks), np.int64)
    left, core = np.empty(len(chunks), np.uint8), np.empty((len(chunks), 2), np.int64)
    total = kernels.split(points, highs, rules.classes(), table, starts, counts, left, core)
    edges = np.r_[starts[:total], len(points)]      # chunks and tokens leave no gap: a token ends where the next starts
    joined = "".join(chunks)
    whole = _addresses(joined, edges, core, np.flatnonzero(left & kernels.ADDRESS))
    if len(whole):
        kept = np.ones(len(edges), bool)
        for first, past in core[whole]:
            kept[first + 1 : past] = False
        edges = edges[kept]
        counts[whole] -= core[whole, 1] - core[whole, 0] - 1
    places = edges.tolist()
    flat = [joined[a:b] for a, b in zip(places, places[1:])]
    broken = np.flatnonzero(left & kernels.REJOIN) if rejoin else ()
    return _rejoin(flat, counts, broken) if len(broken) else (flat, counts)


def _addresses(joined: str, edges: np.ndarray, core: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Which of the chunks asked about have an address as their core."""
    matches = rules.address().match
    return asked[[matches(joined[edges[first] : edges[past]]) is not None for first, past in core[asked].tolist()]]


def _rejoin(flat: list[str], counts: np.ndarray, broken: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The tokens with special words put together again in the chunks given; `counts` is changed in place."""
    ends = np.cumsum(counts)
    out: list[str] = []
    done = 0
    for k in broken.tolist():
        first, past = int(ends[k] - counts[k]), int(ends[k])
        put = _put_together(flat[first:past])
        out += flat[done:first]
        out += put
        counts[k] = len(put)
        done = past
    return out + flat[done:], counts


def _put_together(words: list[str]) -> list[str]:
    """Runs of tokens that rules made of a special word, replaced by its own; the longest first, then the leftmost."""
    joins, most = _joins()
    spans = [(i - j, i, joins[tuple(words[i:j])]) for i in range(len(words))
             for j in range(i + 2, min(i + most, len(words)) + 1) if tuple(words[i:j]) in joins]
    taken: set[int] = set()
    put: dict[int, tuple[int, tuple[str, ...]]] = {}
    for negative, start, parts in sorted(spans):
        end = start - negative
        if start not in taken and end - 1 not in taken:
            put[start] = end, parts
        taken.update(range(start, end))             # spaCy: what loses its place still bars others from it
    out: list[str] = []
    i = 0
    while i < len(words):
        i, parts = put.get(i, (i + 1, (words[i],)))
        out += parts
    return out


@lru_cache(maxsize=1)
def _joins() -> tuple[dict[tuple[str, ...], tuple[str, ...]], int]:
    """Tokens that the rules would make of each special word that they part → its own tokens; and the most of the former."""
    special = rules.special_words()
    flat, counts = _split(list(special), _listed({}), rejoin=False)
    ends = np.cumsum(counts).tolist()
    made = {tuple(flat[end - n : end]): parts for parts, n, end in zip(special.values(), counts.tolist(), ends) if n > 1}
    return made, max(map(len, made))


@lru_cache(maxsize=1)
def _table() -> np.ndarray:
    return _listed(rules.special_words(), frozenset(own for made, own in _joins()[0].items() if made != own))


def _listed(special: dict[str, tuple[str, ...]], parted: frozenset[tuple[str, ...]] = frozenset()) -> np.ndarray:
    """The table of special words (`parted`: those that the rules would part otherwise) and units for the kernel."""
    from corpus.text import english_kernels as kernels

    units = frozenset(rules.units())
    strings = list(dict.fromkeys((*special, *units)))
    kinds = [kernels.SPECIAL * (s in special) | kernels.ENDING * (s in units) | kernels.PARTABLE * (special.get(s) in parted)
             for s in strings]
    parts = [sum(1 << n for n in accumulate(map(len, special[s][:-1]), initial=0)) if s in special else 1 for s in strings]
    table = np.zeros((_SLOTS, kernels.WIDTH), np.uint32)
    kernels.fill(table, _points(strings), _highs(strings), np.array(kinds, np.uint32), np.array(parts, np.uint32))
    return table


def _points(strings: list[str]) -> np.ndarray:
    """Code points of all strings, (p,) uint32."""
    return np.frombuffer("".join(strings).encode("utf-32-le", "surrogatepass"), np.uint32)


def _highs(strings: list[str]) -> np.ndarray:
    """Where each string ends among those code points, (n,) int64."""
    return np.cumsum(np.fromiter(map(len, strings), np.int64, len(strings)))
