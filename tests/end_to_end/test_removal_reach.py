"""Removal where it meets what else a store has: other builds and their holdouts, survivors that are promoted, a first build
that is under way, a store that is no folder.
"""

from __future__ import annotations

import json
import os
import socket
import time

import pyarrow as pa
import pytest
from compiled import Line, corpus, passages, records

from corpus.document import ID, show_id
from corpus.mixture.holdouts import registered, texts_of
from corpus.removal.tombstones import removed_ids
from corpus.store import Store
from pipelines.audit import audit, wanted_of
from pipelines.config.load import load_build
from pipelines.view import View

HOLDOUT = {"holdout": {"name": "val", "tokens": 1_500}}


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path)


def remove(line: Line, *words: str) -> dict:
    code, out, err = corpus("remove", "mix.yaml", *words, "--yes", "--json", "--on", "inline", cwd=line.folder)
    assert code == 0, err
    return json.loads(out)


def loaded(line: Line, name: str = "mix"):
    return load_build(str(line.folder / f"{name}.yaml"))


def ids_of(build) -> dict[str | None, bytes]:
    view = View(build)
    tables = [view.store.read_shard(s, ["id", "url"]) for s in view.shards("ingest", "raw")]
    return {url: i for t in tables for i, url in zip(t.column("id").to_pylist(), t.column("url").to_pylist())}


def verdicts(build, *ids: bytes) -> list[tuple[bool, str | None]]:
    view = View(build)
    rows = [r for s in view.shards("freeze.ledger", "verdicts") for r in view.store.read_shard(s).to_pylist()]
    found = {r["id"]: (r["kept"], r["reason"]) for r in rows}
    return [found[i] for i in ids]


def test_a_held_out_document_goes_from_the_holdout_and_from_what_every_build_wrote_of_it(line):
    line.build(mixture=HOLDOUT)
    line.build(name="two", mixture=HOLDOUT | {"budget_tokens": 9_000})
    build, store = loaded(line), Store(str(line.folder / "store"))
    before = registered(store, "val")
    gone = next(i for rows in texts_of(store, before) for i in rows.column("id").to_pylist())
    url = next(url for url, i in ids_of(build).items() if i == gone)
    wanted = wanted_of(build, pa.array([gone], ID))
    assert any("two/holdout-val" in hit.path for hit in audit(build, wanted))
    told = remove(line, "--url", url, "--purge")
    assert audit(build, wanted) == [] and told["purged"]["builds"] == ["two"]
    after = registered(store, "val")
    assert after["rows"] == before["rows"] - 1 and after["tokens"] < before["tokens"]
    assert gone not in [i for rows in texts_of(store, after) for i in rows.column("id").to_pylist()]
    ids = [i for url, i in ids_of(loaded(line, "two")).items() if url is not None and i != gone]
    other = next(i for i, (kept, _) in zip(ids, verdicts(build, *ids)) if kept)
    assert corpus("explain", "two.yaml", show_id(other), cwd=line.folder)[0] == 0      # though some of its files are gone
    assert not line.build(mixture=HOLDOUT).outcome.fresh
    line.build(name="two", mixture=HOLDOUT | {"budget_tokens": 9_000})
    assert audit(build, wanted) == []


def test_a_promoted_copy_stays_whatever_is_read_again(line):
    text = passages()[0]
    line.write("a", [*records(60), *({"id": f"c{i}", "url": f"https://copy.example/{i}", "text": text} for i in range(2))])
    line.build()
    build = loaded(line)
    ids = [ids_of(build)[url] for url in ("https://host1.example/0", "https://copy.example/0", "https://copy.example/1")]
    kept = [kept for kept, _ in verdicts(build, *ids)].index(True)
    urls = ["https://host1.example/0", "https://copy.example/0", "https://copy.example/1"]
    told = remove(line, "--url", urls[kept], "--near", "promote", "--purge")
    assert len(told["documents"]) == 1 and len(told["near"]) == 2
    found = verdicts(build, *ids)
    assert found[kept] == (False, "removed") and sum(kept for kept, _ in found) == 1
    sources = [source | {"shard_records": 20} for source in line.file["sources"]]          # every record is read again
    line.build(sources=sources)
    assert verdicts(loaded(line), *ids) == found
    assert remove(line, "--purge")["purged"]["documents"] == 1


def test_a_first_build_that_is_under_way_is_waited_for_and_the_receipt_tells_of_before_it_began(line):
    line.build()
    store = Store(str(line.folder / "store"))
    store.write_json("builds/first/events.jsonl", {})
    store.write_json("leases/first.json", {"host": socket.gethostname(), "pid": os.getppid(), "at": time.time()})
    words = ["--url", "https://host1.example/0", "--url", "https://nowhere.example/"]
    code, _, err = corpus("remove", "mix.yaml", *words, "--purge", "--yes", "--on", "inline", cwd=line.folder)
    assert code != 0 and "build 'first' is being driven" in err
    store.remove("leases/first.json")
    told = remove(line, *words, "--purge")
    assert told["shards_compared"]["changed"] > 0 and told["purged"]["documents"] == 1
    assert told["missing"] == ["https://nowhere.example/"] and len(removed_ids(store)) == 1


def test_a_removal_that_was_ended_before_the_build_tells_what_changed_since(line):
    line.build()
    words = ["--url", "https://host1.example/0"]
    remove(line, *words, "--no-build")
    changed = line.build().receipt
    told = remove(line, *words)
    receipt = json.loads((line.folder / f"store/builds/mix/removals/{told['removal']}.json").read_text())
    assert told["tombstones"] == 0 and told["shards_compared"]["changed"] > 0
    assert receipt["receipts"]["before"] != receipt["receipts"]["after"] == told["receipt"] and changed


def test_a_store_that_is_no_folder_is_purged_and_looked_through(line):
    line.build(store=f"memory://removal-{line.folder.name}")
    build = loaded(line)
    wanted = wanted_of(build, pa.array([ids_of(build)["https://host1.example/0"]], ID))
    assert audit(build, wanted)
    told = remove(line, "--url", "https://host1.example/0", "--purge", "--audit")
    assert told["audit"]["runs"] == len(wanted.runs) > 50 and told["audit"]["hits"] == []
    assert audit(build, wanted) == []


def test_what_is_removed_is_no_fault_of_the_filter(line):
    line.build()
    code, out, err = corpus("remove", "mix.yaml", "--host", ".example", "--yes", "--on", "inline", cwd=line.folder)
    assert "101 new tombstones" in out                  # of the records, and the rule
    assert code == 1 and "no document survived" in err and "over the limit" not in err
