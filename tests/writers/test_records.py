from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from corpus.document import ID, show_id
from corpus.writers.records import pieces_of, shown_strings, weave


def flat(parts: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    return np.frombuffer(b"".join(parts), np.uint8), np.array([len(p) for p in parts])


def test_records_are_their_parts_one_after_another():
    data, lengths = weave(flat([b"a", b"", b"bc"]), flat([b"1", b"22", b""]))
    assert (data.tobytes(), lengths.tolist()) == (b"a122bc", [2, 2, 2])


def test_pieces_come_in_the_order_asked_for_and_not_from_outside():
    data = np.frombuffer(b"abcdef", np.uint8)
    assert pieces_of(data, np.array([4, 0]), np.array([2, 3])).tobytes() == b"efabc"
    with pytest.raises(ValueError, match="outside"):
        pieces_of(data, np.array([5]), np.array([2]))


def test_ids_are_spelled_as_one_by_one():
    ids = [np.random.default_rng(i).bytes(16) for i in range(50)]
    column = pa.chunked_array([pa.array(ids[:20], ID), pa.array([None, *ids[20:]], ID).slice(1), pa.array([None], ID)])
    assert shown_strings(column).to_pylist() == [*map(show_id, ids), None]
