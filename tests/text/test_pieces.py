import numpy as np
import pyarrow as pa

from corpus.text.pieces import Pieces


def test_pieces_are_numbered_by_first_occurrence():
    pieces = Pieces.of(pa.array(["ab", "é", "ab"]), np.array([2, 0, 1]))
    assert pieces.ids.tolist() == [0, 1, 0] and pieces.vocabulary.to_pylist() == ["ab", "é"]
    assert pieces.offsets.tolist() == [0, 2, 2, 3] and pieces.counts.tolist() == [2, 0, 1] and len(pieces) == 3


def test_no_texts_have_no_pieces():
    assert len(Pieces.of(pa.array([], pa.large_string()), np.zeros(0, np.int64))) == 0
