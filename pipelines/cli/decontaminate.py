"""`corpus decontaminate check|audit`: evaluation items in documents, and how far to trust what was found."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.cli.build import Json

app = typer.Typer(no_args_is_help=True, help="Evaluation items in documents.")

Against = Annotated[
    list[str],
    typer.Option("--against", metavar="TASKS", help="Evaluation items: JSONL files, globs, or olmo:NAME (repeat)."),
]
Ngram = Annotated[int, typer.Option("--ngram", min=8, max=13, help="Words of an n-gram.")]
MinWords = Annotated[int, typer.Option(min=5, max=13, help="Fewest words of a question that is looked for.")]
Bound = Annotated[float, typer.Option(min=0, max=1, help="A document is flagged over this share of a question.")]
Field = Annotated[list[str] | None, typer.Option("--field", help="Members that make the question (repeat), if unusual.")]
Answer = Annotated[list[str] | None, typer.Option("--answer", help="Members that make the answer (repeat).")]
Text = Annotated[str, typer.Option("--text", help="Column or member that holds a document's text.")]


@app.callback()
def decontaminate() -> None:
    """Evaluation items in documents."""


@app.command()
def check(
    files: Annotated[list[str], typer.Argument(metavar="FILES...", help="Documents: JSONL, Parquet or WET.")],
    against: Against,
    ngram: Ngram = 13,
    min_words: MinWords = 8,
    bound: Bound = 0.5,
    field: Field = None,
    answer: Answer = None,
    text: Text = "text",
    out: Annotated[str | None, typer.Option("--out", help="A row a document: .parquet or .jsonl.")] = None,
    json_: Json = False,
) -> None:
    """Measure how much of an evaluation item each document holds."""
    from pipelines.cli.text import as_json
    from pipelines.decontaminate import Options, check_files

    options = Options(tuple(against), ngram, min_words, fields=tuple(field or ()), answer=tuple(answer or ()), bound=bound)
    found = check_files(files, options, text, out)
    print(as_json(found) if json_ else _checked(found, out))


@app.command()
def audit(
    target: Annotated[list[str], typer.Argument(metavar="BUILD|FILES...", help="A build file, or documents.")],
    against: Against,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Where the sample and the estimates go.")],
    ngram: Ngram = 13,
    min_words: MinWords = 8,
    bound: Bound = 0.5,
    field: Field = None,
    answer: Answer = None,
    text: Text = "text",
    sample: Annotated[int, typer.Option(min=0, help="Flagged documents to lay out.")] = 50,
    copies: Annotated[int, typer.Option(min=1, help="Made-up copies of the items, of each kind.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Draws of the sample and the made-up items.")] = 0,
    json_: Json = False,
) -> None:
    """Lay out a sample of flagged documents for a person, and estimate from made-up items how many are chance."""
    from pipelines.cli.text import as_json
    from pipelines.decontaminate import Options, audit

    options = Options(tuple(against), ngram, min_words, fields=tuple(field or ()), answer=tuple(answer or ()), bound=bound)
    found = audit(target, options, out, text, sample, seed, copies)
    print(as_json(found) if json_ else _audited(found, out))


def _checked(found: dict[str, Any], out: str | None) -> str:
    from pipelines.cli.text import table

    parts = []
    if found["found"]:
        rows = [(f"{r['score']:.2f}", _share(r["answer"]), r["ngrams"], r["task"], r["item"], r["url"] or r["id"])
                for r in found["found"][:20]]
        parts.append(table(("score", "answer", "n-grams", "task", "item", "document"), rows, right=(0, 1, 2)))
    parts.append(f"{found['flagged']:,} of {found['documents']:,} documents hold over {found['bound']:.0%} of a question"
                 + (" (the first 20 above)" if found["flagged"] > 20 else "") + _unsought(found["sought"])
                 + (f"\n{found['without_text']:,} records had no text" if found["without_text"] else "")
                 + (f"\nrows: {out}" if out else ""))
    return "\n\n".join(parts)


def _audited(found: dict[str, Any], out: str) -> str:
    from pipelines.cli.text import table

    said = [t for t in found["tasks"] if t["flagged"] or t["shuffled"]["expected"] or t["recombined"]["expected"]]
    rows = [(t["task"], f"{t['items']:,}", f"{t['flagged']:,}",
             *(f"{t[k]['expected']:.2f} (to {t[k]['high']:.2f})" for k in ("shuffled", "recombined")),
             _share(t["precision"]), _share(t["precision_low"])) for t in said]
    head = ("task", "items", "flagged", "by chance: shuffled", "recombined", "precision", "at least")
    parts = [table(head, rows, right=range(1, len(head)))] if rows else []
    quiet = len(found["tasks"]) - len(said)
    top = max((t["recombined"]["high"] for t in found["tasks"]), default=0.0)
    parts.append(f"{found['flagged']:,} of {found['documents']:,} documents flagged"
                 + (f"; {quiet} tasks with nothing flagged, by chance or otherwise" if quiet else "")
                 + f" ({found['copies']} made-up copies of each kind; none found still allows {top:.2f} a task at 95 %)"
                 + _unsought(found["sought"])
                 + f"\n{found['sampled']} for a person to judge: {out}/audit.html, {out}/sample.jsonl")
    return "\n\n".join(parts)


def _unsought(sought: dict[str, int]) -> str:
    missing = sought.get("too_short", 0) + sought.get("common", 0)
    return f"\n{missing:,} of {sum(sought.values()):,} items cannot be looked for: too short, or of common words" \
        if missing else ""


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
