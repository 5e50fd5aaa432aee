import pyarrow as pa
import pytest

from corpus.operators import Batch
from corpus.signals.fineweb import FineWeb


def measure(*texts, **options):
    return FineWeb(**options).annotate(Batch(pa.table({"text": pa.array(texts, pa.large_string())}))).to_pylist()


def test_line_signals_by_hand():
    row = measure("One two.\n\nthree four\n \nOne two.\nlast。")[0]
    assert row["fineweb.lines"] == 4 and row["fineweb.stopped_lines"] == 3 / 4 and row["fineweb.short_lines"] == 1
    assert row["fineweb.repeated_chars"] == 8 / (8 + 10 + 1 + 8 + 5)
    assert row["fineweb.breaks_per_word"] == 5 / 10                     # One two . three four One two . last 。


def test_a_line_is_what_line_feeds_part_with_its_spaces():
    a, b, c = measure("a. ", "a.\r\nb!", "a.\u2028b")
    assert (a["fineweb.stopped_lines"], b["fineweb.stopped_lines"], c["fineweb.stopped_lines"]) == (0, 1 / 2, 0)
    assert c["fineweb.lines"] == 1


def test_thirty_characters_are_short_and_thirty_one_are_not():
    assert measure("é" * 30 + "\n" + "é" * 31)[0]["fineweb.short_lines"] == 1 / 2
    assert measure("abc\nabcd", short_line=3)[0]["fineweb.short_lines"] == 1 / 2


@pytest.mark.parametrize("blank", ["", None, "\n\n", " \u3000\n\t", "\x1c"])
def test_a_blank_text_has_no_lines_and_no_shares(blank):
    row = measure(blank)[0]
    assert row.pop("fineweb.lines") == 0 and set(row.values()) == {None}


def test_columns_are_those_declared_and_rows_do_not_depend_on_their_neighbours():
    texts = ["One.\nOne.\nTwo", "", "x\n\n\nx"]
    assert measure(*texts) == [measure(t)[0] for t in texts] and measure() == []
