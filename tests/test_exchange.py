import numpy as np
import pyarrow as pa
import pytest

from corpus import exchange
from corpus.errors import StepError
from corpus.store import Store
from corpus.tasks import TaskIO, execute
from corpus.testing.bodies import Sums, number_shards


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def inline(tasks):
    return map(execute, tasks)


def run(store, shards=6, rows=10, how=inline, order=None, shared=None):
    made = number_shards(store, shards, rows)
    inputs = [{"numbers": (made[i],)} for i in (order or range(shards))]
    return {r.extra["partition"]: r for r in exchange.exchange("sums", Sums(), inputs, store, how, shared)}


def found(records):
    return {p: (r.key, [o.digest for o in r.outputs]) for p, r in records.items()}


def test_every_key_meets_all_its_rows_once(store):
    rows = {}
    for record in run(store).values():
        for row in store.read_shard(record.of("sums")[0]).to_pylist():
            assert row["remainder"] not in rows
            rows[row["remainder"]] = (row["sum"], row["count"])
    assert rows == {r: (sum(range(r, 60, 10)), 6) for r in range(10)}


def test_partitions_hold_the_keys_that_they_should(store):
    for partition, record in run(store).items():
        remainders = store.read_shard(record.of("sums")[0]).column("remainder").to_pylist()
        assert remainders == [r for r in range(10) if r % 4 == partition]


def test_the_order_of_emit_tasks_does_not_matter(store, tmp_path):
    there = Store(str(tmp_path / "other")).prepare()
    assert found(run(store)) == found(run(there, order=[4, 1, 5, 0, 3, 2], how=lambda tasks: inline(list(tasks)[::-1])))


def test_the_number_of_emit_tasks_does_not_change_what_comes_out(store, tmp_path):
    there = Store(str(tmp_path / "other")).prepare()
    few, many = found(run(store, 2, 30)), found(run(there, 12, 5))
    assert {p: d for p, (_, d) in few.items()} == {p: d for p, (_, d) in many.items()}


@pytest.mark.parametrize("fan_in", [2, 3, 5])
def test_merging_runs_changes_neither_keys_nor_content(store, tmp_path, monkeypatch, fan_in):
    there = Store(str(tmp_path / "other")).prepare()
    plain = found(run(store, shards=11))
    monkeypatch.setattr(exchange, "FAN_IN", fan_in)
    seen: list[tuple[str, int]] = []

    def watched(tasks):
        for task in tasks:
            seen.append((task.step, len(task.inputs.get("runs", ()))))
            yield execute(task)

    assert found(run(there, shards=11, how=watched)) == plain
    assert max(n for _, n in seen) <= fan_in
    merges = [n for step, n in seen if step == "sums.merge"]
    assert sum(merges) >= 11 and {"sums", "sums.emit", "sums.merge"} == {step for step, _ in seen}


def test_a_merged_run_is_sorted_and_remembers_what_went_into_it(store):
    tasks = exchange.emit_tasks("sums", Sums(), [{"numbers": (s,)} for s in number_shards(store, 3, 10)], store)
    runs = [execute(t).of("run")[0] for t in tasks]
    merged = execute(exchange.Task("sums.merge", exchange.Merge(Sums()), {"runs": runs[::-1]}, store)).of("run")[0]
    assert [p.partition for p in merged.parts] == [0, 1, 2, 3]
    leaves = sorted(d for r in runs for p in r.parts if p.partition == 1 for d in p.digests)
    assert list(merged.parts[1].digests) == leaves
    rows = store.read_part(merged, merged.parts[1]).to_pylist()
    assert [(r["remainder"], r["number"]) for r in rows] == [(m, n) for m in (1, 5, 9) for n in range(m, 30, 10)]


def test_reducing_goes_on_where_it_stopped(store):
    def until_two(tasks):
        for n, task in enumerate(tasks):
            if task.step == "sums" and n == 2:
                raise StepError("sums", "stopped")
            yield execute(task)

    with pytest.raises(StepError):
        run(store, how=until_two)
    before = {p.name: p.stat().st_ino for p in (store_path(store) / "tasks").rglob("*.json")}
    after = run(store)
    assert len(before) == 8 and len(after) == 4
    assert before.items() <= {p.name: p.stat().st_ino for p in (store_path(store) / "tasks").rglob("*.json")}.items()


def store_path(store):
    from pathlib import Path

    return Path(store.full(""))


def test_a_new_shard_changes_only_the_partitions_that_it_reaches(store):
    before = found(run(store, shards=3, rows=10))
    made = number_shards(store, 3, 10)
    extra = store.write_shard("numbers", pa.table({"number": [101, 105]}))         # remainders 1 and 5: partition 1
    inputs = [{"numbers": (s,)} for s in (*made, extra)]
    after = found({r.extra["partition"]: r for r in exchange.exchange("sums", Sums(), inputs, store, inline)})
    assert {p for p in before if before[p] != after[p]} == {1}


def test_what_reducers_share_is_in_their_keys_and_the_runs_are_not(store, tmp_path):
    (model,) = number_shards(store, 1, 3)
    plain, with_shared = run(store), run(store, shared={"model": (model,)})
    assert all(plain[p].key != with_shared[p].key for p in plain)
    assert set(with_shared[0].inputs) == {"emitted", "model"} and len(with_shared[0].inputs["emitted"]) == 6


def test_no_rows_make_no_partitions(store):
    empty = store.write_shard("numbers", pa.table({"number": pa.array([], pa.int64())}))
    assert list(exchange.exchange("sums", Sums(), [{"numbers": (empty,)}], store, inline)) == []
    assert list(exchange.exchange("sums", Sums(), [], store, inline)) == []


def test_a_partition_out_of_range_is_an_error(store):
    class Wrong(Sums):
        def emit(self, io: TaskIO):
            for where, rows in super().emit(io):
                yield where + 1, rows

    (shard,) = number_shards(store, 1, 10)
    (task,) = exchange.emit_tasks("sums", Wrong(), [{"numbers": (shard,)}], store)
    with pytest.raises(StepError, match="ValueError: a partition outside 0..3 was emitted"):
        execute(task)


def test_partitions_follow_the_high_bits_and_are_even():
    hashes = np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64)
    where = exchange.partition_of(hashes, 7)
    assert where.min() == 0 and where.max() == 6 and (where == np.floor(hashes.astype(float) / 2**64 * 7)).mean() > 0.9999
    assert (np.abs(np.bincount(where) - 100_000 / 7) < 600).all()
    assert exchange.partition_of(np.array([0, 2**64 - 1], np.uint64), 1000).tolist() == [0, 999]


def test_rows_are_sorted_by_all_columns_of_the_total_order():
    rows = pa.table({"a": [2, 1, 2, 1], "b": ["y", "z", "x", "a"], "c": [0, 1, 2, 3]})
    assert exchange.sort_rows(rows, ("a", "b")).column("c").to_pylist() == [3, 1, 2, 0]
