"""Documents for both sides, and a build's first stages over them."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path

import pytest
import yaml

from corpus.store import Store
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.interop import datatrove_filter  # noqa: F401 - registers the signal
from pipelines.progress import Progress
from pipelines.recipe import recipe
from pipelines.run import Run

SAMPLE = Path(__file__).parents[2] / "configs" / "quickstart" / "openstax_ccby_sample.jsonl.gz"


@pytest.fixture(scope="session")
def records():
    """Passages of textbooks, and texts that some rule or editor has a word on."""
    with gzip.open(SAMPLE, "rt", encoding="utf-8") as lines:
        whole = [json.loads(line)["text"] for line in lines]
    texts = [text[:3000] for text in whole[:40]]
    texts += ["too short", "word " * 80, "• one of the points that have to be made\n" * 30,
              texts[2] + " write to a.b@acme.com", "a {curly} line of code.\n" * 8, "lorem ipsum dolor sit amet.\n" * 8,
              "no sentence ends here\n" * 60, ".",
              "\n".join(f"the line {'x' * i} of a list that has no end and comes with {'y' * i}" for i in range(3, 12))]
    return [{"id": f"d{i}", "text": text, "url": f"https://example.org/{i}"} for i, text in enumerate(texts)]


class Enough(Exception):
    """The next step would be past the filter."""


class UpToFilter(Run):
    """A run that keeps what its steps gave, and stops behind the filter."""

    def settle(self, step):
        if step.stage not in ("ingest", "extract", "edit", "filter"):
            raise Enough
        self.made_by = {**getattr(self, "made_by", {}), step.name: super().settle(step)}
        return self.made_by[step.name]


class Built:
    """Verdicts, kept texts and signals of a build's first stages, by the records' own ids."""

    def __init__(self, folder, records, **options):
        (folder / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        source = {"name": "web", "files": "in.jsonl", "reader": {"use": "jsonl", "id": "id"}, "shard_records": 20}
        (folder / "build.yaml").write_text(yaml.safe_dump({
            "version": 1, "name": "small", "store": "store", "extract": "plain", "sources": [source],
            "mixture": {"budget_tokens": 100}} | options), encoding="utf-8")
        build = load_build(str(folder / "build.yaml"))
        self.store = Store(build.store_url).prepare()
        run = UpToFilter(self.store, build.name, Placement({"engine": "inline"}), Progress())
        with contextlib.suppress(Enough):
            recipe(run, build)
        steps = run.made_by
        at = {record["url"]: record["id"] for record in records}
        verdicts = [v for name in ("edit", "filter") if name in steps for v in self._rows(steps[name]["verdicts"])]
        self.reasons = {at[v["url"]]: v["reason"] for v in verdicts if v["reason"]}
        kept = self._rows(steps["filter"]["documents"])
        self.texts = {at[d["url"]]: d["text"] for d in kept}
        marks = self._rows(steps["filter"]["marks"])
        self.marks = {at[d["url"]]: {n: v for n, v in m.items() if n != "id"} for d, m in zip(kept, marks, strict=True)}

    def _rows(self, items):
        return [row for shard in items for row in self.store.read_shard(shard).to_pylist()]


@pytest.fixture
def built(tmp_path, records):
    def make(**options):
        return Built(tmp_path, records, **options)

    return make
