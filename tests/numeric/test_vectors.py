from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpus.numeric import vectors


def test_a_matrix_goes_to_a_column_and_back_in_slices_and_chunks():
    x = np.arange(12, dtype=np.float32).reshape(6, 2)
    column = vectors.column(x)
    assert column.type == pa.list_(pa.float32(), 2)
    assert np.array_equal(vectors.matrix(column.slice(2, 3)), x[2:5])
    assert np.array_equal(vectors.matrix(pa.chunked_array([column.slice(0, 1), column.slice(4)])), x[[0, 4, 5]])
    assert vectors.matrix(pa.chunked_array([], column.type)).shape == (0, 2)
