"""What every optimizer is: ask for evidence, be told it, recommend; and the journal, which is all of its state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from corpus import keys
from corpus.errors import ConfigError
from corpus.mixture import baselines
from corpus.mixture.space import Space
from corpus.operators import Operator


@dataclass(frozen=True)
class Request:
    """Evidence that an optimizer wants: `what` is "domain_vectors" or "trial"; `weights` is the mixture of a trial."""

    what: str
    weights: tuple[tuple[str, float], ...] = ()

    @property
    def key(self) -> str:
        return keys.key_of({"what": self.what, "weights": [list(w) for w in self.weights]})


@dataclass(frozen=True)
class DomainVectors:
    """vectors: one a cell, all of one length; target: the vector to come near to."""

    vectors: Mapping[str, tuple[float, ...]]
    target: tuple[float, ...]
    what = "domain_vectors"


@dataclass(frozen=True)
class Trial:
    """What a proxy run of a mixture measured."""

    weights: Mapping[str, float]
    metrics: Mapping[str, float]
    what = "trial"


Evidence = DomainVectors | Trial


@dataclass(frozen=True)
class Compared:
    """A mixture beside the recommended one. weights: (n,) in the space's order. score: lower is better; None where the
    evidence does not give one.
    """

    weights: np.ndarray
    score: float | None
    projected: bool = False


@dataclass(frozen=True)
class Recommendation:
    """weights: cell → share of tokens. compared: natural, uniform, unimax and whatever else was weighed up, and the
    recommended mixture itself under the method's name. epochs: cell → passes. moved: total variation from natural.
    """

    method: str
    weights: dict[str, float]
    compared: dict[str, Compared]
    epochs: dict[str, float | None]
    moved: float
    binding: list[str]
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """What is to be decided: weights of `space` for `budget` tokens, where `tokens` (one a cell) are there."""

    space: Space
    tokens: tuple[int, ...]
    budget: int
    max_epochs: float
    seed: int = 0

    @property
    def natural(self) -> np.ndarray:
        return baselines.natural(np.array(self.tokens, float))

    def baselines(self) -> dict[str, baselines.Baseline]:
        return baselines.baselines(self.space, self.tokens, self.budget, self.max_epochs)

    def recommendation(self, method: str, weights: np.ndarray, compared: dict[str, Compared],
                       **about: Any) -> Recommendation:
        """Weights (n,) with everything that is printed beside them."""
        tokens = np.array(self.tokens, float)
        passes = [float(w * self.budget / t) if t else None for w, t in zip(weights, tokens)]
        return Recommendation(method, dict(zip(self.space.cells, map(float, weights))), compared,
                              dict(zip(self.space.cells, passes)), float(np.abs(weights - self.natural).sum() / 2),
                              self.space.binding(weights), about)


class Optimizer(Protocol):
    """Holds nothing that its problem and journal do not give back."""

    def ask(self, n: int) -> Sequence[Request]:
        """Up to n requests that are neither told nor asked for; empty when no evidence is worth its price."""
        ...

    def tell(self, evidence: Evidence) -> None: ...

    def recommend(self) -> Recommendation: ...


class Method(Operator):
    """Options of an optimizer; `open` makes a new one that knows what the journal tells."""

    needs_target: ClassVar[bool] = False

    def open(self, problem: Problem, journal: Journal) -> Optimizer:
        raise NotImplementedError


class Journal:
    """Rows of what was asked and told, in the order in which that happened; one JSON line each."""

    def __init__(self, rows: Iterable[dict[str, Any]] = ()) -> None:
        self.rows = list(rows)

    @staticmethod
    def parse(text: str) -> Journal:
        """Reads JSON lines; a last line that was cut off while being written is left out."""
        lines = text.splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        return Journal(json.loads(line) for line in whole if line.strip())

    def dump(self) -> str:
        return "".join(json.dumps(row, sort_keys=True) + "\n" for row in self.rows)

    def asked(self, request: Request) -> None:
        """Notes a request, once."""
        row = {"row": "asked", "request": request.key, "what": request.what, "weights": [list(w) for w in request.weights]}
        if row not in self.rows:
            self.rows.append(row)

    def told(self, evidence: Evidence) -> None:
        """Notes evidence; the same evidence told twice is one row."""
        row = {"row": "told", "what": evidence.what} | _plain(evidence)
        if row not in self.rows:
            self.rows.append(row)

    def pending(self) -> list[dict[str, Any]]:
        """Requests that nothing was told of, sorted by request."""
        told = {row["request"] for row in self.rows if row["row"] == "told"}
        return sorted((r for r in self.rows if r["row"] == "asked" and r["request"] not in told), key=lambda r: r["request"])

    def evidence(self, what: str) -> list[Evidence]:
        """Evidence of a kind, sorted by request and content, so that the order of completion cannot matter."""
        rows = [row for row in self.rows if row["row"] == "told" and row["what"] == what]
        return [_evidence(row) for row in sorted(rows, key=lambda r: (r["request"], keys.key_of(r)))]


def _plain(evidence: Evidence) -> dict[str, Any]:
    if isinstance(evidence, DomainVectors):
        return {"request": Request("domain_vectors").key, "target": list(evidence.target),
                "vectors": {cell: list(v) for cell, v in evidence.vectors.items()}}
    weights = tuple(evidence.weights.items())
    return {"request": Request("trial", weights).key, "weights": [list(w) for w in weights],
            "metrics": dict(evidence.metrics)}


def _evidence(row: dict[str, Any]) -> Evidence:
    if row["what"] == "domain_vectors":
        return DomainVectors({cell: tuple(v) for cell, v in row["vectors"].items()}, tuple(row["target"]))
    if row["what"] == "trial":
        return Trial({cell: weight for cell, weight in row["weights"]}, row["metrics"])
    raise ConfigError("journal", f"evidence of kind '{row['what']}'", "domain_vectors or trial")
