from __future__ import annotations

import pytest

from pipelines.report.html import clean, join, listed, percent, plural, seconds, short, table, tag


def test_text_is_escaped_and_markup_made_by_tag_is_not():
    assert tag("p", "a < b & ", tag("b", "<c>")) == "<p>a &lt; b &amp; <b>&lt;c&gt;</b></p>"


def test_a_quote_in_an_attribute_cannot_end_it():
    assert tag("td", title='" onmouseover="x()') == '<td title="&quot; onmouseover=&quot;x()"></td>'


def test_a_closing_tag_in_a_name_stays_a_word():
    assert "</code><img" not in tag("code", "</code><img src=x onerror=x()>")


@pytest.mark.parametrize("hostile", ["\x1b[31mred\x1b[0m", "a\x00b", "left\u202egpj.exe", "\u2066isolate", "a\u200bb",
                                     "\x9b2J", "\ud800", "\ufeffbom", "tag\U000e0041", "\u061c"])
def test_characters_that_act_become_replacement_characters(hostile: str):
    shown = clean(hostile)
    assert "\N{REPLACEMENT CHARACTER}" in shown
    assert shown.isprintable() and shown.encode()


def test_letters_accents_emoji_and_other_scripts_stay():
    text = "Größe, naïve, 日本語, नमस्ते, עברית, 👩‍🔬"
    assert clean(text) == text


def test_white_space_becomes_one_space_and_a_long_text_is_cut_with_an_ellipsis():
    assert clean(" a\r\n\tb  c ") == "a b c"
    assert short("word " * 50, 9) == "word wor…"
    assert short(None, 9) == ""


def test_a_formula_is_shown_as_the_text_it_is():
    assert join('=HYPERLINK("http://x","y")') == "=HYPERLINK(&quot;http://x&quot;,&quot;y&quot;)"


def test_a_table_has_a_caption_headings_and_numbers_to_the_right():
    made = table("Sizes", ["name", "n"], [["a", "1"], ["b", "2"]], right=(1,), classes=["off"])
    assert "<caption><span>Sizes</span></caption>" in made
    assert '<th scope="col" class="n">n</th>' in made
    assert '<tr class="off"><th scope="row">a</th><td class="n">1</td></tr><tr><th scope="row">b</th>' in made


def test_numbers_are_written_for_people():
    assert percent(0.12345, 2) == "12.35\u00a0%" and percent(None) == ""
    assert seconds(3.21) == "3.2 s" and seconds(125) == "2 min 5 s" and seconds(3 * 3600 + 240) == "3 h 4 min"
    assert plural(1, "cell") == "1 cell" and plural(1200, "cell") == "1,200 cells"
    assert listed(["a"]) == "a" and listed(["a", "b", "c"]) == "a, b and c"
