import random
import re

import numpy as np

from corpus.text.needles import find_all


def bytes_of(texts):
    return np.frombuffer(b"".join(texts), np.uint8), np.cumsum([0, *map(len, texts)])


def by_regex(texts, needles):
    places = [(i, m.start(), k) for i, text in enumerate(texts) for k, needle in enumerate(needles)
              for m in re.finditer(b"(?=" + re.escape(needle) + b")", text, re.I)]
    return sorted(places)


def test_places_are_those_of_a_regular_expression_in_any_case():
    texts = [b"A License, a LICENCE; licens", b"", b"e rel=license", b"x" * 500 + b"LiCeNsE" + b"y" * 500]
    needles = (b"license", b"licence", b"rel=")
    found = [tuple(place) for place in find_all(*bytes_of(texts), needles).tolist()]
    assert found == by_regex(texts, needles) == [(0, 2, 0), (0, 13, 1), (2, 2, 2), (2, 6, 0), (3, 500, 0)]


def test_random_bytes_are_searched_as_a_regular_expression_does():
    draw = random.Random(7)
    for _ in range(30):
        texts = [bytes(draw.choices(b"abAB-@`\xe9", k=draw.randrange(0, 700))) for _ in range(draw.randrange(1, 6))]
        needles = tuple({bytes(draw.choices(b"ab-", k=draw.randrange(1, 6))) for _ in range(4)})
        assert [tuple(p) for p in find_all(*bytes_of(texts), needles).tolist()] == by_regex(texts, needles)


def test_only_the_first_places_of_a_needle_in_a_text_are_told():
    found = find_all(*bytes_of([b"ab ab ab ac", b"ab"]), (b"ab", b"ac"), most=2)
    assert found.tolist() == [[0, 0, 0], [0, 3, 0], [0, 9, 1], [1, 0, 0]]


def test_texts_may_be_a_part_of_the_bytes():
    data = np.frombuffer(b"needle needle needle", np.uint8)
    assert find_all(data, np.array([7, 13]), (b"needle",)).tolist() == [[0, 0, 0]]
    assert find_all(data, np.array([8, 19]), (b"needle",)).tolist() == []


def test_many_places_are_all_told():
    assert len(find_all(*bytes_of([b"ab" * 5000]), (b"ab",))) == 5000
