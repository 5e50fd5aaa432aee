"""Vectors between Arrow and numpy: a fixed-size list column is an (n, d) matrix and back, without a copy per row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def matrix(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n, d) view or copy of a fixed-size list column without nulls, in the type of its values."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    width = column.type.list_size
    parts = [c.flatten().to_numpy(zero_copy_only=False).reshape(-1, width) for c in chunks]
    if not parts:
        return np.zeros((0, width), column.type.value_type.to_pandas_dtype())
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def column(vectors: np.ndarray) -> pa.FixedSizeListArray:
    """The inverse of `matrix`. vectors: (n, d)."""
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(vectors).reshape(-1)), vectors.shape[1])
