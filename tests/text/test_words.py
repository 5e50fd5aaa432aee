import hashlib
import re
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.operators import Batch
from corpus.text import words as module
from corpus.text.normal import matching_words, text_digests
from corpus.text.words import split_words, words_of


def by_text(words):
    vocabulary = words.vocabulary.to_pylist()
    return [[vocabulary[i] for i in words.ids[a:b]] for a, b in zip(words.offsets[:-1], words.offsets[1:])]


@pytest.mark.parametrize("text, words", [
    ("Hello, world (again)!", "Hello , world ( again ) !"),
    ("a well-known, half—open case", "a well - known , half — open case"),
    ("3,000.5 at example.com, one,two", "3,000.5 at example.com , one , two"),
    ("the end.Next U.S. or J. Smith, e.g. USA.", "the end . Next U.S. or J. Smith , e.g. USA ."),
    ("so... wait…what -- '--all' /etc/x.conf", "so ... wait … what -- ' --all ' /etc / x.conf"),
    ("it isn't John's, we’ll say; l'eau ’s 'tis", "it is n't John 's , we ’ll say ; l'eau ’ s ' tis"),
    ("x=y 3+4 a:b 10:30 and/or", "x = y 3 + 4 a : b 10:30 and / or"),
    ("see https://example.org/a-b/c=d.", "see https://example.org/a-b/c=d ."),
    ("$5 50% €9 ©2020 ok☺", "$ 5 50 % € 9 © 2020 ok ☺"),
    ("\"'quoted' **bold**\"", "\" ' quoted ' * * bold * * \""),
    ("漢字 abc かな", "漢 字 abc か な"),
    ("हिन्दी भाषा।", "हिन्दी भाषा ।"),
    ("...", "..."),
    (". a .. b", ". a .. b"),
])
def test_words_and_marks_are_parted(text, words):
    assert by_text(split_words([text])) == [words.split(" ")]


def test_no_word_reaches_across_two_texts():
    texts = ["ab", "cd", "", None, "is", "n't", "a'", "s", ".", ".", "it:", "//x", "u", "-v"]
    assert by_text(split_words(texts)) == [by_text(split_words([t]))[0] for t in texts]


@given(st.lists(st.text(alphabet="aB1 .,-'’/:=sn t(…漢\n", max_size=12), max_size=6))
def test_a_text_is_split_as_if_alone_and_loses_only_space(texts):
    found = by_text(split_words(texts))
    assert found == [by_text(split_words([t]))[0] for t in texts]
    assert ["".join(words) for words in found] == ["".join(t.split()) for t in texts]


def test_no_texts_and_empty_texts_have_no_words():
    assert len(split_words([])) == 0 and len(split_words(["", " \n"]).ids) == 0


def test_block_size_decides_nothing(monkeypatch):
    texts = ["one two, three", "", "two 漢字", "…" * 3, "three one"] * 5
    whole = split_words(texts)
    monkeypatch.setattr(module, "BLOCK", 3)
    parts = split_words(texts)
    assert (whole.ids == parts.ids).all() and (whole.offsets == parts.offsets).all()
    assert whole.vocabulary.equals(parts.vocabulary)


def test_a_batch_is_split_once():
    batch = Batch(pa.table({"text": ["a b"]}))
    assert words_of(batch) is words_of(batch)


@given(st.lists(st.text(max_size=40), max_size=5))
def test_the_matching_form_is_what_the_regular_expression_finds(texts):
    texts = [t.encode("utf-8", "ignore").decode() for t in texts]
    assert by_text(matching_words(texts)) == [re.findall(r"\w+", unicodedata.normalize("NFC", t).lower()) for t in texts]


def test_equal_matching_forms_have_equal_digests_and_texts_without_words_their_own():
    a, b, c, d, e = text_digests(["Caf\u00e9, AU lait!", "cafe\u0301 au  LAIT", "café aulait", "!!!", "???"]).to_pylist()
    assert a == b != c and d != e


def test_the_digest_is_blake2b_of_words_joined_by_spaces():
    assert text_digests(["The  End."])[0].as_py() == hashlib.blake2b(b"the end", digest_size=16).digest()
