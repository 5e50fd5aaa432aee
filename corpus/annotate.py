"""Attributes beside documents: annotators of one shard, fused into one task so that they share what they derive."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import pyarrow as pa

from corpus.operators import Annotator, Batch
from corpus.registry import register
from corpus.tasks import Body, TaskIO


@register("body", "annotate")
@dataclass(frozen=True)
class Annotate(Body):
    """Runs annotators over a shard; writes `attributes`: the document's id, then their columns, row for row.

    The first of `beside` names the input that has the documents; columns of the others are joined by position.
    """

    annotators: tuple[Annotator, ...]
    beside: tuple[str, ...] = ("documents",)
    output: str = "attributes"

    def run(self, io: TaskIO) -> None:
        table = aligned(io, self.beside)
        batch = Batch(table)
        columns: dict[str, pa.ChunkedArray] = {"id": table.column("id")}
        for annotator in self.annotators:
            with contextlib.ExitStack() as stack:
                opened = stack.enter_context(annotator.open())
                added = opened.annotate(batch).cast(annotator.schema())
            if added.num_rows != table.num_rows:
                raise ValueError(f"{annotator.name} returned {added.num_rows} rows for {table.num_rows}")
            columns |= {name: added.column(name) for name in added.column_names}
        io.write(self.output, pa.table(columns))
        io.count("documents", table.num_rows)


def aligned(io: TaskIO, names: tuple[str, ...]) -> pa.Table:
    """Inputs of the same rows side by side. Raises where they are not of the same documents."""
    table = io.table(names[0])
    for name in names[1:]:
        other = io.table(name)
        if not other.column("id").combine_chunks().equals(table.column("id").combine_chunks()):
            raise ValueError(f"'{name}' is not aligned with '{names[0]}'")
        for column in other.column_names:
            if column not in table.column_names:
                table = table.append_column(other.schema.field(column), other.column(column))
    return table
