"""Golden cases of decontamination: an index of evaluation items, and what documents hold of them. Shares are fractions of
words and cosines sums of powers of two, so every machine has the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import fsspec
import numpy as np
import pyarrow as pa
from golden_inputs import TEXTS, documents
from golden_table import case, content, task

from corpus import keys
from corpus.decontaminate.collect import DecontaminationIndex
from corpus.decontaminate.measure import Decontaminate
from corpus.decontaminate.rephrased import Rephrased
from corpus.numeric import vectors
from corpus.operators import Annotator, Batch
from corpus.results import Record, SourceFile
from corpus.store import Store
from corpus.tasks import Task, execute

SHIP = (
    "The ferry leaves the old harbour at seven and comes back with the tide; what does the pilot read the depth from?",
    "In winter the deck is white with salt, and the pilot reads the depth from a line with knots in it.",
)
ITEMS = {
    "boats": [
        {"id": "tide", "question": SHIP[0], "answer": "a line with knots in it"},
        {"id": "salt", "goal": SHIP[1], "sol1": "knots", "sol2": "numbers", "label": 1},
        {"id": "again", "question": SHIP[0], "answer": "a line with knots in it"},
        {"id": "short", "question": "What is white?"},
        {"id": "none", "label": 0},
        [1],
    ],
    "words": [{"question": TEXTS["de"]}, {"question": TEXTS["zh"], "choices": ["a", "b"], "answer": "B"}, {"text": SHIP[1]}],
}


@dataclass(frozen=True)
class Lengths(Annotator):
    """A unit vector that says how long a text is."""

    def schema(self) -> pa.Schema:
        return pa.schema([("vector", pa.list_(pa.float32(), 4))])

    def annotate(self, batch: Batch) -> pa.Table:
        longer = np.array([[len(t) & bit for bit in (1, 2, 4, 8)] for t in batch.texts()]).reshape(-1, 4) > 0
        return pa.table({"vector": vectors.column(np.where(longer, 0.5, -0.5).astype(np.float32))})


def files(names: Sequence[str]) -> list[SourceFile]:
    found = []
    for name in names:
        data = b"".join(json.dumps(item).encode() + b"\n" for item in ITEMS[name]) + b"{not json\n"
        fsspec.filesystem("memory").pipe(f"/{name}.jsonl", data)
        found.append(SourceFile(f"memory://{name}.jsonl", keys.digest_bytes(data), len(data)))
    return found


def index(store: Store, **options: object) -> Record:
    body = DecontaminationIndex(tuple((name, "test" if name == "words" else "") for name in ITEMS), **options)
    return execute(Task("golden", body, {"evaluation": files(list(ITEMS))}, store))


@case("body/decontamination_index")
def _(store: Store) -> object:
    own = {"fields": ("text", "question"), "answer": ("answer",)}
    return [content([index(store, **o)]) for o in ({}, {"ngram": 8, "min_words": 5, "max_questions": 1}, own)]


@case("body/decontaminate")
def _(store: Store) -> object:
    made = [index(store, **options) for options in ({}, {"ngram": 8, "min_words": 5, "max_questions": 1})]
    return [task(store, Decontaminate(), documents=documents(), index=record.of("index")[0]) for record in made]


@case("body/rephrased_items")
def _(store: Store) -> object:
    record = index(store)
    (items,) = record.of("items")
    found = vectors.column(np.where(np.eye(4) > 0, 1, 0).astype(np.float32)[[0, 1, 2, 3] * 2][: items.rows])
    ids = store.read_shard(items).column("id")
    given = {
        "documents": documents(),
        "contamination": documents().select(["id"]).append_column("contamination.score", pa.array([0.5] * len(TEXTS))),
        "items": items,
        "vectors": pa.table({"id": ids, "vector": found}),
    }
    return [task(store, Rephrased(Lengths(), window), **given) for window in (0, 8)]
