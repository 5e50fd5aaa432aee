"""The step that drops documents: by removal first, then by the first rule that fails. Text and order are left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus.annotate import aligned
from corpus.document import ID, VERDICT
from corpus.errors import DroppedTooMuch
from corpus.ghosts import reasons
from corpus.operators import Rule
from corpus.registry import register
from corpus.rules.bounds import judge, require
from corpus.tasks import Body, TaskIO
from corpus.text.normal import text_digests

#: The least that a table of ghosts has (`corpus.ghosts.GHOST`). Either column may be null.
TOMBSTONE = pa.schema([("id", ID), ("text_digest", ID)])


@register("body", "filter", version=2, provider="python-unicode")
@dataclass(frozen=True)
class Filter(Body):
    """Judges a shard's documents by what was measured of them; inputs `documents`, those that `beside` names (same
    rows), `tombstones`.

    Writes `documents`, the survivors in order; `marks`, beside them every column of one value a row that was measured;
    and `verdicts`, a row for every document that came in. A document that a row of `tombstones` (`corpus.ghosts.GHOST`,
    any number of shards) is about, by id, by the digest of its matching form (`corpus.text.normal`), by address, host or
    date, is dropped before any rule, and the row's reason is its own: `removed`, or `holdout`.
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
        why = removed_by(documents, _ghosts(io) if io.items("tombstones") else None)
        gone = pc.is_valid(why)
        removed = gone.to_numpy(zero_copy_only=False)
        kept = judged.kept & ~removed
        missing = pa.scalar(None, pa.float64())
        given = {
            "kept": pa.array(kept),
            "stage": pc.if_else(pa.array(kept), pa.scalar(None, pa.string()), self.stage),
            "rule": pc.if_else(gone, "tombstones", judged.signal),
            "reason": pc.coalesce(why, judged.reason),
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


def _ghosts(io: TaskIO) -> pa.Table:
    """All rows of `tombstones`, without their signatures: of a large holdout these are gigabytes, and nothing here is near
    anything.
    """
    named = [name for name in io.columns("tombstones") if name not in ("words", "shingles", "bands")]
    return pa.concat_tables(io.tables("tombstones", named))


def removed_by(documents: pa.Table, ghosts: pa.Table | None) -> pa.Array:
    """(n,) string: why each document has to stay out by one of the ghosts, null where it may stay."""
    if ghosts is None or not ghosts.num_rows:
        return pa.nulls(documents.num_rows, pa.string())
    by_text = "text_digest" in ghosts.column_names and ghosts.column("text_digest").null_count < ghosts.num_rows
    return reasons(documents, ghosts, text_digests(documents.column("text")) if by_text else None)


def check_dropped(step: str, dropped: Mapping[str, int], seen: int, limit: float) -> None:
    """Raises DroppedTooMuch where more than a share `limit` of `seen` documents was dropped. dropped: counts by reason."""
    total = sum(dropped.values())
    if total > limit * seen:
        leading = sorted(dropped.items(), key=lambda r: (-r[1], r[0]))[:5]
        raise DroppedTooMuch(step, total, seen, limit, ", ".join(f"{reason} {n:,}" for reason, n in leading))
