import random

import pyarrow as pa
import pytest

from corpus.operators import Batch
from corpus.signals.repetition import GopherRepetition
from corpus.text.chunks import cut_texts, utf8
from corpus.text.words import split_words

TEXTS = [
    "a b a b a b a b a b a b a b a b",
    "one two three four five six seven eight nine ten eleven twelve",
    "Buy now!\nBuy now!\nBuy now!\n\nOther line\n\nBuy now!\n\n\nOther line",
    "the cat sat on the mat, and the cat sat on the mat, and the cat sat on the mat, again",
    "x " * 300,
    "\n\n leading and trailing \n\n\n",
    "\n", "\n\n\n", " \n a\n\n a", "a\n\n \n\na", "\u2028\n\nz\n\n\x85z\n\nz", "  é\n\né",
    "word",
    "...",
    "漢字の文章 漢字の文章 漢字の文章",
]


def measure(texts, **options):
    return GopherRepetition(**options).annotate(Batch(pa.table({"text": pa.array(texts, pa.large_string())}))).to_pylist()


def words_by_text(texts):
    words, offsets = split_words(cut_texts(*utf8(texts)))
    return [words[a:b] for a, b in zip(offsets[:-1], offsets[1:])]


def made_up(seed):
    rng = random.Random(seed)
    vocabulary = rng.choice([["alpha", "b", "gamma,", "de", "e.", "zeta"], ["a", "ab", "b", "ba", "aba", "é"]])
    vocabulary = vocabulary[: rng.randint(1, 6)]
    return "".join(rng.choice(vocabulary) + rng.choice(" \n") for _ in range(rng.randint(1, 200)))


def test_repeated_lines_and_paragraphs_by_hand():
    row = measure(["ab\nab\ncd\n\nab\nab\ncd"])[0]
    assert row["repetition.dup_lines"] == 4 / 6 and row["repetition.dup_line_chars"] == 8 / 18
    assert row["repetition.dup_paragraphs"] == 1 / 2 and row["repetition.dup_paragraph_chars"] == 8 / 18
    assert row["repetition.characters"] == 18


def test_ngrams_by_hand():
    row = measure(["a b a b c"], top=(1, 2, 9), duplicate=(2,))[0]
    assert row["repetition.top_1_gram"] == 2 / 9                        # "a" twice, before "b"
    assert row["repetition.top_2_gram"] == 3 * 2 / 9                    # "a b" twice, three characters each
    assert row["repetition.top_9_gram"] == 0                            # five words have none
    assert row["repetition.dup_2_grams"] == 2 / 9                       # the second "ab"


def test_ngrams_that_are_the_same_joined_are_the_same():
    assert measure(["ab c x a bc"], top=(2,), duplicate=(2,))[0]["repetition.dup_2_grams"] == 3 / 11


@pytest.mark.parametrize("texts", [TEXTS, [made_up(seed) for seed in range(200)]])
def test_values_are_datatroves(texts):
    theirs = pytest.importorskip("datatrove.pipeline.filters.gopher_repetition_filter")
    filter_ = theirs.GopherRepetitionFilter()
    for text, words, row in zip(texts, words_by_text(texts), measure(texts)):
        expected = {"characters": len(text)}
        split = {"paragraph": filter_.paragraph_exp.split(text.strip()), "line": filter_._line_splitter.split(text)}
        for name, pieces in split.items():
            elements, characters = theirs.find_duplicates(pieces)
            expected |= {f"dup_{name}s": elements / len(pieces), f"dup_{name}_chars": characters / len(text)}
        for n in (2, 3, 4):
            grams = theirs.get_n_grams(words, n)
            expected[f"top_{n}_gram"] = theirs.find_top_duplicate(grams) / len(text) if grams else 0.0
        for n in range(5, 11):
            expected[f"dup_{n}_grams"] = theirs.find_all_duplicate(words, n) / len(text)
        assert row == {f"repetition.{k}": v for k, v in expected.items()}, text


def test_an_empty_text_has_no_fractions():
    for row in measure(["", None]):
        assert row.pop("repetition.characters") == 0 and set(row.values()) == {None}


def test_rows_do_not_depend_on_their_neighbours():
    assert measure(TEXTS) == [measure([t])[0] for t in TEXTS]


def test_a_text_of_many_equal_words_takes_no_longer_than_its_length():
    text = "so " * 400_000
    assert measure([text])[0]["repetition.top_2_gram"] == pytest.approx(5 * 399_999 / len(text))
