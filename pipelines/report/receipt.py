"""The census of a set of shards as a page, made from their receipt alone: what was asked for beside what is there. Like the
report it needs nothing else: no script, no link, no font, no network.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from corpus.mixture.held import SIDECAR
from pipelines.report import svg
from pipelines.report.documents import legend, swatch
from pipelines.report.html import Html, count, join, listed, percent, plural, short, table, tag
from pipelines.report.mixture import passes, signed
from pipelines.report.receipt_files import files_section, held_to_section

#: Rows of a table that are shown at once; the others are folded away, none is left out.
ROWS = 60


def render_receipt(receipt: Mapping[str, Any]) -> str:
    """The page of a receipt; the same receipt gives the same page, byte for byte."""
    style = resources.files("pipelines.report").joinpath("style.css").read_text(encoding="utf-8")
    seal = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{seal}'; base-uri 'none'; form-action 'none'"
    head = tag("head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=policy),
               tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
               tag("meta", name="color-scheme", content="light dark"), tag("meta", name="referrer", content="no-referrer"),
               tag("title", f"{receipt['build']} · receipt"), Html(f"<style>{style}</style>"))
    sections = [_phases(receipt), _cells(receipt), _sources(receipt), _bounds(receipt), _tokens(receipt),
                files_section(receipt), held_to_section(receipt)]
    body = tag("body", _header(receipt), tag("main", sections), _footer(receipt))
    return "<!doctype html>\n" + tag("html", head, body, lang="en") + "\n"


def section(name: str, title: str, lead: Any, *body: Any) -> Html:
    return tag("section", tag("h2", title, id=name), tag("p", lead, class_="lead"), *body, aria_labelledby=name)


def _header(receipt: Mapping[str, Any]) -> Html:
    made = (receipt.get("made") or {}).get("when", "").replace("T", " ").replace("Z", " UTC")
    facts = [("receipt", tag("code", receipt["digest"]) if receipt.get("digest") else None),
             ("mixture", receipt["mixture"].get("method")), ("seed", str(receipt["seed"])), ("made", made)]
    return tag("header", tag("p", "receipt", class_="kicker"), tag("h1", receipt["build"]),
               tag("p", _verdict(receipt), class_="verdict"),
               tag("dl", [tag("div", tag("dt", k), tag("dd", v)) for k, v in facts if v], class_="facts"),
               tag("div", [tag("div", tag("b", n), tag("span", what), tag("small", beside), class_="tile")
                           for n, what, beside in _tiles(receipt)], class_="tiles"))


def _verdict(receipt: Mapping[str, Any]) -> str:
    drawn = [c for c in receipt["cells"] if c["drawn"]["tokens"] or c["target_tokens"]]
    worst = max(drawn, key=lambda c: abs(c["share"] - c["weight"]), default=None)
    total = receipt["total"]
    words = (f"{plural(receipt['shard_count'], 'shard')} of {brief(total['written_tokens'])} tokens in "
             f"{brief(total['documents'])} documents, drawn from {plural(_names(receipt), 'cell')}.")
    if worst is not None:
        off = 100 * abs(worst["share"] - worst["weight"])
        words += (" Every share is as asked for to two digits of a per cent." if off < 0.005 else
                  f" Farthest from what was asked for is {short(worst['cell'], 40)}, by {off:.2f} points.")
    return words


def _names(receipt: Mapping[str, Any]) -> int:
    return len({c["cell"] for c in receipt["cells"]})


def _tiles(receipt: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    cells, pack = receipt["cells"], receipt["pack"]
    missed = max((abs(c["residue_tokens"]) for c in cells), default=0)
    epochs: dict[str, float] = {}
    for cell in cells:
        epochs[cell["cell"]] = max(epochs.get(cell["cell"], 0.0), cell["epochs"])
    lost = pack["cut_tokens"] + pack["padded_tokens"]
    loss = "whole documents" if pack["use"] == "documents" else f"{brief(lost)} cut or padded"
    formats = len({entry["format"] for entry in receipt["shards"]} - {SIDECAR})
    distinct = f"{brief(sum(c['drawn']['distinct'] for c in cells))} distinct"
    return [
        (brief(receipt["total"]["tokens"]), "tokens drawn", f"{brief(receipt['asked']['budget_tokens'])} asked for"),
        (brief(receipt["total"]["documents"]), "documents",
         distinct if len(receipt["phases"]) == 1 else f"in {plural(len(receipt['phases']), 'phase')}"),
        (count(receipt["shard_count"]), "shards", f"in {plural(formats, 'format')}"),
        (brief(pack["sequences"]), "sequences", loss),
        (count(missed), "tokens off at most", f"over {plural(len(cells), 'target')}"),
        (f"{max(epochs.values(), default=0):.2f}", "epochs at most", f"{receipt['asked']['max_epochs']:g} allowed"),
    ]


def brief(n: int) -> str:
    """A number as it is, or where it is long, four digits of it; the exact ones are in receipt.json."""
    for size, unit in ((10**12, "T"), (10**9, "B"), (10**6, "M")):
        if abs(n) >= size and abs(n) >= 10**7:
            return f"{n / size:.{max(0, 3 - len(str(abs(n) // size)))}f}\u00a0{unit}"
    return count(n)


def exact(n: int) -> Html:
    """As `brief`, and all digits on hover."""
    return tag("span", brief(n), title=count(n))


def _phases(receipt: Mapping[str, Any]) -> Html | None:
    if len(receipt["phases"]) < 2:
        return None
    most = max(p["tokens"] for p in receipt["phases"]) or 1
    rows = [[f"{p['phase']}", svg.bar(p["tokens"] / most, f"phase {p['phase']}: {count(p['tokens'])} tokens"),
             f"{p['first_shard']} – {p['first_shard'] + p['shards'] - 1}", exact(p["target_tokens"]), exact(p["tokens"]),
             exact(p["documents"])] for p in receipt["phases"]]
    return section("phases", "Phases", "In the order in which a trainer reads them.",
                   _folded("Stretches of the schedule, a ramp as several, each with shards of its own.",
                           ["phase", "", "shards", "asked", "drawn", "documents"], rows, (2, 3, 4, 5), wide=(1,)))


def _cells(receipt: Mapping[str, Any]) -> Html:
    tables = []
    for number, phase in enumerate(receipt["phases"]):
        own = [c for c in receipt["cells"] if c["phase"] == phase["phase"]]
        found = _cell_table(receipt, own)
        if len(receipt["phases"]) > 1:
            last = phase["first_shard"] + phase["shards"] - 1
            summary = f"Phase {phase['phase']}: shards {phase['first_shard']} to {last}, {brief(phase['tokens'])} tokens"
            found = tag("details", tag("summary", summary), found, open=number == 0)
        tables.append(found)
    return section("cells", "Cells", "What was asked of each cell, what there is of it, and what was drawn.", legend(
        (swatch("fill"), "drawn"), (svg.tick("asked"), "asked"), (swatch("natural"), "of what there is")), *tables)


def _cell_table(receipt: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]) -> Html:
    cells = sorted(cells, key=lambda c: (-c["weight"], -c["drawn"]["tokens"], c["cell"]))
    have = sum(c["available"]["tokens"] for c in cells) or 1
    natural = [c["available"]["tokens"] / have for c in cells]
    top = max([*natural, *(c["weight"] for c in cells), *(c["share"] for c in cells)], default=1.0) or 1.0
    rows = []
    for c, own in zip(cells, natural):
        said = (f"{c['cell']}: asked {percent(c['weight'], 2)}, drawn {percent(c['share'], 2)}, "
                f"{percent(own, 2)} of what there is")
        rows.append([tag("span", c["cell"], class_="cell"), svg.bullet(c["share"], c["weight"], own, top, said),
                     percent(c["weight"], 2), percent(c["share"], 2), percent(c["document_share"], 2),
                     exact(c["target_tokens"]), exact(c["drawn"]["tokens"]), signed(c["residue_tokens"]),
                     exact(c["available"]["tokens"]), exact(c["drawn"]["documents"]), exact(c["drawn"]["distinct"]),
                     passes(c["epochs"])])
    head = ["cell", "", "asked", "drawn", "of docs", "target", "tokens", "residue", "there are", "docs", "distinct",
            "epochs"]
    attributes = " × ".join(receipt["mixture"].get("cells", []))
    words = (f"Cells are {attributes}; asked and drawn are shares of {receipt['unit']}, and \"of docs\" is the share of "
             "documents. Residue is drawn less target: only whole documents are drawn. Epochs are passes over all tokens "
             "that there are of the cell, those that earlier phases drew included.")
    classes = [None if c["drawn"]["tokens"] else "off" for c in cells]
    return _folded(words, head, rows, range(2, 12), wide=(1,), classes=classes)


def _sources(receipt: Mapping[str, Any]) -> Html:
    most = max((s["share"] for s in receipt["sources"]), default=1.0) or 1.0
    rows, classes = [], []
    for s in sorted(receipt["sources"], key=lambda s: (-s["share"], s["source"])):
        rows.append([s["source"], svg.bar(s["share"] / most, f"{s['source']}: {percent(s['share'], 2)} of tokens"),
                     percent(s["share"], 2), percent(s["document_share"], 2),
                     "–" if s["target_tokens"] is None else exact(s["target_tokens"]), exact(s["drawn"]["tokens"]),
                     exact(s["available"]["tokens"]), exact(s["drawn"]["documents"]), passes(s["epochs"])])
        classes.append(None if s["drawn"]["tokens"] else "off")
    words = "Sources over all phases. What was asked of one is known where the cells are told apart by source."
    return section("sources", "Sources", "Where the tokens come from.", _folded(
        words, ["source", "", "of tokens", "of docs", "target", "tokens", "there are", "docs", "epochs"], rows,
        range(2, 9), wide=(1,), classes=classes))


def _bounds(receipt: Mapping[str, Any]) -> Html:
    asked = receipt["asked"]
    facts = [["every cell", f"{asked['max_epochs']:g} epochs at most; on shortfall: {asked['on_shortfall']}"]]
    for limit in asked["limits"]:
        of = f"the tokens of each {limit['within']}" if limit.get("within") else "all tokens"
        bounds = f"{percent(limit['low'])} to {percent(limit['high'])}"
        facts.append([f"{limit['attribute']} {limit['value']}", f"{bounds} of {of}"])
    for cap in asked["caps"]:
        whose = cap["attribute"] + (f" {cap['value']}" if cap.get("value") is not None else ", any one")
        facts.append([whose, f"{percent(cap['high'], 3)} of all tokens at most"])
    for held in receipt["holdout"]:
        facts.append([f"holdout {held['name']}", "in no shard, nor anything near it"])
    if receipt["after"]:
        facts.append(["read before", f"{count(receipt['after']['tokens'])} tokens of the receipt "
                                     f"{receipt['after']['receipt'][:12]}; what they did not hold comes first"])
    if receipt["long_documents"]:
        facts.append(["long documents", f"{plural(receipt['long_documents'], 'document')} longer than a shard, whole"])
    rows = [[f"{c['attribute']} {short(c['value'], 60)}", exact(c["tokens_allowed"]), exact(c["tokens_drawn"]),
             tag("code", c["threshold"] or "none of it", class_="digest")] for c in receipt["caps"]]
    capped = _folded("Values that a cap holds back: of these, documents with a key over the threshold were not drawn.",
                     ["value", "allowed", "drawn", "threshold"], rows, (1, 2)) if rows else None
    return section("bounds", "Bounds", "What the draw had to keep to.",
                   table("As the build file says.", ["what", "bound"], facts), capped)


def _tokens(receipt: Mapping[str, Any]) -> Html:
    pack, told = receipt["pack"], receipt["tokenizer"]
    use = {
        "documents": "each document is a sequence of its own",
        "concatenate": "documents end to end, cut into sequences of {length} tokens; what does not fill the last one of a "
                       "shard is {rest}",
        "best_fit": "documents whole in sequences of {length} tokens, where they fit best; longer ones are split",
    }
    rest = "filled with padding" if pack.get("rest") == "pad" else "dropped"
    ends = [side for side, name in (("BOS", "documents_start_with"), ("EOS", "documents_end_with")) if told.get(name)]
    facts = [
        ["packing", use.get(pack["use"], pack["use"]).format(length=count(pack["length"]), rest=rest)],
        ["lost by it", f"{count(pack['cut_tokens'])} tokens cut ({percent(pack['cut_share'], 3)}), "
                       f"{count(pack['padded_tokens'])} of padding ({percent(pack['padded_share'], 3)})"],
        ["ids", f"{count(told['vocab_size'])}, as {told['dtype']}; every document has {listed(ends) or 'no ends'}"],
    ]
    shift, lost = None, [[f"{c['cell']}, phase {c['phase']}" if len(receipt["phases"]) > 1 else c["cell"],
                          count(c["cut_tokens"]), percent(c["cut_tokens"] / max(1, c["drawn"]["tokens"]), 3)]
                         for c in receipt["cells"] if c["cut_tokens"]]
    cut = _folded("What packing cut of each cell.", ["cell", "tokens cut", "of its tokens"], lost, (1, 2)) if lost else None
    if receipt["draw_tokenizer"] is not None:
        rows = [[f"{c['cell']}, phase {c['phase']}" if len(receipt["phases"]) > 1 else c["cell"],
                 exact(c["drawn"]["tokens"]), exact(c["retokenized"]["tokens"]), percent(c["share"], 2),
                 percent(c["retokenized"]["share"], 2), f"{100 * c['retokenized']['shift']:+.2f}".replace("-", "−")]
                for c in receipt["cells"] if c["drawn"]["tokens"]]
        shift = _folded("The draw was made in another tokenizer's tokens than the shards are written in: shares shift.",
                        ["cell", "tokens drawn by", "tokens written", "share drawn", "share written", "points"], rows,
                        range(1, 6))
    return section("tokens", "Tokens and packing", "How documents became sequences.",
                   table("As the manifests of the shards say.", ["what", ""], facts), cut, shift)


def _folded(caption: str, head: Sequence[Any], rows: Sequence[Sequence[Any]], right: Sequence[int], wide: Sequence[int] = (),
            classes: Sequence[str | None] = ()) -> Html:
    first = table(caption, head, rows[:ROWS], right=right, wide=wide, classes=classes[:ROWS])
    if len(rows) <= ROWS:
        return first
    rest = table(f"Rows {ROWS + 1} to {len(rows)}.", head, rows[ROWS:], right=right, wide=wide, classes=classes[ROWS:])
    return join(first, tag("details", tag("summary", f"{len(rows) - ROWS:,} more"), rest))


def _footer(receipt: Mapping[str, Any]) -> Html:
    at = tag("code", "corpus shards at FOLDER --shard S --offset N")
    return tag("footer", tag("p", "Every file against this receipt: ", tag("code", "corpus shards verify FOLDER"),
                             ". The document behind a token: ", at, "."))
