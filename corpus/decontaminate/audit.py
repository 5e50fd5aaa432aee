"""The precision audit: a seeded sample of what a rule would drop, laid out so that a person can judge it, and controls.

The sample is the flagged documents with the least keyed hash of their ids: the same whatever the order they come in.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpus import chance
from corpus.decontaminate.controls import Controls, Estimate
from corpus.decontaminate.index import Index
from corpus.decontaminate.items import EvalItem
from corpus.decontaminate.measure import describe, find
from corpus.document import show_id
from corpus.text.normal import matching_hashes

#: Characters of a document shown before the first and behind the last match, and at most between.
AROUND, MOST = 300, 4000


@dataclass(frozen=True)
class Audited:
    """documents, flagged: how many. sample: rows for a person (`Auditor.row`). estimates: false positives, by task."""

    documents: int
    flagged: int
    sample: list[dict[str, Any]]
    estimates: list[Estimate]


class Auditor:
    """Takes documents in batches; holds the sample and counts, so memory does not grow with the documents."""

    def __init__(self, items: Sequence[EvalItem], index: Index, bound: float, size: int = 50, seed: int = 0,
                 copies: int = 4) -> None:
        self.index, self.bound, self.size, self.seed = index, bound, size, seed
        self.controls = Controls(items, index, bound, copies, seed)
        self.documents = self.flagged = 0
        self._held: list[tuple[int, int, dict[str, Any]]] = []     # greatest hash first

    def add(self, documents: pa.Table) -> pa.Table:
        """documents: id, text, url. Returns their columns `CONTAMINATION`."""
        words, offsets = matching_hashes(documents.column("text"))
        found = find(words, offsets, self.index)
        self.controls.add(words, offsets, found)
        measured = describe(documents.column("text"), words, offsets, found, self.index)
        hashes = chance.hash64(self.seed, "decontaminate.audit", documents.column("id")).tolist()
        best = {int(d): int(i) for d, i in zip(found.document[::-1], found.item[::-1])}
        for d, score in enumerate(measured.column("contamination.score").to_pylist()):
            if score <= self.bound:
                continue
            self.flagged += 1
            entry = (-hashes[d], self.documents + d)
            if len(self._held) < self.size:
                heapq.heappush(self._held, (*entry, self.row(documents, measured, d, best[d])))
            elif self.size and entry > self._held[0][:2]:
                heapq.heapreplace(self._held, (*entry, self.row(documents, measured, d, best[d])))
        self.documents += documents.num_rows
        return measured

    def row(self, documents: pa.Table, measured: pa.Table, d: int, item: int) -> dict[str, Any]:
        """One document beside its item: `excerpt` is [(text, whether it matched)]; `verdict` and `note` are the person's."""
        text = documents.column("text")[d].as_py()
        own = {name.removeprefix("contamination."): measured.column(name)[d].as_py() for name in measured.column_names}
        spans = [(s["start"], s["end"]) for s in own.pop("spans")]
        own["answer_share"] = own.pop("answer")
        asked = {name: self.index.items.column(name)[item].as_py() for name in ("question", "answer")}
        return {"id": show_id(documents.column("id")[d].as_py()), "url": documents.column("url")[d].as_py(), **own, **asked,
                "excerpt": list(excerpt(text, spans)), "verdict": "", "note": ""}

    def result(self) -> Audited:
        sample = [row for *_, row in sorted(self._held, key=lambda entry: (-entry[0], entry[1]))]
        return Audited(self.documents, self.flagged, sample, self.controls.estimates())


def excerpt(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    """Pieces of a text around its matches, and whether each matched; what is left out shows as an ellipsis."""
    at, shown = max(0, spans[0][0] - AROUND) if spans else 0, 0
    if at:
        yield "… ", False
    for start, end in spans:
        if start - at > 2 * AROUND:
            yield f"{text[at : at + AROUND]} … {text[start - AROUND : start]}", False
        elif start > at:
            yield text[at:start], False
        yield text[start:end][:MOST], True
        shown += min(start - at, 2 * AROUND) + end - start
        at = end
        if shown > MOST:
            break
    yield text[at : at + AROUND] + (" …" if len(text) > at + AROUND else ""), False
