import time
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from corpus.text.nfc import nfc, ordered

MARKS = ["\u0301", "\u0315", "\u0323", "\u0344", "\u0345", "\u0f73", "\u3099", "\u0591"]


@given(st.text(max_size=40) | st.text(alphabet=[*MARKS, "a", "é", "\u1100", "\u1161", " "], max_size=40))
def test_it_is_the_form_of_the_standard(text):
    assert nfc(text) == unicodedata.normalize("NFC", text)


@given(st.sampled_from(["", "a", "é", "が", "\u0915"]), st.lists(st.sampled_from(MARKS), min_size=25, max_size=80))
def test_piled_marks_have_the_same_form(letter, marks):
    text = f"x{letter}{''.join(marks)}{letter} y"
    assert nfc(text) == unicodedata.normalize("NFC", text) == unicodedata.normalize("NFC", ordered(text))


def test_a_million_marks_take_seconds():
    for text in ("a" + "\u0315\u0300" * 500_000, "a" + "\u0f73" * 1_000_000, "a" + "\u0300" * 1_000_000):
        started = time.process_time()
        nfc(text)
        assert time.process_time() - started < 10                  # about half an hour by the interpreter's way
