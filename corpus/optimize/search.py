"""The search step of a build: cells, their domain vectors and the target's in; a mixture and its comparison out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.errors import ConfigError
from corpus.mixture.space import Limit, Space, check_limits
from corpus.numeric import vectors
from corpus.optimize.base import DomainVectors, Journal, Method, Problem, Recommendation
from corpus.registry import register
from corpus.tasks import Body, TaskIO

#: One row a compared mixture and cell. `tokens` are those available; `projected`: the nearest allowed mixture stands in.
COMPARISON = pa.schema([
    ("method", pa.string()),
    ("cell", pa.string()),
    ("weight", pa.float64()),
    ("tokens", pa.int64()),
    ("epochs", pa.float64()),
    ("distance", pa.float64()),
    ("projected", pa.bool_()),
    ("chosen", pa.bool_()),
])


@register("body", "search", version=2, provider=("clarabel",))
@dataclass(frozen=True)
class Search(Body):
    """Runs an optimizer on domain vectors within caps and limits.

    budget: tokens to write. max_epochs: passes over a cell. on_shortfall: what to do where the cells have too little.
    limits: joint bounds on shares; `attributes` names the parts of a cell's name, in order.
    """

    method: Method
    budget: int
    max_epochs: float = 4.0
    on_shortfall: str = "refuse"
    limits: tuple[Limit, ...] = ()
    attributes: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        check_limits(self.limits)

    def run(self, io: TaskIO) -> None:
        """Inputs: cells (cell, documents, tokens), vectors (cell, vector) and target (vector) where the method asks for
        them; index (cell, tokens) and in step with it seen, where a trainer has read some: it counts against the passes that
        a cell allows. Outputs: mixture (cell, weight), comparison (`COMPARISON`), folder journal with journal.jsonl.
        """
        cells = io.table("cells", ["cell", "tokens"]).sort_by("cell")
        names, tokens = cells.column("cell").to_pylist(), [int(t) for t in cells.column("tokens").to_pylist()]
        read = _read(io, names)
        left = [t - read.get(n, 0) / self.max_epochs for n, t in zip(names, tokens)] if read else tokens
        left = [max(0, t) for t in left]
        budget = self.budget
        if self.on_shortfall == "shrink":     # more than the caps allow can only be written in part: search for that part
            budget = max(1, min(budget, int(self.max_epochs * sum(left))))
        space = Space.from_caps(dict(zip(names, left)), budget, self.max_epochs, self.limits, self.attributes)
        problem = Problem(space, tuple(tokens), budget, self.max_epochs, self.seed)
        journal = Journal()
        optimizer = self.method.open(problem, journal)
        for request in optimizer.ask(1):
            if request.what != "domain_vectors":
                raise ConfigError("search.method", f"'{self.method.name}' asks for a {request.what}",
                                  "a method that works from domain vectors alone")
            optimizer.tell(_evidence(io, names, tokens))
        found = optimizer.recommend()
        weights = settled(np.array([found.weights[n] for n in names]))
        io.write("mixture", pa.table({"cell": pa.array(names, pa.string()), "weight": pa.array(weights, pa.float64())}))
        io.write("comparison", comparison(found, names, tokens, budget))
        with io.new_folder("journal") as (folder, about):
            (folder / "journal.jsonl").write_text(journal.dump(), "utf-8")
            about.update(method=found.method, moved=found.moved, binding=found.binding,
                         scores={name: c.score for name, c in found.compared.items()}, **found.about)
        io.count("cells", len(names))


def _read(io: TaskIO, names: list[str]) -> dict[str, int]:
    """Tokens of each cell that a trainer has read, copies counted; empty where nothing says so."""
    if not io.items("seen"):
        return {}
    found = dict.fromkeys(names, 0)
    for index, seen in zip(io.tables("index", ["cell", "tokens"]), io.tables("seen", ["seen"])):
        copies = pc.multiply(index.column("tokens"), seen.column("seen").cast(pa.int64()))
        sums = pa.table({"cell": index.column("cell"), "tokens": copies}).group_by("cell").aggregate([("tokens", "sum")])
        for cell, tokens in zip(sums.column("cell").to_pylist(), sums.column("tokens_sum").to_pylist()):
            if cell is not None:
                found[cell] += tokens
    return found


def settled(weights: np.ndarray) -> np.ndarray:
    """(n,) weights without a solver's dust: shares under one in a million are 0, the rest is rounded to nine digits."""
    kept = np.where(weights < 1e-6, 0.0, weights)
    return np.round(kept / kept.sum(), 9)


def comparison(found: Recommendation, names: list[str], tokens: list[int], budget: int) -> pa.Table:
    """One row for each compared mixture and cell."""
    rows = []
    for method, other in found.compared.items():
        for name, have, weight in zip(names, tokens, map(float, other.weights)):
            rows.append({"method": method, "cell": name, "weight": weight, "tokens": have,
                         "epochs": weight * budget / have if have else None, "distance": other.score,
                         "projected": other.projected, "chosen": method == found.method})
    return pa.Table.from_pylist(rows, COMPARISON)


def _evidence(io: TaskIO, names: list[str], tokens: list[int]) -> DomainVectors:
    table = io.table("vectors", ["cell", "vector"])
    profile = vectors.matrix(table.column("vector"))
    by_cell = {cell: tuple(map(float, row)) for cell, row in zip(table.column("cell").to_pylist(), profile)}
    for name, have in zip(names, tokens):
        if name not in by_cell and not have:   # a cell without tokens has a cap of 0; what its vector is cannot matter
            by_cell[name] = (0.0,) * profile.shape[1]
    target = vectors.matrix(io.table("target", ["vector"]).column("vector"))
    return DomainVectors(by_cell, tuple(map(float, np.asarray(target[0], float))))
