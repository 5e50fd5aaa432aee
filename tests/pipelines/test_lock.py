"""Pins of fit steps: what they keep, what unpins them, and how a plan and a run see them."""

from dataclasses import dataclass

import pyarrow as pa
import pytest

from corpus import results
from corpus.registry import register
from corpus.store import Store
from corpus.tasks import Body
from pipelines.engines.placement import Placement
from pipelines.lock import Lock, asked
from pipelines.plan import Plan
from pipelines.progress import Progress
from pipelines.run import Run
from pipelines.step import Items


@register("body", "testing.fit_two")
@dataclass(frozen=True)
class FitTwo(Body):
    """The sum of what is there, as a shard, and a folder that says so too."""

    power: int = 1

    def run(self, io):
        total = sum(t.column("n").to_pylist()[0] for t in io.tables("numbers")) ** self.power
        io.write("mixture", pa.table({"n": [total]}))
        with io.new_folder("journal") as (folder, about):
            (folder / "sum.txt").write_text(str(total))
            about["total"] = total


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store")).prepare()


def numbers(store, *values):
    shards = tuple(store.write_shard("numbers", pa.table({"n": [v]})) for v in values)
    return Items("numbers", "numbers", shards)


def names(store, *values):
    return Items("names", "names", (store.write_shard("names", pa.table({"cell": list(values)})),))


def run(store, power=1, over=(1, 2), cells=("a", "b"), refit=()):
    line = Run(store, "b", Placement({"engine": "inline"}), Progress(), refit)
    result = line.fit("search.mixture", FitTwo(power), {"numbers": numbers(store, *over)}, upon=[names(store, *cells)])
    line.finish()
    return result


def total(store, result):
    (shard,) = result["mixture"]
    return store.read_shard(shard).column("n").to_pylist()[0], result["journal"].folder.about["total"]


def test_a_pinned_fit_gives_shards_and_folders_of_the_first_fit_when_its_data_grow(store):
    assert total(store, run(store)) == (3, 3)
    assert total(store, run(store, over=(1, 2, 4))) == (3, 3)


def test_another_option_or_other_digests_upon_fit_anew(store):
    run(store)
    assert total(store, run(store, power=2)) == (9, 9)
    assert total(store, run(store, power=2, over=(4,), cells=("a", "c"))) == (16, 16)


def test_an_option_that_is_taken_back_finds_what_was_pinned_before(store):
    run(store)
    run(store, power=2)
    assert total(store, run(store, over=(8,))) == (3, 3)
    names = store.read_json("builds/b/BUILD.lock")["models"]
    assert len(names) == 2 and all(n.split("@")[0] == "search.mixture" for n in names)
    assert total(store, run(store, power=2, over=(8,))) == (9, 9)
    assert Lock(store, "b").kept("search.mixture").outputs == run(store, power=2).outputs


def test_a_refit_is_pinned_from_then_on(store):
    run(store)
    assert total(store, run(store, over=(5,), refit=("search.mixture",))) == (5, 5)
    assert total(store, run(store, over=(7,))) == (5, 5)


def test_a_plan_names_what_is_pinned_and_knows_its_outputs(store):
    run(store)
    plan = Plan(store, "b")
    result = plan.fit("search.mixture", FitTwo(), {"numbers": numbers(store, 9)}, upon=[names(store, "a", "b")])
    assert [s.status for s in plan.steps] == ["pinned"] and total(store, result) == (3, 3)
    again = Plan(store, "b")
    again.fit("search.mixture", FitTwo(), {"numbers": numbers(store, 1, 2)}, upon=[names(store, "a", "b")])
    assert [s.status for s in again.steps] == ["done"]


def test_an_entry_of_one_folder_alone_is_still_read_without_its_tasks_record(store):
    result = run(store)
    path = "builds/b/BUILD.lock"
    entry = store.read_json(path)["models"]["search.mixture"]
    old = {"asked": entry["asked"], "task": "0" * 32, "folder": results.item_to_json(result["journal"].folder)}
    store.write_json(path, {"schema": 1, "models": {"search.mixture": old}})
    kept = Lock(store, "b").kept("search.mixture")
    assert [o.name for o in kept.outputs] == ["journal"] and kept.outputs[0].digest == result["journal"].folder.digest


def test_a_pin_whose_shard_is_lost_is_no_pin(store):
    result = run(store)
    (shard,) = result["mixture"]
    store.remove(shard.path)
    assert Lock(store, "b").kept("search.mixture") is None
    assert total(store, run(store, over=(6,))) == (6, 6)


def test_what_is_asked_does_not_depend_on_the_documents_seen(store):
    steps = []

    class Catch(Plan):
        def settle(self, step):
            steps.append(step)
            return super().settle(step)

    for over in ((1, 2), (3,)):
        Catch(store, "b").fit("x", FitTwo(), {"numbers": numbers(store, *over)}, upon=[names(store, "a")])
    assert asked(steps[0]) == asked(steps[1]) and steps[0].key != steps[1].key
