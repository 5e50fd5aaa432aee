import sys
import threading
import unicodedata
import weakref

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.operators import Batch
from corpus.text import chunks as module
from corpus.text.chunks import Lists, Strings, Vocabulary, chunks_of, cut_texts, utf8
from corpus.text.kernels import BREAK, WIDE
from corpus.text.words import words_of

SPACES = [chr(i) for i in range(sys.maxunicode + 1) if chr(i).isspace()]
BREAKS = [s for s in SPACES if len(f"a{s}a".splitlines()) == 2]


def strings(chunks):
    known = chunks.vocabulary.listed(0, len(chunks.vocabulary))
    return [[known[k] for k in chunks.ids[a:b]] for a, b in zip(chunks.starts[:-1], chunks.starts[1:])]


def gaps(text):
    return cut_texts(*utf8([text])).gaps.tolist()


def test_every_white_space_of_python_parts_chunks_and_nothing_else_does():
    points = [chr(i) for i in range(0x20000) if not unicodedata.category(chr(i)) == "Cs"]
    chunks = cut_texts(*utf8([f"a{p}b" for p in points]))
    assert strings(chunks) == [f"a{p}b".split() for p in points]
    assert chunks.lines.tolist() == [len(f"a{p}b".splitlines()) for p in points]


@given(st.lists(st.text(alphabet=[*SPACES, *"\r\r\n\nab", "é", "漢", "\U0001F600"], max_size=12), max_size=6))
def test_chunks_and_lines_are_those_of_split_and_splitlines(texts):
    chunks = cut_texts(*utf8(texts))
    assert strings(chunks) == [t.split() for t in texts]
    assert chunks.lines.tolist() == [len(t.splitlines()) for t in texts]


def test_a_gap_says_whether_it_is_one_space_and_whether_it_breaks_the_line():
    assert gaps("a b  c\td\ne \n f") == [BREAK, 0, WIDE, WIDE, WIDE | BREAK, WIDE | BREAK]
    assert gaps(" a") == [BREAK | WIDE] and gaps("a\u00a0b") == [BREAK, WIDE]
    assert [gaps(f"a{s}b")[1] & BREAK for s in SPACES] == [BREAK if s in BREAKS else 0 for s in SPACES]


@pytest.mark.parametrize("column", [
    pa.array(["x", "a b", None, "é c", ""]).slice(1),
    pa.array(["x", "a b", None, "é c", ""], pa.large_string()).slice(1),
    pa.chunked_array([["a b"], [None, "é c"], [""]]),
    pa.chunked_array([["a b", None, "é c", ""]]),
    ["a b", None, "é c", ""],
])
def test_all_shapes_of_text_columns_are_read(column):
    assert strings(cut_texts(*utf8(column))) == [["a", "b"], [], ["é", "c"], []]


def test_no_texts_have_no_chunks():
    for none in (pa.array([], pa.string()), pa.chunked_array([], pa.large_string()), pa.array([None, None], pa.string())):
        assert len(cut_texts(*utf8(none)).ids) == 0
    with pytest.raises(TypeError, match="int64"):
        utf8(pa.array([1]))


def test_a_vocabulary_that_grows_many_times_keeps_its_ids():
    words = [f"{i:x}" + "-" * (i % 40) for i in range(20_000)]
    small = Strings(room=2)
    ids, _, _, _ = small.ids_of(*utf8([" ".join(words), " ".join(words)]))
    assert ids.tolist() == list(range(20_000)) * 2 and small.listed(0, 20_000) == words
    assert small.listed(7, 9) == words[7:9] and small.bytes == sum(map(len, words)) + 20_000


def test_one_chunk_of_megabytes_is_one_chunk():
    text = "é" * 3_000_000
    assert strings(cut_texts(*utf8([text + " b"]), within=Vocabulary())) == [[text, "b"]]


def test_a_large_vocabulary_is_given_up_between_batches(monkeypatch):
    before = chunks_of(Batch(pa.table({"text": ["one two"]})))
    monkeypatch.setattr(module, "MOST_CHUNKS", 1)
    after = chunks_of(Batch(pa.table({"text": ["one two"]})))
    assert after.vocabulary is not before.vocabulary and strings(after) == strings(before) == [["one", "two"]]


def test_a_vocabulary_that_is_given_up_is_gone_with_its_layers():
    chunks = cut_texts(*utf8(["one, two"]), within=Vocabulary())
    words = weakref.ref(words_of(chunks))
    assert words() is not None
    del chunks
    assert words() is None


def test_a_batch_is_cut_once():
    batch = Batch(pa.table({"text": ["a b"]}))
    assert chunks_of(batch) is chunks_of(batch)


def test_threads_share_a_vocabulary():
    words, found = Vocabulary(), {}
    texts = [" ".join(f"w{i * k % 997}" for i in range(3000)) for k in range(1, 9)]

    def cut(k):
        found[k] = cut_texts(*utf8([texts[k]] * 3), within=words)

    threads = [threading.Thread(target=cut, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(strings(found[k]) == [texts[k].split()] * 3 for k in range(8)) and len(words) == 997


def test_lists_grow_and_keep_what_they_have():
    lists = Lists(np.int32)
    for k in range(50):
        lists.append(np.array([k % 3, 0]), np.full(k % 3, k))
    got = [lists.flat[a:b].tolist() for a, b in zip(lists.first[:100], lists.first[1:101])]
    assert got == [[k] * (k % 3) if not half else [] for k in range(50) for half in (0, 1)] and lists.count == 100


def test_bytes_are_read_only_whoever_made_them_so_that_kernels_are_compiled_once():
    made = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 1, 3], np.int32)), pa.py_buffer(bytearray(b"abc")))
    for texts in (made, pa.array(["a", "bc"]), ["a", "bc"], pa.chunked_array([["a"], ["bc"]]), pa.array([], pa.string())):
        assert not utf8(texts)[0].flags.writeable
