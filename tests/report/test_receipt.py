from __future__ import annotations

import base64
import copy
import hashlib
import re
from html.parser import HTMLParser

import pytest
from drawn_by_hand import Drawn, make

from corpus.tokens.pack import Concatenate
from pipelines.report.receipt import brief, render_receipt

HOSTILE = ["<script>document.title='pwned'</script>", '"><img src=x onerror=alert(1)>', "\x1b]0;pwned\x07", "\u202egnp.exe",
           "</style><script>1</script>", "</title><base href=//evil.example>"]


class Page(HTMLParser):
    """Elements and the rows of each table by its caption."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.tables: list[tuple[str, list[list[str]]]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if tag == "table":
            self.tables.append(("", []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "caption" in self.open:
            self.tables[-1] = (self.tables[-1][0] + data, self.tables[-1][1])
        elif "tr" in self.open and "title" not in self.open:
            self.tables[-1][1][-1][-1] += data

    def rows(self, start: str) -> list[list[str]]:
        """The rows of the first table whose caption starts so, without its head."""
        return next(rows[1:] for caption, rows in self.tables if caption.startswith(start))


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Drawn:
    return make(tmp_path_factory.mktemp("one"), formats=("megatron", "nanochat"))


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> Drawn:
    return make(tmp_path_factory.mktemp("three"), phases=3, pack=Concatenate(16, "pad"), formats=("npy",))


def test_the_page_needs_nothing_else_and_runs_nothing(one):
    page = render_receipt(one.receipt)
    found = Page(page)
    assert not found.names & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "image", "use"}
    assert not found.attributes & {"src", "href", "style", "action", "srcdoc"}
    assert not {a for a in found.attributes if a.startswith("on")}
    style = re.search(r"<style>(.*?)</style>", page, re.S).group(1)
    seal = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src &#x27;none&#x27;; style-src &#x27;sha256-{seal}&#x27;" in page


def test_the_same_receipt_gives_the_same_page(one):
    assert render_receipt(one.receipt) == render_receipt(copy.deepcopy(one.receipt))


def test_each_cell_is_told_as_the_receipt_says(one):
    rows = {row[0]: row for row in Page(render_receipt(one.receipt)).rows("Cells are")}
    assert set(rows) == {c["cell"] for c in one.receipt["cells"]}
    for cell in one.receipt["cells"]:
        row = rows[cell["cell"]]
        assert row[2:4] == [f"{100 * cell['weight']:.2f}\u00a0%", f"{100 * cell['share']:.2f}\u00a0%"]
        drawn, there = cell["drawn"]["tokens"], cell["available"]["tokens"]
        assert row[5:9] == [f"{cell['target_tokens']:,}", f"{drawn:,}", "0", f"{there:,}"]
        assert row[9:] == [f"{cell['drawn']['documents']:,}", f"{cell['drawn']['distinct']:,}", f"{cell['epochs']:.2f}"]


def test_each_source_is_told_with_what_was_asked_of_it(one):
    rows = {row[0]: row for row in Page(render_receipt(one.receipt)).rows("Sources over all phases")}
    for source in one.receipt["sources"]:
        asked = sum(c["target_tokens"] for c in one.receipt["cells"] if c["cell"].endswith(source["source"]))
        assert rows[source["source"]][4:6] == [f"{asked:,}", f"{source['drawn']['tokens']:,}"]


def test_every_file_is_there_with_its_digest(one):
    found = Page(render_receipt(one.receipt))
    files = {row[0]: row[5] for caption, rows in found.tables if caption.startswith("Files of") for row in rows[1:]}
    assert files == {f["path"]: f["digest"][:16] for entry in one.receipt["shards"] for f in entry["files"]}


def test_phases_are_told_one_by_one_and_packing_with_its_loss(three):
    found = Page(render_receipt(three.receipt))
    assert [row[2] for row in found.rows("Stretches of the schedule")] == ["0 – 2", "3 – 5", "6 – 8"]
    assert sum(caption.startswith("Cells are") for caption, _ in found.tables) == 3
    packing = dict(found.rows("As the manifests"))
    padded = three.receipt["pack"]["padded_tokens"]
    assert "sequences of 16 tokens" in packing["packing"] and f"{padded} of padding" in packing["lost by it"]


def test_bounds_holdouts_and_what_was_read_before_are_said(one):
    receipt = copy.deepcopy(one.receipt)
    receipt["asked"]["caps"] = [{"attribute": "host", "high": 0.001, "value": None}]
    receipt["asked"]["limits"] = [{"attribute": "origin", "value": "synthetic", "low": 0.0, "high": 0.3, "within": "domain"}]
    receipt["caps"] = [{"attribute": "host", "value": "a.org", "threshold": None, "tokens_allowed": 9, "tokens_drawn": 0}]
    receipt["holdout"] = [{"name": "validation", "digest": "ab" * 16}]
    receipt["after"] = {"receipt": "cd" * 16, "tokens": 12345}
    found = Page(render_receipt(receipt))
    bounds = dict(found.rows("As the build file says"))
    assert bounds["host, any one"] == "0.100\u00a0% of all tokens at most"
    assert bounds["origin synthetic"].endswith("of the tokens of each domain")
    assert "holdout validation" in bounds and bounds["read before"].startswith("12,345 tokens of the receipt cdcdcdcdcdcd")
    assert found.rows("Values that a cap holds back") == [["host a.org", "9", "0", "none of it"]]


def test_shares_that_shift_with_another_tokenizer_and_evidence_that_drifted_are_shown(one):
    receipt = copy.deepcopy(one.receipt)
    receipt["draw_tokenizer"] = receipt["tokenizer"] | {"digest": "12" * 16}
    for cell in receipt["cells"]:
        cell["retokenized"] = {"tokens": 5, "share": 0.25, "shift": -0.0125}
    receipt["evidence"] = {"digest": "34" * 16, "carried": True,
                           "drift": [{"cell": "d00/web", "overlap": 0.5, "tokens": [10, 20], "share": [0.1, 0.2]}]}
    found = Page(render_receipt(receipt))
    assert {row[5] for row in found.rows("The draw was made in another tokenizer")} == {"−1.25"}
    assert found.rows("The weights were found on other documents")[0][1:4] == ["50.0\u00a0%", "10", "20"]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_receipt_becomes_markup(one, text):
    receipt = copy.deepcopy(one.receipt)
    receipt["build"] = receipt["cells"][0]["cell"] = receipt["sources"][0]["source"] = text
    receipt["mixture"]["method"] = receipt["tokenizer"]["eos"] = text
    receipt["shards"][0]["files"][0]["path"] = text
    receipt["holdout"] = [{"name": text, "digest": text}]
    page = render_receipt(receipt)
    assert not Page(page).names & {"script", "img", "base"}
    assert text not in page and not re.search("[\x00-\x08\x0e-\x1f\u202e]", page)


def test_long_tables_are_folded_and_nothing_is_left_out(one):
    receipt = copy.deepcopy(one.receipt)
    receipt["cells"] = [receipt["cells"][0] | {"cell": f"c{i:03d}"} for i in range(150)]
    found = Page(render_receipt(receipt))
    assert len(found.rows("Cells are")) == 60 and len(found.rows("Rows 61 to 150")) == 90


def test_long_numbers_are_told_in_three_digits():
    assert [brief(n) for n in (0, 9_999_999, 10_000_000, 400_000_000_000, 1_234_567_890, 33_181_888_117)] == [
        "0", "9,999,999", "10.0\u00a0M", "400\u00a0B", "1.23\u00a0B", "33.2\u00a0B"]
