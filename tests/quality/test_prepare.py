import pyarrow as pa
import pytest

from corpus.quality.prepare import Preparation, prepare


def lines(texts, **options):
    return prepare(pa.array(texts, pa.large_string()), **options)


@pytest.mark.parametrize("text, line", [
    ("Hello, World!\nIt's (a) test/try.  Done?", "hello , world ! <newline> it ' s ( a ) test / try . done ?"),
    ("a\r\n\tb\u00a0c\x00d\u2003e", "a <newline> b c d e"),
    ("__label__positive here", "labelpositive here"),
    ("__Label__x", "labelx"),
    ("ÄÖ", "äö"),
    ("", ""),
    (None, ""),
])
def test_text_is_prepared_as_climbs_classifiers_read_it(text, line):
    assert lines([text]) == [line]


def test_the_plain_form_only_makes_one_line():
    assert lines(["Hello, World!\nIt's\u00a0 fine.\x00"], form="plain") == ["Hello, World! It's fine."]
    assert lines(["__label__x"], form="plain") == ["labelx"]


def test_only_the_first_characters_count_and_nought_means_all():
    assert lines(["äbcdef"], characters=3) == ["äbc"]
    assert lines(["äbcdef"]) == ["äbcdef"]
    assert Preparation("climb", 2)(pa.chunked_array([["abc"], ["DEF", None]])) == ["ab", "de", ""]
