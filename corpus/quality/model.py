"""A trained classifier on disk: `model.bin` (fastText's own format) and `model.json`, which says what it was trained on, how
texts are prepared for it, and what it is worth. A fastText file of anybody else's is a classifier too.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus import assets
from corpus.backends import fasttext
from corpus.errors import ConfigError, MissingFile
from corpus.quality import calibrate
from corpus.quality.labels import ORDINAL, WORDS, Scale
from corpus.quality.prepare import CLIMB, FORMS, Preparation

BIN, CARD = "model.bin", "model.json"
SCHEMA = 1


@dataclass(frozen=True)
class Classifier:
    """A classifier that can be asked; its weights are read at the first question.

    labels: of ordinal ones, whole numbers, lowest first. positive: of words, the label whose probability is the score.
    """

    weights: Path
    labels: tuple[str, ...]
    kind: str
    preparation: Preparation
    positive: str | None = None
    calibration: dict[str, Any] | None = None
    dimension: str = "quality"

    @property
    def values(self) -> np.ndarray:
        """(k,) float64: what the ordinal labels stand for."""
        return np.array([int(name) for name in self.labels], float)

    def probabilities(self, lines: Sequence[str], calibrated: bool = False) -> np.ndarray:
        """(n, k) float32. lines: as `preparation` makes them."""
        p = fasttext.predict(self.weights, lines, self.labels)
        return calibrate.apply(self.calibration, p) if calibrated and self.calibration else p


def load(model: str, preprocessing: str | None = None, characters: int | None = None,
         positive: str | None = None) -> Classifier:
    """A folder that `corpus quality train` made, or a fastText file (`preprocessing` is `climb` where nothing is said, and
    `characters` all of them). model: as `corpus.assets` locates it. What is given stands against the model's own.
    """
    if preprocessing is not None and preprocessing not in FORMS:
        raise ConfigError("preprocessing", f"'{preprocessing}'", "one of " + ", ".join(FORMS))
    if characters is not None and characters < 0:
        raise ConfigError("characters", f"{characters} is negative", "how many characters of a text are read; 0: all")
    path = assets.locate(model)
    card = path / CARD
    if path.is_dir() and card.is_file():
        found = _of_card(path, card)
        own = found.preparation.form
        if preprocessing not in (None, own):
            raise ConfigError("preprocessing", f"'{preprocessing}', and {model} was trained on '{own}'", f"'{own}'")
    else:
        weights = _only_bin(path, model) if path.is_dir() else path
        labels = fasttext.labels_of(weights)
        try:
            labels, kind = tuple(sorted(labels, key=int)), ORDINAL
            Scale(min(-1, int(labels[0])), int(labels[-1]))
        except (ValueError, ConfigError):
            kind = WORDS
        found = Classifier(weights, labels, kind, Preparation(preprocessing or CLIMB, 0))
    if characters is not None:
        found = _with(found, preparation=Preparation(found.preparation.form, characters))
    if positive is not None:
        if found.kind == ORDINAL:
            raise ConfigError("positive", f"'{positive}', and the labels of {model} are numbers", "nothing")
        check_positive(positive, found.labels, "positive")
        found = _with(found, positive=positive)
    return found


def folders(model: str) -> dict[str, str]:
    """{dimension: model} of a folder with several classifiers; of one classifier, itself under its dimension."""
    path = assets.locate(model)
    inner = sorted(p.parent for p in path.glob(f"*/{CARD}")) if path.is_dir() and not (path / CARD).is_file() else []
    return {p.name: str(p) for p in inner} or {load(model).dimension: model}


def check_positive(positive: str, labels: Sequence[str], where: str) -> None:
    if positive not in labels:
        shown = ", ".join(sorted(labels)[:20]) + (", …" if len(labels) > 20 else "")
        raise ConfigError(where, f"'{positive}' is no label of the model", f"one of {shown}")


def _of_card(folder: Path, card: Path) -> Classifier:
    try:
        said = json.loads(card.read_text("utf-8"))
        preparation = Preparation(said["preprocessing"]["form"], int(said["preprocessing"]["characters"]))
        found = Classifier(folder / BIN, tuple(said["labels"]), said["kind"], preparation, said["positive"],
                           said["calibration"], said["dimension"])
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError("model", f"{card} cannot be read: {type(error).__name__}: {error}",
                          "what corpus quality train writes") from None
    if preparation.form not in FORMS or found.kind not in (ORDINAL, WORDS) or said.get("schema") != SCHEMA:
        raise ConfigError("model", f"{card} is of another format", f"schema {SCHEMA}")
    if not found.weights.is_file():
        raise MissingFile(str(found.weights), "model")
    return found


def _only_bin(folder: Path, model: str) -> Path:
    found = sorted(p for p in folder.iterdir() if p.suffix in (".bin", ".ftz"))
    if len(found) != 1:
        many = ", ".join(p.name for p in found) or f"neither {CARD} nor a .bin"
        raise ConfigError("model", f"{model} holds {many}", "a folder of corpus quality train, or one fastText file")
    return found[0]


def _with(found: Classifier, **change: Any) -> Classifier:
    return Classifier(**vars(found) | change)
