from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.document import record_id
from corpus.errors import ConfigError, MissingFile
from corpus.registry import identity
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.tokenizer import PinTokenizer, TrainTokenizer, dtype_for

WORDS = ["river", "stone", "the", "of", "running", "runner", "mountain", "été", "東京", "unbelievable"]


def documents(store: Store, n: int = 300):
    texts = [" ".join(WORDS[(i * k + k) % len(WORDS)] for k in range(1, 20)) for i in range(n)]
    ids = [record_id("s", str(i).encode()) for i in range(n)]
    table = pa.table({"id": pa.array(ids, pa.binary(16)), "text": pa.array(texts, pa.large_string())})
    return store.write_shard("documents", table)


def test_gpt2_is_pinned_with_its_vocabulary_and_its_end_of_text(tmp_path):
    (folder,) = execute(Task("t", PinTokenizer(), {}, Store(str(tmp_path)))).outputs
    assert folder.about["vocab_size"] == 50257
    assert folder.about["eos_id"] == 50256
    assert folder.about["dtype"] == "uint16"
    assert sorted(name for name, _, _ in folder.files) == ["about.json", "tokenizer.json"]


def test_a_pinned_tokenizer_json_pins_to_the_same_digest_again(tmp_path):
    store = Store(str(tmp_path))
    (first,) = execute(Task("t", PinTokenizer(), {}, store)).outputs
    (again,) = execute(Task("t", PinTokenizer(store.full(f"{first.path}/tokenizer.json")), {}, store)).outputs
    (folder,) = execute(Task("t", PinTokenizer(store.full(first.path)), {}, store)).outputs
    assert first.digest == again.digest == folder.digest


def test_identity_is_the_tokenizers_bytes_and_not_its_path(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vocab.json").write_text(json.dumps({"a": 0, "<end>": 1}))
        (tmp_path / name / "merges.txt").write_text("")
    same = [identity(PinTokenizer(str(tmp_path / name))) for name in ("a", "b")]
    assert same[0] == same[1]
    assert any(p.startswith("tokenizers==") for p in same[0]["provider"])


def test_an_eos_outside_the_vocabulary_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="tokens.eos.*'</s>' is not in"):
        execute(Task("t", PinTokenizer(eos="</s>"), {}, Store(str(tmp_path))))


def test_an_eos_that_text_can_spell_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="control token"):
        execute(Task("t", PinTokenizer(eos="a"), {}, Store(str(tmp_path))))


def test_a_folder_without_a_tokenizer_is_missing_one(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFile, match="vocab.json"):
        execute(Task("t", PinTokenizer(str(tmp_path / "empty")), {}, Store(str(tmp_path / "store"))))


def test_ids_are_uint16_up_to_the_last_vocabulary_that_fits():
    assert dtype_for(65536) == "uint16"
    assert dtype_for(65537) == "uint32"


def test_a_trained_vocabulary_has_the_bytes_the_end_and_merges_up_to_its_size(tmp_path):
    store = Store(str(tmp_path))
    task = Task("t", TrainTokenizer(vocab_size=300), {"documents": [documents(store)]}, store)
    record = execute(task)
    assert record.outputs[0].about["vocab_size"] == 300
    assert record.counts == {"documents": 300}


def test_training_looks_at_about_the_share_it_is_told(tmp_path):
    store = Store(str(tmp_path))
    record = execute(Task("t", TrainTokenizer(vocab_size=300, share=0.5), {"documents": [documents(store)]}, store))
    assert 110 < record.counts["documents"] < 190


@pytest.mark.parametrize("threads", ["1", "4"])
def test_training_gives_the_same_tokenizer_in_another_process(tmp_path, threads):
    script = (f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]\n"
              "from test_tokenizer import *\n"
              "store = Store(sys.argv[1])\n"
              "body = TrainTokenizer(vocab_size=320)\n"
              "print(execute(Task('t', body, {'documents': [documents(store)]}, store)).outputs[0].digest)\n")
    found = {subprocess.run([sys.executable, "-c", script, str(tmp_path / seed)], text=True, check=True, capture_output=True,
                            env={"PYTHONHASHSEED": seed, "RAYON_NUM_THREADS": threads, "PATH": ""}).stdout for seed in "12"}
    store = Store(str(tmp_path / "here"))
    here = execute(Task("t", TrainTokenizer(vocab_size=320), {"documents": [documents(store)]}, store)).outputs[0].digest
    assert found == {here + "\n"}
