from __future__ import annotations

import json

import pytest

from corpus.errors import ConfigError
from pipelines.build import plan_build
from pipelines.config.load import load_build


def planned(folder, **options):
    (folder / "a.jsonl").write_text("".join(json.dumps({"text": f"document {i}"}) + "\n" for i in range(5)))
    said = {"version": 1, "name": "b", "store": "store", "sources": [{"name": "a", "files": "a.jsonl"}],
            "mixture": {"budget_tokens": 1000, "shard_tokens": 300}} | options
    (folder / "b.yaml").write_text(json.dumps(said))
    return plan_build(load_build(str(folder / "b.yaml")))


def names(plan) -> list[str]:
    return [step.step for step in plan.steps if step.step.startswith("shards.")]


def test_every_format_has_its_shards_and_what_belongs_to_the_whole_and_there_is_a_sidecar(tmp_path):
    assert names(planned(tmp_path, shards=["megatron", "mds"])) == [
        "shards.place", "shards.megatron", "shards.megatron.finish", "shards.mds", "shards.mds.finish", "shards.index",
        "shards.index.finish"]


def test_texts_are_placed_for_text_formats_alone(tmp_path):
    assert "shards.place_text" in names(planned(tmp_path, shards=["megatron", "nanochat"]))


def test_another_tokenizer_for_the_shards_is_a_fit_and_a_map_of_its_own(tmp_path):
    found = names(planned(tmp_path, retokenize={"use": "train", "vocab_size": 300}))
    assert found[:3] == ["shards.tokenizer", "shards.tokens", "shards.place"]


def test_a_format_that_cannot_hold_packed_sequences_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ConfigError, match="b.yaml: shards.climbmix: its rows are whole documents"):
        planned(tmp_path, pack={"use": "concatenate", "length": 64}, shards=["megatron", "climbmix"])
    assert names(planned(tmp_path, pack={"use": "concatenate", "length": 64}, shards=["megatron", "nanochat"]))
