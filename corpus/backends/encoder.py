"""A sentence encoder on transformers: the transformer, pooling and dense layers of a model folder, and nothing else.

Reads the layout of sentence-transformers (`modules.json`, one folder a module) and plain Hugging Face folders (mean
pooling). Gives up prompts, several pooling modes at once, and modules other than Transformer, Pooling, Dense, Normalize.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import ConfigError, MissingExtra, MissingFile

POOLING = ("mean", "cls", "lasttoken")
#: Text is cut at this many characters for each token that is kept, so that a book is not tokenised for its first page.
CHARACTERS_PER_TOKEN = 50


@dataclass(frozen=True)
class Layout:
    """What a model folder says of itself: where its transformer lies, how tokens become a vector, its size."""

    transformer: Path
    pooling: str
    dense: tuple[Path, ...]
    dim: int
    longest: int   # tokens that the model can take


def layout(folder: Path) -> Layout:
    """Reads the JSON files of a model folder; needs no torch. `ConfigError` for a module that is not known here."""
    modules = _json(folder / "modules.json", [])
    transformer, pooling, dense = folder, "mean", []
    for module in modules:
        kind, path = module["type"].rsplit(".", 1)[-1], folder / module.get("path", "")
        if kind == "Transformer":
            transformer = path
        elif kind == "Pooling":
            pooling = _pooling(path)
        elif kind == "Dense":
            dense.append(path)
        elif kind != "Normalize":
            raise ConfigError("embed.model", f"{folder.name} has a module of type {kind}",
                              "a model of Transformer, Pooling, Dense and Normalize modules")
    config = _json(transformer / "config.json", None)
    if config is None:
        raise MissingFile(str(transformer / "config.json"), "embed.model", "a model folder has a config.json")
    dim = _json(dense[-1] / "config.json", {})["out_features"] if dense else config["hidden_size"]
    longest = config.get("max_position_embeddings") or 512
    return Layout(transformer, pooling, tuple(dense), int(dim), int(longest))


def _pooling(path: Path) -> str:
    found = _json(path / "config.json", {})
    mode = found.get("pooling_mode")
    if mode is None:
        old = {"cls_token": "cls", "mean_tokens": "mean", "lasttoken": "lasttoken", "max_tokens": "max",
               "mean_sqrt_len_tokens": "mean_sqrt_len", "weightedmean_tokens": "weightedmean"}
        on = [new for name, new in old.items() if found.get(f"pooling_mode_{name}")]
        mode = on[0] if len(on) == 1 else "+".join(on) or "mean"
    if mode not in POOLING:
        raise ConfigError("embed.model", f"pooling '{mode}'", "one of " + ", ".join(POOLING))
    return mode


def _json(path: Path, default: Any) -> Any:
    return json.loads(path.read_text("utf-8")) if path.is_file() else default


def batches(lengths: Sequence[int], budget: int) -> list[np.ndarray]:
    """Row numbers in batches of at most `budget` padded tokens (one row alone may be longer), shortest rows first.

    A pure function of the lengths: rows are ordered by (length, row), so nothing of the machine enters.
    """
    lengths = np.asarray(lengths, np.int64)
    order = np.lexsort((np.arange(len(lengths)), lengths))
    found, start = [], 0
    for i, row in enumerate(order):
        if i > start and (i - start + 1) * lengths[row] > budget:
            found.append(order[start:i])
            start = i
    if start < len(order):
        found.append(order[start:])
    return found


class Encoder:
    """A loaded model. Lives in a process, shared by the tasks that run there."""

    def __init__(self, folder: Path, dtype: str, device: str) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")   # parallel over tasks, not inside one
        try:
            import torch
        except ImportError:
            raise MissingExtra("torch", "cpu") from None
        try:
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging
        except ImportError:
            raise MissingExtra("transformers", "cpu") from None
        logging.disable_progress_bar()   # progress is the engine's to show
        self.layout = layout(folder)
        where = str(self.layout.transformer)
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.tokenizer = AutoTokenizer.from_pretrained(where, local_files_only=True)
        model = AutoModel.from_pretrained(where, local_files_only=True, use_safetensors=_safe(self.layout.transformer))
        self.model = model.to(self.device, getattr(torch, dtype)).eval()
        self.dense = [_Dense(path, self.device) for path in self.layout.dense]

    def encode(self, texts: Sequence[str], max_length: int, batch_tokens: int) -> np.ndarray:
        """(n, dim) float32, unit rows, in the order of the texts."""
        import torch

        out = np.zeros((len(texts), self.layout.dim), np.float32)
        if not len(texts):
            return out
        longest = min(max_length, self.layout.longest)
        cut = [t[: longest * CHARACTERS_PER_TOKEN] for t in texts]
        ids = self.tokenizer(cut, truncation=True, max_length=longest, padding=False, return_token_type_ids=False,
                             return_attention_mask=False, verbose=False)["input_ids"]
        ids = [i or [self.tokenizer.pad_token_id or 0] for i in ids]   # a tokenizer without special tokens, an empty text
        with torch.inference_mode():
            for rows in batches([len(i) for i in ids], batch_tokens):
                out[rows] = self._batch([ids[r] for r in rows])
        return out

    def _batch(self, ids: list[list[int]]) -> np.ndarray:
        import torch

        width = max(map(len, ids))
        tokens = torch.full((len(ids), width), self.tokenizer.pad_token_id or 0, dtype=torch.long)
        mask = torch.zeros((len(ids), width), dtype=torch.long)
        for row, found in enumerate(ids):
            tokens[row, : len(found)] = torch.tensor(found)
            mask[row, : len(found)] = 1
        tokens, mask = tokens.to(self.device), mask.to(self.device)
        states = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
        if self.layout.pooling == "cls":
            pooled = states[:, 0]
        elif self.layout.pooling == "lasttoken":
            pooled = states[torch.arange(len(ids)), mask.sum(1) - 1]
        else:
            pooled = (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        for layer in self.dense:
            pooled = layer(pooled)
        return torch.nn.functional.normalize(pooled, dim=1).cpu().numpy()


class _Dense:
    """A Dense module: a linear map and an activation, from safetensors."""

    def __init__(self, path: Path, device: Any) -> None:
        import torch
        from safetensors.torch import load_file

        known = {"Identity": lambda x: x, "Tanh": torch.tanh, "ReLU": torch.relu, "GELU": torch.nn.functional.gelu}
        name = _json(path / "config.json", {}).get("activation_function", "Identity").rsplit(".", 1)[-1]
        if name not in known:
            raise ConfigError("embed.model", f"a Dense module with activation {name}", "one of " + ", ".join(known))
        weights = load_file(str(path / "model.safetensors"))
        self.weight = weights["linear.weight"].float().to(device)
        self.bias = weights["linear.bias"].float().to(device) if "linear.bias" in weights else None
        self.activation = known[name]

    def __call__(self, x: Any) -> Any:
        import torch

        return self.activation(torch.nn.functional.linear(x, self.weight, self.bias))


def _safe(folder: Path) -> bool:
    """Weights load as safetensors; a pickle is refused even where it is the only file."""
    if not any(folder.glob("*.safetensors")):
        raise MissingFile(str(folder / "model.safetensors"), "embed.model", "weights are read from safetensors alone")
    return True


@functools.lru_cache(maxsize=1)
def load(folder: Path, dtype: str, device: str) -> Encoder:
    """The one model that this process keeps."""
    return Encoder(folder, dtype, device)
