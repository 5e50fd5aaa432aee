"""A fast library for a pinned tokenizer, believed only where it agrees with the reference: on hostile text when it is
opened, and on a share of all text while it runs. Ids never depend on which libraries are installed; speed does.
"""

from __future__ import annotations

import importlib.util
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from corpus import keys
from corpus.backends import tokenizers as backends
from corpus.backends.tokenizers import Backend, HuggingFace, SentencePiece
from corpus.tokens.sample import hostile

#: One text in this many is encoded a second time, by the reference. The reference takes 50 times as long, so this is a
#: tenth of the time of encoding.
CHECK_ONE_IN = 512
#: Bytes of a text that are looked at twice: a longer one is tried on its beginning.
CHECK_BYTES = 1 << 20

_KEPT = 4
_REFERENCES: dict[str, HuggingFace | SentencePiece] = {}
_LIBRARIES: dict[tuple[str, str], Backend | None] = {}


class Routed:
    """A library that does not take every byte: text with one of those goes to the reference, all other text to it."""

    def __init__(self, library: Backend, reference: Backend, missing: bytes) -> None:
        self.name, self._library, self._reference, self._missing = library.name, library, reference, missing  # type: ignore

    def encode(self, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        odd = np.array([any(byte in text for byte in self._missing) for text in texts], bool)
        if not odd.any():
            return self._library.encode(texts)
        lengths, pieces = np.zeros(len(texts), np.int64), [np.zeros(0, np.uint32)] * len(texts)
        for library, rows in ((self._library, np.flatnonzero(~odd)), (self._reference, np.flatnonzero(odd))):
            flat, found = library.encode([texts[i] for i in rows])
            lengths[rows] = found
            for i, piece in zip(rows, np.split(flat, np.cumsum(found)[:-1]) if len(rows) else ()):
                pieces[i] = piece
        return np.concatenate(pieces), lengths


def open_both(folder: Path, only: str | None = None) -> tuple[HuggingFace | SentencePiece, Backend | None]:
    """The library that says what the right ids are, and the first fast one that can hold the tokenizer and gets all hostile
    text right; None where there is none. They are kept for the next task of this process: opening costs up to a second, and
    the fast one has learnt words.

    folder: as written by a `tokenizer` operator. only: the name of one fast library to try; "" for none.
    """
    model = folder / "tokenizer.model"
    data = (model if model.is_file() else folder / "tokenizer.json").read_bytes()
    digest = keys.digest_bytes(data)
    if digest not in _REFERENCES:
        _room(_REFERENCES)
        _REFERENCES[digest] = SentencePiece.of(data) if model.is_file() else HuggingFace.of(data)
    reference = _REFERENCES[digest]
    for kind in backends.FAST:
        if only not in (None, kind.name) or importlib.util.find_spec(kind.name) is None:
            continue
        if (digest, kind.name) not in _LIBRARIES:
            _room(_LIBRARIES)
            _LIBRARIES[digest, kind.name] = _tried(kind, data, reference)
        if _LIBRARIES[digest, kind.name] is not None:
            return reference, _LIBRARIES[digest, kind.name]
    return reference, None


def agree(one: Backend, other: Backend, texts: Sequence[bytes]) -> bool:
    """Whether two libraries give the same ids for each text. A library that fails on text does not agree."""
    try:
        (ids, lengths), (other_ids, other_lengths) = one.encode(texts), other.encode(texts)
    except BaseException as error:
        if not backends.refused(error):
            raise
        return False
    return np.array_equal(lengths, other_lengths) and np.array_equal(ids, other_ids)


def to_check(texts: Sequence[bytes]) -> list[int]:
    """Which texts are encoded twice: one in `CHECK_ONE_IN`, told from what they say, wherever and beside what they lie."""
    return [i for i, text in enumerate(texts)
            if zlib.crc32(text[-256:], zlib.crc32(text[:256]) ^ len(text)) % CHECK_ONE_IN == 0]


def beginning(text: bytes) -> bytes:
    """The first `CHECK_BYTES` of a text, whole characters."""
    return text if len(text) <= CHECK_BYTES else text[:CHECK_BYTES].decode(errors="ignore").encode()


def _tried(kind: type, data: bytes, reference: HuggingFace | SentencePiece) -> Backend | None:
    described = backends.sentencepiece_json(data) if isinstance(reference, SentencePiece) else data.decode()
    if described is None or json.loads(described)["model"].get("type") != "BPE":
        return None
    bare = backends.without_controls(described)
    try:
        found = kind.open(bare)
    except BaseException as error:
        if not backends.refused(error):
            raise
        return None
    missing = backends.missing_bytes(json.loads(bare)["model"])
    if found is not None and missing:
        found = Routed(found, reference, missing)
    names = [control.name for control in reference.controls()]
    return found if found is not None and agree(found, reference, hostile(names)) else None


def _room(opened: dict) -> None:
    while len(opened) >= _KEPT:
        opened.pop(next(iter(opened)))
