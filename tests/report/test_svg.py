from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from pipelines.report import svg


def test_a_bar_is_its_share_of_the_width_and_says_so_in_words():
    drawn = ElementTree.fromstring(svg.bar(0.25, "a quarter"))
    assert drawn.find("title").text == "a quarter" == drawn.get("aria-label")
    assert [r.get("width") for r in drawn.findall("rect")] == ["100%", "25.00%"]


def test_a_share_outside_0_to_1_stays_inside_the_chart():
    assert svg.at(1.2) == "100.00%" and svg.at(-0.1) == "0.00%"


def test_stacked_bars_lie_end_to_end():
    bars = ElementTree.fromstring(svg.stacked([(0.5, "a"), (0.25, "b")], "t")).findall("rect")[1:]
    assert [(b.get("x"), b.get("width")) for b in bars] == [("0.00%", "50.00%"), ("50.00%", "25.00%")]


def test_a_bullet_has_asked_achieved_and_natural_on_one_scale():
    drawn = ElementTree.fromstring(svg.bullet(0.2, 0.21, 0.1, top=0.4, title="t"))
    assert [r.get("width") for r in drawn.findall("rect")] == ["25.00%", "50.00%"]
    assert drawn.find("line").get("x1") == "52.50%"


def test_the_chosen_mixture_is_drawn_last_and_the_line_spans_all_dots():
    drawn = ElementTree.fromstring(svg.dots([(0.1, "ring", "a"), (0.3, "disc", "b")], top=0.4, title="t"))
    assert [m.get("x") for m in drawn.findall("svg")] == ["25.00%", "75.00%"]
    span = drawn.findall("line")[1]
    assert (span.get("x1"), span.get("x2")) == ("25.00%", "75.00%")


def test_a_stage_that_lost_nothing_draws_no_fall_and_one_that_lost_a_little_draws_some():
    assert "lost" not in svg.segment(0.5, 0.5, "t")
    assert 'class="lost"' in svg.segment(0.5, 0.49999, "t")


def test_points_of_a_map_keep_both_axes_on_one_scale_and_stay_inside():
    points = [(0, 0, 0, "a"), (2, 0, 1, "b"), (0, 1, -1, "c")]
    drawn = ElementTree.fromstring(svg.scatter(points, [], "t", width=400, height=300))
    a, b, c = [(float(p.get("cx")), float(p.get("cy"))) for p in drawn.findall("circle")]
    assert b[0] - a[0] == pytest.approx(2 * (a[1] - c[1]))
    assert all(0 <= x <= 400 and 0 <= y <= 300 for x, y in (a, b, c))


def test_a_map_of_one_place_is_drawn():
    assert "circle" in svg.scatter([(1.0, 1.0, 0, "a"), (1.0, 1.0, 0, "b")], [(1.0, 1.0, 0, "n")], "t")


def test_words_on_hover_are_escaped():
    drawn = svg.scatter([(0, 0, 0, "<script>alert(1)</script>")], [], "t")
    assert "<script" not in drawn and "&lt;script&gt;" in drawn


def test_columns_share_the_width_evenly():
    drawn = svg.columns([(0.2, [], "a"), (0.1, [], "b")], 0.2, "t", height=108)
    tall = [float(h) for h in re.findall(r'class="target"[^>]*height="([0-9.]+)"', drawn)]
    assert tall == [90.0, 45.0]


def test_domains_beyond_the_palette_share_one_colour():
    assert [svg.colour(i) for i in (-1, 0, 7, 8, 99)] == ["s-none", "s0", "s7", "s-more", "s-more"]
