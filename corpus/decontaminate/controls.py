"""How often the rule would be wrong: items that nobody ever published, looked for in the same documents.

Two kinds, made from the items themselves. `shuffled`: the words of each sentence in another order, which keeps a task's
vocabulary and breaks every phrase; what is found of these is chance of words. `recombined`: the first half of one question
and the second of another of its task, which keeps phrases, formulas and a task's manner; what is found of these is chance of
phrases. A document that holds nine tenths of an item is no witness against controls made with that item's words; one that
holds less of a leaked item may be, so the estimate errs towards too many.

What neither sees: a quotation that item and document both took from elsewhere. That is for a person to judge.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from corpus import chance
from corpus.decontaminate.index import Index, build_index
from corpus.decontaminate.items import EvalItem
from corpus.decontaminate.measure import Found, find

KINDS = ("shuffled", "recombined")
WHOLE = 0.9
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Control:
    """Made-up items and, for each, the numbers (a, b) of the items it was made of."""

    kind: str
    items: tuple[EvalItem, ...]
    made_of: np.ndarray


def control(kind: str, items: Sequence[EvalItem], seed: int, copy: int) -> Control:
    """One made-up item for each item; where a task has only one, nothing can be recombined."""
    draws = chance.generator(seed, f"decontaminate.{kind}.{copy}")
    if kind == "shuffled":
        made = [replace(item, questions=(_shuffled(item.questions[0], draws),)) for item in items]
        return Control(kind, tuple(made), np.repeat(np.arange(len(items))[:, None], 2, axis=1))
    by_task: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        by_task.setdefault(item.task, []).append(number)
    made, pairs = [], []
    for numbers in by_task.values():
        order = draws.permutation(numbers).tolist()
        for a, b in zip(order, order[1:] + order[:1]) if len(order) > 1 else ():
            head, tail = items[a].questions[0].split(), items[b].questions[0].split()
            question = " ".join(head[: (len(head) + 1) // 2] + tail[(len(tail) + 1) // 2 :])
            made.append(replace(items[a], questions=(question,), answer=items[b].answer))
            pairs.append((a, b))
    return Control(kind, tuple(made), np.array(pairs, np.int64).reshape(-1, 2))


@dataclass(frozen=True)
class Estimate:
    """One task: its items, documents flagged, and how many of those chance would flag by each kind of control (mean of the
    copies, with a 95 % interval from the Poisson distribution of what was found in all of them).
    """

    task: str
    items: int
    flagged: int
    chance: dict[str, tuple[float, float, float]]

    @property
    def precision(self) -> tuple[float, float] | None:
        """(estimate, lower bound) of the share of flagged documents that chance does not explain, by the worse control."""
        if not self.flagged:
            return None
        return tuple(max(0.0, 1 - max(c[k] for c in self.chance.values()) / self.flagged) for k in (0, 2))


@dataclass
class Controls:
    """Counts hits of controls over documents that come in batches. Each copy has an index of its own, so that what its
    phrases have in common is what the real items' have.
    """

    items: Sequence[EvalItem]
    index: Index
    bound: float
    copies: int = 4
    seed: int = 0
    flagged: dict[str, int] = field(default_factory=dict)
    hits: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        options = (self.index.ngram, self.index.min_words, self.index.max_questions)
        self._made = []
        for kind in KINDS:
            for copy in range(self.copies):
                made = control(kind, self.items, self.seed, copy)
                self._made.append((made, build_index(made.items, *options)))

    def add(self, words: np.ndarray, offsets: np.ndarray, found: Found) -> None:
        """words, offsets: matching words of some documents. found: what they hold of the real items."""
        over = found.score > self.bound
        _count(self.flagged, found.document[over], [self.items[i].task for i in found.item[over].tolist()])
        whole = found.score > max(WHOLE, self.bound)
        there = set(zip(found.document[whole].tolist(), found.item[whole].tolist()))
        for made, index in self._made:
            chance_found = find(words, offsets, index)
            rows = [r for r in np.flatnonzero(chance_found.score > self.bound).tolist() if not any(
                (int(chance_found.document[r]), int(i)) in there for i in made.made_of[chance_found.item[r]])]
            tasks = [(made.kind, made.items[chance_found.item[r]].task) for r in rows]
            _count(self.hits, chance_found.document[rows], tasks)

    def estimates(self) -> list[Estimate]:
        """One a task, by name."""
        sizes: dict[str, int] = {}
        for item in self.items:
            sizes[item.task] = sizes.get(item.task, 0) + 1
        return [Estimate(task, sizes[task], self.flagged.get(task, 0), {
            kind: interval(self.hits.get((kind, task), 0), self.copies) for kind in KINDS}) for task in sorted(sizes)]


def interval(hits: int, copies: int) -> tuple[float, float, float]:
    """Mean of `hits` over copies, and its exact 95 % Poisson interval (Garwood 1936)."""
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * hits)) / 2 if hits else 0.0
    return hits / copies, low / copies, float(chi2.ppf(0.975, 2 * hits + 2)) / 2 / copies


def _count(into: dict, documents: np.ndarray, keys: list) -> None:
    """Counts each key once a document."""
    for _, key in dict.fromkeys(zip(documents.tolist(), keys)):
        into[key] = into.get(key, 0) + 1


def _shuffled(text: str, draws: np.random.Generator) -> str:
    sentences = [s.split() for s in _SENTENCE.split(text)]
    return " ".join(words[i] for words in sentences for i in draws.permutation(len(words)).tolist())
