import pyarrow as pa
import pytest

from corpus.errors import ConfigError
from corpus.operators import Batch
from corpus.signals.gopher import GopherQuality


def measure(*texts, **options):
    return GopherQuality(**options).annotate(Batch(pa.table({"text": pa.array(texts, pa.large_string())})))


def test_words_lengths_and_letters_by_hand():
    row = measure("The cat, 42 of them # ...").to_pylist()[0]
    assert row["gopher.words"] == 5                                     # The cat 42 of them
    assert row["gopher.mean_word_length"] == (3 + 3 + 2 + 2 + 4) / 5
    assert row["gopher.hash_ratio"] == 1 / 8 and row["gopher.ellipsis_ratio"] == 1 / 8      # 8 words and marks
    assert row["gopher.symbol_ratio"] == 1 / 8
    assert row["gopher.alpha_words"] == 4 / 8
    assert row["gopher.stop_words"] == 1                                # "of"; "The" is not "the"


def test_lines_that_start_with_bullets_and_end_with_ellipses():
    row = measure("- one\n • two...\nthree… \n\nfour").to_pylist()[0]
    assert row["gopher.bullet_lines"] == 2 / 5 and row["gopher.ellipsis_lines"] == 2 / 5


def test_three_full_stops_of_a_longer_run_count_once():
    assert measure("a ..... ...... b…").to_pylist()[0]["gopher.ellipsis_ratio"] == 4 / 5   # a ..... ...... b …


def test_shares_of_nothing_are_null():
    for row in measure("", None).to_pylist():
        assert row.pop("gopher.words") == 0 and row.pop("gopher.stop_words") == 0
        assert set(row.values()) == {None}


def test_rows_do_not_depend_on_their_neighbours():
    texts = ["alpha beta the of", "", "the the - x", "漢字 and こと"]
    assert measure(*texts).to_pylist() == [measure(t).to_pylist()[0] for t in texts]


def test_columns_are_those_declared():
    assert measure("a").schema == GopherQuality().schema() and measure().num_rows == 0


def test_stop_words_are_an_option_and_do_not_disturb_one_another():
    many = tuple(f"w{i}" for i in range(62))
    found = measure("w0 w61 w61, w62 the", stop_words=many).column("gopher.stop_words").to_pylist()
    assert found == [2] and measure("w0 w61 the").column("gopher.stop_words").to_pylist() == [1]
    with pytest.raises(ConfigError, match="63 of them"):
        GopherQuality(stop_words=(*many, "w62"))


def test_words_of_scripts_without_spaces_are_an_option():
    text = "漢字かな " * 3
    assert measure(text).to_pylist()[0]["gopher.words"] == 12
    assert measure(text, words="english").to_pylist()[0]["gopher.words"] == 3


def test_measured_values_agree_with_datatroves_definitions():
    quality = pytest.importorskip("datatrove.pipeline.filters.gopher_quality_filter")
    text = "It is the case that # we have one • thing to say... with 3 dots!\n- and a bullet\n• two"
    row = measure(text).to_pylist()[0]
    words = "It is the case that # we have one • thing to say ... with 3 dots ! - and a bullet • two".split()
    assert row["gopher.hash_ratio"] == text.count("#") / len(words)
    assert row["gopher.words"] == sum(any(c not in quality.PUNCTUATION_SET for c in w) for w in words)
    assert row["gopher.alpha_words"] == sum(any(c.isalpha() for c in w) for w in words) / len(words)
    assert row["gopher.stop_words"] == len(set(quality.STOP_WORDS) & set(words))
