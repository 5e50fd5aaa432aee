from __future__ import annotations

import pyarrow as pa
import pytest

from corpus.mixture.place import drawn_schema
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.writers.climbmix import ClimbMix
from corpus.writers.megatron import Megatron
from corpus.writers.nanochat import Nanochat
from corpus.writers.write import WriteShard, census, stream_digest

TOKENS = [[1, 9], [9], [2, 3, 9]]


def drawn() -> pa.Table:
    return pa.table({
        "order": [0, 1, 2], "id": [bytes([i] * 16) for i in range(3)], "copy": [0, 0, 1], "url": ["u", "v", "w"],
        "source": ["web", "books", "web"], "cell": ["a", "b", "a"], "cluster_id": [1, 2, 1], "token_count": [2, 1, 3],
        "tokens": TOKENS, "text": ["x", "", "yz"]}, drawn_schema(pa.uint16(), text=True))


@pytest.mark.parametrize("writer, files", [
    (ClimbMix(), ["shard_00004.parquet"]), (Nanochat(), ["shard_00004.parquet"]),
    (Megatron(), ["shard_00004.bin", "shard_00004.docs.parquet", "shard_00004.idx"])])
def test_a_written_shard_says_what_it_holds(tmp_path, writer, files):
    store = Store(str(tmp_path))
    record = execute(Task("t", WriteShard(writer), {"drawn": [store.write_shard("drawn", drawn())]}, store, {"shard": 4}))
    (folder,) = record.of("shard")
    assert [name for name, _, _ in folder.files] == files
    assert (folder.about["format"], folder.about["shard"]) == (writer.name, 4)
    assert (folder.about["rows"], folder.about["tokens"]) == (3, 6)
    assert folder.about["cells"] == {"a": [2, 5], "b": [1, 1]}
    assert folder.about["sources"] == {"books": [1, 1], "web": [2, 5]}


def test_shards_of_other_numbers_have_other_keys(tmp_path):
    store = Store(str(tmp_path))
    inputs = {"drawn": [store.write_shard("drawn", drawn())]}
    assert len({Task("t", WriteShard(ClimbMix()), inputs, store, {"shard": n}).key for n in range(3)}) == 3


@pytest.mark.parametrize("writer", [ClimbMix(), Megatron()])
def test_the_token_stream_is_the_same_through_every_format(tmp_path, writer):
    found = census(writer.read_back(tmp_path, writer.write(drawn(), tmp_path, 0)))
    assert found == census(drawn())


def test_the_stream_does_not_depend_on_the_integers_that_hold_it_but_on_where_documents_end():
    streams = {stream_digest(pa.chunked_array([pa.array(TOKENS, kind)])) for kind in (
        pa.list_(pa.int32()), pa.large_list(pa.uint16()), pa.large_list(pa.uint32()))}
    pieces = pa.chunked_array([pa.array(TOKENS[:1], pa.list_(pa.int32())), pa.array(TOKENS[1:], pa.list_(pa.int32()))])
    assert streams == {stream_digest(pieces)}
    assert stream_digest(pa.chunked_array([pa.array([[1], [9, 9], [2, 3, 9]], pa.list_(pa.int32()))])) not in streams
