"""Bad input is data: the build goes on, every record has a verdict, `explain` finds it, and page text stays text."""

from __future__ import annotations

import html.parser
import json
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from bad_sources import ESCAPE, EVIL_URL, FORMULA, FRENCH, IMAGE, JAPANESE, RUSSIAN, SCRIPT
from built_line import corpus
from typer.testing import CliRunner

from corpus.document import show_id
from pipelines.config.load import load_build


@pytest.fixture(scope="module")
def verdicts(built):
    """All rows of the ledger, from its shards in the store."""
    return built.view().rows("freeze.ledger", "verdicts")


@pytest.fixture(scope="module")
def readers_rows(built):
    """(id, address, file, offset) of every row that the sources' readers yield when they are asked again."""
    rows = []
    for source in load_build(str(built.file)).sources:
        for pattern in source.patterns:
            for table in source.reader.read(str(built.folder / pattern), source.name):
                rows += [tuple(row.values()) for row in table.select(["id", "url", "file", "offset"]).to_pylist()]
    return rows


def row_of(verdicts: pa.Table, fate) -> dict:
    """The verdict on a record by its file and its address or line, or its reason where damage hid both."""
    mask = pc.equal(verdicts.column("file"), fate.file)
    if isinstance(fate.at, str):
        mask = pc.and_(mask, pc.equal(verdicts.column("url"), fate.at))
    elif fate.at is not None:
        mask = pc.and_(mask, pc.equal(verdicts.column("offset"), fate.at))
    else:
        mask = pc.and_(mask, pc.equal(verdicts.column("reason"), fate.reason))
    (row,) = verdicts.filter(pc.fill_null(mask, False)).to_pylist()
    return row


def test_the_build_ends_well_and_says_where_things_are(built):
    assert "report.html" in built.out and "receipt.json" in built.out
    assert all(any((built.home / "shards" / f).iterdir()) for f in ("climbmix", "nanochat", "megatron"))


def test_every_record_that_a_reader_yields_has_one_verdict(verdicts, readers_rows):
    said = [tuple(row.values()) for row in verdicts.select(["id", "url", "file", "offset"]).to_pylist()]
    assert Counter(said) == Counter(readers_rows)
    assert len({row[0] for row in said}) == len(said) == 54


def test_each_bad_record_has_its_reason(built, verdicts):
    found = {(f.file, f.at): (r["stage"], r["reason"]) for f, r in ((f, row_of(verdicts, f)) for f in built.fates)}
    assert found == {(f.file, f.at): (f.stage, f.reason) for f in built.fates}


def test_the_funnel_counts_them(built):
    stages = {s["stage"]: s for s in json.loads(corpus("show", "build.yaml", "--json", cwd=built.folder)[0])["funnel"]}
    assert stages["records"]["left"] == 54
    assert {name: dict(stages[name]["reasons"]) for name in ("ingest", "extract", "filter", "dedup")} == {
        "ingest": {
            "no_text": 3,
            "empty_text": 2,
            "not_json": 1,
            "truncated_record": 2,
            "bad_length": 1,
            "trailing_garbage": 2,
            "empty_payload": 1,
            "record_too_large": 1,
            "not_html": 1,
            "http_status": 1,
        },
        "extract": {"empty_text": 1, "page_too_large": 1, "too_deep": 1},
        "filter": {"gopher_short_doc": 1},
        "dedup": {"exact_duplicate": 2},
    }
    assert stages["dedup"]["left"] == 54 - 15 - 3 - 1 - 2


def test_what_gives_no_row_is_counted_too(built):
    assert built.view().manifests["ingest"]["counts"] == {
        "records": 54,
        "skipped_request": 1,
        "skipped_blank_line": 1,
        "no_text": 3,
        "empty_text": 2,
        "not_json": 1,
        "truncated_record": 2,
        "bad_length": 1,
        "trailing_garbage": 2,
        "empty_payload": 1,
        "record_too_large": 1,
        "not_html": 1,
        "http_status": 1,
    }


def test_explain_finds_each_record_by_its_id(built, verdicts):
    for fate in built.fates:
        row = row_of(verdicts, fate)
        (story,) = explain(built, show_id(row["id"]))
        assert story["file"].startswith(fate.file) and story["url"] == row["url"]
        assert story["verdict"] == ("kept" if fate.reason is None else f"dropped at {fate.stage}: {fate.reason}")


def test_a_duplicate_names_the_record_that_stays(built, verdicts):
    for row in verdicts.filter(pc.equal(verdicts.column("reason"), "exact_duplicate")).to_pylist():
        (story,) = explain(built, show_id(row["id"]))
        assert explain(built, story["keeper"])[0]["verdict"] == "kept"


def test_pages_with_a_wrong_or_no_charset_are_read_rightly(built):
    documents = built.view().rows("freeze", "documents")
    texts = dict(zip(documents.column("url").to_pylist(), documents.column("text").to_pylist()))
    for number, text in ((101, FRENCH), (102, RUSSIAN), (103, JAPANESE)):
        assert text in texts[f"http://example.org/{number}"].replace("\n", " ")


# what pages say is shown and never obeyed -----------------------------------------------------------------------------


def test_the_evil_page_is_kept_as_it_is(built):
    """Else the tests below would show nothing."""
    documents = built.view().rows("freeze", "documents")
    (text,) = documents.filter(pc.equal(documents.column("url"), EVIL_URL)).column("text").to_pylist()
    assert text.startswith(FORMULA) and SCRIPT in text and IMAGE in text and ESCAPE in text


class Active(html.parser.HTMLParser):
    """Collects what a browser would run, fetch or follow, other than the report's own style and script."""

    LOADS = ("iframe", "object", "embed", "base", "form", "img", "link", "audio", "video")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.raw = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.raw = tag in ("script", "style")
        if tag in self.LOADS or "http-equiv" in dict(attrs) and dict(attrs)["http-equiv"].lower() == "refresh":
            self.found.append(tag)
        self.found += [f"{n}={v}" for n, v in attrs if n.startswith("on") or n.endswith("src") or n == "srcset"]
        self.found += [f"{n}={v}" for n, v in attrs if n.endswith("href") and not (v or "").startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        self.raw = False

    def handle_data(self, data: str) -> None:
        if self.raw and any(word in data for word in ("31337", "evil.example", "HYPERLINK")):
            self.found.append(data)


def test_nothing_of_a_page_is_active_in_the_report(built):
    page = (built.home / "report.html").read_text(encoding="utf-8")
    assert "\x1b" not in page and "\x07" not in page

    assert "evil.example" in page and "alert" in page  # it is shown ...
    reader = Active()
    reader.feed(page)
    assert not reader.found  # ... and is text


@pytest.mark.parametrize(
    "words, shows",
    [
        (("explain", EVIL_URL), "evil.example"),
        (("show",), ""),
        (("show", "ingest"), ""),
        (("show", "freeze"), "HYPERLINK"),
        (("show", "freeze.ledger"), ""),
        (("show", "shards.place"), ""),
    ],
)
def test_no_escape_of_a_page_reaches_the_terminal(built, words, shows):
    output = invoke(words[0], built.file, *words[1:]).output
    assert shows in output and not any(ord(c) < 32 and c not in "\n\t" or 127 <= ord(c) < 160 for c in output)


def test_the_command_itself_prints_the_evil_address_inert(built):
    out, err = corpus("explain", "build.yaml", EVIL_URL, cwd=built.folder)
    assert SCRIPT in out and "kept" in out and "\x1b" not in out + err
    _, err = corpus("explain", "build.yaml", EVIL_URL + "?no", cwd=built.folder, code=2)
    assert "no record" in err and "\x1b" not in err


def test_json_for_machines_escapes_what_a_terminal_would_obey(built):
    done = invoke("explain", built.file, EVIL_URL, "--json")
    assert "\x1b" not in done.output and json.loads(done.output)[0]["url"] == EVIL_URL


def explain(built, wanted: str) -> list[dict]:
    return json.loads(invoke("explain", built.file, wanted, "--json").output)


def invoke(*words: object):
    """The command in this process, which is quicker; `corpus` starts one of its own."""
    from pipelines.cli.main import app

    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    return done
