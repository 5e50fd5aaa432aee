"""What a build does when its store, its exports or its sources are not as it left them."""

import json
import os

import pytest

from corpus.errors import DroppedTooMuch, Interrupted, Mismatch, StepError, StoreError, UserError
from corpus.store import Store
from pipelines.run import lease
from pipelines.view import View


def test_lost_and_cut_shards_are_made_again_by_the_same_command(small):
    first = small.build()
    store = Store(str(small.folder / "store"))
    view = View(small.load())
    lost, cut = view.shards("embed", "vectors")[0], view.shards("annotate.tokens", "tokens")[1]
    os.unlink(store.full(lost.path))
    whole = open(store.full(cut.path), "rb").read()
    os.chmod(store.full(cut.path), 0o644)
    open(store.full(cut.path), "wb").write(whole[:50])
    plan = small.plan()
    assert (plan["embed"].status, plan["annotate.tokens"].status) == ("partial", "partial")
    again = small.build()
    assert again.receipt_digest == first.receipt_digest and again.made == 2
    assert open(store.full(cut.path), "rb").read() == whole


def test_a_lost_model_is_fitted_again(small):
    first = small.build()
    (folder,) = View(small.load()).outputs(View(small.load()).manifests["annotate.tokenizer"])
    os.unlink(small.folder / "store" / folder.path / "tokenizer.json")
    assert small.build().receipt_digest == first.receipt_digest


def test_a_lost_export_is_put_back_and_not_called_unchanged(small):
    small.build()
    path = next((small.out / "shards/climbmix").iterdir())
    path.unlink()
    outcome = small.build()
    assert path.exists() and (outcome.made, outcome.restored) == (0, 1) and outcome.fresh
    assert not small.build().fresh


def test_exports_cannot_be_written_through_to_the_store(small):
    small.build()
    assert all(p.stat().st_mode & 0o222 == 0 for p in (small.out / "shards/megatron").iterdir())


def test_shards_are_numbered_by_partition_even_where_some_are_empty(small):
    outcome = small.build(mixture={"budget_tokens": 2000, "max_epochs": 2, "shard_tokens": 100})
    names = sorted(p.stem for p in (small.out / "shards/climbmix").glob("*.parquet"))
    assert outcome.receipt["shard_count"] == 20 and 0 < len(names) < 20
    drawn = View(small.load()).drawn()
    assert names == [f"shard_{number:05d}" for number, _ in drawn]


def test_the_report_follows_the_funnel_even_where_the_shards_do_not_change(small):
    small.write("c.jsonl", [{"id": "tiny", "text": "Too short by far."}])
    small.build()
    assert "short" in (small.out / "report.html").read_text()
    before = json.loads((small.out / "receipt.json").read_text())["digest"]
    rule = {"signal": "gopher.words", "low": 20, "reason": "renamed_reason"}
    small.build(filter={"signals": ["gopher_quality"], "rules": [rule]})
    assert json.loads((small.out / "receipt.json").read_text())["digest"] == before
    assert "renamed_reason" in (small.out / "report.html").read_text()


def test_a_new_file_costs_itself_wherever_it_sorts_and_refits_nothing(small):
    small.build()
    small.write("0.jsonl", small.passages(10, skip=60))
    plan = small.plan()
    assert (plan["ingest"].status, plan["ingest"].done, plan["ingest"].tasks) == ("partial", 2, 3)
    outcome = small.build()
    steps = View(small.load()).manifests
    assert len(steps["embed"]["tasks"]) == 5 and steps["embed"]["made"]["engine"] == "inline"
    assert outcome.kept > 20
    assert steps["cluster.centroids"]["key"] and small.plan()["cluster.centroids"].status == "pinned"
    made = [json.loads(e) for e in (small.out / "events.jsonl").read_text().splitlines()]
    last = [e for e in made[max(i for i, e in enumerate(made) if e["event"] == "start"):] if e["event"] == "task"]
    assert sum(e["step"] == "embed" for e in last) == 1 and not any(e["step"] == "cluster.centroids" for e in last)


def test_another_encoder_refits_what_was_built_on_it(small):
    small.build()
    plan = small.plan(embed={"use": "sentence", "max_length": 16})
    assert plan["embed"].status == "to do" and "max_length: 32 → 16" in plan["embed"].reason
    small.build()
    assert small.plan()["cluster.centroids"].status == "done"


def test_a_text_format_touches_no_token_shard(small):
    small.build()
    plan = small.plan(shards=["climbmix", "megatron", "nanochat"])
    assert {s: plan[s].status for s in ("shards.place", "shards.climbmix", "shards.nanochat")} == {
        "shards.place": "done", "shards.climbmix": "done", "shards.nanochat": "waiting"}


def test_a_stage_that_drops_nearly_all_stops_the_build_and_plan_and_show_still_work(small):
    rules = {"signals": ["gopher_quality"], "rules": [{"signal": "gopher.words", "low": 5000, "reason": "short"}]}
    with pytest.raises(DroppedTooMuch, match="dropped 60 of 60"):
        small.build(filter=rules)
    assert small.plan()["filter"].status == "done"
    assert "filter" in View(small.load()).manifests
    with pytest.raises(StepError, match="no document survived"):
        small.build(filter=rules | {"max_dropped": 1.0})
    assert View(small.load()).funnel()[3]["reasons"] == [("short", 60)]


def test_what_stops_a_build_is_remembered(small):
    with pytest.raises(UserError, match="budget of 15,525 tokens or less"):
        small.build(mixture={"budget_tokens": 10_000_000})
    assert "embed" in View(small.load()).manifests
    last = json.loads((small.out / "events.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "failed" and "15,525" in last["cause"]


def test_a_stopped_build_says_that_it_goes_on(small, monkeypatch):
    from pipelines.engines.inline import Inline

    def stop(self, tasks, needs):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(Inline, "map", stop)
    with pytest.raises(Interrupted, match="goes on from here"):
        small.build()


def test_a_damaged_record_is_named(small):
    small.build()
    path = next((small.folder / "store/steps").rglob("*.json"))
    path.write_text("{")
    with pytest.raises(StoreError, match=f"{path.name} is damaged"):
        small.build()


def test_two_drivers_of_one_build_are_one_too_many(small):
    store = Store(str(small.folder / "store")).prepare()
    store.write_json("leases/small.json", {"host": os.uname().nodename, "pid": os.getppid(), "at": 9e9})
    with pytest.raises(StoreError, match="is being driven by process"):
        small.build()
    store.write_json("leases/small.json", {"host": os.uname().nodename, "pid": 2**22 + 1, "at": 9e9})
    with lease(store, "small"):
        assert store.read_json("leases/small.json")["pid"] == os.getpid()
    assert store.read_json("leases/small.json") is None


def test_a_store_of_another_format_is_refused(small):
    small.build()
    (small.folder / "store/FORMAT").write_text('{"format": 99}')
    with pytest.raises(StoreError, match="format"):
        small.plan()


def test_verify_names_what_is_wrong_before_the_receipt_says_otherwise(small, monkeypatch):
    monkeypatch.setattr("corpus.verify.verify_shards", lambda receipt, root: ["climbmix/shard_00000.parquet: other bytes"])
    with pytest.raises(Mismatch, match="shard_00000"):
        small.build()
    assert not (small.out / "receipt.json").exists()
