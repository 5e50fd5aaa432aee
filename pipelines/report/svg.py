"""Charts as inline SVG. Rows of charts use percentages of their own width and no view box, so they fit any screen and
nothing in them is stretched; what cannot (curves, maps) has a view box. Colours are classes of the style sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.report.html import Html, tag

#: Classes s0 … s7 of the style sheet; what comes after shares one.
COLOURS = 8

#: Outlines around (0, 0), about 10 px wide: kinds of dots differ in shape, not in colour alone.
SHAPES = {
    "disc": "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0Z",
    "ring": "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z",
    "diamond": "M0 -5.5L5.5 0L0 5.5L-5.5 0Z",
    "square": "M-4 -4H4V4H-4Z",
    "triangle": "M0 -5L5 4H-5Z",
    "cross": "M-4 -4L4 4M-4 4L4 -4",
}


def colour(number: int) -> str:
    """Class of the number-th domain or series; -1 for none."""
    return "s-none" if number < 0 else f"s{number}" if number < COLOURS else "s-more"


def at(share: float) -> str:
    """A share as a position: 0 to 1 → 0 % to 100 %."""
    return f"{100 * min(1.0, max(0.0, share)):.2f}%"


def row(title: str, *shapes: Any, height: int = 22, class_: str = "row") -> Html:
    """A chart as wide as its place. title: what it says, in words."""
    return tag("svg", tag("title", title), *shapes, class_=class_, width="100%", height=height, role="img", aria_label=title)


def bar(share: float, title: str, class_: str = "fill", height: int = 12) -> Html:
    """One bar of `share` of the width."""
    return row(title, tag("rect", class_="rail", width="100%", height=height, rx=2),
               tag("rect", class_=class_, width=at(share), height=height, rx=2), height=height)


def stacked(shares: Sequence[tuple[float, str]], title: str, height: int = 12) -> Html:
    """Bars end to end. shares: (share of the width, class) each."""
    pieces, start = [tag("rect", class_="rail", width="100%", height=height, rx=2)], 0.0
    for share, kind in shares:
        pieces.append(tag("rect", class_=kind, x=at(start), width=at(share), height=height))
        start += share
    return row(title, *pieces, height=height)


def bullet(achieved: float, asked: float, natural: float, top: float, title: str) -> Html:
    """Achieved as a bar over the natural share as a paler one, the asked share as a line across. top: full width."""
    return row(title,
               tag("rect", class_="natural", y=11, width=at(natural / top), height=6, rx=1.5),
               tag("rect", class_="fill", y=3, width=at(achieved / top), height=8, rx=1.5),
               tag("line", class_="asked", x1=at(asked / top), x2=at(asked / top), y1=0, y2=14), height=20)


def mark(shape: str, class_: str, x: str = "0", y: int = 11) -> Html:
    return tag("svg", tag("path", d=SHAPES[shape], class_=f"mark {shape} {class_}"), x=x, y=y, overflow="visible")


def key(shape: str, class_: str) -> Html:
    """A mark for a legend."""
    return tag("svg", mark(shape, class_, x="8", y=8), width=16, height=16, class_="key", aria_hidden="true")


def tick(class_: str) -> Html:
    """A short upright line for a legend."""
    return tag("svg", tag("line", class_=class_, x1=6, x2=6, y1=0, y2=14), width=12, height=14, class_="key",
               aria_hidden="true")


def dots(values: Sequence[tuple[float, str, str]], top: float, title: str) -> Html:
    """One row of a dot plot: (value, shape, class) each, the last one drawn on top; a thin line spans them."""
    places = [v / top for v, _, _ in values]
    return row(title, tag("line", class_="grid", x1="0", x2="100%", y1=11, y2=11),
               tag("line", class_="span", x1=at(min(places)), x2=at(max(places)), y1=11, y2=11),
               [mark(shape, kind, at(p)) for p, (_, shape, kind) in zip(places, values)])


def segment(before: float, after: float, title: str) -> Html:
    """One stage of a river that flows to the right: `before` of it comes in, `after` goes on, the rest falls away.

    before, after: shares of the river's full width, 0 to 1. Segments side by side make the river.
    """
    high, low = 72 * before, 72 * after
    if 0 < high - low < 1:          # what was lost is never too thin to be seen
        low = high - 1
    fall = (f"M0 {low:.2f}C34 {low:.2f} 62 {low + 14:.2f} 66 100H{66 - max(3.0, (high - low) * 0.55):.2f}"
            f"C{54 - (high - low) * 0.4:.2f} {high + 16:.2f} 26 {high:.2f} 0 {high:.2f}Z")
    return tag("svg", tag("title", title), tag("path", d=fall, class_="lost") if high > low else None,
               tag("path", d=f"M0 0H100V{low:.2f}H0Z", class_="river"), class_="segment", viewBox="0 0 100 100",
               preserveAspectRatio="none", role="img", aria_label=title)


def scatter(points: Sequence[tuple[float, float, int, str]], labels: Sequence[tuple[float, float, int, str]], title: str,
            width: int = 720, height: int = 520) -> Html:
    """Points (x, y, colour number, words on hover), and labels over them, in any unit; both axes have the same scale."""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    pad = 18
    scale = min((width - 2 * pad) / ((max(xs) - min(xs)) or 1), (height - 2 * pad) / ((max(ys) - min(ys)) or 1))
    mid_x, mid_y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2

    def place(x: float, y: float) -> tuple[float, float]:
        return round(width / 2 + (x - mid_x) * scale, 1), round(height / 2 - (y - mid_y) * scale, 1)

    drawn = []
    for x, y, number, words in points:
        cx, cy = place(x, y)
        drawn.append(tag("circle", tag("title", words), cx=cx, cy=cy, r=2.6 if number < 0 else 3.6,
                         class_=f"dot {colour(number)}"))
    names = []
    for x, y, number, words in labels:
        cx, cy = place(x, y)
        names.append(tag("text", words, x=cx, y=cy, class_=f"name {colour(number)}"))
    return tag("svg", tag("title", title), drawn, names, class_="map", viewBox=f"0 0 {width} {height}", role="img",
               aria_label=title)


def columns(bars: Sequence[tuple[float, Sequence[tuple[float, str, str]], str]], top: float, title: str,
            height: int = 190) -> Html:
    """Upright bars of one value each with marks over them: (value, [(value, shape, class), …], words on hover)."""
    step, base = 100 / max(1, len(bars)), height - 8
    drawn: list[Any] = [tag("line", class_="axis", x1="0", x2="100%", y1=base, y2=base)]
    for number, (value, marks, words) in enumerate(bars):
        tall = (base - 10) * value / top
        middle = f"{step * (number + 0.5):.3f}%"
        drawn.append(tag("g", tag("title", words),
                         tag("rect", class_="hit", x=f"{step * number:.3f}%", y=0, width=f"{step:.3f}%", height=base),
                         tag("rect", class_="target", x=f"{step * (number + 0.14):.3f}%", y=f"{base - tall:.1f}",
                             width=f"{step * 0.72:.3f}%", height=f"{tall:.1f}"),
                         [mark(shape, kind, middle, round(base - (base - 10) * v / top)) for v, shape, kind in marks]))
    return tag("svg", tag("title", title), drawn, class_="columns", width="100%", height=height, role="img",
               aria_label=title)
