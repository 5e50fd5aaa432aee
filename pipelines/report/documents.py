"""Sections about documents: what became of the records, the map of clusters, the domains."""

from __future__ import annotations

from typing import Any

from pipelines.report import spaces, svg
from pipelines.report.html import Html, count, join, percent, plural, short, table, tag
from pipelines.report.losses import Loss, Losses
from pipelines.view import View

ROWS = 60
REASONS = 7


def missing(*steps: str) -> Html:
    """What stands where a section's data is not there yet."""
    return tag("p", "Not there yet: this needs ", " and ".join(f"the step {s}" for s in steps), ".", class_="missing")


def legend(*entries: tuple[Html | None, str]) -> Html:
    return tag("p", [tag("span", mark, tag("span", words)) for mark, words in entries], class_="legend")


def swatch(class_: str) -> Html:
    return tag("svg", tag("rect", class_=class_, width=12, height=12, rx=2), width=12, height=12, class_="key",
               aria_hidden="true")


# what became of the records --------------------------------------------------------------------------------------


def funnel(view: View, lost: Losses | None) -> Html:
    if lost is None:
        return missing("extract")
    stages = lost.stages + drawn(view, lost)
    parts = [_stage(stage, lost.records) for stage in stages]
    note = None
    if lost.missing:
        note = tag("p", "Later stages are not there yet: the ledger of all verdicts needs the step ",
                   ", ".join(lost.missing), ".", class_="missing")
    return join(tag("div", parts, class_="flow"), note, _sources(view, lost), _languages(lost))


def drawn(view: View, lost: Losses) -> list[Loss]:
    """The last stage: of the documents that were kept, those that the mixture took at least once."""
    if view.receipt is None or lost.missing:
        return []
    kept = lost.stages[-1].after
    cells = view.cells()
    taken, available = sum(c["distinct"] for c in cells), sum(c["available"]["documents"] for c in cells)
    if not taken <= available <= kept:        # the receipt is of another run than the ledger
        return []
    reasons = [("not needed for the mixture", available - taken), ("in no cell (pruned, held out)", kept - available)]
    return [Loss("draw", kept, taken, sorted((r for r in reasons if r[1]), key=lambda r: -r[1]))]


def _stage(stage: Loss, records: int) -> Html:
    gone = stage.before - stage.after
    verb = "left out" if stage.stage == "draw" else "dropped"
    said = f"{stage.stage}: {count(stage.before)} came in, {count(gone)} {verb}, {count(stage.after)} went on"
    most = max((n for _, n in stage.reasons), default=1)
    shown, folded = stage.reasons[:REASONS], stage.reasons[REASONS:]
    lines = [tag("li", tag("span", short(why, 60), class_="why"), tag("span", count(n), class_="many"),
                 svg.bar(n / most, f"{why}: {count(n)}", "lost", 4)) for why, n in shown]
    if folded:
        lines.append(tag("li", tag("span", f"{len(folded)} more reasons", class_="why"),
                         tag("span", count(sum(n for _, n in folded)), class_="many")))
    scale = max(1, records)
    minus = tag("span", f" −{count(gone)}", class_="gone") if gone else None
    return tag("div", tag("h3", stage.stage), tag("p", tag("b", count(stage.after)), minus, class_="left"),
               svg.segment(stage.before / scale, stage.after / scale, said),
               tag("div", svg.stacked([(stage.after / scale, "river"), (gone / scale, "lost")], said), class_="narrow"),
               tag("ul", lines) if lines else tag("p", "nothing dropped", class_="none"), class_="stage")


def _sources(view: View, lost: Losses) -> Html:
    names = [s.stage for s in lost.stages]
    receipt = {s["source"]: s for s in (view.receipt or {}).get("sources", ())}
    rows = []
    for source, (records, dropped) in lost.sources.items():
        kept = records - sum(dropped.values())
        own = receipt.get(source)
        row: list[Any] = [source, count(records), *[count(dropped[n]) if dropped[n] else "–" for n in names]]
        row += [count(kept), percent(kept / records)]
        if own:
            row += [count(own["drawn"]["documents"]), count(own["drawn"]["tokens"]), percent(own["share"])]
        elif receipt:
            row += ["–", "–", "–"]
        rows.append(row)
    head = ["source", "records", *[f"− {n}" for n in names], "kept", "of records"]
    head += ["drawn", "tokens", "share"] if receipt else []
    return table("Records by source, from what was read to what was written", head, rows, right=range(1, len(head)))


def _languages(lost: Losses) -> Html | None:
    if not lost.languages:
        return None
    most = lost.languages[0][1]
    shown, folded = lost.languages[:12], lost.languages[12:]
    if folded:
        shown = [*shown, (f"{len(folded)} others", sum(n for _, n, _ in folded), sum(d for _, _, d in folded))]
    rows = [[name, _language_bar(name, n, d, max(most, n)), count(n), count(d), percent(d / n)] for name, n, d in shown]
    return table("Dropped by the filter, by language. A rate that stands out means rules that do not fit a language.",
                 ["language", "", "documents", "dropped", "rate"], rows, right=(2, 3, 4), wide=(1,), name="bars")


def _language_bar(name: str, n: int, dropped: int, most: int) -> Html:
    said = f"{name}: {count(dropped)} of {count(n)} dropped"
    return svg.stacked([((n - dropped) / most, "river"), (dropped / most, "lost")], said)


# the map ---------------------------------------------------------------------------------------------------------


def clusters(view: View, domains: list[dict[str, Any]]) -> Html:
    drawn = spaces.picture(view)
    if drawn is None:
        return missing("embed")
    number = {d["id"]: i for i, d in enumerate(domains)}
    taxonomy = view.taxonomy() if "domains.taxonomy" in view.manifests else None
    figure = tag("figure", _map(drawn, number), tag("figcaption", _map_words(drawn)))
    if taxonomy is None:
        return join(figure, missing("domains.taxonomy"))
    return tag("div", figure, _sizes(taxonomy, number, {d["id"]: d["label"] for d in domains}), class_="two")


def _map(drawn: spaces.Picture, number: dict[str, int]) -> Html:
    points, centres = [], {}
    for p in drawn.points:
        own = number.get(p.domain or "", -1)
        points.append((p.x, p.y, own, " · ".join(w for w in (_where(p), p.url, p.text) if w)))
        if own >= 0:
            centres.setdefault(p.domain, []).append(p)
    points.sort(key=lambda p: p[2] >= 0)         # pruned ones below
    labels = [(_median([p.x for p in own]), _median([p.y for p in own]), number[name], name)
              for name, own in sorted(centres.items(), key=lambda c: number[c[0]])]
    return svg.scatter(points, labels[:24], f"Map of {len(points)} documents, coloured by domain")


def _where(point: spaces.Point) -> str:
    if point.domain is not None:
        return f"{point.domain}, cluster {point.cluster}"
    return "" if point.cluster is None else f"cluster {point.cluster}, pruned"


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _map_words(drawn: spaces.Picture) -> str:
    whole = len(drawn.points) == drawn.documents
    sample = "All documents" if whole else f"{count(len(drawn.points))} of {plural(drawn.documents, 'document')}"
    return (f"{sample}, by the first two principal components of their vectors, which hold "
            f"{percent(drawn.explained, 0)} of the variance: what is apart here is apart, what is near need not be. "
            "Grey documents are in pruned clusters. Hover over one for its address.")


def _sizes(taxonomy: dict[str, Any], number: dict[str, int], labels: dict[str, str]) -> Html:
    order = {name: i for i, name in enumerate(number)}
    found = sorted(taxonomy["clusters"],
                   key=lambda c: (c["pruned"], order.get(c["domain"], 0), -c["documents"], c["cluster"]))
    most = max((c["documents"] for c in found), default=1) or 1
    rows, classes = [], []
    for c in found[:ROWS]:
        kind = "s-none" if c["pruned"] else svg.colour(number.get(c["domain"], -1))
        where = tag("span", c["domain"], class_=f"chip {kind}", title=labels.get(c["domain"]))
        if c["pruned"]:
            where = tag("span", (c["why"] or "pruned").replace("_", " "), class_="why")
        said = f"cluster {c['cluster']}: {plural(c['documents'], 'document')}"
        rows.append([str(c["cluster"]), svg.bar(c["documents"] / most, said, kind, 10), count(c["documents"]),
                     quality(c["mean_quality"]), where])
        classes.append("off" if c["pruned"] else None)
    pruned = sum(c["pruned"] for c in found)
    more = f" The {ROWS} shown are the first of them." if len(found) > ROWS else ""
    merged = plural(len(taxonomy["domains"]), "domain")
    words = f"{plural(len(found), 'cluster')}, {pruned} of them pruned, the others merged to {merged}.{more}"
    return table(words, ["cluster", "", "documents", "quality", "domain"], rows, right=(2, 3), wide=(1,), classes=classes,
                 name="tight")


def quality(mean: float | None) -> str:
    return "–" if mean is None else f"{mean:.3f}"


# domains ---------------------------------------------------------------------------------------------------------


def domain_table(view: View, found: list[dict[str, Any]]) -> Html:
    if not found:
        return missing("domains.taxonomy")
    total = sum(d["tokens"] or 0 for d in found) or 1
    written = any(d["written"] is not None for d in found)
    rows = []
    for i, d in enumerate(found[:ROWS]):
        row = [tag("span", d["id"], class_=f"chip {svg.colour(i)}"),
               tag("span", short(d["label"], 60) or "–", class_="words"), count(d["clusters"]), count(d["documents"]),
               count(d["tokens"]) or "–", "–" if d["tokens"] is None else percent(d["tokens"] / total),
               quality(d["quality"])]
        rows.append(row + ([percent(d["written"] or 0.0)] if written else []))
    head = ["domain", "label", "clusters", "documents", "tokens", "natural share", "mean quality"]
    head += ["written share"] if written else []
    more = f" The {ROWS} largest of {len(found)} are shown." if len(found) > ROWS else ""
    words = f"Domains, by documents. A label is the words that set a domain apart.{more}"
    return table(words, head, rows, right=range(2, len(head)))
