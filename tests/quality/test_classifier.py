from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpus.errors import ConfigError
from corpus.quality.classifier import FitQuality, ScoreQuality, measure
from corpus.store import Store
from corpus.tasks import Task, execute

BODY = FitQuality(positive=("book",), negative=("web", "spam"), dim=8, buckets=1000, epochs=10)


def documents(n: int = 200) -> pa.Table:
    rng = np.random.default_rng(0)
    good, bad = ["theorem", "proof", "lemma", "river", "history"], ["buy", "click", "cheap", "offer", "win"]
    texts = [" ".join(rng.choice(good if i % 2 else bad, 20)) for i in range(n)]
    ids = [hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(n)]
    source = ["book" if i % 2 else ("web", "spam", "other")[i % 3] for i in range(n)]
    return pa.table({"id": pa.array(ids, pa.binary(16)), "text": pa.array(texts, pa.large_string()), "source": source})


def fit(store: Store, shards: list[pa.Table], body: FitQuality = BODY):
    record = execute(Task("quality", body, {"documents": [store.write_shard("documents", t) for t in shards]}, store))
    return record.of("quality")[0]


def test_good_and_bad_sources_are_told_apart(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    table = documents()
    model = fit(store, [table])
    assert model.about["held_out"]["accuracy"] == 1.0
    assert sum(model.about["trained_on"].values()) + model.about["held_out"]["documents"] == 200 - 33
    texts = pa.array(["proof lemma theorem", "click buy win", ""], pa.large_string())
    new = pa.table({"id": table.column("id").slice(0, 3), "text": texts})
    record = execute(Task("score", ScoreQuality(), {"documents": [store.write_shard("d", new)], "quality": [model]}, store))
    found = store.read_shard(record.of("attributes")[0])
    scores = found.column("quality").to_pylist()
    assert found.schema.field("quality").type == pa.float32() and scores[0] > 0.8 and scores[1] < 0.2 and 0 <= scores[2] <= 1


def test_the_model_does_not_depend_on_the_shards_or_the_process(tmp_path: Path):
    store = Store(str(tmp_path / "a")).prepare()
    table = documents()
    one = fit(store, [table])
    other = fit(store, [table.slice(150), table.slice(0, 30), table.slice(30, 120)])
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_classifier as t
print(t.fit(t.Store({str(tmp_path / 'b')!r}).prepare(), [t.documents()]).digest)"""
    again = subprocess.run([sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7"},
                           capture_output=True, text=True, check=True).stdout.strip()
    assert one.digest == other.digest == again


def test_the_model_does_not_depend_on_what_memory_held_before(tmp_path: Path):
    table, found = documents(), set()
    for attempt in range(3):
        store = Store(str(tmp_path / str(attempt))).prepare()
        dirt = [np.full(size, np.nan, np.float32) for size in range(1000, 100_000, 700)]
        del dirt
        found.add(fit(store, [table]).digest)
    assert len(found) == 1


def test_a_seed_that_changes_changes_the_model(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    assert fit(store, [documents()]).digest != fit(store, [documents()], FitQuality(**vars(BODY) | {"seed": 1})).digest


def test_a_side_with_a_tenth_of_the_documents_counts_as_much_as_the_other(tmp_path: Path):
    table = documents(400)
    good = np.array([s == "book" for s in table.column("source").to_pylist()])
    few = table.take(np.flatnonzero(~good | (np.cumsum(good) <= 12)))
    model = fit(Store(str(tmp_path)).prepare(), [few])
    assert model.about["trained_on"]["positive"] < 13 and model.about["held_out"]["recall"] == 1.0


def test_a_source_without_documents_is_named(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    with pytest.raises(ConfigError, match="quality.positive: no documents of journal"):
        fit(store, [documents()], FitQuality(positive=("journal",), negative=("web",)))
    with pytest.raises(ConfigError, match="'web' is positive and negative"):
        FitQuality(positive=("web",), negative=("web",))


def test_accuracy_precision_recall_and_calibration_by_hand():
    found = measure(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, False, True, False]))
    # of two that are called .9 and two that are called .8 (both .8 wrong): |1.8 - 2| + |1.6 - 0| over 4
    assert found == {"documents": 4, "accuracy": 0.5, "precision": 0.5, "recall": 0.5,
                     "expected_calibration_error": 0.45, "brier": 0.65}
    assert measure(np.zeros(0), np.zeros(0, bool))["accuracy"] is None


def test_options_of_the_text_travel_with_the_model(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    model = fit(store, [documents()])
    with store.local_folder(model) as folder:
        assert json.loads((folder / "quality.json").read_text()) == {"characters": 5000}
