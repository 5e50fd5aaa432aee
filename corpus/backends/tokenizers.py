"""Libraries that turn text into token ids, all to the same ids or not at all: the two reference ones, and two that are
many times as fast on text they see for the first time.

Every library gets whole texts as UTF-8 and gives flat ids. None of them sees control tokens: text is only ever text.
Given up: threads. Workers are the parallelism, and a library's own threads do not live through a fork.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from corpus.errors import MissingExtra

#: Memory after which a library is opened anew, in bytes: gigatoken keeps each distinct word that it has met, half a byte for
#: a byte of the web, 10 bytes for a byte of text that never repeats.
FORGET_AFTER = 1 << 27

_NEVER_IN_UTF8 = {0xC0, 0xC1, *range(0xF5, 256)}
_PRINTABLE = {*range(33, 127), *range(161, 173), *range(174, 256)}


@dataclass(frozen=True)
class Control:
    """A token that text never becomes. `lstrip`, `rstrip`: it takes the space before or after it along, where a template
    spells it.
    """

    name: str
    id: int
    lstrip: bool = False
    rstrip: bool = False


class Backend(Protocol):
    """An opened tokenizer of one library."""

    name: ClassVar[str]

    def encode(self, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """texts: n of valid UTF-8. Returns ids end to end (t,) uint32 and ids a text (n,) int64."""
        ...


class HuggingFace:
    """The reference for `tokenizer.json`. Source: the `tokenizers` package."""

    name = "tokenizers"

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    @classmethod
    def of(cls, data: bytes) -> HuggingFace:
        """data: a `tokenizer.json`."""
        found = library().Tokenizer.from_str(data.decode())
        plain(found)
        return cls(found)

    def controls(self) -> tuple[Control, ...]:
        """The control tokens, by id."""
        added = sorted(self.tokenizer.get_added_tokens_decoder().items())
        return tuple(Control(token.content, i, token.lstrip, token.rstrip) for i, token in added if token.special)

    def encode(self, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        found = self.tokenizer.encode_batch_fast([text.decode() for text in texts], add_special_tokens=False)
        return _joined([np.array(one.ids, np.uint32) for one in found])

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some ids; control ids are left out."""
        return self.tokenizer.decode([int(i) for i in ids], skip_special_tokens=True)


class SentencePiece:
    """The reference for a SentencePiece `.model`. Source: the `sentencepiece` package. Its normalisation loses spaces that
    the model does not keep: that is the model's doing, and decoding gives the normalised text.
    """

    name = "sentencepiece"

    def __init__(self, processor: Any) -> None:
        self.processor = processor

    @classmethod
    def of(cls, data: bytes) -> SentencePiece:
        """data: a `.model` file."""
        if importlib.util.find_spec("sentencepiece") is None:
            raise MissingExtra("sentencepiece", "tokens")
        import sentencepiece

        return cls(sentencepiece.SentencePieceProcessor(model_proto=data))

    def controls(self) -> tuple[Control, ...]:
        """The control tokens, by id."""
        found = self.processor
        return tuple(Control(found.id_to_piece(i), i) for i in range(found.vocab_size()) if found.is_control(i))

    def encode(self, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        return _joined([np.array(self.processor.encode(text.decode()), np.uint32) for text in texts])

    def decode(self, ids: Sequence[int]) -> str:
        """The text of some ids; control ids are left out."""
        return self.processor.decode([int(i) for i in ids if not self.processor.is_control(int(i))])


class Gigatoken:
    """Byte-level and byte-fallback BPE. Source: the `gigatoken` package. It is opened anew when it has learnt so many words
    that the process has grown by `FORGET_AFTER` bytes.
    """

    name = "gigatoken"

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make, self._opened, self._grown = make, make(), 0

    @classmethod
    def open(cls, data: str) -> Gigatoken | None:
        """data: a `tokenizer.json` without control tokens. None where the library cannot hold it, or is not there."""
        if missing_bytes(json.loads(data)["model"]):       # the library ends in a panic, with a message to the terminal
            return None
        import gigatoken

        return cls(lambda: gigatoken.Tokenizer.from_json(data))

    def encode(self, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        if self._grown > FORGET_AFTER:
            self._opened, self._grown = self._make(), 0
        before = _resident()
        found = self._opened.encode_batch(list(texts), parallel=False).layout
        starts, flat = np.asarray(found.offsets, np.int64), np.asarray(found.content.data)
        self._grown += max(0, _resident() - before - flat.nbytes) if before else 4 * sum(map(len, texts))
        return flat[starts[0] : starts[-1]], np.diff(starts)


class Snaptokens:
    """Byte-level BPE. Source: the `snaptokens` package. Its memory is bounded; it has a pool of threads, of one here, and
    waits for ever for it in a process forked from one that has used it: there it refuses.
    """

    name = "snaptokens"
    _pool: ClassVar[int | None] = None

    def __init__(self, opened: Any) -> None:
        self._opened = opened

    @classmethod
    def open(cls, data: str) -> Snaptokens | None:
        """data: a `tokenizer.json` without control tokens. ValueError where the library cannot hold it."""
        os.environ.setdefault("RAYON_NUM_THREADS", "1")
        import snaptokens

        return cls(snaptokens.Tokenizer.from_json_str(data))

    def encode(self, texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        if not texts:
            return np.zeros(0, np.uint32), np.zeros(0, np.int64)
        if Snaptokens._pool not in (None, os.getpid()):
            raise RuntimeError("snaptokens cannot be used in a process forked from one that has used it")
        Snaptokens._pool = os.getpid()
        flat, starts = self._opened.encode_batch_flat([text.decode() for text in texts])
        bounds = np.frombuffer(starts, "<u8").astype(np.int64)
        return np.frombuffer(flat, "<u4"), np.diff(bounds)


#: Fast libraries in the order in which they are tried.
FAST: tuple[type[Gigatoken] | type[Snaptokens], ...] = (Gigatoken, Snaptokens)


def without_controls(data: str) -> str:
    """A `tokenizer.json` in which no text is a control token, for libraries that would look for them."""
    found = json.loads(data)
    found["added_tokens"] = [token for token in found.get("added_tokens") or [] if not token["special"]]
    found |= {"post_processor": None, "truncation": None, "padding": None}
    return json.dumps(found, ensure_ascii=False)


def sentencepiece_json(model: bytes) -> str | None:
    """A `tokenizer.json` that does what a SentencePiece BPE model does; None where gigatoken is missing or cannot say."""
    if importlib.util.find_spec("gigatoken") is None:
        return None
    import gigatoken

    try:
        return gigatoken.Tokenizer.from_sentencepiece(model)._hf_json
    except ValueError:                                     # a unigram model, or one without bytes to fall back to
        return None


def refused(error: BaseException) -> bool:
    """Whether an error is a library's way of saying that it cannot: its own kinds, and Rust's panics, which are no
    `Exception`. What people or the machine did (interrupts, memory) is not.
    """
    known = (ValueError, TypeError, KeyError, RuntimeError, NotImplementedError, ImportError, OSError)
    return isinstance(error, known) or type(error).__name__ == "PanicException"


def plain(tokenizer: Any) -> None:
    """Makes a Hugging Face tokenizer encode text and nothing but text: no control ids, nothing cut off or filled up."""
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()


def library() -> Any:
    """The `tokenizers` package with its parts."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"   # workers are the parallelism, and forked threads would hang
    import tokenizers
    import tokenizers.decoders
    import tokenizers.models
    import tokenizers.pre_tokenizers
    import tokenizers.trainers

    return tokenizers


def byte_letters() -> list[str]:
    """GPT-2's letter for each of the 256 bytes: itself where it prints, else the next free letter from 256 on."""
    free = iter(range(256, 512))
    return [chr(byte) if byte in _PRINTABLE else chr(next(free)) for byte in range(256)]


def missing_bytes(model: dict[str, Any]) -> bytes:
    """Bytes of UTF-8 that a byte-level vocabulary has no token for: the reference leaves them out of its ids, and faster
    libraries refuse text that has them.
    """
    known = model.get("vocab", {})
    return b"" if model.get("byte_fallback") else bytes(
        byte for byte, letter in enumerate(byte_letters()) if letter not in known and byte not in _NEVER_IN_UTF8)


def _resident() -> int:
    """Bytes of memory that this process holds; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _joined(pieces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    return np.concatenate(pieces) if pieces else np.zeros(0, np.uint32), lengths
