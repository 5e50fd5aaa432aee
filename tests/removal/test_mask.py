"""Masking: rows keep their place and whose they are, and nothing of what their documents said."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.document import DOCUMENT, ID
from corpus.removal.mask import holds, mask_file, mask_rows, payload_digests, zero_ids
from corpus.results import Part
from corpus.store import Store


def ident(i):
    return bytes([i]) * 16


def ids(*numbers):
    return pa.array([ident(i) for i in numbers], ID)


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def documents(n):
    texts, urls = [f"text {i}" for i in range(n)], [f"https://a.example/{i}" for i in range(n)]
    return pa.table([ids(*range(n)), texts, ["web"] * n, urls, ["2024"] * n], schema=DOCUMENT)


def test_a_masked_row_has_an_empty_text_and_no_address_and_the_others_are_untouched():
    table = documents(3)
    masked = mask_rows(table, ids(1))
    assert masked.schema == table.schema
    assert masked.to_pylist()[1] == {"id": ident(1), "text": "", "source": "web", "url": None, "date": None}
    assert masked.take([0, 2]) == table.take([0, 2]) and mask_rows(table, ids(9)) is table


def test_every_kind_of_column_is_emptied_and_what_places_are_told_by_stays():
    table = pa.table({
        "id": ids(1, 2), "payload": pa.array([b"a", b"b"], pa.large_binary()), "problem": pa.nulls(2, pa.string()),
        "score": [0.5, 0.6], "vector": pa.array([[1.0, 2.0]] * 2, pa.list_(pa.float32(), 2)), "tokens": [[1, 2], [3]],
        "spans": pa.array([[{"start": 1}]] * 2), "flag": [True, False], "cluster": [4, 5], "keeper": ids(7, 8),
        "token_count": [2, 1], "kept": [True, True], "offset": [10, 20], "words": [3, 4]})
    assert mask_rows(table, ids(2)).to_pylist()[1] == {
        "id": ident(2), "payload": None, "problem": "removed", "score": None, "vector": [0.0, 0.0], "tokens": [],
        "spans": [], "flag": None, "cluster": None, "keeper": ident(8), "token_count": 1, "kept": True, "offset": 20,
        "words": 4}


def test_a_file_is_masked_in_place_group_by_group_and_a_second_time_changes_nothing(store):
    table = documents(5).append_column("score", pa.array([float("nan")] * 5))
    groups = [(Part(p, 0, n, ("d",)), table.slice(start, n)) for p, start, n in ((0, 0, 2), (4, 2, 3))]
    run = store.write_run("run", groups, table.schema)
    assert holds(store, run.path, ids(3)) and not holds(store, run.path, ids(9))
    assert mask_file(store, run.path, ids(3, 9))
    with pq.ParquetFile(store.full(run.path)) as file:
        assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [2, 3]
    assert store.read_part(run, run.parts[1]).column("text").to_pylist() == ["text 2", "", "text 4"]
    assert b"text 3" not in store.read_bytes(run.path)
    assert not mask_file(store, run.path, ids(3, 9))


def test_a_file_without_ids_of_documents_holds_none(store):
    shard = store.write_shard("cells", pa.table({"id": ["a"], "tokens": [1]}))
    assert not holds(store, shard.path, ids(1))
    assert not holds(store, store.write_shard("cells", pa.table({"cell": ["a"]})).path, ids(1))


def test_token_ids_of_some_documents_become_zeros_and_lengths_have_to_fit(store):
    store.write_bytes("ids.bin", np.arange(1, 8, dtype="<u2").tobytes())
    assert zero_ids(store, "ids.bin", "uint16", [3, 0, 2, 2], [1, 2])
    assert np.frombuffer(store.read_bytes("ids.bin"), "<u2").tolist() == [1, 2, 3, 0, 0, 6, 7]
    assert not zero_ids(store, "ids.bin", "uint16", [3, 0, 2, 2], [1, 2])
    with pytest.raises(ValueError, match=r"has 7 ids, not 6"):
        zero_ids(store, "ids.bin", "uint16", [3, 3], [0])


def test_payloads_are_told_by_digest_while_they_are_there(store):
    payloads = pa.array([b"x", b"y", None], pa.large_binary())
    raw = store.write_shard("raw", pa.table({"id": ids(1, 2, 3), "payload": payloads}))
    found = payload_digests(store, [raw], ids(1, 3)).to_pylist()
    assert [row["id"] for row in found] == [ident(1)] and len(found[0]["payload_digest"]) == 16
