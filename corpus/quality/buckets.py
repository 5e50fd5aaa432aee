"""Scores of several classifiers → one bucket of quality, 0 to 19, and a band, as Nemotron-CC (Su et al. 2024) has them.

Each classifier's scores are ranked over the documents and cut into 20 buckets of equally many; a document's bucket is the
highest that any classifier gives it. Gives up weights by tokens: the mass of a bucket is counted in documents.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.errors import ConfigError
from corpus.numeric.sampling import Smallest
from corpus.registry import register
from corpus.tasks import Body, TaskIO

BUCKETS = 20
#: The lowest bucket of each band, and its name.
BANDS = ((0, "low"), (7, "medium_low"), (12, "medium"), (18, "medium_high"), (19, "high"))
FILE = "buckets.json"


def bucket_schema(columns: Sequence[str]) -> pa.Schema:
    """What `ScoreBuckets` gives beside the id, for classifiers' score columns."""
    return pa.schema([*((f"{c}.bucket", pa.int8()) for c in columns), ("quality_bucket", pa.int8()),
                      ("quality_band", pa.string())])


@register("body", "fit_buckets")
@dataclass(frozen=True)
class FitBuckets(Body):
    """Where the 20 buckets of each classifier begin (Nemotron-CC, Su et al. 2024), from the documents' scores.

    columns: numeric columns of the scores, higher is better. sample: documents that the quantiles come from, those with
    the smallest draws; all of them where there are fewer.
    """

    columns: tuple[str, ...]
    sample: int = 1_000_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.columns or len(set(self.columns)) < len(self.columns):
            raise ConfigError("buckets.columns", f"{list(self.columns)}", "one score column or more, each once")
        if self.sample < 1:
            raise ConfigError("buckets.sample", f"{self.sample} is under 1", "a number of documents")

    def run(self, io: TaskIO) -> None:
        """Input: scores (all shards: id and `columns`). Output: folder buckets with buckets.json."""
        kept = Smallest(self.sample)
        for table in io.tables("scores", ["id", *self.columns]):
            ids = chance.id_words(table.column("id"))
            values = np.stack([_numbers(table.column(c)) for c in self.columns], axis=1)
            kept.add(chance.hash64(self.seed, "quality-buckets", ids), ids, values=values)
            io.count("documents", table.num_rows)
        values = kept.rows().get("values", np.zeros((0, len(self.columns))))
        with io.new_folder("buckets") as (folder, about):
            fitted: dict[str, Any] = {}
            for at, column in enumerate(self.columns):
                known = values[np.isfinite(values[:, at]), at]
                if not len(known):
                    raise ConfigError("buckets.columns", f"'{column}' is null in all documents", "a score that was measured")
                found = edges(known)
                sizes = np.bincount(bucket_of(known, found), minlength=BUCKETS)
                fitted[column] = [float(e) if np.isfinite(e) else None for e in found]
                about[column] = {"documents": len(known), "without_score": int(len(values) - len(known)),
                                 "different_scores": len(np.unique(known)), "sizes": sizes.tolist()}
            (folder / FILE).write_text(json.dumps({"edges": fitted}, indent=1) + "\n", "utf-8")


@register("body", "score_buckets")
@dataclass(frozen=True)
class ScoreBuckets(Body):
    """The fitted buckets of each document: `COLUMN.bucket` of every classifier, `quality_bucket`, their maximum (int8, 0 to
    19), and `quality_band`: high (19), medium_high (18), medium (12–17), medium_low (7–11), low (0–6); null without a
    score.
    """

    output: str = "attributes"

    def run(self, io: TaskIO) -> None:
        """Inputs: scores (one shard), buckets (folder). Output: attributes with id and the columns above."""
        with io.folder("buckets") as folder:
            fitted = json.loads((folder / FILE).read_text("utf-8"))["edges"]
        table = io.table("scores", ["id", *fitted])
        columns: dict[str, Any] = {"id": table.column("id")}
        best = np.full(table.num_rows, -1, np.int64)
        for name, bounds in fitted.items():
            values = _numbers(table.column(name))
            known = np.isfinite(values)
            bucket = np.full(table.num_rows, -1, np.int64)
            bucket[known] = bucket_of(values[known], np.array([np.inf if b is None else b for b in bounds]))
            best = np.maximum(best, bucket)
            columns[f"{name}.bucket"] = pa.array(bucket, pa.int8(), mask=bucket < 0)
        columns["quality_bucket"] = pa.array(best, pa.int8(), mask=best < 0)
        columns["quality_band"] = bands(best)
        io.write(self.output, pa.table(columns))
        io.count("documents", table.num_rows)
        io.count("without_score", int((best < 0).sum()))


def edges(scores: np.ndarray) -> np.ndarray:
    """(19,) float64: the least score of buckets 1 to 19; infinite where no score reaches one. scores: (n,), n > 0.

    Equal scores share a bucket: that of the middle of their ranks. So one score of all documents is bucket 10, and
    buckets are of equal mass only as far as scores differ.
    """
    values, counts = np.unique(scores, return_counts=True)
    past = np.cumsum(counts)
    middle = 2 * past - counts                              # twice the mean rank, exact
    bucket = np.minimum(middle * BUCKETS // (2 * len(scores)), BUCKETS - 1)
    first = np.searchsorted(bucket, np.arange(1, BUCKETS))
    return np.r_[values.astype(float), np.inf][first]


def bucket_of(scores: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """(n,) int64, 0 to 19. scores: (n,) finite. bounds: (19,), as `edges` gives them."""
    return np.searchsorted(bounds, scores, side="right")


def bands(buckets: np.ndarray | Sequence[int]) -> pa.Array:
    """(n,) string: each bucket's band; null under 0."""
    buckets = np.asarray(buckets, np.int64)
    place = np.searchsorted([low for low, _ in BANDS], buckets, side="right") - 1
    return pa.array([name for _, name in BANDS]).take(pa.array(place, pa.int64(), mask=buckets < 0))


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()
