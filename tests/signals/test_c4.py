import random

import pyarrow as pa
import pytest

from corpus.operators import Batch
from corpus.signals.c4 import C4


def measure(*texts, **options):
    return C4(**options).annotate(Batch(pa.table({"text": pa.array(texts, pa.large_string())}))).to_pylist()


def sentences(*texts, **options):
    return [row["c4.sentences"] for row in measure(*texts, **options)]


def test_sentences_are_counted_on_lines_that_end_well_and_have_three_words():
    lines = ["One two. Three! Four five?", "No stop here", "Two words.", "It goes on and on...", 'He said: "no."']
    assert sentences(*lines) == [3, 0, 0, 0, 1]
    assert measure("a b c.\nd e f\n\n g h i.")[0]["c4.kept_lines"] == 2 / 3


def test_a_sentence_begins_behind_wide_space_even_with_a_mark():
    assert sentences("Stop it. ) now then.", "Stop it.  ) now then.", "Stop it.\t) now then.") == [2, 2, 2]
    assert sentences("Stop it. ...", "It is so.  . B is c.") == [0, 3]


def test_lines_about_cookies_and_javascript_are_left_out():
    kept = ["Please reuse the cookies now.", "You use  cookies for that.", "In terms of users only.",
            "A privacy.policy page here."]
    left = ["Please enable JavaScript for this.", "We use cookies on it.", "Read our Terms of Use now.",
            "The PRIVACY POLICY is this.", "One of our coo\u212aie policy pages.",
            "It reuses cookies, so what.", "It warns of misuse of cookies."]
    assert sentences(*kept) == [1, 1, 0, 1] and sentences(*left) == [0] * len(left)   # "terms of use" is in "terms of users"


def test_the_first_line_that_damns_a_page_is_the_one_told():
    lorem, curly, both = "So lorem ipsum it is.", "Here { it is.", "A {lorem ipsum} it is."
    found = [(r["c4.lorem_ipsum"], r["c4.curly_bracket"]) for r in measure(
        lorem, curly, both, f"{lorem}\n{curly}", f"{curly}\n{lorem}", "So lorem ipsum", "lorem  ipsum it is.", "{ is.")]
    assert found == [(1, 0), (0, 1), (1, 0), (1, 0), (0, 1), (0, 0), (0, 0), (0, 0)]


def test_citations_are_taken_out_first():
    assert sentences("It is so.[1]", "It is so. [1]", "It is[citation needed] so.", "So it is [edit].", "It [x] is so.") == \
        [1, 0, 1, 1, 1]
    assert sentences("[1] [2] so.") == [1]                              # words are counted before, sentences after


def test_long_words_spoil_their_line():
    assert sentences("x" * 1000 + " is long.", "x" * 1001 + " is long.", "é" * 1000 + " is long.") == [1, 0, 1]
    assert sentences("ab is long.", longest_word=4) == [0] and sentences("So it.", least_words=2) == [1]


def test_the_third_longest_line_is_measured_where_there_are_three():
    assert [r["c4.third_line"] for r in measure("aaa\nbb\nc", "aaa\nbb", "a\r\n\nbbb\néé", "", None)] == [1, 0, 2, 0, 0]


def test_columns_are_those_declared_and_rows_do_not_depend_on_their_neighbours():
    texts = ["One two three.\n[1] So it is.", "", "lorem ipsum so.", "It is so.[2]"]
    assert measure(*texts) == [measure(t)[0] for t in texts] and measure() == []


def test_many_lines_with_citations_are_all_seen():
    assert sentences("\n".join(["It is so.[1]"] * 700)) == [700]


def test_sentences_are_spacys():
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    rng = random.Random(5)
    pool = ["Boats", "a.", ".", "?!", ")", '"', "…", "。", "U.S.", "it's", "x", "$", "+", "—", "5.", "end.)", "!", "«", "'s"]
    for _ in range(400):
        line = "".join(rng.choice(pool) + rng.choice([" ", " ", "", "  ", "\t", "\u00a0", " \t"])
                       for _ in range(rng.randint(3, 14)))
        line = f"a b c {line.strip()} end."
        if not any(odd in line for odd in ("[", "{")):
            assert sentences(line) == [len(list(nlp(line).sents))], line
