"""The ledger: one verdict for every record that came in, from what each stage said of those that reached it.

Stages are joined by position, never by id, since a record may have been read twice: the kept rows of a stage are, in
order, the rows of the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import VERDICT
from corpus.registry import register
from corpus.tasks import Body, TaskIO

_RECORD = ("id", "url", "source", "file", "offset")


@register("body", "ledger")
@dataclass(frozen=True)
class Ledger(Body):
    """Joins the verdicts of `stages`, in this order, and the groups of `dedup` into `verdicts`, in the order of the first.

    A record has the verdict of the stage that dropped it, else it is kept. A duplicate's rule is `jaccard`, its value
    the Jaccard with its keeper. A stage without an input dropped nothing; several shards of a stage count as one.
    """

    stages: tuple[str, ...] = ("extract", "edit", "filter")
    dedup_stage: str = "dedup"

    def run(self, io: TaskIO) -> None:
        stages = [(name, _rows(io, name)) for i, name in enumerate(self.stages) if i == 0 or io.items(name)]
        if io.items("dedup"):
            stages.append(("dedup", self._verdicts(pa.concat_tables(io.tables("dedup")))))
        records = stages[0][1]
        index, alive, past = np.arange(records.num_rows), np.arange(records.num_rows), 0
        for name, verdicts in stages:
            if not verdicts.column("id").equals(records.column("id").take(pa.array(alive))):
                raise ValueError(f"the rows of '{name}' are not the documents that reached it")
            index[alive] = past + np.arange(len(alive))
            past += len(alive)
            alive = alive[verdicts.column("kept").to_numpy()]
        said = pa.concat_tables(v for _, v in stages).take(pa.array(index))
        ledger = pa.table([(records if f.name in _RECORD else said).column(f.name) for f in VERDICT], schema=VERDICT)
        io.write("verdicts", ledger)
        io.count_reasons(ledger.column("reason"))
        io.count("documents", len(alive))

    def _verdicts(self, groups: pa.Table) -> pa.Table:
        kept = groups.column("kept")
        said = {"stage": pa.scalar(self.dedup_stage), "rule": pa.scalar("jaccard"), "reason": groups.column("reason"),
                "value": groups.column("jaccard"), "keeper": groups.column("keeper"), "group": groups.column("group")}
        given = {n: pc.if_else(kept, pa.scalar(None, VERDICT.field(n).type), v) for n, v in said.items()}
        given |= {"id": groups.column("id"), "kept": kept}
        return pa.table([given.get(f.name, pa.nulls(groups.num_rows, f.type)) for f in VERDICT], schema=VERDICT)


def _rows(io: TaskIO, name: str) -> pa.Table:
    return pa.concat_tables(io.tables(name)).select(VERDICT.names).cast(VERDICT)
