import hashlib
import re
import unicodedata

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from corpus.text.normal import matching_hashes, matching_words, text_digests

TRICKY = [*"aB1_ .,'-Σσς\n\t", "\u0301", "\u00a0", "é", "İ", "ſ", "\u212a", "漢", "\u2000", "\u200d", "\u1fef", "\u0345",
          "ά",
          "\u1100", "\u1161", "\u0327", "\x1f", "\U0001F600", "\u037e"]


def defined(text):
    return re.findall(r"\w+", unicodedata.normalize("NFC", text).lower())


def by_text(texts):
    hashes, offsets = matching_hashes(texts)
    assert hashes.dtype == np.uint64 and offsets.dtype == np.int64
    return [hashes[a:b].tolist() for a, b in zip(offsets[:-1], offsets[1:])]


def hashed(words):
    return [int.from_bytes(hashlib.blake2b(w.encode(), digest_size=8).digest(), "little") for w in words]


@given(st.lists(st.text(alphabet=TRICKY, max_size=14) | st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
@example(["ΑΣ Σ ΑΣ\u0301 b", "a \u0301b", "e\u0301 E\u0301"])
def test_hashes_are_those_of_the_words_that_the_regular_expression_finds(texts):
    assert by_text(texts) == [hashed(defined(t)) for t in texts]


@given(st.lists(st.text(alphabet=TRICKY, max_size=14), max_size=5))
def test_words_themselves_are_the_same(texts):
    assert [matching_words(t) for t in texts] == [defined(t) for t in texts]


def test_a_null_and_a_blank_have_no_words():
    assert by_text(pa.array([None, "", " \n", "!?", "a"])) == [[], [], [], [], hashed(["a"])]
    assert by_text(pa.array([], pa.string())) == []


def test_equal_matching_forms_have_equal_digests_and_texts_without_words_their_own():
    texts = pa.array(["Caf\u00e9, AU lait!", "cafe\u0301 au  LAIT", "café aulait", "!!!", "???", None, ""])
    a, b, c, d, e, f, g = text_digests(texts).to_pylist()
    assert a == b != c and d != e and f == g and len({a, c, d, e, f}) == 5
    assert text_digests(texts, matching_hashes(texts)).to_pylist() == [a, b, c, d, e, f, g]


def test_the_digest_is_blake2b_of_the_words_hashes():
    raw = b"".join(hashlib.blake2b(w, digest_size=8).digest() for w in (b"the", b"end"))
    assert text_digests(["The  End."])[0].as_py() == hashlib.blake2b(raw, digest_size=16).digest()
