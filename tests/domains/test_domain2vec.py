from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpus import chance
from corpus.domains.domain2vec import DomainVectors, FitMetaDomains, MetaDomains, TargetVector
from corpus.errors import ConfigError, StepError
from corpus.numeric import vectors
from corpus.store import Store
from corpus.tasks import Task, execute


def ids(n: int) -> pa.Array:
    return pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(n)], pa.binary(16))


def meta(profiles: list[list[float]]) -> pa.Table:
    return pa.table({"id": ids(len(profiles)), "profile": vectors.column(np.array(profiles, np.float32))})


def index(cells: list[str | None], tokens: list[int]) -> pa.Table:
    return pa.table({"key": chance.hash64(0, "draw", ids(len(cells))), "cell": pa.array(cells, pa.string()),
                     "tokens": pa.array(tokens, pa.int64())})


def run(store: Store, body, output: str, **inputs: list[pa.Table]) -> pa.Table:
    found = {name: [store.write_shard(name, t) for t in tables] for name, tables in inputs.items()}
    return store.read_shard(execute(Task("step", body, found, store)).of(output)[0])


PROFILES = [[1, 0], [0, 1], [0.5, 0.5], [1, 0], [0, 1]]
INDEX = index(["web", "web", "qa", None, "web"], [30, 10, 5, 99, 1])


def cells(found: pa.Table) -> dict[str, list[float]]:
    return dict(zip(found.column("cell").to_pylist(), vectors.matrix(found.column("vector")).tolist()))


def test_a_cells_vector_is_the_token_weighted_mean_of_its_sample(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    found = run(store, DomainVectors(samples=2), "vectors", meta=[meta(PROFILES)], index=[INDEX])
    assert cells(found) == {"qa": [0.5, 0.5], "web": [0.75, 0.25]}      # (30·[1,0] + 10·[0,1]) / 40; the fifth comes last
    assert found.column("documents").to_pylist() == [1, 2]
    even = run(store, DomainVectors(samples=9, weighting="documents"), "vectors", meta=[meta(PROFILES)], index=[INDEX])
    assert cells(even)["web"] == pytest.approx([1 / 3, 2 / 3])


def test_the_split_into_shards_changes_nothing(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    whole = run(store, DomainVectors(samples=2), "vectors", meta=[meta(PROFILES)], index=[INDEX])
    cut = [(0, 2), (2, 1), (3, 2)]
    split = run(store, DomainVectors(samples=2), "vectors", meta=[meta(PROFILES).slice(*c) for c in cut],
                index=[INDEX.slice(*c) for c in cut])
    assert split.equals(whole)


def test_a_cell_without_tokens_counts_its_documents(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    found = run(store, DomainVectors(), "vectors", meta=[meta(PROFILES[:2])], index=[index(["a", "a"], [0, 0])])
    assert cells(found) == {"a": [0.5, 0.5]}


def test_rows_of_other_documents_are_refused(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    with pytest.raises(StepError, match="not aligned"):
        run(store, DomainVectors(), "vectors", meta=[meta(PROFILES).take([1, 0, 2, 3, 4])], index=[INDEX])


def test_the_target_vector_counts_each_document_once(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    found = run(store, TargetVector(), "target", meta=[meta(PROFILES[:2]), meta(PROFILES[:1])])
    assert vectors.matrix(found.column("vector"))[0] == pytest.approx([2 / 3, 1 / 3])
    assert found.column("documents").to_pylist() == [3]


def test_a_target_without_text_is_named_as_the_build_file_names_it(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    bare = meta([[1, 0]]).slice(0, 0)
    for shards in ([], [bare]):
        with pytest.raises(ConfigError, match="^search.targets: no text in these files"):
            run(store, TargetVector(), "target", meta=shards)


def test_the_classifier_learns_the_clusters_and_profiles_sum_to_one(tmp_path: Path):
    store = Store(str(tmp_path)).prepare()
    rng = np.random.default_rng(0)
    x = (np.repeat(np.eye(4), 50, axis=0) + rng.normal(0, 0.1, (200, 4))).astype(np.float32)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    table = pa.table({"id": ids(200), "vector": vectors.column(x)})
    clusters = pa.table({"id": ids(200), "cluster": pa.array(np.repeat([0, 1, 2, 4], 50), pa.int32())})   # 3 has no document
    inputs = {"vectors": [store.write_shard("v", table)], "clusters": [store.write_shard("c", clusters)]}
    (model,) = execute(Task("fit", FitMetaDomains(), inputs, store)).of("meta")
    assert model.about["meta_domains"] == 5 and model.about["accuracy"] == 1.0
    record = execute(Task("meta", MetaDomains(), {"vectors": inputs["vectors"], "meta": [model]}, store))
    profile = vectors.matrix(store.read_shard(record.of("meta")[0]).column("profile"))
    assert profile.sum(axis=1) == pytest.approx(np.ones(200), abs=1e-5)
    assert (profile.argmax(axis=1) == np.repeat([0, 1, 2, 4], 50)).all() and profile[:, 3].max() < 0.01
