"""A small build of real passages with the real encoder, run in this process; a few seconds each."""

import gzip
import json
from pathlib import Path

import pytest
import yaml

from pipelines.build import plan_build, run_build
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.progress import Progress

ROOT = Path(__file__).parents[2]


def passages(n, skip=0):
    """n textbook passages of 800 characters as records."""
    with gzip.open(ROOT / "configs/quickstart/openstax_ccby_sample.jsonl.gz", "rt") as stream:
        texts = [t for line in stream if len(t := json.loads(line)["text"]) > 6000]
    return [{"id": f"{skip + i}", "url": f"https://example.org/{skip + i}", "text": t[1000:1800]}
            for i, t in enumerate(texts[skip : skip + n])]


class Small:
    """A folder with sources and a build file; `build` runs it and returns what it left."""

    passages = staticmethod(passages)

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = {
            "version": 1, "name": "small", "store": "store", "seed": 1,
            "sources": [{"name": "books", "files": "*.jsonl", "reader": {"use": "jsonl", "id": "id"}, "shard_records": 16}],
            "filter": {"signals": ["gopher_quality"], "rules": [{"signal": "gopher.words", "low": 20, "reason": "short"}]},
            "dedup": {"partitions": 2}, "freeze": {"group": 1},
            "embed": {"use": "sentence", "max_length": 32}, "cluster": {"k": 4}, "domains": {"merge_to": 2},
            "search": {"method": "natural"}, "mixture": {"budget_tokens": 4000, "max_epochs": 2, "shard_tokens": 2000},
            "shards": ["climbmix", "megatron"],
        }

    def write(self, name: str, records) -> None:
        (self.folder / name).write_text("".join(json.dumps(r) + "\n" for r in records))

    def load(self, **changes):
        self.file |= changes
        path = self.folder / "build.yaml"
        path.write_text(yaml.safe_dump(self.file))
        return load_build(str(path))

    def build(self, **changes):
        return run_build(self.load(**changes), Placement({"engine": "inline"}), Progress())

    def plan(self, **changes):
        return {s.step: s for s in plan_build(self.load(**changes)).steps}

    @property
    def out(self) -> Path:
        return self.folder / "store/builds/small"


@pytest.fixture
def small(tmp_path):
    made = Small(tmp_path)
    made.write("a.jsonl", passages(30))
    made.write("b.jsonl", passages(30, skip=30))
    return made
