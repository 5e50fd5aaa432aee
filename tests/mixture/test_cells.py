from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from corpus import chance
from corpus.document import record_id
from corpus.errors import ConfigError
from corpus.mixture.cells import (
    INDEX,
    CellIndex,
    CellTable,
    cell_codes,
    cell_names,
    cell_table,
    hosts,
    index_is_of,
)
from corpus.store import Store
from corpus.tasks import Task, execute

IDS = pa.array([record_id("s", bytes([i])) for i in range(4)], pa.binary(16))


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path))


def inputs(store: Store, domain=("d00", "d01", None, "d00"), counts=(5, 7, 9, 11), ids=IDS):
    documents = pa.table({"id": IDS, "text": ["t"] * 4, "source": ["web", "web", "web", "books"], "url": ["u"] * 4})
    tokens = pa.table({"id": IDS, "tokens": [[1]] * 4, "token_count": pa.array(counts, pa.int64())})
    return {
        "documents": [store.write_shard("documents", documents)],
        "tokens": [store.write_shard("tokens", tokens)],
        "domains": [store.write_shard("domains", pa.table({"id": ids, "cluster": pa.array([3, 4, 5, 3], pa.int32()),
                                                           "domain": pa.array(domain, pa.string())}))],
    }


def index_of(store: Store, attributes, **changed) -> pa.Table:
    task = Task("t", CellIndex(attributes, seed=7), inputs(store, **changed), store)
    return store.read_shard(execute(task).outputs[0])


def test_a_cell_is_the_values_of_the_attributes_in_the_builds_order(store):
    assert index_of(store, ("domain", "source")).column("cell").to_pylist() == ["d00/web", "d01/web", None, "d00/books"]
    assert index_of(store, ("source", "domain")).column("cell").to_pylist() == ["web/d00", "web/d01", None, "books/d00"]
    assert index_of(store, ("cluster",)).column("cell").to_pylist() == ["3", "4", "5", "3"]


def test_the_index_has_tokens_and_the_documents_own_number(store):
    index = index_of(store, ("domain",))
    assert index.schema == INDEX
    assert index.column("tokens").to_pylist() == [5, 7, 9, 11]
    assert index.column("key").to_numpy().tolist() == chance.hash64(7, "draw", IDS).tolist()
    assert index_is_of(index, IDS, 7) and not index_is_of(index, IDS, 8) and not index_is_of(index, IDS.slice(1), 7)
    assert not index_is_of(index, IDS.take(pa.array([0, 2, 1, 3])), 7)


def test_rows_without_a_cell_are_counted(store):
    record = execute(Task("t", CellIndex(("domain",), seed=7), inputs(store), store))
    assert record.counts == {"documents": 4, "no_cell": 1}


def test_an_attribute_that_no_input_has_is_named(store):
    with pytest.raises(ConfigError, match="'langage'"):
        index_of(store, ("langage",))


def test_inputs_of_other_documents_are_refused(store):
    with pytest.raises(Exception, match="'domains' is not aligned"):
        index_of(store, ("domain",), ids=IDS.take(pa.array([1, 0, 2, 3])))


def test_a_slash_in_a_value_cannot_make_two_cells_one():
    left, right = pa.chunked_array([["a/b", "a"]]), pa.chunked_array([["c", "b/c"]])
    assert cell_names([left, right]).to_pylist() == ["a%2Fb/c", "a/b%2Fc"]


def test_the_cell_table_sums_documents_and_tokens_of_all_shards():
    pieces = [pa.table({"cell": ["b", "a", None], "tokens": [10, 20, 99]}), pa.table({"cell": ["b"], "tokens": [30]})]
    assert cell_table(pieces).to_pylist() == [
        {"cell": "a", "documents": 1, "tokens": 20, "share": 20 / 60},
        {"cell": "b", "documents": 2, "tokens": 40, "share": 40 / 60},
    ]


def test_the_task_writes_cells_and_sources(store):
    index = execute(Task("t", CellIndex(("domain",), seed=7), inputs(store), store)).outputs[0]
    cells, sources, names = execute(Task("t", CellTable(), {"index": [index, index]}, store)).outputs
    assert store.read_shard(names).to_pylist() == [{"cell": "d00"}, {"cell": "d01"}]
    assert store.read_shard(cells).column("tokens").to_pylist() == [2 * (5 + 11), 2 * 7]
    assert store.read_shard(sources).select(["source", "documents", "tokens"]).to_pylist() == [
        {"source": "books", "documents": 2, "tokens": 22}, {"source": "web", "documents": 6, "tokens": 42}]


def test_what_is_removed_has_no_cell_and_is_counted(store):
    gone = pa.table({"id": pa.array([IDS[1], b"x" * 16], pa.binary(16)), "text_digest": pa.nulls(2, pa.binary(16))})
    given = inputs(store) | {"tombstones": [store.write_shard("tombstones", gone)]}
    record = execute(Task("t", CellIndex(("domain", "source"), seed=7), given, store))
    cells = store.read_shard(record.outputs[0]).column("cell").to_pylist()
    plain = index_of(store, ("domain", "source")).column("cell").to_pylist()
    assert cells == [plain[0], None, *plain[2:]] and record.counts["removed"] == 1


def test_what_is_held_out_has_no_cell_and_is_counted(store):
    held = [store.write_shard("held", pa.table({"id": IDS.slice(i, 1), "text": ["t"]})) for i in (0, 3)]
    record = execute(Task("t", CellIndex(("source",), seed=7), inputs(store) | {"holdout": held}, store))
    assert store.read_shard(record.outputs[0]).column("cell").to_pylist() == [None, "web", "web", None]
    assert record.counts == {"documents": 4, "held_out": 2, "no_cell": 2}


def test_capped_attributes_are_columns_of_the_index(store):
    given = inputs(store)
    marks = pa.table({"id": IDS, "author": ["x", None, "y", "x"]})
    given["marks"] = [store.write_shard("marks", marks)]
    beside = ("documents", "tokens", "domains", "marks")
    body = CellIndex(("domain",), 7, beside, ("host", "author", "source", "cluster"))
    index = store.read_shard(execute(Task("t", body, given, store)).outputs[0])
    assert index.column_names == [*INDEX.names, "host", "author", "cluster"]
    assert index.column("host").to_pylist() == [None] * 4 and index.column("author").to_pylist() == ["x", None, "y", "x"]
    assert index.column("cluster").to_pylist() == ["3", "4", "5", "3"]


def test_a_capped_attribute_that_no_input_has_is_named(store):
    with pytest.raises(ConfigError, match="^mixture.caps: none of documents, tokens, domains has 'autor'"):
        execute(Task("t", CellIndex(("domain",), 7, capped=("autor",)), inputs(store), store))


@pytest.mark.parametrize("url, host", [
    ("http://www.Example.ORG:8080/a?b#c", "example.org"),
    ("https://user:pw@sub.example.org/x@y", "sub.example.org"),
    ("https://example.org", "example.org"),
    ("http://www.org/", "www.org"),
    ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
    ("example.org/a", None),
    ("", None),
    (None, None),
])
def test_a_host_has_no_port_and_no_www(url, host):
    assert hosts(pa.chunked_array([pa.array([url], pa.string())])).to_pylist() == [host]


def test_an_index_takes_at_most_sixteen_bytes_a_document_on_disk(store):
    rng = np.random.default_rng(0)
    n = 100_000
    ids = chance.hash64(1, "draw", np.stack([np.arange(n, dtype=np.uint64)] * 2, 1))
    cells = np.array([f"d{c:02d}/web-{c % 3}" for c in range(60)], object)[rng.integers(0, 60, n)]
    tokens = np.maximum(2, rng.lognormal(6, 1.2, n)).astype(np.int64)
    table = pa.table([ids, pa.array(cells), pa.array([f"web-{i % 3}" for i in range(n)]), tokens], schema=INDEX)
    assert store.write_shard("index", table).bytes / n <= 16


def test_codes_of_cells_follow_the_table():
    known = pa.chunked_array([["a", "b"]])
    assert cell_codes(pa.chunked_array([["b", None, "c", "a"]]), known).tolist() == [1, -1, -1, 0]
