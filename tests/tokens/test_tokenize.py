from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from blake3 import blake3

from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens import tokenize
from corpus.tokens.encode import Encoder
from corpus.tokens.tokenize import TOKENS, Tokenize, batches, write_ids
from corpus.tokens.tokenizer import TrainTokenizer

TEXTS = ["the river ran over the stones", "", "été <|endoftext|> 日本",
         *[f"document {i} of many " * (i % 9) for i in range(50)]]


@pytest.fixture
def made(tmp_path):
    store = Store(str(tmp_path / "store")).prepare()
    ids = pa.array([hashlib.blake2b(str(i).encode(), digest_size=16).digest() for i in range(len(TEXTS))], pa.binary(16))
    documents = store.write_shard("documents", pa.table({"id": ids, "text": pa.array(TEXTS, pa.large_string())}))
    (tokenizer,) = execute(Task("t", TrainTokenizer(vocab_size=300), {"documents": [documents]}, store)).outputs
    inputs = {"documents": [documents], "tokenizer": [tokenizer]}
    return store, inputs, execute(Task("tokens", Tokenize(), inputs, store))


def test_the_ids_of_all_documents_lie_end_to_end_in_one_file(made):
    store, inputs, record = made
    (tokens,), (folder,) = record.of("tokens"), record.of("ids")
    table = store.read_shard(tokens)
    assert table.schema == TOKENS
    assert table.column("id").equals(store.read_shard(inputs["documents"][0]).column("id"))
    flat = np.fromfile(store.full(f"{folder.path}/ids.bin"), "<u2")
    counts = table.column("token_count").to_numpy()
    assert folder.about == {"dtype": "uint16", "tokens": len(flat)} and counts.sum() == len(flat)
    with store.local_folder(inputs["tokenizer"][0]) as path:
        encoder = Encoder.open(path)
    ends = np.cumsum(counts)
    for text, count, end in zip(TEXTS, counts, ends):
        expected, _ = encoder.encode_batch([text])
        assert flat[end - count : end].tolist() == expected.tolist() and flat[end - 1] == encoder.eos_id


def test_each_row_has_a_hash_of_its_ids(made):
    store, _, record = made
    table = store.read_shard(record.of("tokens")[0])
    flat = np.fromfile(store.full(f"{record.of('ids')[0].path}/ids.bin"), "<u2")
    counts = table.column("token_count").to_pylist()
    first = int.from_bytes(blake3(flat[: counts[0]].tobytes()).digest(8), "little")
    assert table.column("token_hash")[0].as_py() == first
    by_text = {}
    for text, found in zip(TEXTS, table.column("token_hash").to_pylist()):
        assert by_text.setdefault(text, found) == found
    assert len(set(by_text.values())) == len(by_text)


def test_how_much_is_encoded_at_once_does_not_matter(made, monkeypatch, tmp_path):
    store, inputs, record = made
    monkeypatch.setattr(tokenize, "BATCH_BYTES", 64)
    other = Store(str(tmp_path / "other")).prepare()
    documents = other.write_shard("documents", store.read_shard(inputs["documents"][0]))
    with store.local_folder(inputs["tokenizer"][0]) as path:
        tokenizer = other.write_folder("tokenizer", path, inputs["tokenizer"][0].about)
    again = execute(Task("tokens", Tokenize(), {"documents": [documents], "tokenizer": [tokenizer]}, other))
    assert [o.digest for o in again.outputs] == [o.digest for o in record.outputs]


def test_texts_are_taken_in_order_in_lists_of_bounded_bytes(monkeypatch):
    monkeypatch.setattr(tokenize, "BATCH_BYTES", 10)
    chunks = ["aaaa", "bbbb", "cccc"], ["d" * 30, "", "e"]
    texts = pa.chunked_array([pa.array(chunk, pa.large_string()) for chunk in chunks])
    assert [some.to_pylist() for some in batches(texts)] == [["aaaa", "bbbb"], ["cccc"], ["d" * 30], ["", "e"]]


def test_a_shard_without_documents_is_an_empty_file(made):
    store, inputs, _ = made
    none = store.write_shard("documents", store.read_shard(inputs["documents"][0]).slice(0, 0))
    record = execute(Task("tokens", Tokenize(), inputs | {"documents": [none]}, store))
    assert record.of("ids")[0].bytes == 0 and record.of("tokens")[0].rows == 0 and record.counts == {}


@dataclass
class Changing:
    """An encoder that finds its library wrong at the second batch: until then ids are 7, from then on 1."""

    dtype = np.dtype("<u2")
    start_over: bool = False
    calls: int = 0

    def encode_batch(self, texts):
        self.calls += 1
        self.start_over = self.start_over or self.calls > 1
        return np.full(len(texts), 1 if self.start_over else 7, "<u2"), np.arange(len(texts) + 1)


def test_where_a_library_is_found_wrong_everything_is_encoded_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenize, "BATCH_BYTES", 2)
    texts, encoder = pa.chunked_array([pa.array(["ab", "cd", "ef"], pa.large_string())]), Changing()
    assert write_ids(encoder, texts, tmp_path / "ids.bin") is None
    counts, _ = write_ids(encoder, texts, tmp_path / "ids.bin", sure=True)
    assert counts.tolist() == [1, 1, 1] and np.fromfile(tmp_path / "ids.bin", "<u2").tolist() == [1, 1, 1]
