"""What became of the records: by stage and reason, by source, and by language. Reads each verdict once, four columns of
it; where the ledger is not there yet, the verdicts of the stages that are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.view import View


@dataclass(frozen=True)
class Loss:
    """One stage: what came in, what was left, and why the rest was not; most frequent reason first."""

    stage: str
    before: int
    after: int
    reasons: list[tuple[str, int]]


@dataclass(frozen=True)
class Losses:
    """records: all that came in. sources: name → (records, dropped by stage). languages: label → (seen, dropped by the
    filter), most seen first. missing: steps that would complete this.
    """

    records: int
    stages: list[Loss]
    sources: dict[str, tuple[int, dict[str, int]]]
    languages: list[tuple[str, int, int]]
    missing: list[str] = field(default_factory=list)


def losses(view: View) -> Losses | None:
    """None where no record was judged yet."""
    seen: Counter[str] = Counter()
    dropped: Counter[tuple[str, str, str]] = Counter()     # source, stage, reason
    missing = [] if view.shards("freeze.ledger", "verdicts") else ["freeze.ledger"]
    for table, whole in _verdicts(view):
        if whole:
            seen.update(dict(_counted(table, ["source"])))
        lost = table.filter(pc.invert(table.column("kept")))
        dropped.update(dict(_counted(lost, ["source", "stage", "reason"])))
    if not seen:
        return None
    reached = [s for s in view.stages if not missing or s == "ingest" or view.shards(s, "verdicts")]
    names = reached + sorted({stage for _, stage, _ in dropped} - set(view.stages))
    stages, left = [], seen.total()
    for name in names:
        reasons: Counter[str] = Counter()
        for (_, stage, reason), n in dropped.items():
            if stage == name:
                reasons[reason] += n
        ordered = sorted(reasons.items(), key=lambda r: (-r[1], r[0]))
        stages.append(Loss(name, left, left - reasons.total(), ordered))
        left -= reasons.total()
    sources = {}
    for source in sorted(seen, key=lambda s: (-seen[s], s)):
        by_stage = {name: sum(n for (own, stage, _), n in dropped.items() if (own, stage) == (source, name))
                    for name in names}
        sources[source] = (seen[source], by_stage)
    return Losses(seen.total(), stages, sources, languages(view), missing)


def _verdicts(view: View) -> Iterator[tuple[pa.Table, bool]]:
    """Tables of kept, stage, reason and source; whether each has a row for every record."""
    columns = ["kept", "stage", "reason", "source"]
    ledger = view.shards("freeze.ledger", "verdicts")
    if ledger:
        for shard in ledger:
            yield view.store.read_shard(shard, columns), True
        return
    for step, whole in (("extract", True), ("edit", False), ("filter", False)):
        for shard in view.shards(step, "verdicts"):
            yield view.store.read_shard(shard, columns), whole


def _counted(table: pa.Table, by: list[str]) -> Iterator[tuple]:
    for row in table.group_by(by).aggregate([([], "count_all")]).to_pylist():
        values = tuple(row[name] or "unknown" for name in by)
        yield (values[0] if len(by) == 1 else values), row["count_all"]


def languages(view: View) -> list[tuple[str, int, int]]:
    """(language, documents that reached the filter, dropped there); none where no signal tells the language."""
    signals, verdicts = view.shards("filter.signals", "signals"), view.shards("filter", "verdicts")
    named = any("language" in signal.schema().names for signal in view.build.signals)
    if not named or len(signals) != len(verdicts):
        return []
    seen: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for signal, verdict in zip(signals, verdicts):
        if signal.rows != verdict.rows:
            return []
        language = view.store.read_shard(signal, ["language"]).column("language")
        kept = view.store.read_shard(verdict, ["kept"]).column("kept")
        table = pa.table({"language": language, "kept": kept})
        seen.update(dict(_counted(table, ["language"])))
        dropped.update(dict(_counted(table.filter(pc.invert(table.column("kept"))), ["language"])))
    return [(name, n, dropped[name]) for name, n in sorted(seen.items(), key=lambda item: (-item[1], item[0]))]
