import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.text import words as module
from corpus.text.characters import POINTS, PUNCTUATION, STOP, SYMBOL, TERMINAL, kinds
from corpus.text.chunks import Vocabulary, cut_texts, utf8
from corpus.text.words import split_words, words_of


def by_text(texts, splitter="scripts", within=None):
    words, offsets = split_words(cut_texts(*utf8(texts), within=within), splitter)
    return [words[a:b] for a, b in zip(offsets[:-1], offsets[1:])]


@pytest.mark.parametrize("text, words", [
    ("Hello, world (again)!", "Hello , world ( again ) !"),
    ("it isn't John's, U.S. e.g. 3,000.5", "it is n't John 's , U.S. e.g. 3,000.5"),
    ("so... wait…what -- x=y him/her", "so ... wait … what -- x = y him / her"),
    ("see https://example.org/a-b/c=d.", "see https://example.org/a-b/c=d ."),
])
def test_words_are_those_of_english_both_ways(text, words):
    assert by_text([text], "english") == by_text([text], "scripts") == [words.split(" ")]


def test_scripts_without_spaces_are_cut_only_where_asked():
    assert by_text(["漢字 abc"], "english") == [["漢字", "abc"]] and by_text(["漢字 abc"]) == [["漢", "字", "abc"]]


@given(st.lists(st.text(alphabet="aB1 .,-'’/:=sn t(…漢\n", max_size=12), max_size=6))
def test_a_text_is_split_as_if_alone_and_loses_only_space(texts):
    found = by_text(texts)
    assert found == [by_text([t], within=Vocabulary())[0] for t in texts]
    assert ["".join(words) for words in found] == ["".join(t.split()) for t in texts]


def test_how_many_are_split_together_decides_nothing(monkeypatch):
    texts = ["one two, three", "", "two 漢字", "…" * 3, "three one"] * 5
    whole = by_text(texts, within=Vocabulary())
    monkeypatch.setattr(module, "_AT_ONCE", 2)
    assert by_text(texts, within=Vocabulary()) == whole


def test_words_of_a_vocabulary_are_kept_and_grow_with_it():
    vocabulary = Vocabulary()
    first = words_of(cut_texts(*utf8(["a, b"]), within=vocabulary))
    again = words_of(cut_texts(*utf8(pa.array(["c; a,"])), within=vocabulary))
    assert first is again and first.listed() == ["a", ",", "b", "c", ";"] and first.lists.count == 3


def test_characters_are_what_the_filters_list():
    text = pytest.importorskip("datatrove.utils.text")
    sentencizer = pytest.importorskip("spacy.pipeline.sentencizer").Sentencizer

    def having(flag):
        return {chr(i) for i in range(POINTS) if kinds()[i] & flag}

    assert having(SYMBOL) == text.PUNCTUATION_SET
    assert having(TERMINAL) == text.TERMINAL_PUNCTUATION
    assert having(STOP) == set(sentencizer.default_punct_chars)
    assert {"!", "«", "_"} <= having(PUNCTUATION) and not {"$", "+", "a"} & having(PUNCTUATION)
