import pyarrow as pa

from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.document import ID


def ids(n):
    return pa.array([i.to_bytes(16, "big") for i in range(n)], ID)


def test_rows_hold_the_digest_the_words_and_a_key_a_band():
    rows = Shingle(bands=3, rows=2).of(ids(3), ["one two three four five six", "a b", "!?"])
    assert rows.schema.equals(SHINGLES) and rows.column("words").to_pylist() == [6, 2, 0]
    assert [len(s) for s in rows.column("shingles").to_pylist()] == [2, 1, 1]
    assert [len(b) for b in rows.column("bands").to_pylist()] == [3, 3, 3]


def test_equal_matching_forms_share_every_band_and_others_of_no_words_none():
    rows = Shingle().of(ids(4), ["One two three.", "one  TWO three", "...", "--"])
    a, b, c, d = rows.column("bands").to_pylist()
    assert a == b and not set(c) & set(d)
    digests = rows.column("text_digest").to_pylist()
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_rows_do_not_depend_on_their_neighbours():
    texts = ["the quick brown fox jumps over the lazy dog", "", "short one", "the quick brown fox jumps again"]
    whole = Shingle().of(ids(4), pa.array(texts))
    for i, text in enumerate(texts):
        assert Shingle().of(ids(4).slice(i, 1), [text]).equals(whole.slice(i, 1))


def test_no_texts_are_fine():
    assert Shingle().of(ids(0), []).num_rows == 0
