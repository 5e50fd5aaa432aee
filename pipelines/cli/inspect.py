"""`corpus show`, `explain`, `report`, `doctor`: looking at what a build left."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.build import BuildPath, Json


def show(
    build: BuildPath,
    step: Annotated[
        str | None, typer.Argument(metavar="[STEP]", help="A step, for its shards, counts and first rows.")
    ] = None,
    json_: Json = False,
) -> None:
    """What a build holds: the funnel, domains and cells; or one step in detail."""
    from pipelines.cli.text import as_json
    from pipelines.config.load import load_build
    from pipelines.view import View

    view = View(load_build(build))
    if step is not None:
        found = view.step(step)
        print(as_json(found) if json_ else _step(found))
        return
    found = view.summary()
    print(as_json(found) if json_ else _summary(found))


def _summary(found: dict) -> str:
    from pipelines.cli.text import table

    parts = [
        table(
            ("stage", "records left", "dropped", "reasons"),
            [
                (
                    s["stage"],
                    f"{s['left']:,}",
                    f"{s['dropped']:,}" if s["dropped"] else "",
                    ", ".join(f"{r} {n:,}" for r, n in s["reasons"][:4]) + (" ..." if len(s["reasons"]) > 4 else ""),
                )
                for s in found["funnel"]
            ],
            right=(1, 2),
        )
    ]
    if found.get("licences"):
        parts.append(
            table(
                ("licence", "admitted", "documents", "dropped for it", "kept"),
                [
                    (r["licence"] or "not known", r["admitted"], *(f"{r[n]:,}" for n in ("documents", "dropped", "kept")))
                    for r in found["licences"]
                ],
                right=(2, 3, 4),
            )
        )
    if found["domains"]:
        parts.append(
            table(
                ("domain", "label", "documents", "clusters", "quality"),
                [
                    (
                        d["id"],
                        d["label"],
                        f"{d['documents']:,}",
                        len(d["clusters"]),
                        "" if d.get("quality") is None else f"{d['quality']:.2f}",
                    )
                    for d in found["domains"]
                ],
                right=(2, 3, 4),
            )
        )
    if found["pruned"]["pruned"]:
        gone = found["pruned"]
        parts.append(
            f"{gone['pruned']} of {gone['clusters']} clusters were pruned; "
            f"their {gone['documents']:,} documents have no cell"
        )
    if found["cells"]:
        parts.append(
            table(
                ("cell", "asked", "achieved", "natural", "tokens", "epochs"),
                [
                    (
                        c["cell"],
                        f"{c['asked']:.2%}",
                        f"{c['achieved']:.2%}",
                        f"{c['natural']:.2%}",
                        f"{c['tokens']:,}",
                        f"{c['epochs']:.2f}",
                    )
                    for c in found["cells"]
                ],
                right=(1, 2, 3, 4, 5),
            )
        )
    return "\n\n".join(parts)


def _step(found: dict) -> str:
    from pipelines.cli.text import plain, size, table

    lines = [
        f"{found['step']} ({found['stage']}), {len(found['outputs'])} outputs, "
        f"made in {found['seconds']:.1f} s on {found['engine']}",
        ", ".join(f"{k} {v:,}" for k, v in found["counts"].items()),
    ]
    lines.append(
        table(
            ("output", "rows", "size", "path"),
            [
                (o["name"], f"{o['rows']:,}" if o["rows"] is not None else "", size(o["bytes"]), o["path"])
                for o in found["outputs"][:20]
            ],
            right=(1, 2),
        )
    )
    lines += [f"{k}: {plain(str(v))[:120]}" for row in found["first"] for k, v in row.items()]
    return "\n".join(line for line in lines if line)


def explain(
    build: BuildPath,
    document: Annotated[
        str,
        typer.Argument(
            metavar="ID|URL|FILE|REASON",
            help="A document's id or address; or a source's file or a reason, for the first 20 records.",
        ),
    ],
    json_: Json = False,
) -> None:
    """Why a document is in or out: every verdict, its cluster, domain, cell, and the shards that hold it."""
    from corpus.errors import UserError
    from pipelines.cli.text import as_json, plain
    from pipelines.config.load import load_build
    from pipelines.story import stories
    from pipelines.view import View

    found = stories(View(load_build(build)), document)
    if not found:
        raise UserError(
            f"no record of this build has the id or address '{plain(document)}'; corpus show {build} shows what there is"
        )
    if json_:
        print(as_json(found))
        return
    told = [{k: v for k, v in story.items() if v not in (None, "", [])} for story in found]
    width = max(len(k) for story in told for k in story)
    print("\n\n".join("\n".join(f"{k:<{width}} {plain(str(v))}" for k, v in story.items()) for story in told))


def report(build: BuildPath) -> None:
    """Write the report again from what is there, and say where it is."""
    from pipelines.config.load import load_build
    from pipelines.view import View

    print(View(load_build(build)).write_report())


def doctor(
    build: Annotated[str | None, typer.Argument(metavar="[BUILD]")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Also read every shard of the build and compare digests.")] = False,
) -> None:
    """Check this machine, and a build's store, for what would go wrong."""
    from pipelines.cli.text import table
    from pipelines.doctor import examine

    found = examine(build, deep)
    print(
        table(
            ("", "what", "found"), [("ok" if ok else "--" if ok is None else "!!", what, said) for ok, what, said in found]
        )
    )
    if any(ok is False for ok, _, _ in found):
        raise typer.Exit(1)
