"""Documents as token ids: whole documents, begun by BOS and ended by EOS as the tokenizer's policy says, in its dtype.

Text is only ever text: a page that spells a control token gets the ids of those characters. The fastest library that is
exact does the work (`corpus.tokens.fast`); the reference looks at a share of it. Given up: truncation and special cases of
text; packing into sequences is a packer's business, chat templates are `corpus.tokens.chat`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.backends.tokenizers import Backend, Control, HuggingFace, SentencePiece, refused
from corpus.tokens import fast

#: Bytes of text given to a library at once: the reference costs about a hundred bytes a token while its answer lives.
BATCH_BYTES = 1 << 22
REFERENCE = "reference"


@dataclass
class Encoder:
    """An opened tokenizer folder. Holds live models: made inside a task, never pickled.

    dtype is that of ids. `start_over` is set where a fast library was found wrong after other batches had been answered:
    the encoder uses the reference from then on, and whoever keeps those earlier ids encodes everything again.
    """

    vocab_size: int
    bos: str | None
    bos_id: int | None
    eos: str | None
    eos_id: int | None
    dtype: np.dtype
    kind: str
    reference: HuggingFace | SentencePiece = field(repr=False)
    start_over: bool = False
    _fast: Backend | None = field(default=None, repr=False)
    _fell_back: str = field(default="", repr=False)
    _answered: bool = field(default=False, repr=False)

    @classmethod
    def open(cls, folder: Path, backend: str | None = None) -> Encoder:
        """folder: as written by an operator of kind `tokenizer`. backend: the name of the library to encode with, or
        "reference"; None: the fastest that is exact.
        """
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        reference, found = fast.open_both(folder, "" if backend == REFERENCE else backend)
        return cls(about["vocab_size"], about["bos"], about["bos_id"], about["eos"], about["eos_id"],
                   np.dtype(about["dtype"]), about["kind"], reference, _fast=found)

    @property
    def backend(self) -> str:
        """Name of the library that encodes."""
        return self.reference.name if self._fast is None else self._fast.name

    def controls(self) -> tuple[Control, ...]:
        """The tokens that text never becomes, by id."""
        return self.reference.controls()

    def notes(self) -> dict[str, int]:
        """What people should be told, as counts: that a fast library was not exact, and which."""
        return {"tokenizer_fallback": 1, f"tokenizer_fallback.{self._fell_back}": 1} if self._fell_back else {}

    def encode_batch(self, texts: Sequence[str] | pa.Array | pa.ChunkedArray, bare: bool = False
                     ) -> tuple[np.ndarray, np.ndarray]:
        """Ids of all texts end to end (t,) of `dtype`, and offsets (n + 1,) int64. A text's first id is BOS and its last
        EOS, where the tokenizer has them. texts: an Arrow column is faster than a list. bare: without BOS and EOS.
        """
        data = _bytes(texts)
        parts = self._encode(data)
        lengths = np.concatenate([np.zeros(0, np.int64), *(lengths for _, lengths in parts)])
        ends = (self.bos_id is not None and not bare, self.eos_id is not None and not bare)
        offsets = np.r_[np.int64(0), np.cumsum(lengths + sum(ends))]
        flat = np.empty(offsets[-1], self.dtype)
        inside = np.ones(len(flat), bool) if any(ends) else slice(None)
        for wanted, places, number in ((ends[0], offsets[:-1], self.bos_id), (ends[1], offsets[1:] - 1, self.eos_id)):
            if wanted:
                flat[places] = number
                inside[places] = False
        flat[inside] = np.concatenate([np.zeros(0, np.uint32), *(ids for ids, _ in parts)])
        return flat, offsets

    def decode(self, ids: Sequence[int]) -> str:
        """The text of a document's ids; control ids are left out."""
        return self.reference.decode(ids)

    def _encode(self, texts: list[bytes]) -> list[tuple[np.ndarray, np.ndarray]]:
        ranges = list(_batches(texts))
        if self._fast is not None:
            found = []
            for start, stop in ranges:
                believed = self._believed(self._fast, texts[start:stop])
                if believed is None:
                    self._fell_back, self._fast = self._fast.name, None
                    self.start_over = self._answered
                    break
                found.append(believed)
            else:
                self._answered = True
                return found
        return [self.reference.encode(texts[start:stop]) for start, stop in ranges]

    def _believed(self, library: Backend, texts: list[bytes]) -> tuple[np.ndarray, np.ndarray] | None:
        """What a fast library makes of texts; None where the reference makes something else of one it looked at."""
        try:
            flat, lengths = library.encode(texts)
        except BaseException as error:
            if not refused(error):
                raise
            return None
        looked = fast.to_check(texts)
        if len(lengths) != len(texts) or len(flat) != lengths.sum() or (len(flat) and int(flat.max()) >= self.vocab_size):
            return None
        stops = np.cumsum(lengths)
        for i in looked:
            begun = fast.beginning(texts[i])
            if len(begun) < len(texts[i]):
                same = fast.agree(library, self.reference, [begun])
            else:
                same = np.array_equal(flat[stops[i] - lengths[i] : stops[i]], self.reference.encode([begun])[0])
            if not same:
                return None
        return flat, lengths


def _bytes(texts: Sequence[str] | pa.Array | pa.ChunkedArray) -> list[bytes]:
    if isinstance(texts, (pa.Array, pa.ChunkedArray)):
        return pc.cast(texts, pa.large_binary()).to_pylist()
    return [text.encode() for text in texts]


def _batches(texts: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Ranges of about `BATCH_BYTES`, at least one text each."""
    start = size = 0
    for i, text in enumerate(texts):
        if i > start and size + len(text) > BATCH_BYTES:
            yield start, i
            start, size = i, 0
        size += len(text)
    if start < len(texts):
        yield start, len(texts)
