"""Facts of pages whose statements are written out here, and of the quickstart's, whose licences are on record."""

import csv
import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.document import RAW
from corpus.extract.facts import FACTS, page_facts
from corpus.extract.licence import header_licences, spdx_of
from corpus.extract.opt_out import directives, is_noai, is_noindex
from corpus.sources.warc import Warc

QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart"


def facts(*pages, headers=None, kind="html", fields=None):
    rows = [{"id": bytes(16), "kind": kind, "payload": p if isinstance(p, bytes) else p.encode(), "fields": fields,
             "headers": json.dumps(headers) if headers else None} for p in pages]
    table = pa.Table.from_pylist(rows, schema=RAW)
    found = page_facts(table)
    assert found.schema == FACTS
    return [{k.removeprefix("page."): v for k, v in row.items()} for row in found.to_pylist()]


def licences(*bodies, **given):
    pages = [f"<html><body>{body}</body></html>" for body in bodies]
    return [(row["licence"], row["licence_by"]) for row in facts(*pages, **given)]


FILLER = "<p>" + "Words of the page. " * 100 + "</p>"


@pytest.mark.parametrize(("url", "name"), [
    ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
    ("//creativecommons.org/licenses/by-sa/3.0/deed.de", "CC-BY-SA-3.0"),
    ("http://creativecommons.org/licenses/by-sa/3.0/de/", "CC-BY-SA-3.0-DE"),
    ("http://creativecommons.org/licenses/by-sa/3.0/us/", "CC-BY-SA-3.0"),        # no SPDX id of its own
    ("http://creativecommons.org/licenses/by-nd-nc/1.0", "CC-BY-NC-ND-1.0"),
    ("https:\\/\\/creativecommons.org\\/licenses\\/by-nc\\/2.5\\/", "CC-BY-NC-2.5"),
    ("https://creativecommons.org/publicdomain/zero/1.0/deed.en", "CC0-1.0"),
    ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
    ("https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", "OGL-UK-3.0"),
    ("http://www.nationalarchives.gov.uk/doc/open-government-licence/version/2", "OGL-UK-2.0"),
    ("http://opendatacommons.org/licenses/pddl/1.0/", "PDDL-1.0"),
    ("https://www.gnu.org/licenses/fdl-1.3.html", "GFDL-1.3-or-later"),
    ("https://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0"),
    ("https://opensource.org/licenses/MIT", "MIT"),
    ("https://creativecommons.org/licenses/", None),
    ("https://example.org/licenses/by/4.0/", None),
])
def test_addresses_of_licences_have_spdx_ids(url, name):
    assert spdx_of(url) == name


def test_a_link_marked_as_the_licence_counts_before_all_others():
    marked = '<a class=x href="https://creativecommons.org/licenses/by-sa/4.0/" rel="external license">terms</a>'
    credit = 'Photo licensed under <a href="https://creativecommons.org/licenses/by-nc/2.0/">CC</a>'
    other = marked.replace('"', "'").replace("<a", "<LINK")
    assert licences(credit + FILLER + marked, other) == [("CC-BY-SA-4.0", "rel")] * 2


def test_a_page_that_marks_several_licences_has_none():
    by, sa = (f'<a rel="license" href="https://creativecommons.org/licenses/{k}/4.0/">x</a>' for k in ("by", "by-sa"))
    assert licences(by + sa, by + by) == [(None, None), ("CC-BY-4.0", "rel")]


def test_an_unmarked_link_counts_behind_words_that_license_the_page_and_not_behind_a_picture():
    link = '<a href="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</a>'
    said = f"<p>Except as otherwise noted, the content of this page is licensed under the {link}.</p>" + FILLER * 9
    credit = f"<p>Photo: a photographer, licensed under {link}</p>" + FILLER * 9
    bare = f"<p>See also {link}</p>" + FILLER * 9
    foot = FILLER * 9 + f"<p>{link}</p>"
    assert licences(said, credit, bare, foot) == [("CC-BY-4.0", "link"), (None, None), (None, None), ("CC-BY-4.0", "link")]


def test_licences_of_code_count_only_where_they_are_marked():
    words = 'Code is licensed under the <a {}href="https://www.apache.org/licenses/LICENSE-2.0">Apache License</a>.'
    assert licences(words.format(""), words.format('rel="license" ')) == [(None, None), ("Apache-2.0", "rel")]


def test_meta_elements_and_json_ld_state_licences_too():
    meta = '<meta name="DC.Rights" content="Distributed under CC (http://creativecommons.org/licenses/by/4.0/).">'
    words = '<meta name="dcterms.license" content="CC BY-NC 4.0">'
    block = '<script type="application/ld+json">{}</script>'.format
    page = {"@context": "https://schema.org", "@graph": [
        {"@type": "Article", "license": "https://creativecommons.org/licenses/by-nd/4.0/"},
        {"@type": "ImageObject", "license": "https://creativecommons.org/licenses/by/2.0/"}]}
    image = {"@type": "Article", "image": page["@graph"][1]}
    found = licences(meta, words, block(json.dumps(page)), block(json.dumps(image)), block('{"license": broken'))
    assert found == [("CC-BY-4.0", "metadata"), ("CC-BY-NC-4.0", "metadata"), ("CC-BY-ND-4.0", "metadata"),
                     (None, None), (None, None)]


def test_a_link_header_marks_a_licence():
    link = '<https://a.example/next>; rel="next", <https://creativecommons.org/licenses/by/4.0/>; rel="license"'
    assert header_licences(link) == {"CC-BY-4.0"}
    assert header_licences(link.replace('"license"', '"related"')) == set()
    assert licences("x", headers={"link": link}) == [("CC-BY-4.0", "rel")]
    assert facts("x", headers={"link": link}, kind="text")[0]["licence"] == "CC-BY-4.0"


def test_the_language_is_the_first_elements_and_else_the_headers():
    pages = ['<!doctype html><html dir=ltr lang="zh-Hant">', "<HTML XML:LANG='de'>", '<html data-lang="fr">',
             "<html lang=und>", "<p>no root</p>", '<html lang="english">']
    assert [row["language"] for row in facts(*pages)] == ["zh", "de", None, None, None, None]
    assert facts("<p>", headers={"content-language": "PT-br"})[0]["language"] == "pt"
    assert facts("<p>", headers={"content-language": "de, en"})[0]["language"] is None
    assert facts('<html lang="nl">', headers={"content-language": "en"})[0]["language"] == "nl"


def test_directives_are_told_apart_from_values_and_by_crawler():
    valued = "max-snippet:-1, unavailable_after: 25 Jun 2030 15:00:00 PST"
    assert directives(f"NoIndex, {valued}, noarchive") == {"noindex", "noarchive"}
    assert directives("noimageai,otherbot: noai, nofollow") == {"noimageai", "otherbot:noai", "otherbot:nofollow"}
    assert directives("all, index, follow, max-image-preview:large") == set()


def test_what_a_page_asks_for_follows_from_header_and_meta_elements():
    pages = ['<meta name="robots" content="noai, noimageai">', '<META CONTENT="noindex,nofollow" NAME="ROBOTS">',
             '<meta name="GPTBot" content="noindex">', '<meta name="googlebot" content="noindex">',
             '<meta name="tdm-reservation" content="1">', '<meta name="description" content="robots noai">', "<p>robots</p>"]
    rows = facts(*pages)
    assert [row["opt_out"] for row in rows] == ["noai noimageai", "nofollow noindex", "gptbot:noindex", "googlebot:noindex",
                                                "tdm-reservation", None, None]
    assert [row["noai"] for row in rows] == [True, False, True, False, False, False, False]
    assert [row["noindex"] for row in rows] == [False, True, False, False, False, False, False]
    assert [row["tdm_reserved"] for row in rows] == [False, False, False, False, True, False, False]
    row, = facts("<p>", headers={"x-robots-tag": "noai", "tdm-reservation": "1"})
    assert row["opt_out"] == "noai tdm-reservation" and row["noai"] and row["tdm_reserved"] and not row["noindex"]


def test_no_indexing_by_one_crawler_is_none_in_general():
    assert is_noindex({"none"}) and not is_noindex({"googlebot:noindex"})
    assert is_noai({"somebot:noai"}) and is_noai({"ccbot:none"}) and not is_noai({"noimageai", "noindex"})


def test_what_is_no_page_and_has_no_headers_says_nothing():
    row, = facts('<html lang="en"><meta name="robots" content="noai">', kind="text", fields='{"a": 1}')
    assert row == dict.fromkeys([n.removeprefix("page.") for n in FACTS.names]) | {"id": bytes(16), "fields": '{"a": 1}'}


def test_hostile_pages_are_looked_at_in_little_time():
    pages = [b"<a license" * 100_000, b"<" * 1_000_000 + b"license", b'<a rel="license" href="' + b"a" * 1_000_000,
             b'<script type="application/ld+json">' + b"[" * 200_000 + b'"license":' + b"</script>",
             b"\x00license" * 1000, b""]
    assert [row["licence"] for row in facts(*pages)] == [None] * 6


def test_no_rows_have_no_facts():
    assert page_facts(RAW.empty_table()).num_rows == 0


def test_licences_of_the_quickstarts_pages_are_those_on_record():
    """Of 47 wild pages under a Creative Commons licence 44 state it so that it is found, and none states another."""
    with open(QUICKSTART / "PROVENANCE.tsv", encoding="utf-8") as lines:
        truth = {r["url"]: r for r in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if r["group"] == "wild"}
    raw = pa.concat_tables(Warc().read(str(QUICKSTART / "quickstart.warc.gz"), "web"))
    found = page_facts(raw).column("page.licence").to_pylist()
    judged = Counter()
    for url, licence in zip(raw.column("url").to_pylist(), found):
        if url in truth and truth[url]["license"].startswith("CC-"):
            on_record = truth[url]["license"]
            same = licence is not None and (on_record.startswith(licence) or licence.startswith(on_record))
            judged["none" if licence is None else "same" if same else "other"] += 1
        elif url in truth:
            judged["invented"] += licence is not None
    assert judged["same"] >= 44 and judged["other"] == judged["invented"] == 0
