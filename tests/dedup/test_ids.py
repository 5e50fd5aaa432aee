import pyarrow as pa

from corpus.dedup.ids import hash_ids, rank
from corpus.document import ID


def test_ranks_follow_the_bytes_and_equal_ids_are_equal():
    raw = [b"\x00" * 15 + b"\x02", b"\xff" + b"\x00" * 15, b"\x00" * 16, b"\x00" * 15 + b"\x02"]
    (left, right), distinct = rank(pa.array(raw[:2], ID), pa.chunked_array([raw[2:3], raw[3:]], ID))
    assert left.tolist() == [1, 2] and right.tolist() == [0, 1]
    assert distinct.to_pylist() == sorted(set(raw))


def test_no_ids():
    (codes,), distinct = rank(pa.array([], ID))
    assert len(codes) == len(distinct) == 0


def test_hashes_are_of_all_columns_in_order_and_heed_slices():
    a, b = pa.array([b"a" * 16, b"b" * 16], ID), pa.array([b"b" * 16, b"a" * 16], ID)
    assert hash_ids(a, b)[0] != hash_ids(b, a)[0]
    assert hash_ids(a.slice(1))[0] == hash_ids(a)[1]
