"""How another tokenizer moves the cells' shares: of one draw with tokens made anew, or of a draw beside the one before."""

from __future__ import annotations

from typing import Any


def shifted(receipt: dict[str, Any], before: dict[str, Any] | None) -> list[dict[str, Any]]:
    """One row a cell, over all phases: tokens and share of the draw's tokenizer (of the receipt `before` where documents
    were drawn again) and of the shards'. Empty where there is nothing to compare with.
    """
    now = _sums(receipt, "retokenized")
    then = _sums(receipt, "drawn") if receipt.get("draw_tokenizer") else _sums(before, "retokenized") if before else {}
    if not then:
        return []
    total_then, total_now = sum(then.values()) or 1, sum(now.values()) or 1
    rows = []
    for cell in {**now, **then}:
        old, new = then.get(cell, 0), now.get(cell, 0)
        share, to = old / total_then, new / total_now
        rows.append({"cell": cell, "tokens": [old, new], "share": [share, to], "shift": to - share})
    return sorted(rows, key=lambda r: (-abs(r["shift"]), r["cell"]))


def shown_shift(rows: list[dict[str, Any]]) -> str:
    """The rows as a table, the largest shift first; nothing where there are none."""
    from pipelines.cli.text import table

    if not rows:
        return ""
    cells = [(r["cell"], *(f"{n:,}" for n in r["tokens"]), *(f"{s:.2%}" for s in r["share"]), f"{100 * r['shift']:+.2f}")
             for r in rows]
    return table(("cell", "tokens before", "now", "share before", "now", "points"), cells, right=range(1, 6)) + "\n"


def _sums(receipt: dict[str, Any], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for cell in receipt["cells"]:
        tokens = (cell.get(name) or cell["drawn"])["tokens"]
        found[cell["cell"]] = found.get(cell["cell"], 0) + tokens
    return found
