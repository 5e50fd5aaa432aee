"""Web text in depth, from pages to shards: what is edited, measured, dropped, grouped and told; and a later crawl."""

from __future__ import annotations

import json
from collections import Counter

import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner
from web_line import COPY, EDITED, EMPTIED, GONE, LATER_ADDRESS, LATER_COPY, LISTED, PLANTED, build_file, write

from corpus.document import parse_id, show_id
from corpus.edits.unicode import Unicode
from corpus.errors import MissingExtra
from corpus.rules.presets import PRESETS
from corpus.store import Store
from corpus.testing.kills import contents, differences
from pipelines.build import plan_build, run_build
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.progress import Progress
from pipelines.view import View


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def records(folder):
    """How many records the sources have; they and the evaluation set are written."""
    return write(folder)


def build(path, engine="inline", **options):
    return run_build(load_build(str(path)), Placement({"engine": engine} | options), Progress())


@pytest.fixture(scope="module")
def first(folder, records):
    """The build's file, and what it left."""
    path = build_file(folder, "first")
    return path, build(path)


@pytest.fixture(scope="module")
def view(first):
    return View(load_build(str(first[0])))


@pytest.fixture(scope="module")
def later(folder, first):
    """A build of a later crawl beside the first, whose documents are older."""
    path = build_file(folder, "later", files="later.warc.gz", against=["first"])
    build(path)
    return View(load_build(str(path)))


def address(number):
    return f"http://example.org/{number}"


def verdicts(view):
    return {row["url"]: row for row in view.rows("freeze.ledger", "verdicts").to_pylist()}


def explain(path, wanted):
    from pipelines.cli.main import app

    done = CliRunner().invoke(app, ["explain", str(path), wanted, "--json"])
    assert done.exit_code == 0, done.output
    (story,) = json.loads(done.output)
    return story


def test_each_record_has_one_verdict_at_the_stage_that_decided(view, records):
    found = view.rows("freeze.ledger", "verdicts")
    assert found.num_rows == records == len(set(found.column("id").to_pylist()))
    assert view.manifests["ingest"]["counts"]["records"] == records
    said = {number: verdicts(view)[address(number)] for number in (GONE, EMPTIED, LISTED, PLANTED, EDITED)}
    assert {number: (row["stage"], row["reason"]) for number, row in said.items()} == {
        GONE: ("ingest", "http_status"),
        EMPTIED: ("edit", "emptied"),
        LISTED: ("filter", "too_few_sentences"),
        PLANTED: ("filter", "evaluation_item"),
        EDITED: (None, None),
    }
    assert said[EMPTIED]["rule"] == "c4_lines" and said[LISTED]["value"] == 2
    funnel = {s["stage"]: s["left"] for s in view.funnel()}
    assert funnel["records"] == records and funnel["dedup"] == view.rows("freeze", "documents").num_rows
    assert all(s["left"] + s["dropped"] == before["left"] for before, s in zip(view.funnel(), view.funnel()[1:]))


def test_a_planted_item_is_dropped_whatever_its_case(view):
    row = verdicts(view)[address(PLANTED)]
    (rule,) = PRESETS["decontamination"]
    assert (row["rule"], row["value"], row["bound"]) == (rule.signal, 1.0, rule.high)
    measured = view.row("decontaminate.measure", "contamination", row["id"])
    assert measured["contamination.item"] == "ferry-1" and measured["contamination.answer"] == 1.0
    assert pc.max(view.rows("freeze", "marks").column("contamination.score")).as_py() == 0


def test_edits_reach_the_text_that_is_kept_and_their_places_are(view):
    row = verdicts(view)[address(EDITED)]
    text = view.row("freeze", "documents", row["id"])["text"]
    assert "A café at the harbour serves crêpes." in text and "Share this page" not in text
    assert "email@example.com" in text and "jane.roe" not in text
    spans = view.row("edit", "edits", row["id"])["spans"]
    assert {(s["editor"], s["kind"]) for s in spans} >= {("unicode", "unicode"), ("pii", "email")}


def test_a_copy_and_a_second_text_of_one_address_go_and_the_better_language_score_stays(view):
    said = verdicts(view)
    for pair, reason in (((address(3), address(COPY)), "exact_duplicate"),
                         ((address(4), "https://www.example.org/4?utm_source=news"), "same_url")):  # fmt: skip
        kept, gone = sorted((said[url] for url in pair), key=lambda row: not row["kept"])
        assert kept["kept"] and not gone["kept"] and (gone["reason"], gone["keeper"]) == (reason, kept["id"])
        scores = [view.row("filter.signals", "signals", row["id"])["language_score"] for row in (kept, gone)]
        assert scores[0] >= scores[1]


def test_marks_lie_beside_the_frozen_documents_row_for_row(view):
    documents, marks = view.rows("freeze", "documents"), view.rows("freeze", "marks")
    assert documents.column("id").equals(marks.column("id"))
    assert [s.rows for s in view.shards("freeze", "documents")] == [s.rows for s in view.shards("freeze", "marks")]
    measured = [*view.rows("filter.signals", "signals").column_names, "page.licence", "quality_bucket", "quality_band"]
    assert set(measured) <= set(marks.column_names) and "contamination.tasks" not in marks.column_names
    for row in marks.to_pylist():
        assert row["language_score"] == view.row("filter.signals", "signals", row["id"])["language_score"]
    assert pc.min(marks.column("quality_bucket")).as_py() < pc.max(marks.column("quality_bucket")).as_py()


def test_the_receipts_cells_carry_language_and_licence(first, view):
    documents = dict(zip(view.rows("freeze", "marks").column("id").to_pylist(), view.rows("freeze", "marks").to_pylist()))
    index = view.rows("search.index", "index").to_pylist()                    # it has no ids: row for row with the documents
    ids = view.rows("freeze", "documents").column("id").to_pylist()
    said = Counter()
    for i, row in zip(ids, index, strict=True):
        marks = documents[i]
        domain, language, licence = row["cell"].split("/")
        assert (language, licence) == (marks["language"], marks["page.licence"] or "unknown")
        said[row["cell"]] += 1
    receipt = first[1].receipt
    assert {c["cell"]: c["available"]["documents"] for c in receipt["cells"]} == said
    parts = [set(part) for part in zip(*(cell.split("/") for cell in said))]
    assert {"en", "fr", "ru"} <= parts[1] and parts[2] == {"CC-BY-4.0", "CC-BY-SA-4.0", "unknown"}
    assert receipt["mixture"]["cells"] == ["domain", "language", "page.licence"]


def test_explain_tells_edits_group_marks_and_the_nearest_document(first, view):
    story = explain(first[0], address(EDITED))
    assert "unicode: unicode 1" in story["edited"] and "pii: email 1" in story["edited"]
    assert story["language"] == "en" and story["quality_band"] and story["cell"].endswith("/en/unknown")
    kept = next(u for u in (address(3), address(COPY)) if verdicts(view)[u]["kept"])
    story = explain(first[0], kept)
    assert story["page.licence"] == "CC-BY-4.0" and "2 documents" in story["group"]
    assert "(exact_duplicate, Jaccard 1.000)" in story["others"] and "cosine" in story["nearest"]
    assert explain(first[0], address(PLANTED))["measured"] == "contamination.score = 1, bound 0.5"
    assert explain(first[0], address(EMPTIED))["verdict"] == "dropped at edit: emptied"


def test_nearest_documents_are_an_attribute_beside_the_vectors(view):
    found = view.shards("cluster.nearest", None)
    ids = {tuple(view.store.read_shard(s, ["id"]).column("id").to_pylist()) for s in found}
    assert ids == {tuple(view.store.read_shard(s).column("id").to_pylist()) for s in view.shards("embed", "vectors")}
    rows = [row for s in found for row in view.store.read_shard(s).to_pylist()]
    cluster = dict(zip(*(view.rows("cluster.assign", "clusters").column(c).to_pylist() for c in ("id", "cluster"))))
    assert all(cluster[row["neighbour"]] == cluster[row["id"]] for row in rows if row["neighbour"] is not None)


def test_an_editor_without_its_package_stops_a_build_before_any_work(folder, records, monkeypatch):
    monkeypatch.setattr(Unicode, "packages", (("no_such_package", "edits"),))
    with pytest.raises(MissingExtra, match=r"corpus-builder\[edits\]"):
        build(build_file(folder, "first", store="nowhere"))
    assert not (folder / "nowhere").exists()


def test_a_build_again_makes_nothing(first):
    assert plan_build(load_build(str(first[0]))).complete
    assert not build(first[0]).fresh


def test_two_processes_leave_what_one_leaves(folder, first):
    build(build_file(folder, "first", store="other"), "local", workers=2)
    one, other = (contents(Store(str(folder / store)), "first") for store in ("store", "other"))
    different = differences(one, other)
    assert not different, f"{different[0]}: {one.get(different[0])} is now {other.get(different[0])}"
    assert {"edit", "filter.buckets", "decontaminate.measure", "dedup.standing", "cluster.nearest"} <= set(one)


def test_a_later_crawl_gives_way_to_what_was_kept_before(view, later):
    old, new = verdicts(view), verdicts(later)
    copy, same = new[address(LATER_COPY)], new["http://example.org/6/#top"]
    assert (copy["reason"], copy["keeper"]) == ("exact_duplicate", old[address(5)]["id"])
    assert (same["reason"], same["keeper"]) == ("same_url", old[address(6)]["id"])
    assert address(LATER_ADDRESS) not in new
    two = [new[address(n)] for n in (62, 63)]
    assert sorted(row["kept"] for row in two) == [False, True]                     # among its own, as ever


def test_older_documents_get_no_verdict_and_no_place_in_a_later_build(view, later):
    older = set(view.rows("freeze.ledger", "verdicts").column("id").to_pylist())
    for step, output in (("freeze.ledger", "verdicts"), ("dedup.groups", "groups"), ("freeze", "documents")):
        assert not older & set(later.rows(step, output).column("id").to_pylist())
    assert later.rows("freeze.ledger", "verdicts").num_rows == 9
    story = explain(later.build.where, address(LATER_COPY))
    assert parse_id(story["keeper"]) in older and story["keeper"] == show_id(verdicts(view)[address(5)]["id"])
