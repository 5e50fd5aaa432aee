import numpy as np

from corpus.text.pieces import pieces_of, segment


def test_pieces_are_numbered_by_first_occurrence_with_their_lengths_in_characters():
    pieces = pieces_of([["ab", "é"], [], ["ab"]])
    assert pieces.ids.tolist() == [0, 1, 0] and pieces.offsets.tolist() == [0, 2, 2, 3]
    assert pieces.lengths.tolist() == [2, 1] and pieces.owner.tolist() == [0, 0, 2]
    assert pieces.total(pieces.lengths).tolist() == [3, 0, 2]
    assert pieces.find("é") == 1 and pieces.find("x") == -1


def test_blocks_hold_whole_texts_and_cover_all():
    pieces = pieces_of([["a"] * n for n in (3, 1, 9, 0, 2, 0)])
    blocks = list(pieces.blocks(4))
    assert blocks == [(0, 2), (2, 3), (3, 6)]
    assert list(pieces_of([[], []]).blocks(4)) == [(0, 2)]


def test_empty_segments_have_the_value_given():
    assert segment(np.array([5, 1, 7]), np.array([0, 0, 2, 3, 3]), np.minimum, -1).tolist() == [-1, 1, 7, -1]
