"""Every engine, and any number of workers, leaves the same content."""

import pytest

from corpus.errors import StepError
from corpus.testing.kills import differences, half_files, stamps
from pipelines.build import plan_build
from pipelines.config.load import load_build

ENGINES = {
    "local-1": {"engine": "local", "workers": 1},
    "local-2": {"engine": "local", "workers": 2},
    "local-4": {"engine": "local", "workers": 4},
    "datatrove": {"engine": "datatrove", "workers": 2},
    "beam": {"engine": "beam"},
}
SLOW_ENGINES = {
    "datatrove-1": {"engine": "datatrove", "workers": 1},
    "datatrove-4": {"engine": "datatrove", "workers": 4},
    "beam-2": {"engine": "beam", "workers": 2},
}


def agrees(crawl, expected: dict, store: str) -> None:
    found = crawl.contents(store)
    different = differences(expected, found)
    assert not different, f"{different[0]}: {expected.get(different[0])} is now {found.get(different[0])}"


def test_the_reference_is_a_build_worth_comparing(crawl, reference):
    """Several tasks a step, something dropped, duplicates found, several domains, phases and shards, caps that bind, a
    holdout, padding; and a next mixture that knows what was read.
    """
    steps = {name: found for name, found in reference.contents.items() if isinstance(found, tuple)}
    assert len(steps["ingest"][1]) >= 8 and len(steps["freeze"][1]) >= 3 and len(steps["embed"][1]) >= 4
    assert len(steps["dedup.pairs"][1]) >= 2 and steps["dedup.verify"][1]
    assert {len(steps[f"shards.{format_}"][1]) for format_ in ("megatron", "mds", "datasets", "nanochat", "index")} == {4}
    assert steps["shards.mds.finish"][1] and steps["holdout.groups"][1] and steps["filter.admitted.table"][1]
    receipt = reference.outcome.receipt
    assert receipt["total"]["documents"] >= 10 and reference.outcome.made > 300
    assert len(receipt["phases"]) == 2 and receipt["caps"] and receipt["holdout"] and receipt["pack"]["padded_tokens"] > 0
    assert reference.after["compile.after.seen"][2]["read"] > 3
    assert reference.after["receipt"] != reference.contents["receipt"]


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_leaves_what_one_process_leaves(crawl, reference, name):
    outcome = crawl.run(name, ENGINES[name])
    agrees(crawl, reference.contents, name)
    assert outcome.receipt_digest == reference.outcome.receipt_digest
    crawl.run_after(name, ENGINES[name])
    agrees(crawl, reference.after, name)
    assert half_files(crawl.store(name)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW_ENGINES)
def test_a_slower_engine_leaves_what_one_process_leaves(crawl, reference, name):
    crawl.run(name, SLOW_ENGINES[name])
    agrees(crawl, reference.contents, name)


@pytest.mark.parametrize("first, second, tasks", [
    ({"engine": "beam"}, {"engine": "inline"}, 45),
    ({"engine": "local", "workers": 2}, {"engine": "beam"}, 30),
], ids=["beam-then-inline", "local-then-beam"])
def test_a_build_that_stopped_on_one_engine_goes_on_on_another(crawl, reference, first, second, tasks):
    store = f"stopped-{first['engine']}"
    with pytest.raises(StepError, match=f"a fault was injected after {tasks} tasks"):
        crawl.run(store, {"engine": "fault", "inner": first, "fail_after_tasks": tasks})
    before = stamps(crawl.store(store))
    assert len(before) >= tasks
    crawl.run(store, second)
    assert before.items() <= stamps(crawl.store(store)).items()
    agrees(crawl, reference.contents, store)


def test_a_second_build_makes_nothing_on_any_engine(crawl, reference):
    before = stamps(crawl.store("reference"))
    outcome = crawl.run("reference", ENGINES["datatrove"])
    assert outcome.made == 0 and not outcome.fresh and outcome.receipt_digest == reference.outcome.receipt_digest
    assert stamps(crawl.store("reference")) == before
    assert plan_build(load_build(str(crawl.build_file("reference")))).complete


def test_a_task_that_fails_stops_the_build_with_its_step_and_the_next_one_resumes(crawl, reference):
    with pytest.raises(StepError, match="step 'cluster.assign' failed .*: RuntimeError: a fault was injected"):
        crawl.run("failing", {"engine": "fault", "inner": "inline", "fail_step": "cluster.assign"})
    before = stamps(crawl.store("failing"))
    crawl.run("failing", {"engine": "inline"})
    assert before.items() <= stamps(crawl.store("failing")).items()
    agrees(crawl, reference.contents, "failing")
