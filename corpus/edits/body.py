"""The step that edits documents. It comes before anything is measured, so signals and rules see the text as it stays."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import DOCUMENT, ID, VERDICT
from corpus.operators import Batch, Editor
from corpus.registry import register
from corpus.tasks import Body, TaskIO

_SPAN = pa.struct([("editor", pa.string()), ("kind", pa.string()), ("start", pa.int32()), ("end", pa.int32())])

#: One row for each document that came in, in order: places in characters of the text as that editor got it.
EDITS = pa.schema([("id", ID), ("spans", pa.list_(_SPAN))])

EMPTIED = "emptied"


@register("body", "edit")
@dataclass(frozen=True)
class Edit(Body):
    """Runs editors over a shard, one after another; inputs `documents` and `facts` (same rows).

    Writes `documents` and `facts` of those with text left, `edits` and `verdicts` of all that came in. A document of
    which nothing but white space is left is dropped, its rule the editor that took the last of it, its reason `emptied`.
    """

    editors: tuple[Editor, ...]
    stage: str = "edit"

    def run(self, io: TaskIO) -> None:
        documents, facts = io.table("documents"), io.table("facts")
        if not facts.column("id").combine_chunks().equals(documents.column("id").combine_chunks()):
            raise ValueError("'facts' is not aligned with 'documents'")
        n = documents.num_rows
        spans: list[list[dict]] = [[] for _ in range(n)]
        emptied_by = pa.nulls(n, pa.string())
        edited = documents
        for editor in self.editors:
            found = editor.edit(Batch(edited))
            if found.num_rows != n:
                raise ValueError(f"{editor.name} returned {found.num_rows} rows for {n}")
            touched = pc.list_value_length(found.column("spans")).to_pylist()
            for row in (i for i, count in enumerate(touched) if count):
                spans[row].extend({"editor": editor.name, **s} for s in found.column("spans")[row].as_py())
            io.count(f"edited_{editor.name}", sum(1 for count in touched if count))
            text = pc.fill_null(found.column("text"), "")
            blank = pc.and_(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0), pc.is_null(emptied_by))
            emptied_by = pc.if_else(blank, editor.name, emptied_by)
            edited = edited.set_column(edited.column_names.index("text"), "text", text)
        kept = pc.is_null(emptied_by)
        dropped = {"kept": kept, "stage": pc.if_else(kept, pa.scalar(None, pa.string()), self.stage), "rule": emptied_by,
                   "reason": pc.if_else(kept, pa.scalar(None, pa.string()), EMPTIED)}
        dropped |= {name: documents.column(name) for name in ("id", "url", "source")}
        io.write("documents", edited.filter(kept).select(DOCUMENT.names).cast(DOCUMENT))
        io.write("facts", facts.filter(kept))
        io.write("edits", pa.table([documents.column("id"), pa.array(spans, EDITS.field("spans").type)], schema=EDITS))
        io.write("verdicts", pa.table([dropped.get(f.name, pa.nulls(n, f.type)) for f in VERDICT], schema=VERDICT))
        io.count_reasons(dropped["reason"])
        io.count("documents", pc.sum(kept).as_py() or 0)
