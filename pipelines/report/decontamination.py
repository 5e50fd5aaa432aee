"""The page of a decontamination audit: what a person has to judge, each document's excerpt beside the item it is said to
hold. It needs nothing else and can do nothing: no script, no link, no network.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from corpus.decontaminate.audit import Audited
from pipelines.report.html import Html, plural, table, tag
from pipelines.report.page import _sha256, section

_STYLE = """
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1.5rem; margin: 1.5rem 0 2.5rem; }
.pair p { white-space: pre-wrap; overflow-wrap: anywhere; }
.pair mark { background: var(--repeat); color: var(--repeat-ink); }
.verdict { border: 1px solid var(--line); padding: .4rem .8rem; }
@media (max-width: 700px) { .pair { grid-template-columns: 1fr; } }
"""


def page(audited: Audited, summary: dict[str, Any]) -> str:
    """The audit as one page; the same audit gives the same page, byte for byte."""
    style = resources.files("pipelines.report").joinpath("style.css").read_text(encoding="utf-8") + _STYLE
    policy = f"default-src 'none'; style-src 'sha256-{_sha256(style)}'; base-uri 'none'; form-action 'none'"
    head = tag("head", tag("meta", charset="utf-8"), tag("meta", http_equiv="Content-Security-Policy", content=policy),
               tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
               tag("meta", name="color-scheme", content="light dark"), tag("meta", name="referrer", content="no-referrer"),
               tag("title", "Decontamination audit"), Html(f"<style>{style}</style>"))
    lead = (f"{summary['flagged']:,} of {plural(summary['documents'], 'document')} hold over {summary['bound']:.0%} of a "
            f"question in n-grams of {summary['ngram']} words. {plural(summary['sampled'], 'document')} drawn with seed "
            f"{summary['seed']}.")
    body = tag("body", tag("header", tag("h1", "Decontamination audit"), tag("p", lead, class_="lead")), tag(
        "main",
        section("chance", "What chance would flag", "Made-up items, looked for in the same documents: words shuffled within "
                "sentences, and halves of two questions joined. Neither sees a quotation that item and document share.",
                _estimates(summary)),
        section("sample", "For a person to judge", "Is the item in the document, in a way that would help a model to answer "
                "it? Write a verdict beside each: leak, quotation, or chance.",
                [_pair(number, row) for number, row in enumerate(audited.sample, 1)])))
    return "<!doctype html>\n" + tag("html", head, body, lang="en") + "\n"


def _estimates(summary: dict[str, Any]) -> Html:
    rows = [(t["task"], f"{t['items']:,}", f"{t['flagged']:,}", *(_range(t[k]) for k in ("shuffled", "recombined")),
             "" if t["precision"] is None else f"{t['precision']:.2f} (at least {t['precision_low']:.2f})")
            for t in summary["tasks"]]
    return table(f"Documents flagged, and by chance, a copy of each task ({summary['copies']} copies; 95 % intervals)",
                 ("task", "items", "flagged", "shuffled", "recombined", "precision"), rows, right=range(1, 6))


def _range(found: dict[str, float]) -> str:
    return f"{found['expected']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def _pair(number: int, row: dict[str, Any]) -> Html:
    answer = "not known" if row["answer"] == "" else row["answer"]
    share = "" if row["answer_share"] is None else f"; {row['answer_share']:.0%} of the answer near by"
    pieces = [tag("mark", _text(text)) if matched else _text(text) for text, matched in row["excerpt"]]
    about = f"{row['task']} · {row['item']} · score {row['score']:.2f}, {plural(row['ngrams'], 'n-gram')}{share}"
    return tag("article", tag("h3", f"{number}. {row['url'] or row['id']}"), tag("p", about),
               tag("div", tag("div", tag("h4", "Document"), tag("p", pieces)),
                   tag("div", tag("h4", "Item"), tag("p", _text(row["question"])), tag("p", "Answer: ", _text(answer))),
                   class_="pair"),
               tag("p", "Verdict:", class_="verdict"))


def _text(text: str) -> list[Html | str]:
    """A text whose lines stay lines; `tag` escapes each and replaces what could act on a reader's screen."""
    return [part for i, line in enumerate(text.split("\n")) for part in ((tag("br"), line) if i else (line,))]
