"""One shard of raw records → documents, what each says of itself, and a verdict for every record."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import DOCUMENT, VERDICT
from corpus.extract.facts import page_facts
from corpus.operators import Extractor
from corpus.registry import register
from corpus.tasks import Body, TaskIO


@register("body", "extract", version=2)
@dataclass(frozen=True)
class Extract(Body):
    """Reads `raw`; writes `documents` (those with text), `facts` (`corpus.extract.facts`, row for row beside them) and
    `verdicts` (one row for each record, in order).

    A verdict's stage is `ingest` where the reader had found the problem and `extract` where the extractor gave the
    reason; its rule is the reason's name. Counts `documents` and every reason.
    """

    extractor: Extractor

    def run(self, io: TaskIO) -> None:
        raw = io.table("raw")
        found = self.extractor.extract(raw)
        if found.num_rows != raw.num_rows:
            raise ValueError(f"{self.extractor.name} returned {found.num_rows} rows for {raw.num_rows}")
        text, reason = found.column("text"), found.column("reason")
        raw = raw.append_column("text", text)
        whole = raw.filter(pc.is_valid(text))
        documents = whole.select(DOCUMENT.names).cast(DOCUMENT)
        io.write("documents", documents)
        io.write("facts", page_facts(whole))
        io.write("verdicts", _verdicts(raw, reason))
        io.count("documents", documents.num_rows)
        io.count_reasons(reason)


def _verdicts(raw: pa.Table, reason: pa.ChunkedArray) -> pa.Table:
    kept = pc.is_null(reason)
    stage = pc.if_else(pc.is_valid(raw.column("problem")), "ingest", "extract")
    known = {"kept": kept, "stage": pc.if_else(kept, pa.scalar(None, pa.string()), stage), "rule": reason, "reason": reason}
    known |= {name: raw.column(name) for name in VERDICT.names if name in raw.column_names}
    return pa.table([known.get(f.name, pa.nulls(raw.num_rows, f.type)) for f in VERDICT], schema=VERDICT)
