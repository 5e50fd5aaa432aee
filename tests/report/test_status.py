from __future__ import annotations

import json

import pytest

from pipelines.report.losses import losses
from pipelines.report.status import farthest, points, status, verdict


def events(world, *kinds: dict) -> None:
    for event in kinds:
        world.store.append("builds/hand/events.jsonl", json.dumps(event))


def test_a_receipt_of_the_shards_that_are_there_says_verified(finished):
    assert (status(finished.view()).word, status(finished.view()).kind) == ("verified", "good")


def test_the_verdict_has_the_receipts_numbers(finished):
    total = finished.receipt["total"]
    said = verdict(finished.view(), losses(finished.view()))
    assert f"{total['tokens']:,} tokens in 2 shards, written as climbmix and nanochat" in said
    assert f"{sum(c['drawn']['distinct'] for c in finished.receipt['cells']):,} documents" in said


def test_a_receipt_of_other_shards_is_out_of_date(finished):
    finished.step("shards.climbmix", [[finished.folder("shard", {}, "shard_00000.parquet", "other tokens")]])
    found = status(finished.view())
    assert (found.word, found.kind) == ("out of date", "wait") and "earlier run" in found.detail


def test_a_build_without_a_receipt_is_not_finished(world):
    world.judge()
    assert status(world.view()).word == "not finished"
    assert "are left so far" in verdict(world.view(), losses(world.view()))


def test_a_run_that_failed_says_where_and_why(world):
    world.judge()
    events(world, {"event": "start"}, {"event": "failed", "step": "embed", "cause": "RuntimeError: out of memory"})
    found = status(world.view())
    assert found.kind == "bad" and found.detail == "The last run stopped at step embed: RuntimeError: out of memory"


def test_a_failure_before_the_last_start_is_forgotten(world):
    world.judge()
    events(world, {"event": "failed", "step": "embed", "cause": "x"}, {"event": "start"}, {"event": "task"})
    assert status(world.view()).word == "not finished"


def test_a_line_that_was_cut_off_by_a_kill_is_passed_over(world):
    world.judge()
    events(world, {"event": "failed", "step": "embed", "cause": "x"})
    world.store.append("builds/hand/events.jsonl", '{"event": "fai')
    assert status(world.view()).word == "stopped"


def test_the_largest_miss_is_rounded_up_so_that_within_is_true(finished):
    miss = max(abs(c["share"] - c["weight"]) for c in finished.receipt["cells"])
    assert farthest(finished.view()) == pytest.approx(miss)
    assert points(0.00021) == "0.03 percentage points" and points(0.0002) == "0.02 percentage points"
    assert points(0.0) == "0.01 percentage points"
