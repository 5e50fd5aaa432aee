from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpus.errors import ConfigError
from corpus.quality.buckets import BUCKETS, FitBuckets, ScoreBuckets, bands, bucket_of, edges
from corpus.store import Store
from corpus.tasks import Task, execute


def ids(n):
    return pa.array([i.to_bytes(16, "little") for i in range(n)], pa.binary(16))


def fit(store, tables, body):
    record = execute(Task("fit", body, {"scores": [store.write_shard("scores", t) for t in tables]}, store))
    return record.of("buckets")[0]


def score(store, table, folder):
    given = {"scores": [store.write_shard("scores", table)], "buckets": [folder]}
    record = execute(Task("score", ScoreBuckets(), given, store))
    return store.read_shard(record.of("attributes")[0]), record.counts


def test_a_thousand_different_scores_fill_twenty_equal_buckets():
    scores = np.random.default_rng(0).permutation(1000) / 1000
    found = bucket_of(scores, edges(scores))
    assert np.bincount(found).tolist() == [50] * 20
    assert found[scores >= 0.95].min() == 19 and found[scores < 0.05].max() == 0


def test_equal_scores_share_the_bucket_of_the_middle_of_their_ranks():
    assert set(bucket_of(np.full(7, 3.0), edges(np.full(7, 3.0)))) == {10}
    scores = np.repeat([0.0, 1.0, 5.0], [50, 30, 20])          # middles at .25, .65, .9
    assert bucket_of(np.array([0.0, 1.0, 5.0]), edges(scores)).tolist() == [5, 13, 18]
    assert bucket_of(np.array([-1.0, 0.5, 9.0]), edges(scores)).tolist() == [0, 5, 18]      # not seen at the fit


def test_a_few_documents_are_spread_over_the_buckets():
    scores = np.array([5.0, 1, 2, 4, 3])
    assert bucket_of(scores, edges(scores)).tolist() == [18, 2, 6, 14, 10]


def test_more_of_a_score_never_lowers_its_bucket():
    rng = np.random.default_rng(3)
    for _ in range(50):
        scores = rng.integers(0, rng.integers(1, 40), rng.integers(1, 200)).astype(float)
        found = bucket_of(np.sort(scores), edges(scores))
        assert (np.diff(found) >= 0).all() and 0 <= found.min() and found.max() < BUCKETS


def test_bands_are_nemotron_ccs():
    names = bands(np.arange(-1, 20)).to_pylist()
    assert names == [None] + ["low"] * 7 + ["medium_low"] * 5 + ["medium"] * 6 + ["medium_high", "high"]


def test_a_documents_bucket_is_the_highest_that_a_classifier_gives(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    n = 40
    a, b = np.arange(n, dtype=np.float32), np.arange(n, dtype=np.float32)[::-1].copy()
    table = pa.table({"id": ids(n), "a": pa.array(a), "b": pa.array(b, mask=np.arange(n) == 0)})
    folder = fit(store, [table], FitBuckets(("a", "b")))
    assert folder.about["b"]["without_score"] == 1 and folder.about["a"]["sizes"] == [2] * 20
    found, counts = score(store, table, folder)
    assert found.column("a.bucket").to_pylist() == [i // 2 for i in range(n)]
    assert found.column("b.bucket").to_pylist()[0] is None
    best = [max(x, -1 if y is None else y) for x, y in
            zip(found.column("a.bucket").to_pylist(), found.column("b.bucket").to_pylist())]
    assert found.column("quality_bucket").to_pylist() == best and found.column("quality_bucket").type == pa.int8()
    assert found.column("quality_band").to_pylist() == bands(best).to_pylist()
    assert counts == {"documents": n}


def test_a_document_without_any_score_has_no_bucket(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    table = pa.table({"id": ids(3), "a": pa.array([0.1, None, float("nan")], pa.float32())})
    found, counts = score(store, table, fit(store, [table], FitBuckets(("a",))))
    assert found.column("quality_bucket").to_pylist() == [10, None, None]
    assert found.column("quality_band").to_pylist() == ["medium_low", None, None] and counts["without_score"] == 2


def test_buckets_do_not_depend_on_the_shards_and_a_sample_comes_near(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    n = 5000
    table = pa.table({"id": ids(n), "a": np.random.default_rng(0).normal(size=n)})
    whole = fit(store, [table], FitBuckets(("a",)))
    parts = fit(store, [table.slice(3000), table.slice(0, 1000), table.slice(1000, 2000)], FitBuckets(("a",)))
    assert whole.digest == parts.digest
    few = fit(store, [table], FitBuckets(("a",), sample=1000))
    found, _ = score(store, table, few)
    sizes = np.bincount(found.column("a.bucket").to_numpy(), minlength=20)
    assert few.about["a"]["documents"] == 1000 and sizes.min() > 150 and sizes.max() < 350


def test_wrong_columns_are_named(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    with pytest.raises(ConfigError, match="each once"):
        FitBuckets(("a", "a"))
    table = pa.table({"id": ids(2), "a": pa.array([None, None], pa.float32())})
    with pytest.raises(ConfigError, match="'a' is null in all documents"):
        fit(store, [table], FitBuckets(("a",)))
