"""Trains fastText classifiers from labelled texts and measures them on texts held out by a hash of what they say.

Quality, safety and any other label go the same way. Deterministic: the order of records, files and equal texts does not
count. Gives up tuning: options are given, and the held-out figures say how they did.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from corpus import chance
from corpus.backends import fasttext
from corpus.errors import ConfigError, UserError
from corpus.quality import calibrate, model
from corpus.quality.labels import ORDINAL, Examples, LabelledTexts
from corpus.quality.measure import calibration as calibration_of
from corpus.quality.measure import measure
from corpus.quality.prepare import Preparation

LEAST = 20               # texts to train on, and a half of the held-out ones to calibrate on
MOST_LABELS = 100
NOTHING = "none"
BATCH = 4096


@dataclass(frozen=True)
class Options:
    """Of fastText (Joulin et al. 2017), and of what surrounds it. `buckets` bounds the size: 4 bytes × dim × (buckets +
    words). balance: rare labels are repeated until all are even, which makes them more likely than they are.
    """

    epochs: int = 5
    learning_rate: float = 0.1
    dim: int = 100
    word_ngrams: int = 2
    buckets: int = 200_000
    min_count: int = 1
    held_out: float = 0.2
    balance: bool = False
    positive: str | None = None
    calibration: str = calibrate.TEMPERATURE
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "dim", "word_ngrams", "buckets", "min_count"):
            if getattr(self, name) < 1:
                raise ConfigError(name, f"{getattr(self, name)} is under 1", "1 or more")
        if not 0 < self.learning_rate <= 10:
            raise ConfigError("learning_rate", f"{self.learning_rate}", "more than 0, usually 0.05 to 1")
        if not 0 < self.held_out < 1:
            raise ConfigError("held_out", f"{self.held_out}", "a share of the texts, between 0 and 1")
        if self.calibration not in (*calibrate.METHODS, NOTHING):
            raise ConfigError("calibration", f"'{self.calibration}'", "one of " + ", ".join((*calibrate.METHODS, NOTHING)))


def check(texts: LabelledTexts, options: Options) -> None:
    """Raises UserError with one message where there is not enough to train on, before anything is trained."""
    if not texts.examples:
        raise UserError("no labelled text: " + (_reasons(texts.left_out) or "the files are empty"))
    for of in texts.examples:
        held = _held_out(texts, of, options)
        counts = {name: int((of.labels[~held] == name).sum()) for name in of.names}
        present = [name for name, n in counts.items() if n]
        said = f"{of.dimension}: {int((~held).sum())} texts to train on" + "".join(f", {n} '{name}'" for name, n in
                                                                                 list(counts.items())[:10])
        left = _reasons(texts.left_out + of.left_out)
        left = f" (left out: {left})" if left else ""
        if len(present) < 2:
            raise UserError(f"{said}{left}; expected two labels or more")
        if int((~held).sum()) < LEAST or not held.any():
            raise UserError(f"{said}, {int(held.sum())} held out{left}; expected {LEAST} or more, and 1 held out")
        if len(present) > MOST_LABELS:
            raise UserError(f"{of.dimension}: {len(present)} different labels{left}; expected at most {MOST_LABELS}")
        if options.positive is not None:
            if of.kind == ORDINAL:
                wrong = f"'{options.positive}', and the labels of {of.dimension} are numbers"
                raise ConfigError("positive", wrong, "nothing")
            model.check_positive(options.positive, present, "positive")


def train(texts: LabelledTexts, of: Examples, options: Options, preparation: Preparation, folder: Path) -> dict[str, Any]:
    """Trains on one dimension's examples; writes model.bin and model.json into `folder` and returns what the latter says."""
    held = _held_out(texts, of, options)
    labels = [name for name in of.names if (of.labels[~held] == name).any()]
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "train.txt"
        order = _order(texts.ids[of.rows], of.labels, ~held, options)
        with path.open("w", encoding="utf-8") as out:
            for label, line in zip(of.labels[order], texts.lines(of.rows[order])):
                out.write(f"{fasttext.LABEL}{label} {line}\n")
        fasttext.train(path, folder / model.BIN, epoch=options.epochs, dim=options.dim, wordNgrams=options.word_ngrams,
                       lr=options.learning_rate, bucket=options.buckets, minCount=options.min_count,
                       seed=chance.seed32(options.seed, "quality"))
    # a label that only held-out texts have is known to nobody but the figures
    known = [*labels, *(name for name in of.names if name not in labels)]
    known = sorted(known, key=int) if of.kind == ORDINAL else sorted(known)
    rows = of.rows[held]
    lines, pieces = texts.lines(rows), []
    while batch := list(islice(lines, BATCH)):
        pieces.append(fasttext.predict(folder / model.BIN, batch, known))
    p = np.concatenate(pieces)
    truth = np.array([known.index(name) for name in of.labels[held]], np.int64)
    card = {
        "schema": model.SCHEMA,
        "dimension": of.dimension,
        "kind": of.kind,
        "labels": labels,
        "positive": options.positive,
        "preprocessing": {"form": preparation.form, "characters": preparation.characters},
        "options": asdict(options),
        "counts": {
            "records": texts.records,
            "trained_on": {name: int((of.labels[~held] == name).sum()) for name in known},
            "held_out": int(held.sum()),
            "left_out": dict(sorted((texts.left_out + of.left_out).items())),
        },
        "held_out": measure(p, truth, known, of.kind == ORDINAL, options.seed),
        "calibration": _calibrate(p, truth, [known.index(name) for name in labels], texts.ids[rows], options),
    }
    (folder / model.CARD).write_text(json.dumps(card, indent=1, allow_nan=False) + "\n", "utf-8")
    return card


def _calibrate(p: np.ndarray, truth: np.ndarray, known: list[int], ids: np.ndarray,
               options: Options) -> dict[str, Any] | None:
    """Fits on one half of the held-out texts, by hash; measures before and after on the other."""
    place = {column: at for at, column in enumerate(known)}
    use = np.isin(truth, known)
    p, truth, ids = p[use][:, known], np.array([place[t] for t in truth[use].tolist()], np.int64), ids[use]
    fitted = chance.uniform(options.seed, "quality-calibration", ids) < 0.5
    if options.calibration == NOTHING or min(int(fitted.sum()), int((~fitted).sum())) < LEAST:
        return None
    found = calibrate.fit(options.calibration, p[fitted], truth[fitted])
    after = calibrate.apply(found, p[~fitted])
    return found | {"fitted_on": int(fitted.sum()), "measured_on": int((~fitted).sum()),
                    "before": calibration_of(p[~fitted], truth[~fitted]), "after": calibration_of(after, truth[~fitted])}


def _held_out(texts: LabelledTexts, of: Examples, options: Options) -> np.ndarray:
    return chance.uniform(options.seed, "quality-held-out", texts.ids[of.rows]) < options.held_out


def _order(ids: np.ndarray, labels: np.ndarray, use: np.ndarray, options: Options) -> np.ndarray:
    """Rows to train on, in the order of a hash of (text, copy)."""
    rows = np.flatnonzero(use)
    copies = np.zeros(len(rows), np.int64)
    if options.balance:
        sides = [rows[labels[rows] == name] for name in sorted(set(labels[rows].tolist()))]
        # by hash, so that which texts are repeated once more does not depend on the order of records
        draws = chance.hash64(options.seed, "quality-repeat", ids)
        sides = [side[np.argsort(draws[side], kind="stable")] for side in sides]
        most = max(map(len, sides))
        copies = np.concatenate([np.arange(most) // len(side) for side in sides])
        rows = np.concatenate([np.resize(side, most) for side in sides])
    return rows[np.argsort(chance.hash64(options.seed, "quality-order", ids[rows], copies), kind="stable")]


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason} {n:,}" for reason, n in sorted(counts.items()))
