import re

import pyarrow as pa
import pytest
from bad_files import QUICKSTART
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.document import RAW
from corpus.extract.blocks import Blocks
from corpus.extract.plain import Plain
from corpus.extract.resiliparse import Resiliparse
from corpus.extract.trafilatura import Trafilatura
from corpus.sources.warc import Warc

TABLE = next(iter(Warc().read(str(QUICKSTART / "quickstart.warc.gz"), "web")))
PAGES = [page for page in TABLE.column("payload").to_pylist() if page and len(page) < 20_000][:20]
TAGS = (
    "<table>|<tr>|<td>|</td>|</table>|<li>|<ul>|</ul>|<pre>|</pre>|<a href=x>|</a>|<math>|</math>|<br>|<h2>|<script>|"
    "<script type=math/tex>|</script>|<p>|</div>|<div class=nav>|<b>|</body>|<body>|<html>|<frameset>|<template>|<svg>|"
    "<!--|-->|<![CDATA[|<?xml|&#0;|&#xD800;|\x00|\ufffd|some text that might be prose. |<button>|<option>|<caption>|<col>"
).split("|")
EXTRACTORS = [Blocks(), Resiliparse(), Trafilatura(fast=True), Plain()]
REASONS = {"empty_text", "too_many_nodes", "too_deep", "extractor_failed", "page_too_large", "not_text", "robots_record"}

records = st.fixed_dictionaries({
    "kind": st.sampled_from(["html", "html", "html", "text", "robots"]),
    "charset": st.sampled_from([None, "utf-8", "iso-8859-1", "gb18030", "utf-16", "iso-2022-jp", "utf-7", "no such"]),
    "payload": st.one_of(
        st.binary(max_size=300), st.none(),
        st.lists(st.sampled_from(TAGS), max_size=60).map(lambda tags: "".join(tags).encode()),
        st.tuples(st.sampled_from(PAGES), st.integers(0, 20_000), st.integers(0, 200), st.binary(max_size=20)).map(
            lambda cut: cut[0][: cut[1]] + cut[3] + cut[0][cut[1] + cut[2] :]))})


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=lambda e: e.name)
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(records, max_size=6))
def test_rows_in_are_rows_out_with_text_or_a_reason(extractor, rows):
    blank = {name: None for name in RAW.names}
    found = extractor.extract(pa.Table.from_pylist([blank | row for row in rows], schema=RAW))
    assert found.num_rows == len(rows)
    for row in found.to_pylist():
        assert (row["text"] is None) == (row["reason"] in REASONS)
        assert row["text"] is None or (row["text"].strip() and "\x00" not in row["text"] and row["text"].encode())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(TAGS), max_size=80))
def test_blocks_raises_on_nothing(tags):
    page = "".join(tags).replace("\x00", "")
    Blocks(max_seconds=None).page_text(page)


@pytest.mark.parametrize("tag", [
    "<div>", "<p>", "<li>", "<b>", "<table>", "<td>", "<a href=x>", "<ul><li>", "<svg>", "<my-x>", "<pre>",
    "<table><tr><td>", "<button>", "<math>", "<h2>"])
def test_a_hundred_thousand_nested_tags_are_a_row_with_a_reason_or_a_text(tag):
    page = (tag * 100_000 + "deep").encode()
    blank = {name: None for name in RAW.names}
    for extractor in (Blocks(), Resiliparse()):
        (row,) = extractor.extract(pa.Table.from_pylist([blank | {"kind": "html", "payload": page}], schema=RAW)).to_pylist()
        assert row["reason"] in {"too_deep", "too_many_nodes", "empty_text", None}, (extractor.name, row["reason"])
        assert row["text"] is None or re.fullmatch(r"\W*deep", row["text"])
