"""`corpus mix recommend|search`: a mixture from a table of runs; a build's search made again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.cli.build import BuildPath, Json, On, Workers

app = typer.Typer(no_args_is_help=True, help="Mixtures.")


@app.callback()
def mix() -> None:
    """Mixtures."""


@app.command()
def recommend(
    runs: Annotated[
        str,
        typer.Argument(metavar="RUNS.csv", help="One row a run: weights (and metrics, unless --metrics names their file)."),
    ],
    metrics: Annotated[
        str | None, typer.Option(help="A CSV of the runs' metrics, joined by its run or index column (RegMix, Olmix).")
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Metrics that count (repeat); all of them otherwise.")] = None,
    prior: Annotated[
        str | None, typer.Option(help="JSON of natural shares {domain: share}; the runs' mean otherwise.")
    ] = None,
    max_weight: Annotated[float, typer.Option(min=0, max=1, help="Cap on any one share.")] = 1.0,
    kl: Annotated[float, typer.Option(min=0, help="Weight of KL(mixture || prior).")] = 0.05,
    maximize: Annotated[bool, typer.Option("--maximize", help="Metrics are better when higher.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")] = False,
) -> None:
    """Fit a mixing law to recorded runs and recommend a mixture within caps, beside the baselines."""
    from corpus.optimize.recommend import recommend_from_csv
    from pipelines.cli.text import as_json

    found = recommend_from_csv(runs, metrics, tuple(metric or ()), prior, max_weight=max_weight, kl=kl, maximize=maximize)
    print(as_json(found) if json_ else _shown(found))


@app.command()
def search(build: BuildPath, on: On = None, workers: Workers = None, json_: Json = False) -> None:
    """Search a build's mixture again on the data as it is now, and pin what is found; both mixtures side by side."""
    from pipelines.cli.text import as_json
    from pipelines.config.load import load_build
    from pipelines.engines.placement import load_placement
    from pipelines.progress import progress_for
    from pipelines.searching import search_again

    found = search_again(load_build(build), load_placement(on, workers), progress_for(quiet=json_))
    print(as_json(vars(found)) if json_ else _side_by_side(build, found.before, found.after, found.ran))


def _side_by_side(build: str, before: dict[str, float] | None, after: dict[str, float], ran: bool) -> str:
    from pipelines.cli.text import table

    was = before or {}
    cells = sorted(was.keys() | after.keys(), key=lambda c: (-after.get(c, 0.0), c))
    rows = [
        (c, f"{was[c]:.4f}" if c in was else "-", f"{after[c]:.4f}" if c in after else "-",
         f"{after.get(c, 0.0) - was.get(c, 0.0):+.4f}" if before is not None else "")
        for c in cells
    ]  # fmt: skip
    moved = sum(abs(after.get(c, 0.0) - was.get(c, 0.0)) for c in cells) / 2
    said = "nothing was pinned before" if before is None else f"{moved:.1%} of the tokens move"
    if not ran:
        said = "nothing has changed since the pinned search, so its mixture stands"
    return table(("weight of", "before", "now", "change"), rows, right=(1, 2, 3)) + (
        f"\n\n{said}; go on with: corpus build {build}"
    )


def _shown(found: dict[str, Any]) -> str:
    from pipelines.cli.text import table

    names = list(found["compared"])
    domain_names, metric_names = trimmed(found["domains"]), trimmed(found["metrics"])
    rows = [
        (domain_names[domain], *(f"{found['compared'][name]['weights'][domain]:.4f}" for name in names))
        for domain in sorted(found["domains"], key=lambda d: -found["weights"][d])
    ]
    parts = [table(("weight of", *names), rows, right=range(1, len(names) + 1))]
    metrics = [*found["metrics"], "mean"] if len(found["metrics"]) > 1 else list(found["metrics"])
    parts.append(
        table(
            ("predicted", *names, "rank correlation", "(best single column)"),
            [
                (
                    metric_names.get(m, m),
                    *(f"{found['compared'][name]['predicted'][m]:.4f}" for name in names),
                    f"{found['fit'][m]['spearman']:.3f}",
                    _best_column(found["fit"][m]["single_column"], domain_names),
                )
                for m in metrics
            ],
            right=range(1, len(names) + 2),
        )
    )
    said = [
        f"{found['runs']} runs; metrics are {'scores' if found['maximize'] else 'losses'}; KL weight {found['kl']:g}; "
        f"{found['moved']:.1%} of the tokens move away from natural"
    ]
    for label, key in (
        ("caps reached", "binding"),
        ("worse than natural", "worse_than_natural"),
        ("beyond what any run held", "beyond_runs"),
        ("note", "notes"),
    ):
        if found[key]:
            said.append(f"{label}: " + "; ".join(metric_names.get(v, domain_names.get(v, str(v))) for v in found[key]))
    return "\n\n".join([*parts, "\n".join(said)])


def _best_column(single: dict[str, Any], names: dict[str, str]) -> str:
    return f"{single['spearman']:.3f} {names[single['column']]}"


def trimmed(names: list[str]) -> dict[str, str]:
    """Names without what they all begin and end with, cut at a separator: `train_the_pile_github` → `github`."""
    import os
    import re

    if len(names) < 2:
        return {n: n for n in names}
    head = re.match(r".*[_/.-]|", os.path.commonprefix(names)).group()
    tail = os.path.commonprefix([n[::-1] for n in names])[::-1]
    tail = re.search(r"[_/.-].*|$", tail).group()
    return {n: n[len(head) : len(n) - len(tail)] or n for n in names}
