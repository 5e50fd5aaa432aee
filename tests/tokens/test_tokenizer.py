from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.assets import locate
from corpus.backends.tokenizers import byte_letters
from corpus.document import record_id
from corpus.errors import ConfigError, MissingFile
from corpus.registry import identity
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.encode import Encoder
from corpus.tokens.ranks import PUBLISHED, from_ranks, read_ranks
from corpus.tokens.sample import hostile
from corpus.tokens.tokenizer import PinTokenizer, TrainTokenizer, dtype_for, find, load

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


# policies and kinds --------------------------------------------------------------------------------------------------


def pin(tmp_path, **options):
    return execute(Task("t", PinTokenizer(**options), {}, Store(str(tmp_path / "store")))).outputs[0]


def gpt2_ranks(path: Path) -> Path:
    """GPT-2's vocabulary as tiktoken's file of ranks: its ids are its ranks."""
    letters = {letter: byte for byte, letter in enumerate(byte_letters())}
    vocabulary = json.loads(load(find(locate(PinTokenizer().tokenizer))).to_str())["model"]["vocab"]
    lines = [f"{base64.b64encode(bytes(letters[c] for c in piece)).decode()} {i}\n"
             for piece, i in vocabulary.items() if piece != "<|endoftext|>"]
    path.write_text("".join(lines))
    return path


def spiece(tmp_path: Path, **options) -> Path:
    """A small SentencePiece model; byte-pair with bytes to fall back to, unless told otherwise."""
    trainer = pytest.importorskip("sentencepiece").SentencePieceTrainer
    text = tmp_path / "text.txt"
    text.write_text("\n".join(" ".join(WORDS[(i * k + k) % len(WORDS)] for k in range(1, 20)) for i in range(200)))
    options = {"vocab_size": 330, "model_type": "bpe", "byte_fallback": True, "character_coverage": 0.99} | options
    trainer.train(input=str(text), model_prefix=str(tmp_path / "piece"), minloglevel=2, **options)
    return tmp_path / "piece.model"


def test_a_tokenizer_says_how_documents_begin_and_end(tmp_path):
    about = pin(tmp_path, bos="<|endoftext|>", eos=None).about
    assert (about["documents_start_with"], about["documents_end_with"]) == ("bos", None)
    assert (about["bos"], about["bos_id"], about["eos"], about["eos_id"]) == ("<|endoftext|>", 50256, None, None)
    assert about["kind"] == "huggingface"


def test_documents_that_would_run_together_are_refused():
    for kind in (PinTokenizer, TrainTokenizer):
        with pytest.raises(ConfigError, match="tokens.eos.*run together"):
            kind(eos=None)


def test_a_vocabulary_over_the_dtype_is_refused_before_work(tmp_path):
    with pytest.raises(ConfigError, match="tokens.dtype.*65,537.*uint32 or auto"):
        TrainTokenizer(vocab_size=65537, dtype="uint16")
    vocabulary = {letter: i for i, letter in enumerate(byte_letters())} | {"<|endoftext|>": 70_000}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_text("")
    with pytest.raises(ConfigError, match="tokens.dtype.*70,001"):
        PinTokenizer(str(tmp_path), dtype="uint16").require_packages()
    assert pin(tmp_path, tokenizer=str(tmp_path)).about["dtype"] == "uint32"
    with pytest.raises(ConfigError, match="tokens.dtype.*uint8"):
        PinTokenizer(dtype="uint8")


def test_a_wider_dtype_may_be_asked_for(tmp_path):
    assert pin(tmp_path, dtype="uint32").about["dtype"] == "uint32"


def test_tiktokens_ranks_give_tiktokens_ids(tmp_path):
    tiktoken = pytest.importorskip("tiktoken")
    path = gpt2_ranks(tmp_path / "gpt2.tiktoken")
    made = pin(tmp_path, tokenizer=str(path), pattern="gpt2")
    assert (made.about["kind"], made.about["pattern"], made.about["eos_id"]) == ("tiktoken", "gpt2", 50256)
    with Store(str(tmp_path / "store")).local_folder(made) as folder:
        encoder = Encoder.open(folder)
    pattern = PUBLISHED["gpt2"].pattern
    theirs = tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=read_ranks(path), special_tokens={})
    texts = [text.decode() for text in hostile(["<|endoftext|>"])]
    flat, offsets = encoder.encode_batch(texts, bare=True)
    assert [flat[a:b].tolist() for a, b in zip(offsets, offsets[1:])] == [theirs.encode_ordinary(text) for text in texts]


def test_tiktokens_ranks_pin_to_the_merges_of_the_same_vocabulary(tmp_path):
    ranks, pattern = read_ranks(gpt2_ranks(tmp_path / "gpt2.tiktoken")), PUBLISHED["gpt2"].pattern
    ours = json.loads(from_ranks(ranks, "gpt2", None)[0].to_str())["model"]
    theirs = json.loads(load(find(locate(PinTokenizer().tokenizer))).to_str())["model"]
    assert ours["merges"] == theirs["merges"] and ours["vocab"] == theirs["vocab"] and pattern


@pytest.mark.parametrize(("options", "wrong"), [
    ({}, "tokens.pattern.*is missing.*gpt2, cl100k, o200k"),
    ({"pattern": r"\p{L}+|\P{L}+"}, "tokens.specials.*no published pattern"),
    ({"pattern": "gpt2", "specials": {"<|endoftext|>": 3}}, "tokens.specials.*has the id 3.*ids from 50256 on"),
    ({"pattern": "gpt2", "specials": {"<|end|>": 50256}}, "tokens.eos.*is not in.*<|end|>"),
    ({"pattern": "(", "specials": {"<|endoftext|>": 50256}}, "tokens.pattern.*cannot be used"),
    ({"pattern": r"\p{N}{1,3}+|\P{N}++", "specials": {"<|endoftext|>": 50256}}, "tokens.pattern.*otherwise than tiktoken"),
])
def test_what_a_file_of_ranks_does_not_say_has_to_be_said(tmp_path, options, wrong):
    pytest.importorskip("tiktoken")
    with pytest.raises(ConfigError, match=wrong):
        pin(tmp_path, tokenizer=str(gpt2_ranks(tmp_path / "gpt2.tiktoken")), **options)


def test_a_pattern_of_ones_own_splits_as_tiktoken_does(tmp_path):
    tiktoken = pytest.importorskip("tiktoken")
    path, pattern = gpt2_ranks(tmp_path / "gpt2.tiktoken"), r" ?\p{L}+|\p{N}|[^\p{L}\p{N}]+"
    made = pin(tmp_path, tokenizer=str(path), pattern=pattern, specials={"<|endoftext|>": 50256})
    theirs = tiktoken.Encoding("own", pat_str=pattern, mergeable_ranks=read_ranks(path), special_tokens={})
    with Store(str(tmp_path / "store")).local_folder(made) as folder:
        flat, _ = Encoder.open(folder).encode_batch(["Year 2024, the end.  \n"], bare=True)
    assert flat.tolist() == theirs.encode_ordinary("Year 2024, the end.  \n")


@pytest.mark.parametrize(("text", "wrong"), [
    ("hello\n", "line 1"), ("IQ== x\n", "line 1"), ("IQ== 0\n", "no rank for byte 0"),
])
def test_a_file_that_is_no_file_of_ranks_is_named(tmp_path, text, wrong):
    (tmp_path / "bad.tiktoken").write_text(text)
    with pytest.raises(ConfigError, match=f"bad.tiktoken.*{wrong}|{wrong}.*bad.tiktoken"):
        PinTokenizer(str(tmp_path / "bad.tiktoken"), pattern="gpt2").check()


@pytest.mark.parametrize("options", [{}, {"model_type": "unigram", "byte_fallback": False, "vocab_size": 30}])
def test_a_sentencepiece_model_gives_its_own_ids(tmp_path, options):
    path = spiece(tmp_path, **options)
    made = pin(tmp_path, tokenizer=str(path), bos="<s>", eos="</s>")
    assert (made.about["kind"], made.about["bos_id"], made.about["eos_id"]) == ("sentencepiece", 1, 2)
    assert sorted(name for name, _, _ in made.files) == ["about.json", "tokenizer.model"]
    with Store(str(tmp_path / "store")).local_folder(made) as folder:
        encoder = Encoder.open(folder)
    theirs = pytest.importorskip("sentencepiece").SentencePieceProcessor(model_file=str(path))
    texts = ["the river  of été", "<s>", "</s> 東京\n\n", "", "\x00🙂"]
    flat, offsets = encoder.encode_batch(texts)
    assert [flat[a:b].tolist() for a, b in zip(offsets, offsets[1:])] == [[1, *theirs.encode(text), 2] for text in texts]


def test_the_end_of_a_sentencepiece_model_is_a_control_token_of_it(tmp_path):
    with pytest.raises(ConfigError, match="tokens.eos.*'the' is not in.*<s>"):
        PinTokenizer(str(spiece(tmp_path)), eos="the").check()


def test_a_file_that_is_no_tokenizer_is_named(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ConfigError, match="tokens.tokenizer.*tokenizer.json is no tokenizer"):
        PinTokenizer(str(tmp_path)).check()


def test_a_folder_may_hold_one_model_of_any_kind(tmp_path):
    (tmp_path / "folder").mkdir()
    path = gpt2_ranks(tmp_path / "folder" / "a.tiktoken")
    assert find(tmp_path / "folder") == path
    (tmp_path / "folder" / "b.model").write_bytes(b"")
    with pytest.raises(MissingFile, match="one .tiktoken or .model file"):
        find(tmp_path / "folder")
