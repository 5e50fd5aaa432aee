"""Markup that is safe by construction: whatever is not `Html` is escaped, and characters that could drive a reader's
screen (controls, direction overrides) are shown as U+FFFD. No links are made, so no address of a page can be followed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from typing import Any

#: Controls, direction marks and overrides, invisible tags, lone surrogates: nothing that a title needs.
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
                    "\ud800-\udfff\U000e0000-\U000e0fff]")

#: Runs of white space, without the kinds that only keep a line from breaking.
SPACE = re.compile("[^\\S\u00a0\u202f]+")

VOID = {"meta", "br"}


class Html(str):
    """Finished markup. Made by `tag` and `join` alone."""


def clean(text: str) -> str:
    """One line of text without characters that act: white space becomes one space, the others U+FFFD."""
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", SPACE.sub(" ", text).strip(" "))


def short(text: str | None, most: int) -> str:
    """The start of a text, `most` characters at most."""
    found = clean((text or "")[: 4 * most])
    return found if len(found) <= most else found[: most - 1].rstrip() + "…"


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element. Attribute names: `class_` for class, `_` for `-`; None and False leave an attribute out, True gives it
    no value.
    """
    written = "".join(_attribute(k, value) for k, value in attributes.items() if value is not None and value is not False)
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: Any) -> Html:
    """Children end to end: `Html` as it is, lists flattened, None left out, all else escaped."""
    return Html("".join(_pieces(children)))


def _pieces(children: Iterable[Any]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            yield child
        elif isinstance(child, str):
            # space at the ends separates words of neighbouring elements
            before, after = " " if child[:1] == " " else "", " " if child[-1:] == " " and child.strip() else ""
            yield before + html.escape(clean(child)) + after
        elif isinstance(child, Iterable):
            yield from _pieces(child)
        else:
            yield html.escape(str(child))


def _attribute(key: str, value: Any) -> str:
    key = key.rstrip("_").replace("_", "-")
    return f" {key}" if value is True else f' {key}="{html.escape(clean(str(value)))}"'


def table(caption: str, head: Sequence[Any], rows: Iterable[Sequence[Any]], right: Sequence[int] = (),
          wide: Sequence[int] = (), classes: Sequence[str | None] = (), name: str = "") -> Html:
    """A table with a caption; the first cell of a row is its heading. right: columns of numbers. wide: columns of charts.
    classes: one a row, or none.
    """
    kinds = [" ".join(k for k, own in (("n", right), ("w", wide)) if i in own) or None for i in range(len(head))]
    body = []
    for row, kind in zip_longest(rows, classes):
        cells = [tag("td", cell, class_=k) for cell, k in zip(row[1:], kinds[1:])]
        body.append(tag("tr", tag("th", row[0], scope="row", class_=kinds[0]), cells, class_=kind))
    top = tag("tr", [tag("th", h, scope="col", class_=k) for h, k in zip(head, kinds)])
    whole = tag("table", tag("caption", tag("span", caption)), tag("thead", top), tag("tbody", body), class_=name or None)
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=short(caption, 80))


def count(n: int | None) -> str:
    return "" if n is None else f"{n:,}"


def percent(share: float | None, digits: int = 1) -> str:
    return "" if share is None else f"{100 * share:.{digits}f}\u00a0%"


def seconds(found: float) -> str:
    """A duration for people."""
    if found < 100:
        return f"{found:.1f} s"
    minutes, rest = divmod(round(found), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def plural(n: int, noun: str, several: str = "") -> str:
    return f"{n:,} {noun if n == 1 else several or noun + 's'}"


def listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
