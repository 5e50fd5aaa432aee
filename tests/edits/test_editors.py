import pyarrow as pa
import pytest

from corpus.edits.lines import Boilerplate, C4Lines
from corpus.edits.pii import Pii
from corpus.edits.unicode import Unicode
from corpus.operators import Batch, Editor


def edit(editor, *texts):
    found = editor.edit(Batch(pa.table({"text": pa.array(texts, pa.large_string())})))
    assert found.schema == Editor.EDITED
    return found.column("text").to_pylist(), found.column("spans").to_pylist()


def cut(text, spans):
    return [(text[s["start"]:s["end"]], s["kind"]) for s in spans]


def test_mojibake_is_repaired_and_its_line_named():
    text = "fine line\nschÃ¶n and naÃ¯ve\nlast\n"
    (out, same), (spans, none) = edit(Unicode(), text, "plain text stays")
    assert out == "fine line\nschön and naïve\nlast\n" and cut(text, spans) == [("schÃ¶n and naÃ¯ve\n", "unicode")]
    assert same == "plain text stays" and none == []


def test_controls_escapes_entities_and_carriage_returns_are_repaired():
    out, _ = edit(Unicode(), "a\x1b[31mred\x1b[0m", "1 &lt; 2", "<b> &lt;", "one\r\ntwo", "bell\x07")
    assert out == ["ared", "1 < 2", "<b> &lt;", "one\ntwo", "bell"]


def test_curled_quotes_stay_unless_asked():
    assert edit(Unicode(), "it’s")[0] == ["it’s"] and edit(Unicode(uncurl_quotes=True), "it’s")[0] == ["it's"]


@pytest.mark.parametrize("text,masked", [
    ("mail jane.doe+x@mail.uni-bonn.de.", "jane.doe+x@mail.uni-bonn.de"),
    ("<mailto:bob@x.io>", "bob@x.io"),
    ("server 8.8.8.8, port 53", "8.8.8.8"),
    ("at 2606:4700:4700:0:0:0:0:1111 now", "2606:4700:4700:0:0:0:0:1111"),
    ("call +49 30 1234567!", "+49 30 1234567"),
    ("call (212) 555-7890 today", "(212) 555-7890"),
    ("or 1-800-444-3535", "1-800-444-3535"),
])
def test_personal_data_is_masked_and_its_place_kept(text, masked):
    (out,), (spans,) = edit(Pii(), text)
    assert [t for t, _ in cut(text, spans)] == [masked] and masked not in out
    (again,), (none,) = edit(Pii(), out)
    assert again == out and none == []                      # masking a masked text changes nothing


@pytest.mark.parametrize("text", [
    "version 1.2.3.4.5 and 10.0.0.1 and 127.0.0.1 and 192.168.1.1", "ISBN 978-3-16-148410-0", "on 2024-11-05 12:30:45",
    "std::vector<int>::iterator", "a@b", "@handle and user@localhost", "3.14159265358979", "1234567890", "id 555-0199-22",
    "192.0.2.1 is ours", "someone@example.com", "a::b", "MAC 00:1B:44:11:3A:B7",
])
def test_what_only_looks_like_personal_data_stays(text):
    assert edit(Pii(), text) == ([text], [[]])


def test_an_empty_replacement_leaves_that_kind_alone():
    assert edit(Pii(email=""), "a.b@c.de or 8.8.8.8")[0] == ["a.b@c.de or 192.0.2.1"]


C4_TEXTS = [
    "One line with a mark.\nno mark here\nToo few.\n  A padded line that stays too!  \nWe use cookies on this site.\n",
    'He said "this is fine"\nTurn on JavaScript to see.\nCited facts [12] and more [citation needed].\nTrailing dots...\n',
    "x" * 1001 + " a b.\nAll of this one stays.\r\nAnd this second one too.",
    "", "   \n\n", "Only this stays here.", "[1] [2] [3].\nA b c [edit]",
    "Line one is here.\x0bLine two is here.\x85Line three is here.",
]


def test_c4s_lines_are_datatroves():
    theirs = pytest.importorskip("datatrove.pipeline.filters.c4_filters")
    from datatrove.data import Document

    keep_all = theirs.C4QualityFilter(min_num_sentences=-1, filter_lorem_ipsum=False, filter_curly_bracket=False)
    expected = []
    for text in C4_TEXTS:
        document = Document(text=text, id="0")
        assert keep_all.filter(document) is True
        expected.append(document.text)
    assert edit(C4Lines(), *C4_TEXTS)[0] == expected


def test_c4_names_why_each_line_went():
    text = C4_TEXTS[0]
    _, (spans,) = edit(C4Lines(), text)
    assert cut(text, spans) == [("no mark here", "no_terminal_mark"), ("Too few.", "too_few_words"),
                                ("We use cookies on this site.", "policy")]
    _, (spans,) = edit(C4Lines(), C4_TEXTS[1])
    assert cut(C4_TEXTS[1], spans)[1:3] == [("[12]", "citation"), ("[citation needed]", "citation")]


def test_boilerplate_lines_go_and_prose_and_indented_lines_stay():
    gone = ["3 likes 4 comments", "12/04/2024", "Sign in to continue", "Read more...", "2 items in your cart",
            "Share this on the web", "© 2024 Acme. All rights reserved."]
    kept = ["A sentence about signing in to things.", "    42    17", "It was 1984.", "", "Chapter I",
            "In this chapter, as on every page that one may read more of, all rights reserved is a phrase among others."]
    text = "\n".join(gone + kept) + "\n"
    (out,), (spans,) = edit(Boilerplate(), text)
    assert out == "\n".join(kept) + "\n" and [t.rstrip("\n") for t, _ in cut(text, spans)] == gone


def test_capitals_go_where_asked():
    assert edit(Boilerplate(upper=0.6), "NEWS AND WEATHER\nNATO\nQuiet words.\n")[0] == ["NATO\nQuiet words.\n"]
    assert edit(Boilerplate(), "NEWS AND WEATHER\n")[0] == ["NEWS AND WEATHER\n"]
