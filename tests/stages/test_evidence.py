"""Weights that come with evidence, on the data they were found on and on other data: a small real build."""

import importlib.util
import json
from pathlib import Path

import pytest

from corpus.errors import UserError
from corpus.store import Store
from pipelines.build import plan_build
from pipelines.engines.placement import Placement
from pipelines.progress import Progress
from pipelines.recipe import recipe
from pipelines.run import Run
from pipelines.stages.evidence import mixture_file, receipt_entry

BUILDS = Path(__file__).parents[1] / "pipelines/conftest.py"


@pytest.fixture
def small(tmp_path):
    found = importlib.util.spec_from_file_location("small_builds", BUILDS)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    made = module.Small(tmp_path)
    made.write("a.jsonl", module.passages(30))
    made.write("b.jsonl", module.passages(30, skip=30))
    return made


def walk(small, **mixture):
    """(the mixture file, what the receipt says of the evidence) of the build with these keys in `mixture`."""
    build = small.load(mixture={"budget_tokens": 4000, "max_epochs": 2, "shard_tokens": 2000} | mixture)
    store = Store(build.store_url).prepare()
    run = Run(store, build.name, Placement({"engine": "inline"}), Progress())
    made = recipe(run, build)
    run.finish()
    rest_on = made.search["mixture"], made.taxonomy["taxonomy"], made.tokenizer["tokenizer"]
    return mixture_file(build, store, made.evidence, *rest_on), receipt_entry(build, store, made.evidence)


def test_evidence_holds_on_its_own_data_and_drift_has_to_be_carried(small):
    found, said = walk(small)
    assert said is None and sum(c["documents"] for c in found["cells"].values()) == 60
    (small.folder / "mixture.json").write_text(json.dumps(found))
    again, said = walk(small, weights="mixture.json")
    assert again == found and said["drift"] == [] and not said["carried"]
    bare, said = walk(small, weights=found["weights"])
    assert said is None and bare["cells"] is None                          # bare weights claim nothing

    small.write("c.jsonl", small.passages(20, skip=60))
    with pytest.raises(UserError, match=r"(?s)found on other data: .*overlap.*--carry"):
        walk(small, weights="mixture.json")
    carried, said = walk(small, weights="mixture.json", carry=True)
    assert said["carried"] and said["digest"] and carried == found         # they were found on what they were found on
    for row in said["drift"]:
        assert 0.3 < row["overlap"] < 0.95 and row["tokens"][0] == found["cells"][row["cell"]]["tokens"] < row["tokens"][1]
    pinned, _ = walk(small)
    assert pinned == found                                                 # growth refits no search

    (small.folder / "mixture.json").write_text(json.dumps(found | {"taxonomy": "0" * 32}))
    with pytest.raises(UserError, match=f"found on another taxonomy .0{{32}}.; this build's is {found['taxonomy']}"):
        walk(small, weights="mixture.json", carry=True)


def test_a_plan_writes_nothing_of_the_evidence(small):
    found, _ = walk(small)
    (small.folder / "mixture.json").write_text(json.dumps(found))
    store = small.folder / "store"
    before = sorted(store.rglob("*"))
    build = small.load(mixture=small.file["mixture"] | {"weights": "mixture.json"})
    steps = {s.step: s for s in plan_build(build).steps}
    assert steps["compile.evidence"].status == "to do" and sorted(store.rglob("*")) == before


def test_a_phases_weights_are_held_against_the_data_too(small):
    found, _ = walk(small)
    (small.folder / "late.json").write_text(json.dumps(found))
    phases = [{"tokens": 2000}, {"tokens": 2000, "weights": "late.json"}]
    again, said = walk(small, schedule=phases)
    assert again == found and said["digest"] is None and [p["carried"] for p in said["phases"].values()] == [False]
    (small.folder / "late.json").write_text(json.dumps(found | {"taxonomy": "0" * 32}))
    with pytest.raises(UserError, match="found on another taxonomy"):
        walk(small, schedule=phases)
