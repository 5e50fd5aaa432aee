"""Columns of 16-byte ids as numbers that sort as the bytes do, and back."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpus.chance import id_words
from corpus.document import ID, one_array
from corpus.text.shingles import mix


def rank(*columns: pa.Array | pa.ChunkedArray) -> tuple[list[np.ndarray], pa.Array]:
    """Numbers the ids of some columns together: each column as int64 ranks, and the distinct ids in byte order.

    Ids may not be null.
    """
    whole = one_array(pa.chunked_array([c for column in columns for c in _chunks(column)], ID)).dictionary_encode()
    distinct = whole.dictionary
    order = byte_order(distinct)
    ranks = np.empty(len(distinct), np.int64)
    ranks[order] = np.arange(len(distinct))
    codes = ranks[whole.indices.to_numpy(zero_copy_only=False)]
    return np.split(codes, np.cumsum([len(c) for c in columns])[:-1]), distinct.take(pa.array(order))


def byte_order(ids: pa.Array) -> np.ndarray:
    """(n,) int64: the order that sorts ids by their bytes."""
    words = id_words(ids).byteswap()
    return np.lexsort((words[:, 1], words[:, 0]))


def hash_ids(*columns: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n,) uint64: one hash a row of some id columns; for spreading rows over partitions."""
    hashes = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        words = id_words(column)
        hashes = mix(hashes ^ mix(words[:, 0]) ^ words[:, 1])
    return hashes


def _chunks(column: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    return column.chunks if isinstance(column, pa.ChunkedArray) else [column]
