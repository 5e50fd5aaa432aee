import subprocess
import sys

import numpy as np

from corpus.text.normal import matching_words
from corpus.text.shingles import distinct, shingles


def sets(texts, n):
    whole = np.arange(len(texts), dtype=np.uint64)
    flat, offsets = shingles(matching_words(texts), n, whole)
    return [set(flat[a:b].tolist()) for a, b in zip(offsets[:-1], offsets[1:])]


def test_shingles_of_equal_words_are_equal_and_order_counts():
    a, b, c = sets(["one two three four", "One, two! THREE four", "two one three four"], 2)
    assert a == b and len(a) == 3 and len(a & c) == 1          # only "three four"


def test_repeated_shingles_count_once_and_are_sorted():
    flat, offsets = shingles(matching_words(["a b a b a b"]), 2, np.zeros(1, np.uint64))
    assert offsets.tolist() == [0, 2] and flat[0] < flat[1]


def test_a_text_of_fewer_words_has_its_whole_as_only_shingle():
    assert sets(["a b", "a b c d e", ""], 5)[0] == {0} and sets(["a b", "a b c d e", ""], 5)[2] == {2}


def test_the_jaccard_of_shingle_sets_is_that_of_word_tuples():
    texts = ["the cat sat on the mat and the dog sat on the rug", "the cat sat on the rug and the dog sat on the mat"]
    a, b = sets(texts, 3)
    words = [t.split() for t in texts]
    x, y = ({tuple(w[i : i + 3]) for i in range(len(w) - 2)} for w in words)
    assert len(a & b) / len(a | b) == len(x & y) / len(x | y)


def test_hashes_do_not_depend_on_the_process_or_the_batch():
    code = """
import numpy
from corpus.text.normal import matching_words
from corpus.text.shingles import shingles
print(shingles(matching_words(["z", "one two three"]), 3, numpy.zeros(2, numpy.uint64))[0][1])
"""
    other = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert sets(["one two three"], 3) == [{other}]


def test_segments_are_sorted_without_repeats():
    flat, offsets = distinct(np.array([3, 1, 3, 1, 1], np.uint64), np.array([0, 3, 3, 5]))
    assert flat.tolist() == [1, 3, 1] and offsets.tolist() == [0, 2, 2, 3]
