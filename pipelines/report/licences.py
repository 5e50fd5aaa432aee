"""The licences that documents came with, which of them the build admits, and what went for its licence alone."""

from __future__ import annotations

from pipelines.report.html import Html, count, percent, table
from pipelines.view import View

#: Licences in the table; the rest are one row.
ROWS = 30


def licences(view: View) -> Html | None:
    """A table, most documents first; None where the build asks for no licence."""
    rows = view.licences()
    if not rows:
        return None
    total = sum(r["documents"] for r in rows) or 1
    shown, folded = rows[:ROWS], rows[ROWS:]
    cells = [[r["licence"] or "not known", r["admitted"], count(r["documents"]), percent(r["documents"] / total),
              count(r["dropped"]) if r["dropped"] else "–", count(r["kept"])] for r in shown]
    if folded:
        sums = [sum(r[name] for r in folded) for name in ("documents", "dropped", "kept")]
        cells.append([f"{len(folded)} others", "", count(sums[0]), percent(sums[0] / total), count(sums[1]), count(sums[2])])
    return table("Licences of the documents that came to the filter; dropped are those that every other rule keeps.",
                 ["licence", "admitted", "documents", "of all", "dropped for it", "kept"], cells, right=range(2, 6))
