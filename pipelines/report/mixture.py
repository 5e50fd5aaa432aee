"""Sections about the mixture: each cell as asked and as written, the mixtures that were compared, the target's profile."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.report import svg
from pipelines.report.documents import ROWS, legend, missing, swatch
from pipelines.report.html import Html, count, join, percent, plural, table, tag
from pipelines.report.mixtures import Mixture, Profiles
from pipelines.report.spaces import parts
from pipelines.view import View

#: Rows of a dot plot, columns of a profile: more than can be told apart helps nobody.
DOTS = 40
COLUMNS = 40

SHARES = ("asked", "achieved", "natural")

#: More epochs than these are shown as repeats; below, the two digits that are printed say 1.00.
REPEATS = 1.005

MARKS = {"natural": ("ring", "m-natural"), "uniform": ("cross", "m-uniform"), "unimax": ("diamond", "m-unimax")}
SPARE = (("triangle", "m-other"), ("square", "m-other"))


def cells(view: View, domains: list[dict[str, Any]]) -> Html:
    found = view.cells()
    if not found or view.receipt is None:
        return missing("compile.draw", "shards")
    top = max(max(c["asked"], c["achieved"], c["natural"]) for c in found) or 1.0
    labels, kept = {d["id"]: d["label"] for d in domains}, found[:ROWS]
    rows = []
    for c in kept:
        shares = [percent(c[name], 2) for name in SHARES]
        said = f"{c['cell']}: asked {shares[0]}, achieved {shares[1]}, natural {shares[2]}"
        chart = svg.bullet(c["achieved"], c["asked"], c["natural"], top, said)
        rows.append([cell_name(c["cell"], labels), chart, *shares, count(c["tokens"]), signed(c["residue"]),
                     passes(c["epochs"])])
    if rest := found[ROWS:]:
        rows.append([f"{len(rest)} smaller cells", "", *[percent(sum(c[name] for c in rest), 2) for name in SHARES],
                     count(sum(c["tokens"] for c in rest)), signed(sum(c["residue"] for c in rest)),
                     passes(max(c["epochs"] for c in rest))])
    return join(legend((swatch("fill"), "achieved"), (svg.tick("asked"), "asked"), (swatch("natural"), "natural")),
                table(_asked(view.receipt), ["cell", "", *SHARES, "tokens", "residue", "epochs"], rows, right=range(2, 8),
                      wide=(1,), classes=[None if c["tokens"] else "off" for c in kept]))


def _asked(receipt: dict[str, Any]) -> str:
    asked = receipt["asked"]
    return (f"Cells are {' × '.join(receipt['mixture']['cells'])}; shares are of {receipt['unit']}. Asked for: "
            f"{plural(asked['budget_tokens'], 'token')} at no more than {asked['max_epochs']:g} epochs of any cell (on "
            f"shortfall: {asked['on_shortfall']}); drawn: {count(receipt['total']['tokens'])}. Only whole documents are "
            "drawn; residue is drawn less asked, in tokens.")


def cell_name(cell: str, labels: dict[str, str]) -> Html:
    """A cell's name, and what its domain is about."""
    label = next((labels[part] for part in parts(cell) if part in labels), None)
    return join(tag("span", cell, class_="cell"), tag("span", label, class_="label") if label else None)


def signed(n: int) -> str:
    return f"{n:+,}".replace("-", "−") if n else "0"


def passes(epochs: float | None) -> Html:
    """Epochs; those over 1, where documents repeat, stand out."""
    if epochs is None:
        return join("–")
    shown = f"{epochs:.2f}"
    return tag("span", shown, class_="repeats", title="documents repeat") if epochs > REPEATS else join(shown)


# comparison ------------------------------------------------------------------------------------------------------


def comparison(view: View, mixtures: list[Mixture], domains: list[dict[str, Any]]) -> Html:
    if not mixtures:
        return missing("search.mixture")
    marks = marks_of(mixtures)
    rows, best = [], min((m.distance for m in mixtures if m.distance is not None), default=None)
    for m in mixtures:
        badge = tag("span", "chosen", class_="badge") if m.chosen else None
        distance = "–" if m.distance is None else tag("b" if m.distance == best else "span", f"{m.distance:.4g}")
        rows.append([join(svg.key(*marks[m.method]), m.method, badge), distance, percent(m.moved), passes(m.epochs),
                     "no: the nearest mixture that is" if m.projected else "yes"])
    words = ("The chosen mixture beside those that need no evidence. Distance is to the target's profile, lower is better; "
             "moved is the share of tokens that a mixture places otherwise than the data has them (total variation).")
    summary = table(words, ["mixture", "distance", "moved", "most epochs", "allowed by the caps"], rows, right=(1, 2, 3),
                    classes=["chosen" if m.chosen else None for m in mixtures], name="methods")
    return join(summary, _held_back(view), _dots(mixtures, marks, domains))


def marks_of(mixtures: list[Mixture]) -> dict[str, tuple[str, str]]:
    """A shape and class for each mixture."""
    spare, found = iter(SPARE * len(mixtures)), {}
    for m in mixtures:
        found[m.method] = ("disc", "m-chosen") if m.chosen else MARKS.get(m.method) or next(spare)
    return found


def _held_back(view: View) -> Html | None:
    binding = [str(b) for b in view.about("search.mixture").get("binding") or ()]
    if not binding:
        return None
    return tag("p", "Held back by: ", [join(", " if i else "", tag("code", b)) for i, b in enumerate(binding[:12])],
               f" and {len(binding) - 12} more" if len(binding) > 12 else "", ".", class_="note")


def _dots(mixtures: list[Mixture], marks: dict[str, tuple[str, str]], domains: list[dict[str, Any]]) -> Html:
    chosen = mixtures[0].weights
    order = sorted(chosen, key=lambda c: (-chosen[c], c))
    top = max((m.weights.get(c, 0.0) for m in mixtures for c in order), default=1.0) or 1.0
    labels = {d["id"]: d["label"] for d in domains}
    rows = []
    for cell in order[:DOTS]:
        values = [(m.weights.get(cell, 0.0), *marks[m.method]) for m in reversed(mixtures)]
        said = f"{cell}: " + ", ".join(f"{m.method} {percent(m.weights.get(cell, 0.0))}" for m in mixtures)
        rows.append([cell_name(cell, labels), svg.dots(values, top, said), percent(chosen[cell])])
    more = f" The {DOTS} largest of {len(order)} cells are shown." if len(order) > DOTS else ""
    words = f"Weight of each cell, from 0 at the left to {percent(top)} at the right.{more}"
    return join(legend(*[(svg.key(*marks[m.method]), m.method) for m in mixtures]),
                table(words, ["cell", "", "chosen"], rows, right=(2,), wide=(1,), name="dots"))


# target ----------------------------------------------------------------------------------------------------------


def target(view: View, found: Profiles | None) -> Html:
    if found is None:
        if view.build.targets is None:
            return tag("p", "This build names no target: its method does not need one.", class_="missing")
        return missing("search.target.vector", "search.mixture")
    names = {}
    if "domains.taxonomy" in view.manifests:
        names = {c["cluster"]: c["domain"] or f"pruned, {c['why']}" for c in view.taxonomy()["clusters"]}
    order = np.argsort(-found.target, kind="stable")[:COLUMNS]
    top = float(max(v[order].max() for v in (found.target, found.chosen, found.natural))) or 1.0
    bars = []
    for i in order.tolist():
        name = f"meta-domain {i}" + (f" ({names[i]})" if i in names else "")
        said = (f"{name}: target {percent(found.target[i])}, chosen {percent(found.chosen[i])}, "
                f"natural {percent(found.natural[i])}")
        marks = [(float(found.natural[i]), *MARKS["natural"]), (float(found.chosen[i]), "disc", "m-chosen")]
        bars.append((float(found.target[i]), marks, said))
    more = f" The target's largest {COLUMNS} of {len(found.target)} are shown." if len(found.target) > COLUMNS else ""
    words = (f"Shares over the meta-domains, largest of the target first, up to {percent(top)}: the mean profile of "
             f"{plural(found.documents, 'target text')} (bars), of the chosen mixture and of the data as it is.{more}")
    chart = svg.columns(bars, top, "Profiles over meta-domains: target, chosen mixture, natural")
    chosen, natural = svg.key("disc", "m-chosen"), svg.key(*MARKS["natural"])
    keys = legend((swatch("target"), "target"), (chosen, "chosen mixture"), (natural, "natural"))
    return tag("figure", keys, chart, tag("figcaption", words))
