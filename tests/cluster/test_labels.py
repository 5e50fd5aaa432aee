from __future__ import annotations

from corpus.cluster.labels import label, words


def test_words_that_every_class_is_full_of_are_no_labels_in_any_language():
    classes = {"cook": ["the oven and the dough"] * 6 + ["the dough and the yeast"] * 6,
               "code": ["the compiler and the loop"] * 12}
    found = label(classes)
    assert found["cook"].split()[0] == "dough" and set(found["code"].split()) == {"compiler", "loop"}
    assert "the" not in found["cook"].split()


def test_one_long_text_does_not_name_a_class():
    found = label({"a": ["bread bread"] * 20 + ["zebra " * 500], "b": ["steel"] * 20})
    assert found == {"a": "bread", "b": "steel"}


def test_only_letters_count_and_short_words_do_not():
    assert words("Ab abc A1B2 4711 naïve x_y über", 100) == {"abc", "naïve", "über"}


def test_a_class_without_words_has_an_empty_label():
    assert label({"a": ["1 2 3"], "b": ["words here"]})["a"] == ""
