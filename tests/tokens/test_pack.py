from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import ConfigError
from corpus.tokens.pack import BestFit, Concatenate, Documents, Packing

lengths_of = st.lists(st.integers(0, 40), max_size=60).map(lambda x: np.array(x, np.int64))
capacity = st.integers(1, 25)


def spelled(packing: Packing) -> list[list[tuple[int, int, int]]]:
    """(row, begin, length) of the pieces of each sequence."""
    found: list[list[tuple[int, int, int]]] = [[] for _ in range(len(packing.sequences) - 1)]
    for row, begin, length, sequence in zip(*(packing.pieces[n].tolist() for n in ("row", "begin", "length", "sequence"))):
        found[sequence].append((row, begin, length))
    return found


def check(packing: Packing, lengths: np.ndarray) -> None:
    """Every token once or counted as cut; pieces in order, inside their sequences and apart."""
    p = packing.pieces
    tokens = [(r, b + i) for r, b, n in zip(p["row"], p["begin"], p["length"]) for i in range(n)]
    assert len(set(tokens)) == len(tokens) and len(tokens) == lengths.sum() - packing.cut_tokens
    assert all(0 <= b < lengths[r] for r, b in tokens)
    assert packing.tokens == len(tokens) + packing.padded_tokens
    assert (np.diff(p["sequence"]) >= 0).all() and (p["at"][1:] >= (p["at"] + p["length"])[:-1]).all()
    assert (p["at"] >= packing.sequences[p["sequence"]]).all()
    assert (p["at"] + p["length"] <= packing.sequences[p["sequence"] + 1]).all()


def first_fit_decreasing(pieces: list[int], length: int) -> int:
    rooms: list[int] = []
    for piece in sorted(pieces, reverse=True):
        at = next((i for i, room in enumerate(rooms) if room >= piece), None)
        if at is None:
            rooms.append(length - piece)
        else:
            rooms[at] -= piece
    return len(rooms)


def test_documents_are_sequences_as_they_are():
    packing = Documents().plan(np.array([3, 0, 2]))
    assert spelled(packing) == [[(0, 0, 3)], [(1, 0, 0)], [(2, 0, 2)]]
    assert packing.sequences.tolist() == [0, 3, 3, 5] and (packing.cut_tokens, packing.padded_tokens) == (0, 0)


def test_concatenated_documents_are_cut_every_length_tokens_and_the_rest_is_dropped():
    packing = Concatenate(4).plan(np.array([3, 0, 6, 2]))
    assert spelled(packing) == [[(0, 0, 3), (2, 0, 1)], [(2, 1, 4)]]
    assert packing.sequences.tolist() == [0, 4, 8] and (packing.cut_tokens, packing.padded_tokens) == (3, 0)


def test_or_the_rest_is_padded():
    packing = Concatenate(4, "pad").plan(np.array([3, 0, 6, 2]))
    assert spelled(packing) == [[(0, 0, 3), (2, 0, 1)], [(2, 1, 4)], [(2, 5, 1), (3, 0, 2)]]
    assert packing.sequences.tolist() == [0, 4, 8, 12] and (packing.cut_tokens, packing.padded_tokens) == (0, 1)


def test_best_fit_leaves_the_least_room_and_splits_what_is_too_long():
    packing = BestFit(10).plan(np.array([6, 23, 4, 5, 5, 7]))     # 23 = 10 + 10 + 3; 7+3, 6+4, 5+5
    assert spelled(packing) == [[(0, 0, 6), (2, 0, 4)], [(1, 0, 10)], [(1, 10, 10)], [(3, 0, 5), (4, 0, 5)],
                                [(1, 20, 3), (5, 0, 7)]]
    assert packing.padded_tokens == 0 and packing.pieces["at"].tolist() == [0, 6, 10, 20, 30, 35, 40, 43]


def test_best_fit_pads_the_room_that_is_left():
    packing = BestFit(10).plan(np.array([8, 7, 1]))
    assert spelled(packing) == [[(0, 0, 8), (2, 0, 1)], [(1, 0, 7)]]
    assert packing.padded_tokens == 4 and packing.cut_tokens == 0


@settings(max_examples=200, deadline=None)
@given(lengths_of, capacity, st.sampled_from(["drop", "pad", "best_fit", "documents"]))
def test_every_token_lies_in_one_place_or_is_counted_as_cut(lengths, length, how):
    pack = {"documents": Documents(), "best_fit": BestFit(length)}.get(how) or Concatenate(length, how)
    packing = pack.plan(lengths)
    check(packing, lengths)
    if how != "documents":
        assert (np.diff(packing.sequences) == length).all()
    if how == "drop":
        assert packing.cut_tokens < length and packing.padded_tokens == 0
    if how == "pad":
        assert packing.padded_tokens < length


@settings(max_examples=200, deadline=None)
@given(lengths_of, capacity)
def test_best_fit_splits_nothing_that_fits_and_needs_no_more_sequences_than_first_fit(lengths, length):
    packing = BestFit(length).plan(lengths)
    rows, counts = np.unique(packing.pieces["row"], return_counts=True)
    assert (counts == -(-lengths[rows] // length)).all()
    pieces = [length] * int((lengths // length).sum()) + [n for n in (lengths % length).tolist() if n]
    least = first_fit_decreasing(pieces, length)
    assert len(packing.sequences) - 1 <= max(least, least * 11 / 9 + 1)
    assert len(packing.sequences) - 1 >= -(-int(lengths.sum()) // length)


def test_lognormal_documents_are_packed_within_a_thousandth_and_as_tight_as_first_fit():
    lengths = np.random.default_rng(0).lognormal(6, 1.2, 3000).astype(np.int64) + 1
    packing = BestFit(2048).plan(lengths)
    pieces = [2048] * int((lengths // 2048).sum()) + (lengths % 2048)[lengths % 2048 > 0].tolist()
    assert len(packing.sequences) - 1 <= first_fit_decreasing(pieces, 2048) + 1
    assert packing.padded_tokens / packing.tokens < 0.001


def test_sequences_stay_in_the_shuffled_order_of_their_documents():
    lengths = np.random.default_rng(1).lognormal(6, 1, 4000).astype(np.int64) + 1
    p = BestFit(2048).plan(lengths).pieces
    longest = np.lexsort((-p["length"], p["sequence"]))
    opened = longest[np.searchsorted(p["sequence"], np.unique(p["sequence"]))]
    assert abs(np.corrcoef(p["length"][opened], p["sequence"][opened])[0, 1]) < 0.1
    assert np.corrcoef(p["row"][opened], p["sequence"][opened])[0, 1] > 0.99


def test_the_same_lengths_are_packed_the_same_way():
    lengths = np.random.default_rng(2).integers(1, 3000, 2000)
    a, b = (BestFit(1024).plan(lengths) for _ in range(2))
    assert all(np.array_equal(a.pieces[n], b.pieces[n]) for n in a.pieces)


def test_a_million_documents_are_packed_in_seconds():
    lengths = np.random.default_rng(3).lognormal(6, 1.2, 1_000_000).astype(np.int64) + 1
    BestFit(4096).plan(lengths[:10])
    started = time.process_time()
    BestFit(4096).plan(lengths)
    assert time.process_time() - started < 4


@pytest.mark.parametrize("make", [lambda: Concatenate(0), lambda: BestFit(0), lambda: Concatenate(4, "keep")])
def test_impossible_packings_are_refused(make):
    with pytest.raises(ConfigError, match="pack"):
        make()


@pytest.mark.parametrize("kind", [Concatenate, BestFit])
def test_a_length_has_to_be_given(kind):
    with pytest.raises(TypeError, match="length"):
        kind()
    assert Documents().length is None and kind(8).length == 8
