"""What the suffix-array tool needs and gives, with ranges found by brute force in its place."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.dedup.substrings import SEPARATOR, cut, export, read_ranges, size_file, spans


def columns(*shards):
    return [pa.array(texts, pa.large_string()) for texts in shards]


def repeated(data, length):
    """Byte ranges of all substrings of `length` that occur twice, overlapping ones joined: what `collect` prints."""
    seen = {}
    for i in range(len(data) - length + 1):
        seen.setdefault(data[i : i + length], []).append(i)
    found = []
    for i in sorted(i for places in seen.values() if len(places) > 1 for i in places):
        if found and i <= found[-1][1]:
            found[-1][1] = i + length
        else:
            found.append([i, i + length])
    return found


def printed(path, ranges):
    path.write_text("Merge number: 3\nout\n" + "".join(f"{a} {b}\n" for a, b in ranges))
    return read_ranges(path)


def test_the_file_has_numbered_separators_and_the_sizes_say_where_texts_start(tmp_path):
    path = tmp_path / "web.train"
    assert export(columns(["ab", None], ["é"]), path) == 3
    assert path.read_bytes() == b"\xff\xff\x01\0\0\0ab" + b"\xff\xff\x02\0\0\0" + b"\xff\xff\x03\0\0\0" + "é".encode()
    assert np.fromfile(size_file(path), "<u8").tolist() == [0, 8, 14, 22]


def test_texts_lose_their_repeated_substrings_and_nothing_else(tmp_path):
    rng = random.Random(2)
    shared = "Ein Absatz, der überall steht – 日本語も – " + "".join(rng.choices("abcdefgh ", k=60))
    own = ["".join(rng.choices("abcdefghijklmnop ", k=40)) for _ in range(6)]
    shards = [[own[0] + shared + own[1], own[2]], [own[3] + shared, shared + own[4] + shared, own[5], ""]]
    path = tmp_path / "data"
    export(columns(*shards), path)
    ranges = printed(tmp_path / "ranges", repeated(path.read_bytes(), 50))
    left = [cut(texts, found) for texts, found in zip(shards, spans(columns(*shards), path, ranges))]
    assert left == [[own[0] + own[1], own[2]], [own[3], own[4], own[5], ""]]


def test_a_character_that_is_cut_stays_and_ranges_over_separators_are_clipped(tmp_path):
    shards = [["aéb", "日本"]]
    path = tmp_path / "data"
    export(columns(*shards), path)                                  # a at 6, é at 7-9, b at 9; 日 at 16-19, 本 at 19-22
    (found,) = spans(columns(*shards), path, printed(tmp_path / "r", [(8, 10), (9, 20)]))
    assert found.to_pylist() == [[{"start": 2, "end": 3}], [{"start": 0, "end": 1}]]
    (found,) = spans(columns(*shards), path, printed(tmp_path / "r", [(0, 6), (17, 21), (22, 22)]))
    assert found.to_pylist() == [[], []]


PLACE = st.integers(0, 90)


@given(st.lists(st.text(max_size=12), min_size=1, max_size=5), st.lists(st.tuples(PLACE, PLACE), max_size=6))
def test_spans_are_the_whole_characters_whose_bytes_all_lie_in_the_ranges(tmp_path_factory, texts, pairs):
    texts = [t.encode("utf-8", "ignore").decode() for t in texts]
    path = tmp_path_factory.mktemp("s") / "data"
    export(columns(texts), path)
    ranges = np.array(sorted((min(p), max(p)) for p in pairs), np.int64).reshape(-1, 2)
    (found,) = spans(columns(texts), path, ranges)
    covered, at = {i for a, b in ranges.tolist() for i in range(a, b)}, 0
    for text, left in zip(texts, cut(texts, found)):
        at += SEPARATOR
        expected = []
        for c in text:
            if not all(i in covered for i in range(at, at + len(c.encode()))):
                expected.append(c)
            at += len(c.encode())
        assert left == "".join(expected)


@pytest.mark.parametrize("text, says", [("1 2\n", "no line 'out'"), ("out\n1 2\n3\n", "line 3"), ("out\n5 4\n", "line 2"),
                                        ("out\nx 4\n", "line 2")])
def test_what_the_tool_never_prints_is_an_error(tmp_path, text, says):
    (tmp_path / "r").write_text(text)
    with pytest.raises(ValueError, match=says):
        read_ranges(tmp_path / "r")


def test_other_texts_than_were_exported_are_an_error(tmp_path):
    export(columns(["ab", "cd"]), tmp_path / "data")
    none = np.zeros((0, 2), np.int64)
    for texts in (["ab", "cde"], ["ab", "cd", "ef"]):
        with pytest.raises(ValueError, match="not the one that was exported"):
            list(spans(columns(texts), tmp_path / "data", none))
