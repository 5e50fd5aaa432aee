"""Removal that reaches everywhere: random takedowns with a purge, and then every byte of the store is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
from removal_line import members, takedown, write_build

from corpus.document import parse_id
from pipelines.audit import audit
from pipelines.build import run_build
from pipelines.config.load import load_build
from pipelines.doctor import examine
from pipelines.engines.placement import Placement
from pipelines.progress import Progress

ROOT = Path(__file__).parents[2]
WEB_PAGES = ROOT / "../shared/data/web_pages/pages.warc.gz"


def check(path, count):
    first = run_build(load_build(str(path)), Placement({"engine": "inline"}), Progress())
    build, before, after, wanted, told = takedown(path, count)
    assert len(wanted.runs) > 50 * count and len(told["documents"]) >= count and told["kept"] >= count
    assert before.held and len(wanted.grams)
    assert audit(build, wanted) == []                       # no run of 20 words, wherever one looks
    untouched = before.files.keys() - before.held
    gone = untouched - after.files.keys()
    assert not gone and all(after.files[name] == before.files[name] for name in untouched)

    same = {n for n, copies in before.copies.items() if after.copies.get(n) == copies}
    assert same
    for name, (number, digest) in before.written.items():
        assert (after.written.get(name) == (number, digest)) == (number in same), name
    ids = {parse_id(d["id"]) for d in told["documents"]}
    touched = {n for n, copies in before.copies.items() if ids & {i for i, _ in copies}}
    assert touched and not touched & same and not ids & {i for copies in after.copies.values() for i, _ in copies}
    assert told["shards"] == sorted(touched)

    again = run_build(build, Placement({"engine": "inline"}), Progress())
    assert not again.fresh and again.receipt_digest == told["receipt"] != first.receipt_digest
    asked, now = ({c["cell"]: c["weight"] for c in r["cells"]} for r in (first.receipt, again.receipt))
    assert asked == now                                             # the mixture stays; a cell is refilled from what is left
    assert dict((what, said) for _, what, said in examine(str(path), deep=True))["shards"] == "all there and unchanged"


def test_takedowns_leave_no_run_of_words_in_any_byte_of_the_store(tmp_path):
    pages = list(members(ROOT / "configs/quickstart/quickstart.warc.gz"))[::9]
    check(write_build(tmp_path, pages, 60_000), 5)


@pytest.mark.slow
@pytest.mark.skipif(not WEB_PAGES.exists(), reason="the pages are not here")
def test_fifty_takedowns_leave_no_run_of_words_in_any_byte_of_the_store(tmp_path):
    pages = list(members(WEB_PAGES))[::12]
    check(write_build(tmp_path, pages, 300_000), 50)
