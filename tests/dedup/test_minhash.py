import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import chance
from corpus.dedup.minhash import band_keys, shingle_sets, sketch
from corpus.text.normal import matching_hashes
from corpus.text.shingles import mix

MASK = 2**64 - 1
STEP = 0x9E3779B97F4A7C15

word_lists = st.lists(st.lists(st.integers(0, 5), max_size=12), max_size=6)


def hashed(texts):
    return matching_hashes(pa.array(texts, pa.large_string()))


def flat_words(texts):
    """Small numbers as word hashes, spread over 64 bits, and where each text starts."""
    words = np.array([w for t in texts for w in t], np.uint64)
    return mix(words + np.uint64(1)), np.cumsum([0, *map(len, texts)], dtype=np.int64)


def sets(hashes, offsets, n, whole=None):
    whole = np.arange(len(offsets) - 1, dtype=np.uint64) if whole is None else whole
    flat, at = shingle_sets(hashes, offsets, whole, n)
    return [flat[a:b].tolist() for a, b in zip(at[:-1], at[1:])]


def mixed(x):
    return int(mix(np.array([x & MASK], np.uint64))[0])


def shingle(words):
    folded = STEP
    for word in words:
        folded = mixed(folded * STEP + int(word))
    return folded


@given(word_lists, st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_shingle_sets_are_those_of_the_definition(texts, n):
    hashes, offsets = flat_words(texts)
    for i, found in enumerate(sets(hashes, offsets, n)):
        words = hashes[offsets[i] : offsets[i + 1]].tolist()
        assert found == (sorted({shingle(words[k : k + n]) for k in range(len(words) - n + 1)}) or [i])


def test_shingles_of_equal_words_are_equal_and_order_counts():
    a, b, c = map(set, sets(*hashed(["one two three four", "One, two! THREE four", "two one three four"]), 2))
    assert a == b and len(a) == 3 and len(a & c) == 1          # only "three four"


def test_a_text_of_fewer_words_has_its_whole_as_only_shingle():
    found = sets(*hashed(["a b", "a b c d e", "", None]), 5)
    assert found[0] == [0] and found[2:] == [[2], [3]] and len(found[1]) == 1


def test_the_jaccard_of_shingle_sets_is_that_of_word_tuples():
    texts = ["the cat sat on the mat and the dog sat on the rug", "the cat sat on the rug and the dog sat on the mat"]
    a, b = map(set, sets(*hashed(texts), 3))
    words = [t.split() for t in texts]
    x, y = ({tuple(w[i : i + 3]) for i in range(len(w) - 2)} for w in words)
    assert len(a & b) / len(a | b) == len(x & y) / len(x | y)


def test_no_texts_and_no_words_in_a_shingle():
    flat, at, keys = sketch(*flat_words([]), np.zeros(0, np.uint64))
    assert len(flat) == 0 and at.tolist() == [0] and keys.shape == (0, 20)
    with pytest.raises(ValueError, match="1 word or more, not 0"):
        shingle_sets(*flat_words([[1]]), np.zeros(1, np.uint64), 0)


def test_values_do_not_depend_on_the_process_or_the_batch():
    code = """
import numpy, pyarrow
from corpus.dedup.minhash import sketch
from corpus.text.normal import matching_hashes
flat, _, keys = sketch(*matching_hashes(pyarrow.array(["z", "one two three"])), numpy.zeros(2, numpy.uint64), 3)
print(flat[1], keys[1, 0])
"""
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    flat, _, keys = sketch(*hashed(["one two three"]), np.zeros(1, np.uint64), 3)
    assert other.split() == [str(flat[0]), str(keys[0, 0])]


@given(word_lists, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_a_sketch_does_not_depend_on_neighbours_and_equal_sets_have_equal_sketches(texts, seed):
    texts = [*texts, *texts]
    hashes, offsets = flat_words(texts)
    whole = np.tile(np.arange(len(texts) // 2, dtype=np.uint64), 2)
    flat, at, keys = sketch(hashes, offsets, whole, 3, bands=4, rows=2, seed=seed)
    for i in range(len(texts)):
        words, start = flat_words([texts[i]])
        one, _, key = sketch(words, start, whole[i : i + 1], 3, bands=4, rows=2, seed=seed)
        assert one.tolist() == flat[at[i] : at[i + 1]].tolist() and (key[0] == keys[i]).all()
    half = len(texts) // 2
    assert (keys[:half] == keys[half:]).all()


def test_arrays_that_cannot_be_written_to_and_other_integers_do():
    hashes, offsets = flat_words([[1, 2, 3, 4], [5]])
    expected = sketch(hashes, offsets, np.arange(2, dtype=np.uint64), 2)
    hashes.flags.writeable = False
    again = sketch(hashes, offsets.astype(np.int32), np.arange(2, dtype=np.uint64), 2)
    assert all((a == b).all() for a, b in zip(expected, again))


def minima(x, bands, rows, seed):
    """By the definition: the least of a·x + b mod 2^32 over upper halves, for each (a, b)."""
    draw = chance.generator(seed, "minhash")
    a, b = (draw.integers(0, 2**32, bands * rows, np.uint32).astype(object) for _ in range(2))
    upper = [int(v) >> 32 for v in x]
    return np.array([min(((int(f) | 1) * u + int(t)) % 2**32 for u in upper) for f, t in zip(a, b)]).reshape(bands, rows)


def test_keys_are_those_of_the_definition():
    x = mix(np.arange(1, 40, dtype=np.uint64))
    found = band_keys(x, np.array([0, 39]), bands=3, rows=2, seed=2)[0]
    for band, least in enumerate(minima(x, 3, 2, 2).tolist()):
        key = mixed(band + 1)
        for value in least:
            key = mixed(key * STEP + value)
        assert key == found[band]
    assert (band_keys(x, np.array([0, 39]), 3, 2, seed=3)[0] != found).all()


def test_a_key_is_of_one_band_and_long_sets_are_blocked_without_a_trace():
    x = mix(np.arange(10_000, dtype=np.uint64))
    whole = band_keys(x, np.array([0, 10_000]), bands=8, rows=1)[0]
    parts = band_keys(x, np.arange(0, 10_001, 100), bands=8, rows=1)
    assert len(set(whole.tolist())) == 8
    assert all(key in parts[:, band] for band, key in enumerate(whole))      # the least of all is the least of some part


def alike(pairs, size, jaccard, seed):
    """(keys' input) sets of `size` in pairs: flat, offsets and their Jaccard."""
    common = round(2 * size * jaccard / (1 + jaccard))
    x = np.random.default_rng(seed).integers(0, 2**64, (pairs, 2, size), np.uint64)
    x[:, 1, :common] = x[:, 0, :common]
    return np.sort(x, axis=2).ravel(), np.arange(2 * pairs + 1) * size, common / (2 * size - common)


@pytest.mark.parametrize("size", [20, 90, 1000])
@pytest.mark.parametrize("jaccard", [0.5, 0.8])
def test_pairs_meet_as_often_as_the_formula_says(jaccard, size):
    pairs = 3000
    flat, offsets, j = alike(pairs, size, jaccard, seed=3)
    keys = band_keys(flat, offsets, bands=20, rows=7).reshape(pairs, 2, 20)
    met = (keys[:, 0] == keys[:, 1]).any(1).mean()
    odds = 1 - (1 - j**7) ** 20
    assert abs(met - odds) < 4 * np.sqrt(odds * (1 - odds) / pairs)


def test_each_minimum_is_equal_as_often_as_sets_are_alike_and_no_two_agree_on_when():
    pairs = 1500
    flat, offsets, j = alike(pairs, 100, 0.6, seed=4)
    keys = band_keys(flat, offsets, bands=100, rows=1).reshape(pairs, 2, 100)
    equal = (keys[:, 0] == keys[:, 1]).astype(float)
    spread = np.sqrt(j * (1 - j) / pairs)
    assert (np.abs(equal.mean(0) - j) < 5 * spread).all() and abs(equal.mean() - j) < 5 * spread / 10
    others = np.corrcoef(equal.T)[np.triu_indices(100, 1)]
    assert np.abs(others).max() < 5 / np.sqrt(pairs)
