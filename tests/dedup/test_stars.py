"""Components in rounds: the same stars as one task gives, however few edges a partition may have."""

import numpy as np
import pyarrow as pa
import pytest

from corpus.dedup.candidates import LINKS
from corpus.dedup.stars import LargeStar, SmallStar, components, star_partitions
from corpus.document import ID
from corpus.exchange import exchange
from corpus.store import Store
from corpus.tasks import execute


def nodes(numbers):
    """16 bytes each that sort as the numbers do, in Arrow without a Python object a row."""
    raw = np.zeros((len(numbers), 2), ">u8")
    raw[:, 1] = numbers
    return pa.FixedSizeBinaryArray.from_buffers(ID, len(numbers), [None, pa.py_buffer(raw.tobytes())])


def edge_table(pairs):
    pairs = np.sort(np.asarray(pairs, np.int64).reshape(-1, 2), axis=1)
    return pa.table([nodes(pairs[:, 0]), nodes(pairs[:, 1])], schema=LINKS)


def solve(path, table, most, shards=3):
    """Stars as {leaf: root}, the number of rounds, and the most rows that a partition had."""
    store = Store(str(path)).prepare()
    step = -(-table.num_rows // shards)
    found = [store.write_shard("edges", table.slice(i * step, step)) for i in range(shards)]
    name, number, largest = "edges", 0, 0
    partitions = star_partitions(table.num_rows, most)
    while True:
        number += 1
        work = (SmallStar if number % 2 else LargeStar)(partitions)
        records = list(exchange("stars", work, [{name: [s]} for s in found], store, lambda tasks: map(execute, tasks)))
        found, name = [s for r in records for s in r.of("stars")], "stars"
        largest = max([largest, *(s.rows for s in found)])
        unsettled = sum(r.counts.get("unsettled", 0) for r in records)
        if partitions == 1 or (number % 2 == 0 and not unsettled):
            rows = pa.concat_tables([LINKS.empty_table(), *(store.read_shard(s) for s in found)])
            a, b = (np.frombuffer(rows.column(c).combine_chunks().buffers()[1], ">u8")[1::2].astype(int) for c in ("a", "b"))
            return dict(zip(b.tolist(), a.tolist())), number, largest


def truth(pairs, n):
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    least = components(pairs[:, 0], pairs[:, 1], n)
    return {i: int(r) for i, r in enumerate(least) if i != r}


def path_graph(n, rng):
    order = rng.permutation(n)
    return np.column_stack((order[1:], order[:-1]))


GRAPHS = {
    "a chain": lambda rng: path_graph(400, rng),
    "a sorted chain": lambda rng: np.column_stack((np.arange(399), np.arange(1, 400))),
    "a star": lambda rng: np.column_stack((np.full(399, 200), np.r_[0:200, 201:400])),
    "many small ones": lambda rng: rng.integers(0, 4, (300, 2)) + 4 * rng.integers(0, 100, (300, 1)),
    "a random graph": lambda rng: rng.integers(0, 400, (380, 2)),
    "a pair": lambda rng: [[3, 7]],
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_rounds_end_at_the_components_whatever_fits_in_a_partition(tmp_path, graph):
    pairs = np.asarray(GRAPHS[graph](np.random.default_rng(3)))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    expected = truth(pairs, 400)
    for most in (10**9, 100, 40):
        found, rounds, _ = solve(tmp_path, edge_table(pairs), most)
        assert found == expected
        assert rounds == 1 if most > len(pairs) else 2 <= rounds <= 2 * np.log2(400) + 4


def test_edges_that_fit_in_a_partition_have_one():
    assert [star_partitions(n, 10) for n in (0, 10, 11, 101)] == [1, 1, 2, 11]


def test_no_edges_have_no_stars(tmp_path):
    assert solve(tmp_path, edge_table([]), 5, shards=1)[0] == {}


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["chains", "one chain", "stars"])
def test_partitions_stay_small_and_rounds_few_at_two_hundred_thousand_nodes(tmp_path, shape):
    n, rng = 200_000, np.random.default_rng(1)
    name = rng.permutation(n)
    if shape == "chains":
        pairs = np.column_stack((np.arange(n - 1), np.arange(1, n)))
        pairs = pairs[pairs[:, 1] % 50 != 0]                       # 4,000 chains of 50
    elif shape == "one chain":
        pairs = np.column_stack((np.arange(n - 1), np.arange(1, n)))
    else:
        pairs = np.column_stack((np.arange(n) // 100 * 100, np.arange(n)))
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]                  # 2,000 stars of 100
    pairs = name[pairs]
    found, rounds, largest = solve(tmp_path, edge_table(pairs), most=20_000, shards=8)
    assert found == truth(pairs, n)
    assert rounds <= {"one chain": 30, "chains": 12, "stars": 4}[shape]
    if shape != "one chain":                                       # one component is one star, in one partition
        assert largest < 1.2 * 20_000
