"""The matching form of a text: NFC, lower case, `\\w+`. Dedup, removal and decontamination compare texts in it.

Stored text is never rewritten to it. What `\\w` means follows the interpreter's Unicode tables.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.text.characters import word_characters
from corpus.text.words import Words, split

_JOIN_BLOCK = 1 << 22                               # words joined at a time; bounds memory, decides nothing


def matching_words(texts: Sequence[str | None]) -> Words:
    """The words that texts are compared by: equal to `re.findall(r"\\w+", NFC(text).lower())` for each."""
    return split([None if t is None else unicodedata.normalize("NFC", t).lower() for t in texts], cut_matching)


def text_digests(texts: Sequence[str | None], words: Words | None = None) -> pa.Array:
    """(m,) binary(16): blake2b of each text's matching words joined by spaces, or of the text where it has no word.

    words: `matching_words(texts)`, where the caller has them already.
    """
    words = words if words is not None else matching_words(texts)
    digests: list[bytes] = []
    for first, past in words.blocks(_JOIN_BLOCK):
        digests.extend(hashlib.blake2b(joined, digest_size=16).digest() for joined in _joined(words, first, past))
    for i in np.flatnonzero(words.counts == 0):
        digests[i] = hashlib.blake2b((texts[i] or "").encode(), digest_size=16, person=b"corpus-no-words").digest()
    return pa.array(digests, pa.binary(16))


def _joined(words: Words, first: int, past: int) -> list[bytes]:
    lo, hi = words.offsets[first], words.offsets[past]
    flat = words.vocabulary.take(pa.array(words.ids[lo:hi])).cast(pa.string())
    lists = pa.ListArray.from_arrays(pa.array((words.offsets[first : past + 1] - lo).astype(np.int32)), flat)
    return pc.binary_join(lists, " ").cast(pa.binary()).to_pylist()


def cut_matching(points: np.ndarray, opens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where runs of `\\w` and of anything else start, and which are `\\w` (a `Cutter`)."""
    word = word_characters()[points]
    start = opens.copy()
    start[1:] |= word[1:] != word[:-1]
    return start, word
