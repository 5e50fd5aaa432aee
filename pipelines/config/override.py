"""What a command says in place of the build file: another mixture, budget, tokenizer, or what a trainer has read already."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from corpus.errors import ConfigError, MissingFile
from pipelines.config import schema
from pipelines.config.load import Build, remade
from pipelines.config.reading import parse_yaml


@dataclass(frozen=True)
class Overrides:
    """weights: a file of weights. retokenize: a tokenizer (a path, or a spec as in a build file); with `rebudget` documents
    are drawn by it, without they stay as they were drawn. after: RECEIPT@TOKENS. carry: evidence of other data counts.
    """

    weights: str | None = None
    budget: int | None = None
    retokenize: str | None = None
    rebudget: bool = False
    after: str | None = None
    carry: bool = False


def overridden(build: Build, said: Overrides) -> Build:
    """The same build, as it would be with these in its file. Errors name the option or the file that it gave."""
    mixture: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    if said.budget is not None:
        if build.file.mixture.schedule:
            raise ConfigError("--budget", "the build has a schedule, whose phases say how many tokens there are",
                              "mixture.schedule in the build file")
        mixture["budget_tokens"] = said.budget
    if said.weights is not None:
        if build.file.mixture.schedule:
            raise ConfigError("--weights", "the build has a schedule, whose phases have weights of their own",
                              "mixture.schedule in the build file")
        if os.path.isdir(said.weights):
            raise ConfigError("--weights", f"{said.weights} is a folder", "a file of weights")
        mixture["weights"] = os.path.abspath(said.weights)
    if said.carry:
        mixture["carry"] = True
    if said.after is not None:
        mixture["after"] = after(said.after)
    if said.rebudget and said.retokenize is None:
        raise ConfigError("--rebudget", "says how documents are drawn for another tokenizer", "--retokenize as well")
    if said.retokenize is not None:
        spec = tokenizer_spec(said.retokenize)
        whole |= {"tokens": spec, "retokenize": None} if said.rebudget else {"retokenize": spec}
    if not (mixture or whole):
        return build
    changed = build.file.mixture.model_copy(update=mixture)
    return remade(build, build.file.model_copy(update={"mixture": changed} | whole))


def after(said: str) -> schema.After:
    """RECEIPT@TOKENS, where TOKENS may have underscores or commas."""
    path, at, tokens = said.rpartition("@")
    digits = tokens.replace("_", "").replace(",", "")
    if not at or not path or not digits.isdigit():
        raise ConfigError("--after", f"'{said}' is not RECEIPT@TOKENS", "such as run1/receipt.json@2_000_000_000")
    path = os.path.join(path, "receipt.json") if os.path.isdir(path) else path
    if not os.path.isfile(path):
        raise MissingFile(path, "--after", "the receipt of the shards that were trained on")
    return schema.After(receipt=os.path.abspath(path), tokens=int(digits))


def tokenizer_spec(said: str) -> schema.Spec:
    """A path or package:… as a tokenizer to pin, or a spec as the build file has it: {use: pin, tokenizer: …, eos: …}."""
    if said.lstrip().startswith("{"):
        found = parse_yaml(said, "--retokenize")
        if not isinstance(found, dict):
            raise ConfigError("--retokenize", said, "{use: pin, tokenizer: PATH, eos: NAME}")
        return found
    if "://" in said or said.startswith(("package:", "hf:")):
        return {"use": "pin", "tokenizer": said}
    return {"use": "pin", "tokenizer": os.path.abspath(said)}
