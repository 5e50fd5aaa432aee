"""The step that drops documents: by removal first, then by the first rule that fails. Text and order are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.annotate import aligned
from corpus.document import ID, VERDICT
from corpus.errors import DroppedTooMuch
from corpus.operators import Rule
from corpus.registry import register
from corpus.rules.bounds import judge, require
from corpus.tasks import Body, TaskIO
from corpus.text.normal import text_digests

#: Removed documents: an input of every filter. Either column may be null.
TOMBSTONE = pa.schema([("id", ID), ("text_digest", ID)])

REMOVED = "removed"


@register("body", "filter", version=2, provider="python-unicode")
@dataclass(frozen=True)
class Filter(Body):
    """Judges a shard's documents by what was measured of them; inputs `documents`, those that `beside` names (same
    rows), `tombstones`.

    Writes `documents`, the survivors in order; `marks`, beside them every column of one value a row that was measured;
    and `verdicts`, a row for every document that came in. A document whose
    id or whose matching form's digest (`corpus.text.normal`) is among the tombstones is dropped before any rule, reason
    `removed`.
    """

    rules: tuple[Rule, ...]
    stage: str = "filter"
    beside: tuple[str, ...] = ("signals",)

    def run(self, io: TaskIO) -> None:
        documents = io.table("documents")
        signals = aligned(io, self.beside)
        if not signals.column("id").combine_chunks().equals(documents.column("id").combine_chunks()):
            raise ValueError(f"'{self.beside[0]}' is not aligned with 'documents'")
        for rule in self.rules:
            require(rule, signals.column_names, f"{self.stage}.rules")
        judged = judge(signals, self.rules)
        removed = removed_by(documents, pa.concat_tables(io.tables("tombstones")) if io.items("tombstones") else None)
        gone = pa.array(removed)
        kept = judged.kept & ~removed
        missing = pa.scalar(None, pa.float64())
        given = {
            "kept": pa.array(kept),
            "stage": pc.if_else(pa.array(kept), pa.scalar(None, pa.string()), self.stage),
            "rule": pc.if_else(gone, "tombstones", judged.signal),
            "reason": pc.if_else(gone, REMOVED, judged.reason),
            "value": pc.if_else(gone, missing, judged.value),
            "bound": pc.if_else(gone, missing, judged.bound),
        } | {name: documents.column(name) for name in ("id", "url", "source")}
        verdicts = pa.table([given.get(f.name, pa.nulls(documents.num_rows, f.type)) for f in VERDICT], schema=VERDICT)
        io.count_reasons(verdicts.column("reason"))
        io.count("documents", int(kept.sum()))
        io.write("documents", documents.filter(pa.array(kept)))
        plain = [f.name for f in signals.schema if not pa.types.is_nested(f.type)]
        io.write("marks", signals.select(plain).filter(pa.array(kept)))
        io.write("verdicts", verdicts)


def removed_by(documents: pa.Table, tombstones: pa.Table | None) -> np.ndarray:
    """(n,) bool: which documents the tombstones name, by id or by the digest of their matching form."""
    if tombstones is None or not tombstones.num_rows:
        return np.zeros(documents.num_rows, bool)
    ids, digests = (tombstones.column(c).combine_chunks().drop_null() for c in ("id", "text_digest"))
    removed = pc.is_in(documents.column("id"), value_set=ids).to_numpy()
    if len(digests):
        named = pc.is_in(text_digests(documents.column("text")), value_set=digests)
        removed = removed | named.to_numpy(zero_copy_only=False)
    return removed


def check_dropped(step: str, dropped: Mapping[str, int], seen: int, limit: float) -> None:
    """Raises DroppedTooMuch where more than a share `limit` of `seen` documents was dropped. dropped: counts by reason."""
    total = sum(dropped.values())
    if total > limit * seen:
        leading = sorted(dropped.items(), key=lambda r: (-r[1], r[0]))[:5]
        raise DroppedTooMuch(step, total, seen, limit, ", ".join(f"{reason} {n:,}" for reason, n in leading))
