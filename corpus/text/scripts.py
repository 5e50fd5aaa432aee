"""Cuts tokens further where a script writes no spaces between words.

Han ideographs and kana stand alone, each one. Thai is cut into words by BudouX's model (Google, Apache-2.0: a linear score
of the Thai characters around each place), never inside an orthographic cluster. Lao, Khmer, Burmese and Tibetan are cut into
syllables by their spelling. What it gives up: words of several ideographs or syllables, so that such texts have more and
shorter words than a dictionary finds, and scripts not named here (Javanese, Tai Tham, ...), whose phrases stay whole.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np

_ALONE, _MARK, _THAI, _LAO, _KHMER, _BURMESE, _TIBETAN = range(1, 8)
_RANGES = {
    _ALONE: "3005 3007 3041-3096 309b-309f 30a1-30fa 30fc-30ff 31f0-31ff 3400-4dbf 4e00-9fff f900-faff ff66-ff9d "
            "20000-323af",
    _MARK: "3099-309a fe00-fe0f ff9e-ff9f e0100-e01ef",          # belongs to the character before it
    _THAI: "e01-e3a e40-e5b",
    _LAO: "e81-edf",
    _KHMER: "1780-17da 17dc-17dd 17e0-17e9",
    _BURMESE: "1000-109f a9e0-a9fe aa60-aa7f",
    _TIBETAN: "f00-fda",
}
_FIRST = 0xE01                                      # no such script has a lower code point
_PAD = "\0\0\0"                                     # as far as the Thai model looks

_LAO_LETTER, _LAO_SIGN = r"[\u0e81-\u0eae\u0edc-\u0edf]", r"[\u0eb0-\u0ebd\u0ec8-\u0ece]"
_LAO_OPENS = rf"\u0eab?{_LAO_LETTER}(?:{_LAO_SIGN}|[\u0ea7\u0ead](?!{_LAO_SIGN}|[\u0ea7\u0ead]))"
_KHMER_LETTER, _KHMER_SIGN = r"[\u1780-\u17b3]", r"[\u17b4-\u17d1\u17d3\u17dd]"
_BURMESE_LETTER = (r"\u1000-\u102a\u103f\u104c-\u1055\u105a-\u105d\u1061\u1065\u1066\u106e-\u1070\u1075-\u1081\u108e"
                   r"\ua9e0-\ua9e4\ua9e7-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa6f\uaa71-\uaa76\uaa7a\uaa7e\uaa7f")
_BURMESE_OTHER = r"\u1040-\u104b\u1090-\u1099\ua9f0-\ua9f9"
#: Syllables of a run, one after the other; digits stay together and what opens no syllable stands alone.
_SYLLABLES = {
    # A vowel written first, or a consonant that carries a sign, opens a syllable; other consonants close the one before.
    _LAO: rf"[\u0ed0-\u0ed9]+|(?:[\u0ec0-\u0ec4]+\u0eab?{_LAO_LETTER}?|\u0eab?{_LAO_LETTER})"
          rf"(?:{_LAO_SIGN}|[\u0eaf\u0ec6]|(?!{_LAO_OPENS}){_LAO_LETTER})*|.",
    # A letter, those written under it and its signs; then one bare consonant, which closes it.
    _KHMER: rf"[\u17e0-\u17e9]+|{_KHMER_LETTER}(?:\u17d2{_KHMER_LETTER}|{_KHMER_SIGN})*"
            rf"(?:[\u1780-\u17a2](?!\u17d2|{_KHMER_SIGN}))?\u17d7?|.",
    # A letter that is neither silenced nor stacked, and all up to the next such letter.
    _BURMESE: rf"[\u1040-\u1049\u1090-\u1099]+|[{_BURMESE_LETTER}](?:[^{_BURMESE_LETTER}{_BURMESE_OTHER}]"
              rf"|(?<=\u1039)[{_BURMESE_LETTER}]|[{_BURMESE_LETTER}](?=\u1037?[\u1039\u103a]))*|.",
    # Up to the dot that ends a syllable; strokes between sentences together.
    _TIBETAN: r"[\u0f20-\u0f33]+|[\u0f01-\u0f0a\u0f0d-\u0f14]+|[^\u0f01-\u0f14\u0f20-\u0f33]+[\u0f0b\u0f0c]*|.",
}
_THAI_FOLLOWS = (0x30, 0x31, 0x32, 0x33, *range(0x34, 0x3B), 0x45, *range(0x47, 0x4F))      # signs, counted from U+0E00
_THAI_LEADS = range(0x40, 0x45)                     # vowels written before their consonant


def split_scripts(tokens: list[str], counts: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Tokens (flat) and how many each of n chunks has, (n,) int64, cut further, in the same form.

    Where no token has such a script, what came in is returned.
    """
    joined = "".join(tokens)
    if joined.isascii():
        return tokens, counts
    points = _points(joined)
    if points.max() < _FIRST:
        return tokens, counts
    ends = np.cumsum(np.fromiter(map(len, tokens), np.int64, len(tokens)))
    kinds = _kinds()[points]
    touched = np.unique(np.searchsorted(ends, np.flatnonzero((kinds != 0) & (kinds != _MARK)), side="right"))
    if not len(touched):
        return tokens, counts
    pieces, sizes = _cut([tokens[k] for k in touched.tolist()])
    out: list[str] = []
    done = taken = 0
    for k, size in zip(touched.tolist(), sizes.tolist()):
        out += tokens[done:k]
        out += pieces[taken : taken + size]
        done, taken = k + 1, taken + size
    out += tokens[done:]
    each = np.ones(len(tokens), np.int64)
    each[touched] = sizes
    return out, np.diff(np.r_[0, np.cumsum(each)][np.r_[0, np.cumsum(counts)]])


def _cut(tokens: list[str]) -> tuple[list[str], np.ndarray]:
    """Pieces of all tokens, flat, and (n,) int64 pieces of each."""
    text = _PAD + _PAD.join(tokens) + _PAD
    sizes = np.fromiter(map(len, tokens), np.int64, len(tokens))
    ends = np.cumsum(sizes + len(_PAD))
    firsts = ends - sizes
    points = _points(text)
    kinds, cut = _kinds()[points], np.zeros(len(points), bool)
    marks = kinds == _MARK
    marks[firsts] = False                           # a mark that starts a token has nothing to belong to
    kinds[firsts[kinds[firsts] == _MARK]] = 0
    kinds = kinds[np.maximum.accumulate(np.where(marks, 0, np.arange(len(kinds))))]
    cut[1:] = (kinds[1:] != kinds[:-1]) | (kinds[1:] == _ALONE) & ~marks[1:]
    _cut_runs(text, kinds, cut)
    inside = np.zeros(len(points) + 1, np.int64)
    inside[firsts], inside[ends] = 1, -1
    cut &= np.cumsum(inside)[:-1] > 0
    cut[firsts] = True
    starts = np.flatnonzero(cut)
    owner = np.searchsorted(ends, starts, side="right")
    stops = np.minimum(np.r_[starts[1:], len(points)], ends[owner])
    pieces = [text[a:b] for a, b in zip(starts.tolist(), stops.tolist())]
    return pieces, np.bincount(owner, minlength=len(tokens))


def _cut_runs(text: str, kinds: np.ndarray, cut: np.ndarray) -> None:
    """Marks where words or syllables start within runs of a script; `cut` is changed in place."""
    for script, pattern in _SYLLABLES.items():
        edges = np.flatnonzero(np.diff(kinds == script)) + 1        # starts and ends by turns: pads are of no script
        for low, high in edges.reshape(-1, 2).tolist():
            cut[[found.start() for found in re.compile(pattern, re.DOTALL).finditer(text, low, high)]] = True
    if (kinds == _THAI).any():
        cut |= _thai_words(np.where(kinds == _THAI, _points(text) & 0x7F, 0).astype(np.int64))


def _thai_words(x: np.ndarray) -> np.ndarray:
    """(n,) bool: where Thai words start. x: (n,) characters counted from U+0E00, 0 for others and three at either end."""
    features, total = _thai_model()
    score = np.zeros(len(x) - 5, np.int64)
    for first, span, keys, weights in features:
        key = np.zeros(len(score), np.int64)
        for k in range(first, first + span):
            key = key << 7 | x[k : k + len(score)]
        row = np.searchsorted(keys, key)
        score += np.where(keys[row] == key, weights[row], 0)
    here, before = x[3:-2], x[2:-3]
    out = np.zeros(len(x), bool)
    whole = np.isin(here, _THAI_FOLLOWS, invert=True) & np.isin(before, _THAI_LEADS, invert=True)
    out[3:-2] = (2 * score > total) & (here > 0) & (before > 0) & whole
    return out


@lru_cache(maxsize=1)
def _thai_model() -> tuple[list[tuple[int, int, np.ndarray, np.ndarray]], int]:
    """Features (first place in a window of three characters before and three from here on, length, keys, weights); the sum
    of all weights."""
    import budoux

    model = budoux.load_default_thai_parser().model
    features = []
    for letter, span, first in (("U", 1, 0), ("B", 2, 1), ("T", 3, 0)):
        names = sorted(name for name in model if name.startswith(letter))
        for place, name in enumerate(names, first):
            thai = {key: weight for key, weight in model[name].items() if all(0xE00 < ord(c) < 0xE5C for c in key)}
            rows = sorted((_key(key), weight) for key, weight in thai.items())
            keys, weights = zip(*rows, (1 << 7 * span, 0))
            features.append((place, span, np.array(keys), np.array(weights)))
    return features, sum(sum(weights.values()) for weights in model.values())


def _key(characters: str) -> int:
    key = 0
    for character in characters:
        key = key << 7 | ord(character) & 0x7F
    return key


@lru_cache(maxsize=1)
def _kinds() -> np.ndarray:
    """(0x110000,) uint8: the script of each code point, of those above; 0 for all others."""
    table = np.zeros(0x110000, np.uint8)
    for kind, listed in _RANGES.items():
        for item in listed.split():
            low, _, high = item.partition("-")
            table[int(low, 16) : int(high or low, 16) + 1] = kind
    return table


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
