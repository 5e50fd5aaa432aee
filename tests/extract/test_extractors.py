import pyarrow as pa
import pytest

from corpus.document import RAW
from corpus.extract.blocks import Blocks
from corpus.extract.plain import Plain
from corpus.extract.resiliparse import Resiliparse
from corpus.extract.trafilatura import Trafilatura
from corpus.registry import identity
from corpus.testing.hostile import Hostile

ARTICLE = "".join(f"<p>Paragraph {i} tells of rivers, of the sea, and of ships that go between them.</p>" for i in range(8))
PAGE = f"<html><head><title>T</title></head><body><nav>Home | About</nav><article>{ARTICLE}</article></body></html>"


def raw(*rows):
    blank = {name: None for name in RAW.names}
    return pa.Table.from_pylist([blank | {"kind": "html"} | row for row in rows], schema=RAW)


def extract(extractor, *rows):
    found = extractor.extract(raw(*rows))
    assert found.schema.equals(pa.schema([("text", pa.large_string()), ("reason", pa.string())]))
    found.validate(full=True)
    return [(row["text"], row["reason"]) for row in found.to_pylist()]


@pytest.mark.parametrize("extractor", [Resiliparse(), Trafilatura(), Trafilatura(fast=True), Blocks()])
class TestPages:
    def test_the_article_is_text_and_the_menu_is_not(self, extractor):
        ((text, reason),) = extract(extractor, {"payload": PAGE.encode()})
        assert reason is None and "Home | About" not in text
        assert all(f"Paragraph {i} tells of rivers" in text for i in range(8))

    def test_bad_pages_have_reasons_and_their_neighbours_survive(self, extractor):
        deep = "<html><body>" + "<div>" * 100_000 + "deep"
        rows = extract(extractor, {"payload": PAGE.encode()}, {"payload": deep.encode()}, {"payload": b"<html></html>"},
                       {"payload": b"<p>" * 3_000_000}, {"payload": None, "problem": "bad_http"}, {"payload": PAGE.encode()})
        assert [reason for _, reason in rows] == [None, "too_deep", "empty_text", "page_too_large", "bad_http", None]
        assert rows[0][0] == rows[5][0] and [text is None for text, _ in rows] == [False, True, True, True, True, False]

    def test_formatting_that_is_never_closed_does_not_exhaust_memory(self, extractor):
        blocks = "".join(f"<p><b id={i}></p>" for i in range(400)) + "<p>x</p>" * 100_000
        assert extract(extractor, {"payload": blocks.encode()}) == [(None, "too_many_nodes")]

    def test_text_has_no_lone_surrogate_and_no_nul(self, extractor):
        page = PAGE.replace("the sea", "the &#xD800;&#0;sea\x00 &#x1F600;")
        ((text, _),) = extract(extractor, {"payload": page.encode()})
        assert text.encode().decode() == text and "\x00" not in text and "sea" in text

    def test_text_is_decoded_by_what_the_header_or_the_page_says(self, extractor):
        page = PAGE.replace("rivers", "реках")
        labelled = page.replace("<head>", "<head><meta charset=koi8-r>")
        rows = extract(extractor, {"payload": page.encode("koi8-r"), "charset": "koi8-r"},
                       {"payload": labelled.encode("koi8-r"), "charset": "utf-8"})
        assert all("Paragraph 3 tells of реках" in text for text, _ in rows)

    def test_text_that_is_no_page_is_taken_as_it_is(self, extractor):
        assert extract(extractor, {"payload": b" <b>as</b> it is\n", "kind": "text"}) == [(" <b>as</b> it is\n", None)]
        assert extract(extractor, {"payload": b" \n", "kind": "text"}) == [(None, "empty_text")]

    def test_an_empty_table_gives_an_empty_table(self, extractor):
        assert extract(extractor) == []


def test_a_parser_that_raises_costs_its_page_alone():
    assert extract(Hostile(), {"payload": b"good"}, {"payload": b"RAISE"}, {"payload": b"good"}) == [
        ("good", None), (None, "extractor_failed"), ("good", None)]


@pytest.mark.parametrize("extractor", [Resiliparse(), Plain()])
def test_a_robots_record_is_no_document(extractor):
    assert extract(extractor, {"payload": b"User-agent: *\nDisallow: /", "kind": "robots"}) == [(None, "robots_record")]


def test_wall_time_is_no_part_of_identity():
    assert identity(Blocks(max_seconds=1.0)) == identity(Blocks(max_seconds=None)) != identity(Blocks(comments=True))


def test_resiliparse_falls_back_to_text_that_is_no_navigation_where_it_finds_no_main_content():
    page = ("<body><nav>Home</nav><div class=sidebar><a href=/>One</a></div><div class=menu>Two</div><h1>Guides</h1>"
            "<footer>(c)")
    assert Resiliparse(main_content=False).page_text(page).split() == ["Home", "One", "Two", "Guides", "(c)"]
    assert Resiliparse().page_text(page).strip() == "Guides"


def test_plain_takes_text_and_names_pages():
    rows = extract(Plain(max_bytes=10), {"payload": "café".encode(), "kind": "text"}, {"payload": b"<p>", "kind": "html"},
                   {"payload": b"x" * 11, "kind": "text"}, {"payload": b"\t", "kind": "text"},
                   {"problem": "not_json", "kind": None})
    assert rows == [("café", None), (None, "not_text"), (None, "page_too_large"), (None, "empty_text"), (None, "not_json")]
