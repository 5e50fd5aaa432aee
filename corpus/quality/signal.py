"""A classifier's labels and probabilities as signals, for rules, cells and buckets. Gives up reading more of a text than
the classifier was trained on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import ConfigError
from corpus.operators import Annotator, Batch
from corpus.quality.labels import ORDINAL
from corpus.quality.model import Classifier, load
from corpus.registry import UNICODE, asset, register

BLOCK = 4096


@register("signal", "classifier", provider=("fasttext-numpy2-wheel", "pyarrow", UNICODE))
@dataclass(frozen=True)
class TextClassifier(Annotator):
    """A fastText text classifier: a folder of `corpus quality train`, or any fastText model (CLIMB's, Diao et al. 2025).

    Of labels that are numbers (int8, −1 to 5): `COLUMN`, the most likely one, as CLIMB scores; `COLUMN.expected`
    (float32), their mean by probability; `COLUMN.probability` (float32), of the most likely one. Of labels that are
    words: `COLUMN.label`, `COLUMN.probability`, and where `positive` is known, `COLUMN` (float32), the probability of it.
    All are null where the text is blank. `calibrated` puts the model's calibrated probabilities in the place of the raw.
    `positive`, `characters` (0: all) and, without a folder's model.json, `preprocessing` (climb or plain) say what the
    model does not.
    """

    model: str = asset()
    column: str = "quality"
    calibrated: bool = False
    positive: str | None = None
    preprocessing: str | None = None
    characters: int | None = None

    def classifier(self) -> Classifier:
        found = load(self.model, self.preprocessing, self.characters, self.positive)
        if self.calibrated and found.calibration is None:
            raise ConfigError("calibrated", f"{self.model} has no calibration", "false, or a model trained with one")
        return found

    def schema(self) -> pa.Schema:
        return _schema(self.column, self.classifier())

    @contextlib.contextmanager
    def open(self) -> Iterator[Annotator]:
        yield _Opened(self, self.classifier())


def _schema(column: str, classifier: Classifier) -> pa.Schema:
    own = [(f"{column}.probability", pa.float32())]
    if classifier.kind == ORDINAL:
        return pa.schema([(column, pa.int8()), (f"{column}.expected", pa.float32()), *own])
    score = [(column, pa.float32())] if classifier.positive is not None else []
    return pa.schema([*score, (f"{column}.label", pa.string()), *own])


@dataclass(frozen=True)
class _Opened(Annotator):
    spec: TextClassifier
    classifier: Classifier

    def schema(self) -> pa.Schema:
        return _schema(self.spec.column, self.classifier)

    def annotate(self, batch: Batch) -> pa.Table:
        schema = self.schema()
        blocks = [self._block(lines, schema) for lines in self._lines(batch)]
        return pa.Table.from_batches(blocks, schema)

    def _lines(self, batch: Batch) -> Iterator[list[str]]:
        """Several classifiers of one build prepare a text once."""
        preparation = self.classifier.preparation
        lines = batch.shared(("prepared", preparation), lambda: preparation(batch.column("text")))
        for start in range(0, len(lines), BLOCK):
            yield lines[start : start + BLOCK]

    def _block(self, lines: list[str], schema: pa.Schema) -> pa.RecordBatch:
        p = self.classifier.probabilities(lines, self.spec.calibrated)
        blank = np.array([not line or not line.replace("<newline>", "").strip() for line in lines], bool)
        top = p.argmax(1)
        found = {f"{self.spec.column}.probability": p[np.arange(len(p)), top]}
        if self.classifier.kind == ORDINAL:
            values = self.classifier.values
            found[self.spec.column] = values[top].astype(np.int8)
            found[f"{self.spec.column}.expected"] = (p @ values / np.maximum(p.sum(1), 1e-12)).astype(np.float32)
        else:
            found[f"{self.spec.column}.label"] = pa.array(self.classifier.labels, pa.string()).take(pa.array(top))
            if self.classifier.positive is not None:
                found[self.spec.column] = p[:, self.classifier.labels.index(self.classifier.positive)]
        nothing = pa.array(blank)
        columns = [pc.if_else(nothing, pa.scalar(None, f.type), pa.array(found[f.name], f.type)) for f in schema]
        return pa.record_batch(columns, schema=schema)
