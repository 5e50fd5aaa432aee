from __future__ import annotations

import numpy as np

from corpus.numeric.sampling import Smallest


def rows(n: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {"draws": rng.integers(0, 2**63, n, dtype=np.uint64), "ids": rng.integers(0, 2**63, (n, 2), dtype=np.uint64),
            "group": rng.integers(0, 3, n), "x": np.arange(n)}


def sample(found: dict[str, np.ndarray], cuts: list[int], size: int) -> dict[str, np.ndarray]:
    kept = Smallest(size)
    for start, stop in zip([0, *cuts], [*cuts, len(found["x"])]):
        kept.add(**{name: values[start:stop] for name, values in found.items()})
    return kept.rows()


def test_each_group_keeps_its_smallest_draws():
    found = rows(500)
    kept = sample(found, [], 7)
    for group in range(3):
        own = found["draws"][found["group"] == group]
        assert kept["draws"][kept["group"] == group].tolist() == sorted(own)[:7]


def test_the_sample_does_not_depend_on_how_rows_were_split():
    found = rows(1000)
    whole = sample(found, [], 20)
    for cuts in ([1, 2, 3], [500], list(range(10, 1000, 10)), [0, 0, 999]):
        assert sample(found, cuts, 20)["x"].tolist() == whole["x"].tolist()


def test_fewer_rows_than_the_size_are_all_kept():
    assert sorted(sample(rows(5), [2], 100)["x"]) == [0, 1, 2, 3, 4] and Smallest(3).rows() == {}
