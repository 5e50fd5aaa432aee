"""The matching form of a text: NFC, lower case, `\\w+`. Dedup, removal and decontamination compare texts in it.

White space is no part of a word and composes with nothing, so the words of a text are those of its chunks, and each
distinct chunk is looked at once. Stored text is never rewritten to it. What `\\w` means follows the interpreter's
Unicode tables.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from corpus.text.chunks import Lists, Strings, Vocabulary, cut_texts, joined, utf8
from corpus.text.nfc import nfc

#: Texts as columns have them; lists are for tests and for what is small.
Texts = pa.Array | pa.ChunkedArray | Sequence[str | None]

_WORDS_OR_END = re.compile(r"\w+|\n")
_WORDS = re.compile(r"\w+")
_NO_WORDS = b"corpus-no-words"
_AT_ONCE = 1 << 16                                  # chunks looked at together; bounds memory, decides nothing


class MatchingWords:
    """The hashes of each chunk's matching words, in order."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._chunks = vocabulary
        self._words = Strings()
        self._hashes = np.empty(0, np.uint64)
        self.lists = Lists(np.uint64)

    def cover(self) -> Lists:
        """Hashes of all chunks that the vocabulary has by now."""
        with self._chunks.lock:
            while self.lists.count < len(self._chunks):
                self._add(self.lists.count, min(self.lists.count + _AT_ONCE, len(self._chunks)))
            return self.lists

    def _add(self, first: int, past: int) -> None:
        data, _ = self._chunks.raw(first, past)
        text = nfc(data.tobytes().decode()).lower()
        found = _WORDS_OR_END.findall(text)
        ids, _, _, _ = self._words.ids_of(*joined(found))      # line feeds among them are white space, so no ids
        self._hash()
        ends = np.flatnonzero(np.fromiter((w == "\n" for w in found), bool, len(found)))
        self.lists.append(np.diff(ends, prepend=-1) - 1, self._hashes[ids])

    def _hash(self) -> None:
        known = len(self._hashes)
        new = b"".join(word_hash(w) for w in self._words.listed(known, len(self._words)))
        self._hashes = np.concatenate((self._hashes, np.frombuffer(new, "<u8")))


def matching_hashes(texts: Texts) -> tuple[np.ndarray, np.ndarray]:
    """The words that texts are compared by, `re.findall(r"\\w+", NFC(text).lower())` for each, as 64-bit hashes.

    Returns all of them in the order of the texts, uint64, and (m + 1,) int64 offsets: text i has those from offsets[i].
    A word's hash is the first 8 bytes of its blake2b, little-endian. A null has no words.
    """
    from corpus.text import kernels

    chunks = cut_texts(*utf8(texts))
    lists = chunks.vocabulary.layer(MatchingWords, MatchingWords).cover()
    first, flat = lists.first, lists.flat
    offsets = np.empty(len(chunks) + 1, np.int64)
    kernels.spread(chunks.ids, chunks.starts, first, flat, flat[:0], offsets)
    hashes = np.empty(int(offsets[-1]), np.uint64)
    if len(hashes):
        kernels.spread(chunks.ids, chunks.starts, first, flat, hashes, offsets)
    return hashes, offsets


def word_hash(word: str) -> bytes:
    """(8 bytes) the first of blake2b of a word."""
    return hashlib.blake2b(word.encode(), digest_size=8).digest()


def text_digests(texts: Texts, hashed: tuple[np.ndarray, np.ndarray] | None = None) -> pa.Array:
    """(m,) binary(16): blake2b of the hashes of each text's matching words, or of the text where it has no word.

    hashed: `matching_hashes(texts)`, where the caller has them already.
    """
    hashes, offsets = hashed if hashed is not None else matching_hashes(texts)
    raw, edges = memoryview(hashes.astype("<u8", copy=False).tobytes()), (8 * offsets).tolist()
    digests = [hashlib.blake2b(raw[lo:hi], digest_size=16).digest() for lo, hi in zip(edges[:-1], edges[1:])]
    for i in np.flatnonzero(np.diff(offsets) == 0).tolist():
        text = (texts[i] if isinstance(texts, Sequence) else texts[i].as_py()) or ""
        digests[i] = hashlib.blake2b(text.encode(), digest_size=16, person=_NO_WORDS).digest()
    return pa.array(digests, pa.binary(16))


def matching_words(text: str) -> list[str]:
    """The words that one text is compared by, as strings: for what looks at their letters."""
    return _WORDS.findall(nfc(text).lower())
