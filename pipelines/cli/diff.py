"""`corpus diff`: what is different between two builds, or two receipts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipelines.cli.build import Json


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A build file; or a receipt, or a folder that holds one.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, of what it is compared with.")],
    limit: Annotated[int, typer.Option(min=0, help="Documents named of each kind of change; builds only.")] = 3,
    json_: Json = False,
) -> None:
    """What is different in B: documents and tokens in and out, by stage, reason, cell and source."""
    from pipelines.cli.text import as_json
    from pipelines.diff import diff as compare

    found = compare(a, b, limit)
    if json_:
        print(as_json(found))
    else:
        print("\n\n".join(_receipts(found) if found["kind"] == "receipts" else _builds(found)))


def _receipts(found: dict[str, Any]) -> list[str]:
    from pipelines.cli.text import plain, table

    parts = ["asked differently:\n" + "\n".join(f"  {plain(said)}" for said in found["asked"])] if found["asked"] else []
    for kind in ("cells", "sources"):
        if found[kind]:
            parts.append(
                table(
                    (kind[:-1], "weight" if kind == "cells" else "epochs", "available", "drawn", "documents", "tokens"),
                    [
                        (
                            _name(row),
                            _pair(row["weight" if kind == "cells" else "epochs"], ".4f"),
                            _pair(row["available_tokens"], ",d"),
                            _pair(row["drawn_tokens"], ",d"),
                            f"{row['documents_in']:+,}",
                            f"{row['tokens_in']:+,}",
                        )
                        for row in found[kind]
                    ],
                    right=(2, 3, 4, 5),
                )
            )
    shards, total = found["shards"], found["total"]
    parts.append(
        f"{shards['equal']} shards are the same, of {shards['a']} in A and {shards['b']} in B; "
        f"documents {_pair(total['documents'], ',d')}, tokens {_pair(total['tokens'], ',d')}"
    )
    return parts


def _builds(found: dict[str, Any]) -> list[str]:
    from pipelines.cli.text import plain, table

    parts = []
    if found["keys"]:
        parts.append("build file:\n" + "\n".join(f"  {plain(said)}" for said in found["keys"]))
    steps = found["steps"]
    said = [f"  {s['step']}: {plain('; '.join(s['fields'][:3]))}" + (" ..." if len(s["fields"]) > 3 else "")
            for s in steps["changed"]]  # fmt: skip
    said += [f"  only in {side.upper()}: {', '.join(steps[f'only_{side}'])}" for side in "ab" if steps[f"only_{side}"]]
    if said:
        parts.append("steps:\n" + "\n".join(said))
    if len(set(found["taxonomies"])) > 1:
        parts.append("each has a taxonomy of its own: a domain of one name is not the same domain in both")
    for kind, words in (("out", "out of the frozen set"), ("in", "into the frozen set")):
        if found[kind]:
            rows = [(r["stage"], r["reason"], r["cell"], f"{r['documents']:,}", f"{r['tokens']:,}") for r in found[kind]]
            head = (words, "dropped in B for" if kind == "out" else "dropped in A for", "cell", "documents", "tokens")
            parts.append(table(head, rows, right=(3, 4)) + _named(found, kind))
    if found["moved"]:
        rows = [(r["from"], r["to"], f"{r['documents']:,}", f"{r['tokens']:,}") for r in found["moved"]]
        parts.append(table(("moved from", "to", "documents", "tokens"), rows, right=(2, 3)) + _named(found, "moved"))
    if found["reasons"]:
        rows = [(f"{r['stage_a']}: {r['reason_a']}", f"{r['stage_b']}: {r['reason_b']}", f"{r['documents']:,}")
                for r in found["reasons"]]  # fmt: skip
        parts.append(table(("dropped in A for", "in B for", "documents"), rows, right=(2,)) + _named(found, "reasons"))
    for side in "ab":
        if found["records"][side]:
            rows = [(r["source"], r["reason"], f"{r['documents']:,}") for r in found["records"][side]]
            parts.append(table((f"records of {side.upper()} alone", "dropped for", "records"), rows, right=(2,)))
    if found["drawn"]:
        rows = [(r["cell"], f"+{r['copies_in']:,}", f"-{r['copies_out']:,}", f"+{r['tokens_in']:,}", f"-{r['tokens_out']:,}")
                for r in found["drawn"]]  # fmt: skip
        parts.append(table(("drawn of", "copies in", "out", "tokens in", "out"), rows, right=(1, 2, 3, 4))
                     + _named(found, "drawn_in", "drawn_out"))  # fmt: skip
    counts = "; ".join(f"{name} {n['equal']:,} of {n['a']:,} and {n['b']:,}" for name, n in found["shards"].items())
    parts.append(f"equal shards, not read: {counts}")
    if len(parts) == 1:
        parts.insert(0, "the same documents, drawn alike")
    return parts


def _named(found: dict[str, Any], *kinds: str) -> str:
    """Some of the documents, under their table."""
    from pipelines.cli.text import plain

    rows = [(kind, row) for kind in kinds for row in found["examples"].get(kind, ())]
    label = {"drawn_in": "+ ", "drawn_out": "- "}
    return "".join(f"\n  {label.get(kind, '')}{row['id']}  {plain(row['url'] or '')}" for kind, row in rows)


def _name(row: dict[str, Any]) -> str:
    if "source" in row:
        return row["source"]
    return row["cell"] if not row["phase"] else f"{row['cell']} (phase {row['phase']})"


def _pair(values: list[Any], form: str) -> str:
    shown = ["-" if v is None else format(v, form) for v in values]
    return shown[0] if shown[0] == shown[1] else " → ".join(shown)
