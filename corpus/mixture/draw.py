"""The draw: which documents, how often, so that every cell of every phase meets its target of tokens to within one document.

A document's one random number decides. In a cell that needs e epochs every document gets floor(e) copies; one more goes to
the smallest keys, up to a threshold (`corpus.mixture.levels`). A phase raises the level where the one before left it, so
that documents come again only when all have come, over phases and over what a trainer has read already. Two passes over the
index (three where something was read, some more where values are capped), memory that does not grow with it, and no order
of anything matters: a larger budget draws a superset, a removed document moves a threshold. Given up: balance of anything
but tokens inside a cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import Infeasible
from corpus.mixture.caps import CAPS, Cap, admit, check_caps, with_drawn
from corpus.mixture.cells import cell_codes, cell_table
from corpus.mixture.copies import left_out
from corpus.mixture.levels import Chunk, Cut, Ladder, Sums, Want, drawn_at, seen_of, whole_of
from corpus.mixture.limits import Limit
from corpus.mixture.schedule import PhaseSpec
from corpus.mixture.space import Space
from corpus.mixture.targets import phase_targets, smallest_budget
from corpus.registry import register
from corpus.tasks import Body, TaskIO

#: One row a phase and cell, in that order. A document of which n copies were read or drawn gets max(0, whole - n) copies in
#: the phase, and one more where n <= whole and its key <= threshold (null where no document does). `documents` and `tokens`
#: are what there is, less what caps leave out. `epochs` are passes over that when the phase is done, with what was read.
#: `drawn_documents` counts copies, `distinct_documents` does not. `share` is of all that the phase drew; `residue` is
#: drawn - target, in tokens. Shards are numbered on through all phases.
PLAN = pa.schema([
    ("phase", pa.int32()),
    ("first_shard", pa.int64()),
    ("shards", pa.int64()),
    ("cell", pa.string()),
    ("weight", pa.float64()),
    ("target", pa.int64()),
    ("documents", pa.int64()),
    ("tokens", pa.int64()),
    ("epochs", pa.float64()),
    ("whole", pa.int64()),
    ("threshold", pa.uint64()),
    ("drawn_documents", pa.int64()),
    ("distinct_documents", pa.int64()),
    ("drawn_tokens", pa.int64()),
    ("share", pa.float64()),
    ("residue", pa.int64()),
    ("seed", pa.int64()),
])


@register("body", "draw", version=4)
@dataclass(frozen=True)
class SolveDraw(Body):
    """Weights, a budget and caps → `plan`, one row a phase and cell (see `PLAN`), and `caps` (see `CAPS`).

    Inputs: every shard of `index`; `cells` (as `CellTable` leaves it) where it is there, else one more pass counts them;
    `mixture` (columns cell, weight) for phases without weights; `seen`, in step with the index (column seen, uint8), where a
    trainer has read something. Raises Infeasible where no document is drawn. max_epochs: passes over a cell in all phases
    and what was read before. limits: bounds on shares of cells, which no phase may break; `attributes` names the parts of a
    cell's name.
    """

    phases: tuple[PhaseSpec, ...]
    seed: int
    max_epochs: float = 4.0
    on_shortfall: str = "refuse"
    caps: tuple[Cap, ...] = ()
    limits: tuple[Limit, ...] = ()
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_caps(self.caps)

    def run(self, io: TaskIO) -> None:
        table = io.table("cells") if io.items("cells") else cell_table(io.tables("index", ["cell", "tokens"]))
        index = Index(io, table.column("cell").combine_chunks())
        found = self._found(io)
        weights = np.array([phase.shares(found, index.cells.to_pylist()) for phase in self.phases])
        self._check_limits(index.cells.to_pylist(), weights, "weights", 1e-6)
        sums = Sums.unseen(table.column("tokens").to_numpy(), table.column("documents").to_numpy()) \
            if not io.items("seen") else Sums.of(index.chunks(), len(index.cells))
        solve = partial(self._targets, weights, index.cells.to_pylist())
        targets, caps = solve(sums), CAPS.empty_table()
        if any(cap.high < 1 for cap in self.caps):
            sums, targets, caps = admit(self.caps, index, sums, solve)
        total = targets.sum(axis=1, keepdims=True)
        self._check_limits(index.cells.to_pylist(), targets / total, "tokens, redistributed,", 2 * len(table) / total.min())
        whole, rest = whole_of(sums, np.cumsum(targets, axis=0))
        ladder, cuts = self._cuts(sums, whole, rest, index, caps)
        if not (whole.any() or any(cut.documents for row in cuts for cut in row)):
            raise self._nothing(weights, sums, index)
        plan = self._plan(index.cells, weights, targets, sums, whole, ladder, cuts)
        io.write("plan", plan)
        io.write("caps", with_drawn(caps, index, plan))
        io.count("documents", pc.sum(plan.column("drawn_documents")).as_py())
        io.count("tokens", pc.sum(plan.column("drawn_tokens")).as_py())

    def _check_limits(self, cells: list[str], shares: np.ndarray, what: str, tolerance: float) -> None:
        """Raises Infeasible where a phase's shares (phases, cells) break a limit; whole tokens do by a few of them."""
        space = replace(Space.free(cells), limits=self.limits, attributes=self.attributes)
        for phase, mine in zip(self.phases, shares):
            if broken := space.broken(mine, tolerance):
                said = "; ".join(broken)
                raise Infeasible(f"{phase.where}: its {what} break {said}; change the weights or the limit")

    def _found(self, io: TaskIO) -> dict[str, float]:
        if not io.items("mixture"):
            return {}
        table = io.table("mixture", ["cell", "weight"])
        return dict(zip(table.column("cell").to_pylist(), table.column("weight").to_pylist()))

    def _targets(self, weights: np.ndarray, cells: list[str], sums: Sums) -> np.ndarray:
        return phase_targets(weights, [p.tokens for p in self.phases], sums.available, self.max_epochs, self.on_shortfall,
                             cells, sums.seen, [p.where for p in self.phases])

    def _cuts(self, sums: Sums, whole: np.ndarray, rest: np.ndarray, index: Index, caps: pa.Table,
              ) -> tuple[Ladder, list[list[Cut]]]:
        """Where each phase's level ends in each cell."""
        there = np.where(sums.documents > 0, np.arange(sums.documents.shape[1]), 0).max(axis=1)
        ladder = Ladder(np.minimum(there, whole.max(axis=0)))
        wants = [[Want(c, int(whole[p, c]), int(rest[p, c])) for c in range(len(index.cells))] for p in range(len(whole))]
        some = [want for row in wants for want in row if want.rest > 0]
        if not some:
            return ladder, [[Cut() for _ in row] for row in wants]
        ladder.fill(index.chunks(caps))
        ladder.resolve(some, index.chunks(caps))
        return ladder, [[ladder.cut(want) for want in row] for row in wants]

    def _plan(self, cells: pa.Array, weights: np.ndarray, targets: np.ndarray, sums: Sums, whole: np.ndarray,
              ladder: Ladder, cuts: list[list[Cut]]) -> pa.Table:
        """The plan of a solved draw."""
        available, rows = sums.available, []
        total = np.array([[drawn_at(sums.tokens[c], w) + cut.tokens for c, (w, cut) in enumerate(zip(*row))]
                          for row in zip(whole, cuts)])
        copies = np.array([[drawn_at(sums.documents[c], w) + cut.documents for c, (w, cut) in enumerate(zip(*row))]
                           for row in zip(whole, cuts)])
        drawn, copies = (np.diff(a, axis=0, prepend=0) for a in (total, copies))
        first = np.r_[0, np.cumsum([phase.shards for phase in self.phases])]
        for p, phase in enumerate(self.phases):
            for c, name in enumerate(cells.to_pylist()):
                before = (int(whole[p - 1, c]), cuts[p - 1][c].threshold) if p else (0, None)
                level = (int(whole[p, c]), cuts[p][c].threshold)
                rows.append({
                    "phase": p, "first_shard": int(first[p]), "shards": phase.shards, "cell": name,
                    "weight": float(weights[p, c]), "target": int(targets[p, c]),
                    "documents": int(sums.documents[c].sum()), "tokens": int(available[c]),
                    "epochs": float((sums.seen[c] + total[p, c]) / max(1, available[c])),
                    "whole": level[0], "threshold": level[1],
                    "drawn_documents": int(copies[p, c]), "distinct_documents": distinct(sums, ladder, c, before, level),
                    "drawn_tokens": int(drawn[p, c]), "share": float(drawn[p, c] / max(1, drawn[p].sum())),
                    "residue": int(drawn[p, c] - targets[p, c]), "seed": self.seed,
                })
        return pa.Table.from_pylist(rows, PLAN)

    def _nothing(self, weights: np.ndarray, sums: Sums, index: Index) -> Infeasible:
        """Says that the budget is under any document, and the smallest that is not."""
        budget = sum(phase.tokens for phase in self.phases)
        said = f"mixture.budget_tokens: {budget:,} tokens are too few to draw any document"
        if len(self.phases) > 1:
            return Infeasible(f"{said} in any of {len(self.phases)} phases; longer phases would")
        least = smallest_budget(weights[0], sums.available, first_tokens(len(index.cells), index), budget, self.max_epochs,
                                self.on_shortfall, sums.seen)
        would = f"the smallest that draws one is {least:,}" if least else f"no budget does within {self.max_epochs:g} epochs"
        return Infeasible(f"{said}; {would}")


@dataclass(frozen=True)
class Index:
    """The shards of an index as a draw reads them, with what was read of them. cells: names, whose places are the codes."""

    io: TaskIO
    cells: pa.Array

    def chunks(self, caps: pa.Table | None = None) -> Iterator[Chunk]:
        """Every row; those that a cap leaves out have no cell."""
        named = caps.column("attribute").unique().to_pylist() if caps is not None else []
        for chunk, _ in self.with_columns(named, caps):
            yield chunk

    def with_columns(self, columns: list[str], caps: pa.Table | None = None) -> Iterator[tuple[Chunk, pa.Table]]:
        """Every row, and the shard that it is in."""
        read = iter(self.io.tables("seen", ["seen"]))
        for table in self.io.tables("index", list(dict.fromkeys(["key", "cell", "tokens", *columns]))):
            keys = np.ascontiguousarray(table.column("key").to_numpy())
            cells = cell_codes(table.column("cell"), self.cells)
            if caps is not None and caps.num_rows:
                cells[left_out(table, keys, caps)] = -1
            seen = seen_of(next(read, None), len(keys))
            tokens = np.ascontiguousarray(table.column("tokens").to_numpy())
            yield Chunk(cells, keys, tokens, np.ascontiguousarray(seen)), table


def distinct(sums: Sums, ladder: Ladder, cell: int, before: tuple[int, int | None], level: tuple[int, int | None]) -> int:
    """Documents that get a copy while a cell's level rises from `before`; levels are (whole, threshold)."""
    (old, old_key), (whole, key) = before, level

    def of(most: int, bound: int | None) -> int:     # documents of which at most so many copies were seen, up to a key
        return ladder.upto(cell, most, bound)[0]

    def above(most: int, bound: int | None) -> int:  # ... and those beyond the key
        return int(sums.documents[cell, :max(0, most + 1)].sum()) - of(most, bound)

    if whole == old:                                 # the keys between the two thresholds
        return of(whole, key) - of(whole, old_key)
    if whole == old + 1:                             # those beyond the old threshold have not had this copy yet
        beyond = max((k for k in (key, old_key) if k is not None), default=None)
        return of(whole, key) + above(whole - 1, beyond)
    return of(whole, key) + above(whole - 1, key)


def first_tokens(cells: int, index: Index) -> np.ndarray:
    """(cells,) int64: tokens of the document that each cell draws first, 0 where there is none."""
    first: list[tuple[int, int, int] | None] = [None] * cells
    for chunk in index.chunks():
        order = np.lexsort((chunk.keys, chunk.seen, chunk.cells))
        starts = np.flatnonzero(np.r_[True, chunk.cells[order][1:] != chunk.cells[order][:-1]]) if len(order) else []
        for row in order[starts]:
            cell = int(chunk.cells[row])
            if cell >= 0:
                mine = (int(chunk.seen[row]), int(chunk.keys[row]), int(chunk.tokens[row]))
                first[cell] = mine if first[cell] is None else min(first[cell], mine)
    return np.array([0 if f is None else f[2] for f in first], np.int64)
