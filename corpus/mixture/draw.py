"""The draw: which documents, how often, so that every cell meets its target of tokens to within one document.

A document's one random number u decides. In a cell that needs e epochs every document gets floor(e) copies; one more
goes to the smallest u, up to a threshold found from a histogram of tokens over u and resolved exactly inside one of its
buckets. Two passes over the index, memory that does not grow with it, and no order of anything matters: a larger budget
draws a superset, a removed document moves a threshold. Given up: balance of anything but tokens inside a cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import ID
from corpus.errors import Infeasible
from corpus.mixture.cells import cell_table
from corpus.mixture.targets import smallest_budget, token_targets, weights_of
from corpus.registry import register
from corpus.tasks import Body, TaskIO

#: One row a cell. A document gets `whole` copies, and one more where (u, id) <= (threshold, threshold_id); these are null
#: where no document does. `share` is what was drawn of all that was drawn; `residue` is drawn - target, in tokens.
#: `documents` and `tokens` are what there is; `drawn_documents` counts copies, `distinct_documents` does not.
PLAN = pa.schema([
    ("cell", pa.string()),
    ("weight", pa.float64()),
    ("target", pa.int64()),
    ("documents", pa.int64()),
    ("tokens", pa.int64()),
    ("epochs", pa.float64()),
    ("whole", pa.int64()),
    ("threshold", pa.float64()),
    ("threshold_id", ID),
    ("drawn_documents", pa.int64()),
    ("distinct_documents", pa.int64()),
    ("drawn_tokens", pa.int64()),
    ("share", pa.float64()),
    ("residue", pa.int64()),
    ("seed", pa.int64()),
    ("shards", pa.int64()),
])

#: Buckets of the histograms, all cells together: 128 MB of int64.
BUCKETS_IN_ALL = 1 << 24


@dataclass(frozen=True)
class Chunk:
    """Some rows of the index. ids: (n,) binary(16). cells: (n,) int64 codes, -1 for none. tokens: (n,) int64 above 0.
    u: (n,) float64 in [0, 1).
    """

    ids: pa.Array
    cells: np.ndarray
    tokens: np.ndarray
    u: np.ndarray


@dataclass(frozen=True)
class Fraction:
    """The copies of one cell beyond the whole ones: the bound (inclusive; None where there are none) and their sums."""

    threshold: float | None = None
    threshold_id: bytes | None = None
    documents: int = 0
    tokens: int = 0


@register("body", "draw", version=2)
@dataclass(frozen=True)
class SolveDraw(Body):
    """Weights, a budget and caps → `plan`, one row a cell (see `PLAN`).

    Inputs: every shard of `index`; `cells` (as `CellTable` leaves it) where it is there, else one more pass counts them;
    `mixture` (columns cell, weight) where the field `weights` is empty. Raises Infeasible where no document is drawn.
    """

    weights: tuple[tuple[str, float], ...]
    budget_tokens: int
    shards: int
    seed: int
    max_epochs: float = 4.0
    on_shortfall: str = "refuse"

    def run(self, io: TaskIO) -> None:
        columns = ["cell", "documents", "tokens"]
        table = io.table("cells", columns) if io.items("cells") else cell_table(io.tables("index", ["cell", "tokens"]))
        cells = table.column("cell").to_pylist()
        weights = weights_of(dict(self.weights) or self._found(io), cells)
        available = table.column("tokens").to_numpy()
        target = token_targets(weights, available, self.budget_tokens, self.max_epochs, self.on_shortfall, cells)
        whole = target // np.maximum(1, available)
        fractions = draw_fractions(target - whole * available, lambda: self._chunks(io, table.column("cell")))
        if not (whole.any() or any(f.documents for f in fractions)):
            raise self._nothing(weights, available, first_tokens(len(cells), self._chunks(io, table.column("cell"))))
        plan = plan_table(table, weights, target, whole, fractions, self.seed, self.shards)
        io.write("plan", plan)
        io.count("documents", pc.sum(plan.column("drawn_documents")).as_py())
        io.count("tokens", pc.sum(plan.column("drawn_tokens")).as_py())

    def _nothing(self, weights: np.ndarray, available: np.ndarray, first: np.ndarray) -> Infeasible:
        """Says that the budget is under any document, and the smallest that is not."""
        least = smallest_budget(weights, available, first, self.budget_tokens, self.max_epochs, self.on_shortfall)
        would = f"the smallest that draws one is {least:,}" if least else f"no budget does within {self.max_epochs:g} epochs"
        return Infeasible(f"mixture.budget_tokens: {self.budget_tokens:,} tokens are too few to draw any document; {would}")

    def _found(self, io: TaskIO) -> dict[str, float]:
        table = io.table("mixture", ["cell", "weight"])
        return dict(zip(table.column("cell").to_pylist(), table.column("weight").to_pylist()))

    def _chunks(self, io: TaskIO, cells: pa.ChunkedArray) -> Iterator[Chunk]:
        for table in io.tables("index", ["id", "cell", "tokens", "u"]):
            yield Chunk(table.column("id").combine_chunks(), cell_codes(table.column("cell"), cells),
                        table.column("tokens").to_numpy(), table.column("u").to_numpy())


def draw_fractions(rest: np.ndarray, chunks: Callable[[], Iterable[Chunk]], bits: int = 16) -> list[Fraction]:
    """For each cell the documents of smallest (u, id) whose tokens come nearest to `rest`.

    rest: (cells,) int64, each at least 0 and below the cell's tokens. chunks: reads the index, called twice.
    bits: of buckets a cell; the result does not depend on it.
    """
    bits = min(bits, max(1, int(np.log2(BUCKETS_IN_ALL / max(1, len(rest))))))
    buckets = 1 << bits
    through = np.zeros((len(rest), buckets), np.int64)
    wanted = rest > 0
    for chunk in chunks():
        rows = (chunk.cells >= 0) & wanted[chunk.cells]
        np.add.at(through, (chunk.cells[rows], _bucket(chunk.u[rows], buckets)), chunk.tokens[rows])
    np.cumsum(through, axis=1, out=through)
    at = np.array([np.searchsorted(t, r, side="right") for t, r in zip(through, rest)], np.int64)
    before = np.where(at > 0, through[np.arange(len(rest)), at - 1], 0)
    last = np.array([np.searchsorted(t, b, side="left") for t, b in zip(through, before)], np.int64)  # the last one filled
    del through

    below = np.zeros(len(rest), np.int64)
    near: list[list[tuple[float, bytes, int]]] = [[] for _ in rest]
    for chunk in chunks():
        rows = np.flatnonzero((chunk.cells >= 0) & wanted[chunk.cells])
        cells, bucket = chunk.cells[rows], _bucket(chunk.u[rows], buckets)
        below += np.bincount(cells[bucket < at[cells]], minlength=len(rest))
        rows = rows[(bucket == at[cells]) | ((bucket == last[cells]) & (before[cells] > 0))]
        for cell, u, document, tokens in zip(chunk.cells[rows].tolist(), chunk.u[rows].tolist(),
                                             chunk.ids.take(pa.array(rows)).to_pylist(), chunk.tokens[rows].tolist()):
            near[cell].append((u, document, tokens))
    return [_resolve(sorted(near[c]), int(rest[c]), int(at[c]) / buckets, int(before[c]), int(below[c])) if wanted[c]
            else Fraction() for c in range(len(rest))]


def _resolve(near: list[tuple[float, bytes, int]], rest: int, edge: float, tokens: int, documents: int) -> Fraction:
    """near: documents of the bucket that starts at `edge`, and of the last filled one before, in order of (u, id).
    tokens, documents: of all that lie before `edge`.
    """
    found = None
    best = abs(tokens - rest)
    for u, document, size in near:
        if u < edge:
            found = Fraction(u, document, documents, tokens)
            continue
        tokens, documents = tokens + size, documents + 1
        if abs(tokens - rest) < best:
            best, found = abs(tokens - rest), Fraction(u, document, documents, tokens)
    return found or Fraction()


def first_tokens(cells: int, chunks: Iterable[Chunk]) -> np.ndarray:
    """(cells,) int64: tokens of the document of smallest (u, id) in each cell, 0 where there is none."""
    first: list[tuple[float, bytes, int]] = [(np.inf, b"", 0)] * cells
    for chunk in chunks:
        least = np.full(cells, np.inf)
        np.minimum.at(least, chunk.cells[chunk.cells >= 0], chunk.u[chunk.cells >= 0])
        for row in np.flatnonzero((chunk.cells >= 0) & (chunk.u == least[chunk.cells])).tolist():
            cell = int(chunk.cells[row])
            first[cell] = min(first[cell], (float(chunk.u[row]), chunk.ids[row].as_py(), int(chunk.tokens[row])))
    return np.array([tokens for _, _, tokens in first], np.int64)


def plan_table(cells: pa.Table, weights: np.ndarray, target: np.ndarray, whole: np.ndarray, fractions: list[Fraction],
               seed: int, shards: int) -> pa.Table:
    """The plan (`PLAN`) of a solved draw. cells: columns cell, documents, tokens; the arrays are in its order."""
    documents, tokens = (cells.column(name).to_numpy() for name in ("documents", "tokens"))
    extra_documents = np.array([f.documents for f in fractions], np.int64)
    drawn = whole * tokens + np.array([f.tokens for f in fractions], np.int64)
    return pa.table({
        "cell": cells.column("cell"),
        "weight": weights,
        "target": target,
        "documents": documents,
        "tokens": tokens,
        "epochs": target / np.maximum(1, tokens),
        "whole": whole,
        "threshold": pa.array([f.threshold for f in fractions], pa.float64()),
        "threshold_id": pa.array([f.threshold_id for f in fractions], ID),
        "drawn_documents": whole * documents + extra_documents,
        "distinct_documents": np.where(whole > 0, documents, extra_documents),
        "drawn_tokens": drawn,
        "share": drawn / max(1, drawn.sum()),
        "residue": drawn - target,
        "seed": np.full(len(target), seed, np.int64),
        "shards": np.full(len(target), shards, np.int64),
    }).cast(PLAN)


def cell_codes(cells: pa.ChunkedArray, known: pa.ChunkedArray) -> np.ndarray:
    """(n,) int64 position of each cell's name in `known`; -1 where it is null or not there."""
    found = pc.index_in(cells, known.combine_chunks())
    return pc.fill_null(found, -1).to_numpy().astype(np.int64)


def _bucket(u: np.ndarray, buckets: int) -> np.ndarray:
    return (u * buckets).astype(np.int64)
