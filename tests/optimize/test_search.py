from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from corpus.errors import ConfigError, Infeasible, UnknownName
from corpus.mixture.space import Limit
from corpus.numeric import vectors
from corpus.optimize.base import Journal
from corpus.optimize.domain2vec import Domain2Vec
from corpus.optimize.search import COMPARISON, Search
from corpus.optimize.untrained import Given, UniMax
from corpus.store import Store
from corpus.tasks import Task, execute

CELLS = pa.table({"cell": ["b", "a", "bare"], "documents": [3, 5, 0], "tokens": pa.array([100, 300, 0], pa.int64())})
VECTORS = pa.table({"cell": ["a", "b"], "documents": [5, 3], "vector": vectors.column(np.eye(2, dtype=np.float32))})
TARGET = pa.table({"documents": [9], "vector": vectors.column(np.array([[0.25, 0.75]], np.float32))})


def run(tmp_path: Path, body: Search, **inputs: pa.Table):
    store = Store(str(tmp_path)).prepare()
    record = execute(Task("search", body, {n: [store.write_shard(n, t)] for n, t in inputs.items()}, store))
    return store, record


def test_the_nearest_mixture_within_the_caps_is_written_with_its_comparison(tmp_path: Path):
    body = Search(Domain2Vec(), budget=200, max_epochs=1)
    store, record = run(tmp_path, body, cells=CELLS, vectors=VECTORS, target=TARGET)
    mixture = store.read_shard(record.of("mixture")[0])
    weights = dict(zip(mixture.column("cell").to_pylist(), mixture.column("weight").to_pylist()))
    assert weights == pytest.approx({"a": 0.5, "b": 0.5, "bare": 0.0}, abs=1e-6)     # b has 100 of the 200 tokens
    rows = store.read_shard(record.of("comparison")[0])
    assert rows.schema == COMPARISON
    chosen = [r for r in rows.to_pylist() if r["chosen"]]
    assert [r["method"] for r in chosen] == ["domain2vec"] * 3 and chosen[1]["epochs"] == pytest.approx(1)
    assert chosen[2]["epochs"] is None and chosen[0]["distance"] == pytest.approx(np.hypot(0.25, 0.25))
    assert {r["method"] for r in rows.to_pylist()} == {"natural", "uniform", "unimax", "domain2vec"}
    (journal,) = record.of("journal")
    assert journal.about["binding"] == ["cap b"]
    with store.local_folder(journal) as folder:
        found = Journal.parse((folder / "journal.jsonl").read_text())
    assert [row["row"] for row in found.rows] == ["asked", "told"]
    assert found.evidence("domain_vectors")[0].target == (0.25, 0.75)


def test_what_a_trainer_has_read_counts_against_a_cells_passes(tmp_path: Path):
    index = pa.table({"cell": ["b", "a", "b", None], "tokens": pa.array([60, 300, 40, 9], pa.int64())})
    seen = pa.table({"seen": pa.array([1, 0, 0, 1], pa.uint8())})
    body = Search(Domain2Vec(), budget=200, max_epochs=1)
    store, record = run(tmp_path, body, cells=CELLS, vectors=VECTORS, target=TARGET, index=index, seen=seen)
    weights = store.read_shard(record.of("mixture")[0]).column("weight").to_pylist()
    assert weights == pytest.approx([0.8, 0.2, 0.0], abs=1e-6)                       # of b's 100 tokens 60 are read


def test_a_method_without_evidence_needs_the_cells_alone(tmp_path: Path):
    store, record = run(tmp_path, Search(UniMax(), budget=100), cells=CELLS)
    assert store.read_shard(record.of("mixture")[0]).column("weight").to_pylist() == pytest.approx([0.5, 0.5, 0])
    assert store.read_shard(record.of("comparison")[0]).column("distance").null_count == 9


def test_a_limit_that_no_cell_is_under_stops_the_search(tmp_path: Path):
    limits = (Limit(high=0.1, attribute="domain", value="zz"),)
    with pytest.raises(UnknownName, match=r"search.limits\[0\].value: unknown domain of a cell 'zz'; known: a, b, bare"):
        run(tmp_path, Search(UniMax(), budget=100, limits=limits, attributes=("domain",)), cells=CELLS)
    with pytest.raises(ConfigError, match=r"search.limits\[1\]: low 0.2 is over high 0.1"):
        Search(UniMax(), budget=100, limits=(*limits, Limit(low=0.2, high=0.1, attribute="domain", value="a")))


def test_a_budget_that_the_cells_cannot_fill_stops_the_search(tmp_path: Path):
    with pytest.raises(Infeasible, match="budget of 400 tokens or less"):
        run(tmp_path, Search(UniMax(), budget=500, max_epochs=1), cells=CELLS)


def test_a_budget_may_be_shrunk_to_what_the_cells_can_fill(tmp_path: Path):
    store, record = run(tmp_path, Search(UniMax(), budget=500, max_epochs=1, on_shortfall="shrink"), cells=CELLS)
    assert store.read_shard(record.of("mixture")[0]).column("weight").to_pylist() == pytest.approx([0.75, 0.25, 0])


def test_given_weights_that_break_a_limit_are_refused_with_its_name_and_by_how_much(tmp_path: Path):
    limits = (Limit(high=0.25, attribute="domain", value="a"),)
    with pytest.raises(Infeasible, match=r"mixture.weights break limit domain=a ≤ 0.25, which has 0.75: 0.5 over"):
        body = Search(Given((("a", 0.75), ("b", 0.25))), budget=100, limits=limits, attributes=("domain",))
        run(tmp_path, body, cells=CELLS)
