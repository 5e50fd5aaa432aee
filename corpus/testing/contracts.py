"""Contracts: one test class a protocol. A new implementation is one subclass that says how it is made.

    class TestMine(EngineContract):
        job, needs = ExchangeJob, Resources()

        def make(self) -> Engine:
            return Mine(workers=2)
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from corpus import exchange as library
from corpus.errors import StepError
from corpus.results import Record, Shard
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.testing.bodies import Square, Sums, number_shards, square_tasks


def content(records: Iterable[Record]) -> dict[str, Any]:
    """What of records has to be equal everywhere: all but `made`. By key."""
    return {r.key: (r.step, r.identity, r.inputs, r.outputs, r.counts, r.extra) for r in records}


class EngineContract:
    """What every engine has to do. `job` is the engine protocol's `ExchangeJob`, `needs` any of its `Resources`."""

    job: Any
    needs: Any

    def make(self) -> Any:
        raise NotImplementedError

    @pytest.fixture
    def engine(self) -> Any:
        made = self.make()
        yield made
        made.close()

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Store(str(tmp_path / "store")).prepare()

    def exchanged(self, engine: Any, store: Store, shards: int, rows: int, work: Sums) -> list[Record]:
        inputs = tuple({"numbers": (shard,)} for shard in number_shards(store, shards, rows))
        job = self.job("sums", work, inputs, store)
        return list(engine.exchange(job, lambda tasks: engine.map(tasks, self.needs), self.needs))

    def test_every_task_gives_its_record_once_and_equal_to_one_made_here(self, engine: Any, store: Store, tmp_path: Path):
        tasks = square_tasks(store, shards=7)
        records = list(engine.map(tasks, self.needs))
        assert sorted(r.key for r in records) == sorted(t.key for t in tasks)
        here = [execute(t) for t in square_tasks(Store(str(tmp_path / "other")).prepare(), shards=7)]
        assert content(records) == content(here)
        by_key = {r.key: r for r in records}
        squares = [store.read_shard(by_key[t.key].outputs[0]).column("number").to_pylist() for t in tasks]
        assert squares[0] == [0, 1, 4, 9, 16] and squares[6][-1] == 34**2

    def test_no_tasks_give_no_records(self, engine: Any, store: Store):
        assert list(engine.map([], self.needs)) == []

    def test_an_engine_does_one_map_after_another(self, engine: Any, store: Store):
        for shards in (1, 3):
            assert len(list(engine.map(square_tasks(store, shards, rows=shards), self.needs))) == shards

    def test_a_record_that_is_there_is_given_back_and_not_made_again(self, engine: Any, store: Store):
        tasks = square_tasks(store, shards=6)
        before = {t.key: execute(t) for t in tasks[:3]}
        stats = {key: os.stat(store.full(f"tasks/{key[:2]}/{key}.json")) for key in before}
        records = {r.key: r for r in engine.map(tasks, self.needs)}
        assert len(records) == 6
        for key, record in before.items():
            after = os.stat(store.full(f"tasks/{key[:2]}/{key}.json"))
            assert records[key].made == record.made
            assert (after.st_ino, after.st_mtime_ns) == (stats[key].st_ino, stats[key].st_mtime_ns)

    def test_a_failing_task_is_a_step_error_with_step_key_and_what_it_was_reading(self, engine: Any, store: Store):
        bad = _negative(store)
        task = Task("square", Square(), {"numbers": [bad]}, store)
        with pytest.raises(StepError, match="ValueError: -3 is negative") as caught:
            list(engine.map([*square_tasks(store, shards=3), task], self.needs))
        assert caught.value.step == "square" and caught.value.key == task.key
        assert bad.path in caught.value.shard and "raise ValueError" in caught.value.trace
        assert store.record(task.key) is None

    def test_an_engine_goes_on_after_a_failure(self, engine: Any, store: Store):
        with pytest.raises(StepError):
            list(engine.map([Task("square", Square(), {"numbers": [_negative(store)]}, store)], self.needs))
        assert len(list(engine.map(square_tasks(store, shards=2), self.needs))) == 2

    def test_a_map_that_is_left_early_can_be_taken_up_again(self, engine: Any, store: Store):
        tasks = square_tasks(store, shards=8)
        records = engine.map(tasks, self.needs)
        next(records)
        records.close()
        assert len(list(engine.map(tasks, self.needs))) == 8

    def test_an_exchange_equals_the_librarys_partition_by_partition(self, engine: Any, store: Store, tmp_path: Path):
        records = self.exchanged(engine, store, 6, 10, Sums())
        there = Store(str(tmp_path / "other")).prepare()
        inputs = [{"numbers": (shard,)} for shard in number_shards(there, 6, 10)]
        expected = list(library.exchange("sums", Sums(), inputs, there, lambda tasks: map(execute, tasks)))
        assert sorted(r.extra["partition"] for r in records) == [0, 1, 2, 3]
        assert content(records) == content(expected)
        rows = {row["remainder"]: row for r in records for row in store.read_shard(r.of("sums")[0]).to_pylist()}
        assert rows[3] == {"remainder": 3, "sum": 3 + 13 + 23 + 33 + 43 + 53, "count": 6}

    def test_an_exchanges_result_does_not_depend_on_the_number_of_emit_tasks(self, engine: Any, store: Store):
        few, many = (self.exchanged(engine, store, shards, 40 // shards, Sums()) for shards in (2, 8))
        outputs = [{r.extra["partition"]: [o.digest for o in r.outputs] for r in records} for records in (few, many)]
        assert outputs[0] == outputs[1]

    def test_a_partition_that_is_there_is_not_reduced_again(self, engine: Any, store: Store):
        first = {r.key: r for r in self.exchanged(engine, store, 3, 10, Sums())}
        again = {r.key: r for r in self.exchanged(engine, store, 3, 10, Sums())}
        assert {k: r.made for k, r in first.items()} == {k: r.made for k, r in again.items()}

    def test_empty_partitions_are_left_out(self, engine: Any, store: Store):
        records = self.exchanged(engine, store, 2, 5, Sums(modulus=2, partitions=5))
        assert sorted(r.extra["partition"] for r in records) == [0, 1]

    def test_a_failing_emit_is_a_step_error_of_its_step(self, engine: Any, store: Store):
        inputs = ({"numbers": (_negative(store),)},)
        with pytest.raises(StepError, match="ValueError: -3 is negative") as caught:
            list(engine.exchange(self.job("sums", Sums(), inputs, store), lambda t: engine.map(t, self.needs), self.needs))
        assert caught.value.step == "sums.emit" and caught.value.key

    def test_nothing_of_a_finished_map_stays_but_results(self, engine: Any, store: Store):
        list(engine.map(square_tasks(store, shards=3), self.needs))
        left = sorted(p.relative_to(store.full("")).parts[0] for p in Path(store.full("")).rglob("*") if p.is_file())
        assert set(left) == {"FORMAT", "shards", "tasks"}


def _negative(store: Store) -> Shard:
    return store.write_shard("numbers", pa.table({"number": [-3]}))
