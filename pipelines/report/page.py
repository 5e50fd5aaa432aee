"""The report as one HTML page that needs nothing else: no script, no link, no font, no network. What cannot be shown yet
says which step it waits for, so the page of a build that stopped half way is as readable as that of a finished one.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

from pipelines.report import documents, made, mixture, mixtures, spaces
from pipelines.report.html import Html, count, percent, plural, tag
from pipelines.report.licences import licences
from pipelines.report.losses import Losses, losses
from pipelines.report.status import farthest, points, status, verdict
from pipelines.view import View


def render(view: View) -> str:
    """The page of a build. The same state of the store gives the same page, byte for byte."""
    lost, domains, found = losses(view), spaces.domains(view), mixtures.compared(view)
    profiles = mixtures.profiles(view, found[0] if found else None)
    style = resources.files("pipelines.report").joinpath("style.css").read_text(encoding="utf-8")
    sections = [
        section("funnel", "What became of the records", "Every record that came in has one verdict.",
                documents.funnel(view, lost), licences(view)),
        section("map", "Clusters", "Documents by what they are about.", documents.clusters(view, domains)),
        section("domains", "Domains", "Clusters, pruned by quality and merged.", documents.domain_table(view, domains)),
        section("cells", "The mixture, cell by cell", "What was asked for, and what the shards hold.",
                mixture.cells(view, domains)),
        section("comparison", "Beside other mixtures", "What the choice changes, and what it was weighed against.",
                mixture.comparison(view, found, domains)),
        section("target", "The target", "What the mixture was steered towards.", mixture.target(view, profiles)),
        section("shards", "Shards", "Every file, as the receipt names it.", made.shards(view)),
        section("models", "Models", "What was fitted, and how well.", made.models(view)),
        section("steps", "Steps", "Where the time went.", made.steps(view), made.packages(view)),
    ]
    name = view.build.name
    # the style sheet alone may apply, by its hash; nothing may load or run, whatever a page's title says
    policy = f"default-src 'none'; style-src 'sha256-{_sha256(style)}'; base-uri 'none'; form-action 'none'"
    head = tag("head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=policy),
               tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
               tag("meta", name="color-scheme", content="light dark"), tag("meta", name="referrer", content="no-referrer"),
               tag("title", f"{name} · corpus report"), Html(f"<style>{style}</style>"))
    body = tag("body", _header(view, lost, domains), tag("main", sections), _footer(view))
    return "<!doctype html>\n" + tag("html", head, body, lang="en") + "\n"


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def section(name: str, title: str, lead: str, *body: Any) -> Html:
    return tag("section", tag("h2", title, id=name), tag("p", lead, class_="lead"), *body, aria_labelledby=name)


def _header(view: View, lost: Losses | None, domains: list[dict[str, Any]]) -> Html:
    where = status(view)
    receipt = view.receipt
    facts = []
    if receipt is not None:
        when = (receipt.get("made") or {}).get("when", "").replace("T", " ").replace("Z", " UTC")
        facts = [("receipt", tag("code", receipt["digest"])), ("mixture", receipt["mixture"]["method"]),
                 ("seed", str(receipt["seed"])), ("made", when)]
    return tag("header", tag("p", "corpus report", class_="kicker"),
               tag("h1", view.build.name, " ", tag("span", where.word, class_=f"status {where.kind}")),
               tag("p", verdict(view, lost), class_="verdict"),
               tag("p", where.detail, class_=f"notice {where.kind}") if where.detail else None,
               tag("dl", [tag("div", tag("dt", k), tag("dd", v)) for k, v in facts if v], class_="facts") if facts else None,
               tag("div", [_tile(*t) for t in _tiles(view, lost, domains)], class_="tiles"))


def _tiles(view: View, lost: Losses | None, domains: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """(number, what, beside it)."""
    found = []
    if lost is not None:
        kept = lost.stages[-1].after if lost.stages else lost.records
        found.append((count(lost.records), "records read", plural(len(lost.sources), "source")))
        found.append((count(kept), "documents left so far" if lost.missing else "documents kept",
                      f"{percent(kept / lost.records, 0)} of records"))
    if domains:
        merged = sum(d["clusters"] for d in domains)
        found.append((count(len(domains)), "domains", f"from {plural(merged, 'cluster')}"))
    receipt = view.receipt
    if receipt is not None:
        repeats = sum(1 for c in view.cells() if c["epochs"] > mixture.REPEATS)
        found.append((count(receipt["total"]["tokens"]), "tokens written",
                      f"{count(receipt['asked']['budget_tokens'])} asked for"))
        off, most = points(farthest(view)).split()[0], max(c["epochs"] for c in view.cells())
        found.append((off, "points off at most", f"over {plural(len(view.cells()), 'cell')}"))
        found.append((f"{most:.2f}", "epochs at most", plural(repeats, "cell repeats", "cells repeat")))
    return found


def _tile(number: str, what: str, beside: str) -> Html:
    return tag("div", tag("b", number), tag("span", what), tag("small", beside), class_="tile")


def _footer(view: View) -> Html:
    where = view.build.where
    return tag("footer", tag("p", "The story of any document: ", tag("code", f"corpus explain {where} ID|URL"),
                             ". This page again: ", tag("code", f"corpus report {where}"), "."))
