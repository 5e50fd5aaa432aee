import json
import os
import pickle
from dataclasses import dataclass

import pyarrow as pa
import pytest

from corpus.errors import ConfigError, StepError
from corpus.registry import register
from corpus.results import SourceFile
from corpus.store import Store
from corpus.tasks import Body, Task, TaskIO, execute
from corpus.testing.bodies import Square, number_shards, square_tasks


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


@register("body", "testing.raises")
@dataclass(frozen=True)
class Raises(Body):
    error: str = ""

    def run(self, io: TaskIO) -> None:
        io.table("numbers")
        raise {"config": ConfigError("a.b", "no"), "step": StepError("", "half way"), "other": KeyError("x")}[self.error]


@register("body", "testing.folder")
@dataclass(frozen=True)
class MakesFolder(Body):
    fail: bool = False

    def run(self, io: TaskIO) -> None:
        with io.new_folder("model") as (path, about):
            (path / "weights").write_bytes(b"123")
            about["k"] = 3
            if self.fail:
                raise ValueError("no")
        io.write("rows", pa.table({"reason": ["a", "b", "a", None]}))
        io.count_reasons(pa.chunked_array([["a", "b"], ["a", None]]))
        io.count("nothing", 0)


def test_a_record_says_what_was_read_left_and_counted(store):
    (task,) = square_tasks(store, 1)
    record = execute(task)
    (shard,) = task.inputs["numbers"]
    assert record.inputs == {"numbers": [shard.digest]} and record.counts == {"documents": 5} and record.step == "square"
    assert record.identity == {"operator": "body/testing.square", "version": 1, "options": {}}
    assert store.read_shard(record.of("squares")[0]).column("number").to_pylist() == [0, 1, 4, 9, 16]
    assert record.made["process"] == os.getpid() and record.of("other") == []


def test_a_key_hashes_body_input_digests_and_extra_and_nothing_else(store):
    (a, b), other = number_shards(store, 2), Store("memory://elsewhere")
    base = Task("square", Square(), {"numbers": [a]}, store)
    same = [Task("renamed", Square(), {"numbers": [a]}, other)]
    different = [
        Task("square", Square(), {"numbers": [b]}, store),
        Task("square", Square(), {"numbers": [a, b]}, store),
        Task("square", Square(), {"others": [a]}, store),
        Task("square", Square(), {"numbers": [a]}, store, {"partition": 0}),
        Task("square", MakesFolder(), {"numbers": [a]}, store),
    ]
    assert all(t.key == base.key for t in same) and len({t.key for t in different} | {base.key}) == 6


def test_a_source_file_that_moved_has_the_same_key(store):
    here, there = SourceFile("/data/a.warc", "d" * 32, 10), SourceFile("s3://bucket/b.warc", "d" * 32, 10)
    assert Task("read", Square(), {"file": [here]}, store).key == Task("read", Square(), {"file": [there]}, store).key


def test_a_task_that_is_done_is_not_run_again(store):
    (shard,) = number_shards(store, 1)
    first = execute(Task("square", Square(), {"numbers": [shard]}, store))
    store.remove(shard.path)                                # running again would fail
    assert execute(Task("square", Square(), {"numbers": [shard]}, store)) == first


def test_a_failure_says_step_key_shard_and_where_in_the_code(store):
    (shard,) = number_shards(store, 1)
    task = Task("fails", Raises("other"), {"numbers": [shard]}, store)
    with pytest.raises(StepError, match="step 'fails' failed .*: KeyError: 'x'") as caught:
        execute(task)
    assert (caught.value.key, caught.value.shard) == (task.key, f"numbers {shard.path}")
    assert "in run" in caught.value.trace and store.record(task.key) is None


def test_errors_of_ours_keep_their_class(store):
    (shard,) = number_shards(store, 1)
    with pytest.raises(ConfigError):
        execute(Task("fails", Raises("config"), {"numbers": [shard]}, store))
    with pytest.raises(StepError) as caught:
        execute(Task("fails", Raises("step"), {"numbers": [shard]}, store))
    assert caught.value.step == "fails" and caught.value.cause == "half way"


def test_a_missing_input_is_a_step_error_that_names_it(store):
    (shard,) = number_shards(store, 1)
    store.remove(shard.path)
    with pytest.raises(StepError, match="FileNotFoundError") as caught:
        execute(Task("square", Square(), {"numbers": [shard]}, store))
    assert shard.path in caught.value.shard


def test_a_folder_is_taken_over_on_leaving_and_not_where_making_it_failed(store):
    record = execute(Task("fit", MakesFolder(), {}, store))
    (folder,) = record.of("model")
    assert folder.about == {"k": 3} and record.counts == {"a": 2, "b": 1}
    with pytest.raises(StepError):
        execute(Task("fit", MakesFolder(fail=True), {}, store))
    assert len([*os.scandir(store.full("folders"))]) == 1


def test_a_record_on_disk_is_plain_json_with_what_is_and_a_schema(store):
    record = execute(Task("fit", MakesFolder(), {}, store))
    found = json.loads(store.read_bytes(f"tasks/{record.key[:2]}/{record.key}.json"))
    assert found["schema"] == 1 and [o["is"] for o in found["outputs"]] == ["folder", "shard"]


def test_tasks_and_errors_cross_processes(store):
    (task,) = square_tasks(store, 1)
    assert pickle.loads(pickle.dumps(task)).key == task.key
    error = pickle.loads(pickle.dumps(StepError("s", "c", "k" * 32, "shard", "trace")))
    assert (error.step, error.cause, error.key, error.shard, error.trace) == ("s", "c", "k" * 32, "shard", "trace")
    assert str(error) == "step 's' failed (task kkkkkkkkkkkk, reading shard): c"


def test_what_another_attempt_committed_first_is_the_result(store):
    (task,) = square_tasks(store, 1)

    def meanwhile(io: TaskIO) -> None:
        execute(task)
        task.run(io)

    (again,) = square_tasks(store, 1)
    assert execute(again, meanwhile) == store.record(task.key)
