"""Document quality as the probability of being like the build's good sources rather than its raw ones.

A fastText classifier, as CLIMB, DCLM and others use; ours is trained on sources that the build names, so it needs no
teacher model. It gives up graded scores (0 to 5) and more than one dimension at a time.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.backends import fasttext
from corpus.errors import ConfigError
from corpus.numeric.sampling import Smallest
from corpus.quality.measure import calibration
from corpus.quality.prepare import prepare
from corpus.registry import UNICODE, register
from corpus.tasks import Body, TaskIO

HELD_OUT = 0.2


@register("body", "fit_quality", version=2, provider=("fasttext-numpy2-wheel", "pyarrow", UNICODE))
@dataclass(frozen=True)
class FitQuality(Body):
    """A fastText classifier (Joulin et al. 2017) of positive against negative sources, on one thread.

    At most `max_documents` of each side are used, those with the smallest draws; a fifth of them, by hash, is held out
    and only measured on. The smaller side is repeated until both are even, so P(positive) does not carry the ratio of
    the sources. `buckets` bounds the model's size: 4 bytes × `dim` × (buckets + words).
    """

    positive: tuple[str, ...]
    negative: tuple[str, ...]
    epochs: int = 5
    dim: int = 64
    word_ngrams: int = 2
    learning_rate: float = 0.1
    buckets: int = 200_000
    min_count: int = 1
    characters: int = 5000
    max_documents: int = 100_000
    seed: int = 0

    def __post_init__(self) -> None:
        both = sorted(set(self.positive) & set(self.negative))
        if both:
            raise ConfigError("quality", f"'{both[0]}' is positive and negative", "a source on one side only")
        for side in ("positive", "negative"):
            if not getattr(self, side):
                raise ConfigError(f"quality.{side}", "no source", "the names of one or more sources")

    def run(self, io: TaskIO) -> None:
        """Input: documents (all shards). Output: folder quality with model.bin and quality.json."""
        rows = self._sample(io)
        held = chance.uniform(self.seed, "quality-held-out", rows["ids"]) < HELD_OUT
        good = rows["group"] == 1
        with io.new_folder("quality") as (folder, about), tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary) / "train.txt"
            with path.open("w", encoding="utf-8") as out:
                for row in self._order(rows["ids"], good, ~held):
                    out.write(f"{fasttext.LABEL}{'positive' if good[row] else 'negative'} {rows['text'][row]}\n")
            fasttext.train(path, folder / "model.bin", epoch=self.epochs, dim=self.dim, wordNgrams=self.word_ngrams,
                           lr=self.learning_rate, bucket=self.buckets, minCount=self.min_count,
                           seed=chance.seed32(self.seed, "quality"))
            (folder / "quality.json").write_text(json.dumps({"characters": self.characters}), "utf-8")
            scores = fasttext.probabilities(folder / "model.bin", list(rows["text"][held]), "positive")
            about.update(trained_on={"positive": int((good & ~held).sum()), "negative": int((~good & ~held).sum())},
                         held_out=measure(scores, good[held]))
        io.count("positive", int(good.sum()))
        io.count("negative", int((~good).sum()))

    def _order(self, ids: np.ndarray, good: np.ndarray, use: np.ndarray) -> np.ndarray:
        """Rows to train on, the smaller side repeated until the sides are even, in the order of a hash of (id, copy)."""
        most = max(int((use & good).sum()), int((use & ~good).sum()))
        rows, copies = [], []
        for side in (use & good, use & ~good):
            own = np.flatnonzero(side)
            rows.append(np.resize(own, most) if len(own) else own)
            copies.append(np.arange(len(rows[-1])) // max(1, len(own)))
        row, copy = np.concatenate(rows), np.concatenate(copies)
        return row[np.argsort(chance.hash64(self.seed, "quality-order", ids[row], copy), kind="stable")]

    def _sample(self, io: TaskIO) -> dict[str, np.ndarray]:
        kept = Smallest(self.max_documents)
        for table in io.tables("documents", ["id", "text", "source"]):
            side = np.where(pc.is_in(table.column("source"), pa.array(self.positive)).to_numpy(), 1,
                            np.where(pc.is_in(table.column("source"), pa.array(self.negative)).to_numpy(), 0, -1))
            rows = np.flatnonzero(side >= 0)
            table = table.take(pa.array(rows))
            ids = chance.id_words(table.column("id"))
            texts = np.array(prepare(table.column("text"), self.characters), object)
            kept.add(chance.hash64(self.seed, "quality", ids), ids, side[rows], text=texts)
        found = kept.rows()
        for side, group in (("positive", 1), ("negative", 0)):
            if not found or not (found["group"] == group).any():
                raise ConfigError(f"quality.{side}", "no documents of " + ", ".join(getattr(self, side)),
                                  "sources that have documents after dedup")
        return found


@register("body", "score_quality", version=2, provider=("fasttext-numpy2-wheel", "pyarrow", UNICODE))
@dataclass(frozen=True)
class ScoreQuality(Body):
    """The fitted classifier's P(positive) of each document; writes it as an attribute."""

    column: str = "quality"

    def run(self, io: TaskIO) -> None:
        """Inputs: documents (one shard), quality (folder). Output: attributes with id and `column`, float32 in [0, 1]."""
        table = io.table("documents", ["id", "text"])
        scores = [np.zeros(0, np.float32)]
        with io.folder("quality") as folder:
            options = json.loads((folder / "quality.json").read_text("utf-8"))
            for texts in _slices(table.column("text")):
                lines = prepare(texts, options["characters"])
                scores.append(fasttext.probabilities(folder / "model.bin", lines, "positive"))
        io.write("attributes", pa.table({"id": table.column("id"), self.column: pa.array(np.concatenate(scores))}))
        io.count("documents", table.num_rows)


def _slices(texts: pa.ChunkedArray, rows: int = 4096) -> Iterator[pa.ChunkedArray]:
    for start in range(0, len(texts), rows):
        yield texts.slice(start, rows)


def measure(scores: np.ndarray, good: np.ndarray) -> dict[str, Any]:
    """Accuracy, precision and recall at 0.5, and whether scores are frequencies (`corpus.quality.measure.calibration`);
    None where nothing stands in the denominator. scores, good: (n,).
    """
    said = scores >= 0.5
    right = int((said & good).sum())

    def share(part: int, whole: int) -> float | None:
        return round(part / whole, 4) if whole else None

    frequencies = calibration(np.column_stack([1 - scores, scores]), good.astype(np.int64))
    return {"documents": len(good), "accuracy": share(int((said == good).sum()), len(good)),
            "precision": share(right, int(said.sum())), "recall": share(right, int(good.sum())),
            "expected_calibration_error": frequencies["expected_error"], "brier": frequencies["brier"]}
