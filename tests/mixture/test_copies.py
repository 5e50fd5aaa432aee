from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from corpus.mixture.caps import CAPS
from corpus.mixture.copies import copies_of, shard_count, shard_of, stride_of
from corpus.mixture.draw import PLAN


def plan_of(*rows: dict) -> pa.Table:
    return pa.Table.from_pylist([{"phase": 0, "first_shard": 0, "shards": 1, "seed": 1} | row for row in rows], PLAN)


INDEX = pa.table({"key": pa.array([1, 2, 3, 4], pa.uint64()), "cell": ["a", "a", "a", None],
                  "host": ["x", "y", None, "x"], "tokens": [1] * 4})


def counts(*args, **options) -> list[int]:
    return np.bincount(copies_of(INDEX, *args, **options).row, minlength=4).tolist()


def test_documents_get_whole_copies_and_one_more_up_to_the_threshold():
    assert counts(plan_of({"cell": "a", "whole": 1, "threshold": 2})) == [2, 2, 1, 0]
    assert counts(plan_of({"cell": "a", "whole": 1, "threshold": None})) == [1, 1, 1, 0]
    assert counts(plan_of({"cell": "b", "whole": 1, "threshold": 2})) == [0, 0, 0, 0]


def test_copies_that_were_read_are_not_given_again():
    plan = plan_of({"cell": "a", "whole": 1, "threshold": 2})
    assert counts(plan, seen=np.array([0, 1, 2, 0], np.uint8)) == [2, 1, 0, 0]
    copies = copies_of(INDEX, plan, seen=np.array([0, 1, 2, 0], np.uint8))
    assert list(zip(copies.row.tolist(), copies.copy.tolist())) == [(0, 0), (0, 1), (1, 1)]


def test_a_capped_value_is_left_out_beyond_its_threshold():
    plan = plan_of({"cell": "a", "whole": 1, "threshold": None})
    caps = [{"attribute": "host", "value": "x", "threshold": None}, {"attribute": "host", "value": "y", "threshold": 2}]
    assert counts(plan, pa.Table.from_pylist(caps, CAPS)) == [0, 1, 1, 0]
    caps[1]["threshold"] = 1
    assert counts(plan, pa.Table.from_pylist(caps, CAPS)) == [0, 0, 1, 0]


def test_phases_number_their_shards_on_and_the_copies_of_a_document_too():
    plan = plan_of({"cell": "a", "whole": 1, "shards": 3},
                   {"phase": 1, "first_shard": 3, "shards": 2, "cell": "a", "whole": 2, "threshold": 1})
    copies = copies_of(INDEX, plan)
    assert shard_count(plan) == 5 and list(zip(copies.phase.tolist(), copies.row.tolist(), copies.copy.tolist())) == [
        (0, 0, 0), (0, 1, 0), (0, 2, 0), (1, 0, 1), (1, 0, 2), (1, 1, 1), (1, 2, 1)]
    assert (copies.shard[:3] < 3).all() and set(copies.shard[3:].tolist()) <= {3, 4}
    for number in range(5):
        alone = copies_of(INDEX, plan, only=number)
        assert alone.order.tolist() == copies.order[copies.shard == number].tolist()
        assert alone.row.tolist() == copies.row[copies.shard == number].tolist()


@pytest.mark.parametrize("shards", [5, 7, 8, 10, 16, 33, 100, 128, 129, 1000, 6543])
def test_two_copies_never_lie_in_the_same_or_neighbouring_shards(shards):
    apart = stride_of(shards) % shards
    assert min(apart, shards - apart) >= 2


def test_eight_copies_keep_apart_where_there_is_room():
    for shards in (32, 100, 6543):
        places = [c * stride_of(shards) % shards for c in range(8)]
        gaps = [min((a - b) % shards, (b - a) % shards) for i, a in enumerate(places) for b in places[:i]]
        assert min(gaps) >= 2


def test_one_shard_takes_every_copy():
    assert shard_of(np.arange(4, dtype=np.uint64), np.array([0, 1, 2, 3]), 1, 7, 1).tolist() == [7, 7, 7, 7]


def test_documents_spread_evenly_over_shards():
    keys = np.random.default_rng(0).integers(0, 1 << 63, 100_000).astype(np.uint64)
    placed = np.bincount(shard_of(keys, 0, 1, 0, 10), minlength=10)
    assert abs(placed - 10_000).max() < 400          # four standard deviations
