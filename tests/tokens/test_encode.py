from __future__ import annotations

import sys

import numpy as np
import pyarrow as pa
import pytest

from corpus.document import record_id
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens import encode
from corpus.tokens.encode import Encoder, Tokenize
from corpus.tokens.tokenizer import PinTokenizer, TrainTokenizer

TEXTS = ["Hello world", "", "<|endoftext|>", "a <|endoftext|> b", "naïve 東京 🙂", "  two  spaces\n\n", "\x00\ufeff"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(str(tmp_path_factory.mktemp("store")))


@pytest.fixture(scope="module")
def gpt2(store):
    return execute(Task("t", PinTokenizer(), {}, store)).outputs[0]


@pytest.fixture(scope="module")
def encoder(store, gpt2):
    with store.local_folder(gpt2) as folder:
        return Encoder.open(folder)


def shard(store: Store, texts: list[str]):
    ids = pa.array([record_id("s", str(i).encode()) for i in range(len(texts))], pa.binary(16))
    return store.write_shard("documents", pa.table({"id": ids, "text": pa.array(texts, pa.large_string())}))


def test_gpt2_ids_are_the_published_ones(encoder):
    flat, offsets = encoder.encode_batch(["Hello world"])
    assert flat.tolist() == [15496, 995, 50256]
    assert flat.dtype == np.uint16 and offsets.tolist() == [0, 3]


def test_text_that_spells_a_control_token_stays_text(encoder):
    flat, offsets = encoder.encode_batch(["a <|endoftext|> b"])
    assert flat.tolist() == [64, 1279, 91, 437, 1659, 5239, 91, 29, 275, 50256]


def test_every_document_ends_with_eos_and_eos_is_nowhere_else(encoder):
    flat, offsets = encoder.encode_batch(TEXTS)
    assert np.flatnonzero(flat == encoder.eos_id).tolist() == (offsets[1:] - 1).tolist()
    assert len(offsets) == len(TEXTS) + 1


def test_an_empty_document_is_its_eos(encoder):
    flat, offsets = encoder.encode_batch([""])
    assert flat.tolist() == [50256]


def test_nothing_encodes_to_nothing(encoder):
    flat, offsets = encoder.encode_batch([])
    assert len(flat) == 0 and offsets.tolist() == [0] and flat.dtype == np.uint16


def test_decoding_gives_the_text_back(encoder):
    flat, offsets = encoder.encode_batch(TEXTS)
    assert [encoder.decode(flat[a:b]) for a, b in zip(offsets, offsets[1:])] == TEXTS


def test_the_size_of_a_batch_does_not_matter(encoder, monkeypatch):
    whole = encoder.encode_batch(TEXTS)
    monkeypatch.setattr(encode, "BATCH_CHARACTERS", 5)
    pieces = encoder.encode_batch(TEXTS)
    assert all(np.array_equal(a, b) for a, b in zip(whole, pieces))


def test_ids_agree_with_the_transformers_tokenizer(store, gpt2, encoder):
    transformers = pytest.importorskip("transformers")
    other = transformers.PreTrainedTokenizerFast(tokenizer_file=store.full(f"{gpt2.path}/tokenizer.json"))
    flat, offsets = encoder.encode_batch(TEXTS)
    for text, a, b in zip(TEXTS, offsets, offsets[1:]):
        assert flat[a : b - 1].tolist() == other.encode(text, add_special_tokens=False, split_special_tokens=True)


def test_tokenize_writes_a_row_for_each_document(store, gpt2):
    record = execute(Task("t", Tokenize(), {"documents": [shard(store, TEXTS)], "tokenizer": [gpt2]}, store))
    table = store.read_shard(record.outputs[0])
    assert table.schema.field("tokens").type == pa.large_list(pa.uint16())
    assert table.column("token_count").to_pylist() == [len(t) for t in table.column("tokens").to_pylist()]
    assert table.column("token_count").to_pylist()[:2] == [3, 1]
    assert record.counts == {"documents": 7, "tokens": sum(table.column("token_count").to_pylist())}


def test_a_trained_tokenizer_gives_every_text_back_and_keeps_its_end_apart(store):
    texts = [*TEXTS, "the river the stone the river"] * 5
    source = shard(store, texts)
    made = execute(Task("t", TrainTokenizer(vocab_size=300), {"documents": [source]}, store)).outputs[0]
    with store.local_folder(made) as folder:
        trained = Encoder.open(folder)
    flat, offsets = trained.encode_batch(texts)
    assert [trained.decode(flat[a:b]) for a, b in zip(offsets, offsets[1:])] == texts
    assert int((flat == trained.eos_id).sum()) == len(texts)


def test_the_tokenizer_library_is_imported_only_when_it_is_used():
    import subprocess
    code = "import sys, corpus.tokens.encode; sys.exit('tokenizers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
