"""Verdict and first reason, document by document, against datatrove's filters at their defaults."""

from collections import Counter
from pathlib import Path

import pytest
from parity import COMPARED, differing, ours, theirs
from tripping_texts import texts

from corpus.rules.presets import PRESETS

pytest.importorskip("datatrove.pipeline.filters")
pytest.importorskip("spacy")

PAGES = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "web_pages" / "pages.warc.gz"


def compare(documents):
    mine = ours(documents)
    assert differing(documents, mine, theirs(documents)) == []
    return mine


def test_verdicts_on_made_up_texts_are_datatroves():
    compare(texts(500, seed=7))


def test_words_of_other_scripts_change_no_verdict_on_texts_without_them():
    documents = [t for t in texts(1000, seed=8) if all(ord(c) < 0x500 or 0x2000 <= ord(c) < 0x2100 for c in t)]
    assert len(documents) > 500 and ours(documents, "english") == ours(documents, "scripts")


@pytest.mark.slow
def test_verdicts_on_ten_thousand_made_up_texts_are_datatroves_and_every_rule_drops_some():
    mine = compare(texts(12_000, seed=1))
    for name in COMPARED:
        never = {rule.reason for rule in PRESETS[name]} - set(Counter(mine[name]))
        assert never <= {"gopher_long_doc"}, name               # takes a hundred thousand words; tested alone


@pytest.mark.slow
@pytest.mark.skipif(not PAGES.exists(), reason="web pages are not here")
def test_verdicts_on_web_pages_are_datatroves():
    compare(list(page_texts(600)))


def page_texts(most):
    from fastwarc.warc import ArchiveIterator, WarcRecordType
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    from corpus.extract.resiliparse import Resiliparse

    extractor = Resiliparse()
    with PAGES.open("rb") as stream:
        for i, record in enumerate(ArchiveIterator(stream, record_types=WarcRecordType.response)):
            if i % 8 == 0:                                      # pages of one site lie together
                page = record.reader.read()
                yield extractor.page_text(bytes_to_str(page, detect_encoding(page))) or ""
            if i >= 8 * most:
                return
