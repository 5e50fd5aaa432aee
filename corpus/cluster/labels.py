"""Names for domains: the words that set a domain's documents apart. For people; nothing downstream reads them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

#: Letters only, three or more; a longer run is no word.
WORD = re.compile(r"[^\W\d_]{3,30}")

#: A share of documents under which it does not matter how rare a word is elsewhere.
FAINT = 0.05


def words(text: str, characters: int) -> set[str]:
    """The distinct lower-case words at the start of a text."""
    return set(WORD.findall(text[:characters].lower()))


def label(classes: Mapping[str, Sequence[str]], terms: int = 3, characters: int = 4000) -> dict[str, str]:
    """Top terms of each class, in order, joined by spaces: class-based TF-IDF (after Grootendorst 2022) on documents.

    classes: name → texts. A term's frequency is the share of a class's texts that have it, so one long text cannot name
    a class; its weight is the log of that share over the mean share in the other classes, which is about 0 for a word
    that all are full of: stop words need no list, in any language that several classes share. A class of which nothing
    is left is "".
    """
    shares: dict[str, Counter[str]] = {}
    for name, texts in classes.items():
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(words(text, characters))
        shares[name] = Counter({word: n / len(texts) for word, n in counts.items() if n > 1 or len(texts) < 10})
    total: Counter[str] = Counter()
    for share in shares.values():
        for word, value in share.items():
            total[word] += value
    found = {}
    for name, share in shares.items():
        others = max(1, len(classes) - 1)
        scored = [(-value * np.log((value + FAINT) / ((total[word] - value) / others + FAINT)), word)
                  for word, value in share.items()]
        found[name] = " ".join(word for score, word in sorted(scored)[:terms] if score < 0)
    return found
