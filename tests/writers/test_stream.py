from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from blake3 import blake3

from corpus.tokens.pack import BestFit, Concatenate, Documents
from corpus.writers.stream import Stream, stream_digest

TOKENS = [[1, 2, 9], [9], [3, 4, 5, 6, 7, 8, 9], [], [5, 9]]
MASKS = [[0, 1, 1], [0], [1, 0, 1, 0, 1, 0, 1], [], [1, 1]]
FLAT = [t for document in TOKENS for t in document]


def rows_of(masks: bool = False) -> pa.Table:
    columns = {"tokens": pa.array(TOKENS, pa.large_list(pa.uint16()))}
    return pa.table(columns | ({"loss_mask": pa.array(MASKS, pa.list_(pa.uint8()))} if masks else {}))


def whole(stream: Stream, **options) -> list[int]:
    return [t for _, _, ids in stream.batches(**options) for t in ids.tolist()]


@pytest.mark.parametrize("dtype", ["<u2", "<u4"])
@pytest.mark.parametrize("at_once", [1, 4, 8, 1000])
def test_documents_come_end_to_end_in_order_however_many_at_once(dtype, at_once):
    stream = Stream.of_table(rows_of(), dtype)
    ranges = [(first, last) for first, last, _ in stream.batches(max_tokens=at_once)]
    assert ranges[0][0] == 0 and ranges[-1][1] == 5 and all(a[1] == b[0] for a, b in zip(ranges, ranges[1:]))
    assert whole(stream, max_tokens=at_once) == FLAT and stream.dtype == np.dtype(dtype)
    assert all(last - first == 1 or stream.lengths[first:last].sum() <= at_once for first, last in ranges)


def test_sequences_are_packed_and_padded_with_the_end_of_documents():
    assert whole(Stream.of_table(rows_of(), "<u2", Concatenate(5), eos_id=9)) == FLAT[:10]
    assert whole(Stream.of_table(rows_of(), "<u2", Concatenate(5, "pad"), eos_id=9)) == [*FLAT, 9, 9]
    assert whole(Stream.of_table(rows_of(), "<u2", Concatenate(5, "pad"))) == [*FLAT, 0, 0]
    assert whole(Stream.of_table(rows_of(), "<u2", BestFit(5), pad_id=77)) == [
        1, 2, 9, 8, 9, 3, 4, 5, 6, 7, 9, 5, 9, 77, 77]


def test_a_loss_mask_goes_with_its_tokens_and_padding_has_none():
    stream = Stream.of_table(rows_of(masks=True), "<u2", Concatenate(5, "pad"), eos_id=9)
    assert stream.has_mask and stream.mask(0, 3).tolist() == [m for d in MASKS for m in d] + [0, 0]
    assert stream.mask(1, 2).tolist() == [0, 1, 0, 1, 0] and stream.mask(1, 2).dtype == np.uint8
    assert Stream.of_table(rows_of(), "<u2").mask(0, 5) is None


def test_the_digest_is_of_lengths_and_then_of_ids():
    expected = blake3(np.array([3, 1, 7, 0, 2], "<i8").tobytes() + np.array(FLAT, "<u2").tobytes()).hexdigest(16)
    read, unread = Stream.of_table(rows_of(), "<u2"), Stream.of_table(rows_of(), "<u2")
    list(read.batches(max_tokens=3))
    assert read.digest == unread.digest == expected == stream_digest(rows_of().column("tokens"), "<u2")


def test_the_digest_does_not_depend_on_the_lists_that_hold_ids_but_on_where_sequences_end():
    kinds = pa.list_(pa.int32()), pa.large_list(pa.uint16()), pa.large_list(pa.uint32())
    assert len({stream_digest(pa.chunked_array([pa.array(TOKENS, kind)]), "<u2") for kind in kinds}) == 1
    pieces = pa.chunked_array([pa.array(TOKENS[:2], kinds[0]), pa.array(TOKENS[2:], kinds[0])])
    assert stream_digest(pieces, "<u2") == stream_digest(rows_of().column("tokens"), "<u2")
    moved = pa.chunked_array([pa.array([[1, 2], [9, 9], *TOKENS[2:]], kinds[0])])
    assert stream_digest(moved, "<u2") != stream_digest(pieces, "<u2")


def test_the_array_is_used_again():
    addresses = {ids.ctypes.data for _, _, ids in Stream.of_table(rows_of(), "<u2").batches(max_tokens=7)}
    assert len(addresses) == 1


def test_a_shard_without_documents_has_no_batches():
    stream = Stream.of_table(rows_of().slice(0, 0), "<u2")
    assert list(stream.batches()) == [] and stream.tokens == 0 and stream.digest == blake3(b"").hexdigest(16)


def test_a_mask_of_another_length_is_refused():
    rows = pa.table({"tokens": pa.array([[1, 2]], pa.list_(pa.int32())), "loss_mask": pa.array([[1]], pa.list_(pa.uint8()))})
    with pytest.raises(ValueError, match="loss_mask"):
        Stream.of_table(rows, "<u2", Documents())
