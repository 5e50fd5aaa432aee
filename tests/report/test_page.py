from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from corpus.errors import MissingFile
from pipelines.report.page import render

HOSTILE = [
    "<script>document.title='pwned'</script>",
    '"><img src=x onerror=document.title="pwned">',
    "\x1b]0;pwned\x07\x1b[31m",
    "\u202egnp.exe",
    '=HYPERLINK("http://evil.example","click")',
    "</style><script>1</script>",
    "javascript:alert(1)",
    "</title><base href=//evil.example>",
]


class Page(HTMLParser):
    """Elements, their attributes, and the text of each table by its caption."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._caption = self._cell = ""
        self._rows: list[list[str]] = []
        self.text = ""
        self.feed(page)
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self._open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._cell = ""

    def handle_endtag(self, tag):
        assert self._open.pop() == tag
        if tag in ("td", "th"):
            self._rows[-1].append(self._cell)
        elif tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data):
        if "style" in self._open or "title" in self._open:
            return
        self.text += data
        if "caption" in self._open:
            self._caption += data
        else:
            self._cell += data

    def table(self, start: str) -> list[list[str]]:
        (found,) = [rows for caption, rows in self.tables.items() if caption.startswith(start)]
        return found


def test_the_page_needs_nothing_else_and_runs_nothing(finished):
    page = render(finished.view())
    found = Page(page)
    names = {name for name, _ in found.elements}
    assert not names & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "image", "use"}
    attributes = {key for _, attrs in found.elements for key in attrs}
    assert not {a for a in attributes if a.startswith("on")}
    assert not attributes & {"src", "href", "style", "action", "srcdoc"}
    assert "url(" not in page and "@import" not in page


def test_the_policy_allows_this_style_sheet_and_nothing_more(finished):
    page = render(finished.view())
    style = re.search("<style>(.*?)</style>", page, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = [a["content"] for name, a in Page(page).elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_the_numbers_of_the_cells_are_the_receipts(finished):
    head, *rows = Page(render(finished.view())).table("Cells are domain × source")
    assert head == ["cell", "", "asked", "achieved", "natural", "tokens", "residue", "epochs"]
    cells = {c["cell"]: c for c in finished.receipt["cells"]}
    available = sum(c["available"]["tokens"] for c in cells.values())
    assert len(rows) == len(cells)
    for row in rows:
        name = re.match(r"d\d\d/(web|textbooks)", row[0]).group()
        c = cells[name]
        asked, achieved, natural = c["weight"], c["share"], c["available"]["tokens"] / available
        assert row[2:5] == [f"{100 * x:.2f}\u00a0%" for x in (asked, achieved, natural)]
        assert row[5] == f"{c['drawn']['tokens']:,}" and row[7] == f"{c['epochs']:.2f}"
        assert int(row[6].replace("−", "-").replace(",", "")) == c["residue_tokens"]


def test_cells_that_repeat_are_marked(finished):
    page = render(finished.view())
    repeated = [f"{c['epochs']:.2f}" for c in finished.receipt["cells"] if c["epochs"] > 1.005]
    cells = page[page.index('id="cells"'):page.index('id="comparison"')]
    assert sorted(re.findall('class="repeats"[^>]*>([0-9.]+)<', cells)) == sorted(repeated)


def test_the_receipts_digest_and_each_files_are_there(finished):
    page = render(finished.view())
    assert finished.store.read_json("builds/hand/receipt.json")["digest"] in page
    files = {f["path"]: f["digest"] for entry in finished.receipt["shards"] for f in entry["files"]}
    tables = [Page(page).table(f"Files of the format {name}") for name in ("climbmix", "nanochat")]
    shown = {row[0]: row[-1] for rows in tables for row in rows[1:]}
    assert shown == {path: digest[:16] for path, digest in files.items()}


def test_the_numbers_by_source_are_the_ledgers_and_the_receipts(finished):
    head, *rows = Page(render(finished.view())).table("Records by source")
    assert head == ["source", "records", "− ingest", "− extract", "− filter", "− dedup", "kept", "of records", "drawn",
                    "tokens", "share"]
    for row in rows:
        own = [f[0] for f, s in zip(finished.fate, finished.source) if s == row[0]]
        assert row[1] == f"{len(own)}" and row[6] == f"{own.count(None)}"
        assert row[4] == (f"{own.count('filter')}" if own.count("filter") else "–")
        (receipt,) = [s for s in finished.receipt["sources"] if s["source"] == row[0]]
        assert row[9] == f"{receipt['drawn']['tokens']:,}"


def test_the_last_stage_tells_pruned_documents_from_those_the_mixture_did_not_need(finished):
    text = Page(render(finished.view())).text
    assert f"in no cell (pruned, held out){finished.domain.count(None)}" in text


def test_models_tell_how_they_did_on_what_was_held_out(finished):
    rows = Page(render(finished.view())).table("Models of this build")
    assert any("held out accuracy 0.9625" in row[1] for row in rows if row[0] == "quality")
    assert any("accuracy 0.9344" in row[1] for row in rows if row[0] == "meta")


def test_the_same_state_gives_the_same_page(finished):
    assert render(finished.view()) == render(finished.view())


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_a_page_says_of_itself_is_inert(world, hostile):
    world.url = world.text = lambda i: f"{hostile} {i}"
    for part in (world.judge, world.freeze, world.spaces):
        part()
    world.fate = [(stage, reason and hostile, p) for stage, reason, p in world.fate]
    world.map("freeze.ledger", "verdicts", world.verdicts(range(world.records), "ingest", "extract", "filter", "dedup"))
    page = render(world.view())
    names = {name for name, _ in Page(page).elements}
    assert not names & {"script", "img", "base", "a"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)


def test_a_build_that_stopped_at_any_stage_still_has_a_page_that_says_what_is_missing(world):
    world.gather("annotate.tokenizer", world.folder("tokenizer", {}))
    assert render(world.view()).count("Not there yet: ") == 7       # all but models and steps, which have the tokenizer
    left = []
    for part in (world.judge, world.freeze, world.spaces, world.search, world.write):
        part()
        left.append(Page(render(world.view())).text.count("Not there yet: "))
    assert left == [6, 6, 4, 2, 0]


def test_a_build_of_which_nothing_is_there_says_how_to_build_it(world):
    with pytest.raises(MissingFile, match="corpus build configs/hand.yaml"):
        render(world.view())


def test_a_build_with_more_cells_than_fit_folds_the_smallest(finished, monkeypatch):
    monkeypatch.setattr("pipelines.report.mixture.ROWS", 5)
    _, *rows = Page(render(finished.view())).table("Cells are domain × source")
    cells = sorted(finished.receipt["cells"], key=lambda c: (-c["weight"], c["cell"]))
    assert len(rows) == 6 and rows[-1][0] == f"{len(cells) - 5} smaller cells"
    assert rows[-1][5] == f"{sum(c['drawn']['tokens'] for c in cells[5:]):,}"
