"""Drawn documents for the tests of writers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from corpus.tokens.pack import Documents, Pack
from corpus.writers.stream import Stream

EOS = 9


def drawn(tokens: list[list[int]], masks: list[list[int]] | None = None,
          clusters: list[int | None] | None = None) -> pa.Table:
    """Rows of a drawn shard with these ids."""
    n = len(tokens)
    columns = {
        "order": pa.array(range(n), pa.uint64()), "id": pa.array([bytes([i] * 16) for i in range(n)], pa.binary(16)),
        "copy": pa.array([0] * n, pa.int32()), "phase": pa.array([0] * n, pa.int32()),
        "url": pa.array([f'http://x/{i},"q"' for i in range(n)], pa.string()),
        "source": pa.array(["web, é"] * n, pa.string()),
        "cell": pa.array(["d01/web"] * n, pa.string()), "style": pa.array([None, "qa"] * n, pa.string())[:n],
        "cluster_id": pa.array((clusters or [1] * n)[:n], pa.int64()),
        "token_count": pa.array([len(t) for t in tokens], pa.int64()),
        "tokens": pa.array(tokens, pa.large_list(pa.uint32()))}
    if masks is not None:
        columns["loss_mask"] = pa.array(masks, pa.large_list(pa.uint8()))
    return pa.table(columns)


def stream(tokens: list[list[int]], dtype: str = "<u2", pack: Pack | None = None, **more) -> Stream:
    return Stream.of_table(drawn(tokens, **more), dtype, pack or Documents(), eos_id=EOS)


def many(n: int, seed: int = 0, high: int = 60_000) -> tuple[list[list[int]], list[list[int]]]:
    """n documents of 1 to 700 ids, and masks as long."""
    chance = np.random.default_rng(seed)
    tokens = [[*chance.integers(10, high, length - 1).tolist(), EOS] for length in chance.integers(1, 700, n)]
    return tokens, [chance.integers(0, 2, len(t)).tolist() for t in tokens]
