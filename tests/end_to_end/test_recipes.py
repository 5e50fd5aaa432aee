"""The full-scale recipes: they load as they are written, and with nothing but sizes changed they build on the fixtures."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from corpus.document import show_id
from corpus.mixture.holdouts import registered, texts_of
from corpus.results import item_from_json
from corpus.store import Store
from pipelines.build import run_build
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.progress import Progress
from pipelines.view import View

CONFIGS = Path(__file__).parents[2] / "configs"
RECIPES = ("climblab", "climbmix")

#: Where the data lie and how large everything is; a recipe's other keys are what it is.
SMALL = {
    "sources": [
        {"files": str(CONFIGS / "quickstart/quickstart.warc.gz"), "shard_records": 128},
        {"files": str(CONFIGS / "quickstart/openstax_ccby_sample.jsonl.gz"), "shard_records": 96},
    ],
    "dedup": {"partitions": 2},
    "quality": {"max_documents": 400},
    "embed": {"max_length": 64},
    "cluster": {"k": 12},
    "domains": {"merge_to": 4},
}
SIZES = {
    "climbmix": {"mixture": {"budget_tokens": 150_000, "shard_tokens": 50_000, "holdout": {"tokens": 10_000}}},
    "climblab": {"mixture": {"shard_tokens": 1 << 40}},
}


def recipe(name: str) -> dict:
    return yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))


def resized(file: dict, sizes: dict) -> dict:
    """The file with some values in it replaced, none added."""
    made = copy.deepcopy(file)
    for key, value in sizes.items():
        if isinstance(value, dict):
            made[key] = resized(made[key], value)
        elif isinstance(value, list):
            made[key] = [{**entry, **change} for entry, change in zip(made[key], value)]
        else:
            assert key in made, f"{key} is not in the recipe"
            made[key] = value
    return made


def small(name: str, folder: Path) -> Path:
    file = resized(resized(recipe(name), SMALL), SIZES[name]) | {"store": str(folder / "store")}
    if "targets" in file["search"]:
        file["search"]["targets"] = str(CONFIGS / file["search"]["targets"])
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(file), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_build_file_at_full_scale(name):
    build = load_build(str(CONFIGS / f"{name}.yaml"))
    file = build.file
    assert (file.name, file.cluster.k, file.domains.merge_to) == (name, 1000, 20)
    assert file.mixture.budget_tokens >= 400_000_000_000
    assert file.filter.licence == "permissive"
    assert [w.name for w in build.writers] == [name]


def test_the_two_differ_in_the_mixture_and_in_how_it_is_written_alone():
    lab, mix = recipe("climblab"), recipe("climbmix")
    differ = {key for key in lab.keys() | mix.keys() if lab.get(key) != mix.get(key)}
    assert differ == {"name", "search", "mixture", "shards"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("recipes")


@pytest.fixture(scope="module")
def mix(folder):
    return built("climbmix", folder)


@pytest.fixture(scope="module")
def lab(folder, mix):
    return built("climblab", folder)


def built(name: str, folder: Path):
    build = load_build(str(small(name, folder)))
    outcome = run_build(build, Placement({"engine": "inline"}), Progress())
    return build, outcome, Path(outcome.folder)


@pytest.mark.slow
def test_climbmix_draws_its_budget_from_permissive_documents(mix):
    build, outcome, folder = mix
    receipt = json.loads((folder / "receipt.json").read_text())
    assert abs(receipt["total"]["tokens"] - 150_000) < 20_000
    rows = pq.read_table(folder / "shards/climbmix")
    assert {"cluster_id", "tokens", "token_count", "id", "url", "source", "style"} <= set(rows.column_names)
    assert len(set(rows.column("cluster_id").to_pylist())) >= 2
    admitted = [row for s in View(build).manifests["filter.admitted.table"]["tasks"] for row in read(build, s)]
    assert {row["licence"]: row["kept"] for row in admitted if row["admitted"] != "yes"}.keys() >= {None}
    assert all(row["kept"] == 0 for row in admitted if row["admitted"] != "yes")
    assert sum(row["kept"] for row in admitted) > 50


@pytest.mark.slow
def test_climblab_writes_all_that_has_a_cluster_once_and_the_holdout_not_at_all(mix, lab):
    build, outcome, folder = lab
    files = sorted((folder / "shards/climblab").rglob("*.parquet"))
    assert {f.parent.name for f in files} >= {"cluster_1"} and all(f.parent.name.startswith("cluster_") for f in files)
    ids = [i for f in files for i in pq.read_table(f, columns=["id"], partitioning=None).column("id").to_pylist()]
    receipt = json.loads((folder / "receipt.json").read_text())
    assert len(ids) == len(set(ids)) == receipt["total"]["documents"]
    assert all(cell["drawn"]["documents"] == cell["available"]["documents"] for cell in receipt["cells"])
    held = held_out(mix[0])
    assert len(held) > 1 and not held & set(ids)


def held_out(build) -> set[str]:
    store = Store(build.store_url)
    entry = registered(store, build.file.mixture.holdout.name)
    return {show_id(i) for rows in texts_of(store, entry) for i in rows.column("id").to_pylist()}


def read(build, task) -> list[dict]:
    return [row for o in task["outputs"] for row in Store(build.store_url).read_shard(item_from_json(o)).to_pylist()]
