"""Places in the text of words of the matching form."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from corpus.decontaminate.spans import character_runs, merged, word_spans


def test_plain_text_has_the_places_of_a_search():
    assert word_spans("Ab, c_d 7").tolist() == [[0, 2], [4, 7], [8, 9]]
    assert word_spans("").tolist() == word_spans("…!").tolist() == []


def test_letters_that_join_or_grow_do_not_move_what_follows():
    assert word_spans("cafe\u0301 x").tolist() == [[0, 5], [6, 7]]
    assert word_spans("İx y").tolist() == [[0, 1], [1, 2], [3, 4]]            # lower case is i, a dot above, x
    assert word_spans("\u1112\u1161\u11ab b").tolist() == [[0, 3], [4, 5]]    # three jamo are one syllable
    assert word_spans("\u1112\u1161").tolist() == [[0, 2]]
    assert word_spans("x \u0344a").shape[1] == 2                              # one character that NFC makes two of


@given(st.text(max_size=60) | st.text(alphabet="aİΣ e\u0301\u0323\u1112\u1161\u11ab\u0958ﬁ ", max_size=40))
def test_the_matching_form_of_each_place_holds_its_word(text):
    words = re.findall(r"\w+", unicodedata.normalize("NFC", text).lower())
    places = word_spans(text).tolist()
    assert len(places) == len(words)
    for word, (start, end) in zip(words, places):
        assert word.replace("ς", "σ") in unicodedata.normalize("NFC", text[start:end]).lower().replace("ς", "σ")
    assert all(a[1] <= b[1] and a[0] <= b[0] for a, b in zip(places, places[1:]))


def test_runs_that_touch_are_one():
    import numpy as np

    assert merged(np.array([0, 2, 5, 9]), np.array([3, 5, 6, 10])) == [(0, 6), (9, 10)]
    assert character_runs("ab cd ef gh", [(0, 2), (3, 4)]) == [{"start": 0, "end": 5}, {"start": 9, "end": 11}]
