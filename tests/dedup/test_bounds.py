"""Memory at scale, in rows: what the largest partition of each exchange holds when 200,000 documents pass through 40."""

import numpy as np
import pyarrow as pa
import pytest
from all_exchanges import Dedup

from corpus.dedup.shingle import SHINGLES
from corpus.document import ID
from corpus.store import Store

DOCUMENTS, SHARDS, PARTITIONS = 200_000, 20, 40


def random_ids(rng, n):
    return pa.FixedSizeBinaryArray.from_buffers(ID, n, [None, pa.py_buffer(rng.bytes(16 * n))])


def lists(values):
    return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype=np.int32) * values.shape[1], values.ravel())


def made_up(rng):
    """Shingle rows and each document's true group. A tenth is in chains of 5 (each near the next alone), a tenth in stars
    of 5 (each near the first alone), the rest near nobody; spread over the shards at random.
    """
    n, near = DOCUMENTS, DOCUMENTS // 5
    place, group = np.arange(n), np.arange(n)
    group[:near] = place[:near] // 5 * 5
    chain = place < near // 2
    shingles = (place[:, None] * 20 + np.arange(20)).astype(np.uint64) << np.uint64(16)
    within = (place % 5)[:, None]
    base = (group[:, None] * 20 + np.arange(20)).astype(np.uint64) << np.uint64(16)
    own = np.uint64(1) + np.arange(20, dtype=np.uint64)
    swapped = np.where(chain[:, None], np.arange(20) < 2 * within, (np.arange(20) // 2 == within) & (within > 0))
    other = own + np.where(chain[:, None], 0, 100 * within).astype(np.uint64)
    shingles[:near] = np.where(swapped, base + other, base)[:near]
    bands = rng.integers(0, 2**63, (n, 3), np.uint64) << np.uint64(1)
    links = np.flatnonzero((place < near) & (place % 5 > 0))
    to = np.where(chain[links], links - 1, group[links])
    for of, other in zip(links, to):                               # a band that the two have in common
        bands[of, 0] = bands[other, 1] if chain[of] else bands[other, 0]
    order = rng.permutation(n)
    rows = pa.table([random_ids(rng, n), random_ids(rng, n), pa.array(rng.integers(50, 60, n, np.int32)),
                     lists(np.sort(shingles[order], axis=1)), lists(bands[order])], schema=SHINGLES)
    return rows, group[order]


@pytest.mark.slow
def test_partitions_hold_their_share_and_groups_are_the_true_ones(tmp_path):
    rows, group = made_up(np.random.default_rng(4))
    size = DOCUMENTS // SHARDS
    tables = [rows.slice(i * size, size) for i in range(SHARDS)]
    found = Dedup(Store(str(tmp_path)).prepare(), tables, partitions=PARTITIONS, most=2_000)
    groups = found.rows(found.groups)
    names = groups.column("group").combine_chunks().dictionary_encode().indices.to_numpy()
    both = np.unique(np.column_stack((group, names)), axis=0)
    assert len(both) == len(np.unique(group)) == len(np.unique(names)) == DOCUMENTS - DOCUMENTS // 5 * 4 // 5
    assert sum(groups.column("kept").to_pylist()) == len(both)
    edges = DOCUMENTS // 5 * 4 // 5
    pairs = DOCUMENTS // 50 * (4 + 10)                     # all five of a star meet, and six of their pairs are not near
    share = {"candidates": 4 * DOCUMENTS, "verify": 3 * pairs, "members": DOCUMENTS + 3 * edges,
             "keepers": DOCUMENTS // 5 + edges}
    for name, total in share.items():                              # rows of all partitions, at most
        assert found.largest[name] < 1.25 * total / PARTITIONS, name
    for name, total in {"ask": 2 * pairs, "deal": DOCUMENTS // 5}.items():      # whole source shards, some of them together
        assert found.largest[name] < 5 * total / SHARDS, name
    assert found.largest["small_star"] < 1.25 * 2_000 and found.largest["large_star"] < 2.5 * 2_000
