"""Our operators as a step of a datatrove pipeline: behind any of its readers, before any of its writers, on any executor.

What it gives up: the store, so nothing is cached, resumed or told apart by key; and what editors touched is not kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.writers.disk_base import DiskWriter
from datatrove.utils.batching import batched
from datatrove.utils.typeshelper import StatHints

from corpus.document import DOCUMENT, RAW, record_id
from corpus.edits.body import EMPTIED
from corpus.errors import ConfigError
from corpus.extract.decode import valid
from corpus.operators import Annotator, Batch, Editor, Extractor, Rule
from corpus.rules.bounds import LANGUAGE, judge, require


class CorpusStep(PipelineStep):
    """Runs operators in the order given over batches of documents, then rules over what was measured.

    An extractor takes a document's text for the HTML of a page and puts the page's text in its place; an editor rewrites
    the text; a signal's columns go into `metadata` under their own names. What gives no text, is emptied or fails a rule
    is dropped as datatrove's filters drop: counted by its reason, and written by `exclusion_writer` with `filter_reason`.

    reads: keys of `metadata` that rules read although no signal here measures them (`language`, of a LanguageFilter before
    this step); a value that is missing or of another type is null. batch_size: documents that are worked on at once.
    source: what ids are made of beside a document's own, where its `metadata` has no `source`; the name of the source in a
    build gives that build's ids.
    """

    name = "operators"
    type = "corpus"

    def __init__(self, *operators: Extractor | Editor | Annotator, rules: Sequence[Rule] = (),
                 reads: Sequence[str] = (), exclusion_writer: DiskWriter | None = None, batch_size: int = 512,
                 source: str = "datatrove") -> None:
        super().__init__()
        for i, operator in enumerate(operators):
            if not isinstance(operator, (Extractor, Editor, Annotator)):
                raise ConfigError(f"operators[{i}]", f"{operator!r} is none that works on documents",
                                  "extractors, editors and signals")
        measured = [name for o in operators if isinstance(o, Annotator) for name in o.schema().names]
        for i, rule in enumerate(rules):
            require(rule, [*measured, *reads], f"rules[{i}]")
        self.operators, self.rules = operators, tuple(rules)
        self.reads = {name: _type(name, rules) for name in reads if name not in measured}
        self.exclusion_writer, self.batch_size, self.source = exclusion_writer, batch_size, source

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        with contextlib.ExitStack() as stack:
            writer = stack.enter_context(self.exclusion_writer) if self.exclusion_writer else None
            opened = [stack.enter_context(o.open()) if isinstance(o, Annotator) else o for o in self.operators]
            for documents in batched(data, self.batch_size):
                with self.track_time("batch"):
                    reasons = self._work(documents, opened)
                for document, reason in zip(documents, reasons):
                    self.stat_update(StatHints.total)
                    if reason is None:
                        self.stat_update(StatHints.forwarded)
                        self.update_doc_stats(document)
                        yield document
                        continue
                    self.stat_update(StatHints.dropped, f"dropped_{reason}")
                    if writer:
                        document.metadata["filter_reason"] = reason
                        writer.write(document, rank)

    def _work(self, documents: list[Document], opened: Sequence[Any]) -> list[str | None]:
        """The reason for which each document goes, None where it stays; rewrites texts and fills in metadata."""
        held = _Held(documents, self.source)
        for operator, at_work in zip(self.operators, opened):
            if isinstance(operator, Extractor):
                held.extract(at_work)
            elif isinstance(operator, Editor):
                held.edit(at_work)
            else:
                held.measure(operator, at_work)
        return held.judged(self.rules, self.reads)


class _Held:
    """A batch on its way: the documents that are left of it as a table, and why each of the others went."""

    def __init__(self, documents: list[Document], source: str) -> None:
        self.documents = documents
        self.reasons: list[str | None] = [None] * len(documents)
        self.rows = np.arange(len(documents))
        self.measured: list[str] = []
        self.rewritten = False
        columns = zip(*(_row(document, source) for document in documents))
        self._take(pa.table([pa.array(column, field.type) for field, column in zip(DOCUMENT, columns)], schema=DOCUMENT))

    def extract(self, extractor: Extractor) -> None:
        n = len(self.rows)
        pages = self.table.column("text").cast(pa.large_binary())
        given = {name: self.table.column(name) for name in ("id", "url", "source", "date")}
        given |= {"kind": pa.array(["html"] * n), "charset": pa.array(["utf-8"] * n), "payload": pages}
        found = extractor.extract(pa.table([given.get(f.name, pa.nulls(n, f.type)) for f in RAW], schema=RAW))
        self._rewrite(found.column("text"), found.column("reason"))

    def edit(self, editor: Editor) -> None:
        text = pc.fill_null(editor.edit(self.batch).column("text"), "")
        blank = pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0)
        self._rewrite(text, pc.if_else(blank, EMPTIED, pa.scalar(None, pa.string())))

    def measure(self, spec: Annotator, opened: Annotator) -> None:
        added = opened.annotate(self.batch).cast(spec.schema())
        for field, column in zip(added.schema, added.columns):
            self.table = self.table.append_column(field, column)
            self.measured.append(field.name)

    def judged(self, rules: Sequence[Rule], reads: Mapping[str, pa.DataType]) -> list[str | None]:
        """Judges what is left, and gives documents what was found of them. Returns the reasons of all."""
        left, table = [self.documents[row] for row in self.rows], self.table
        for name, kind in reads.items():
            values = pa.array([_value(document.metadata.get(name), kind) for document in left], kind)
            table = table.append_column(name, values)
        for row, reason in zip(self.rows, judge(table, rules).reason.to_pylist()):
            self.reasons[row] = reason
        for name in self.measured:
            for document, value in zip(left, self.table.column(name).to_pylist()):
                document.metadata[name] = value
        if self.rewritten:
            for document, text in zip(left, self.table.column("text").to_pylist()):
                document.text = text
        return self.reasons

    def _rewrite(self, text: pa.ChunkedArray, reasons: pa.ChunkedArray) -> None:
        """Puts the texts in place; rows with a reason go."""
        self.rewritten = True
        for row, reason in zip(self.rows, reasons.to_pylist()):
            self.reasons[row] = reason
        stays = pc.is_null(reasons)
        self.rows = self.rows[stays.to_numpy()]
        place = self.table.column_names.index("text")
        self._take(self.table.set_column(place, "text", text.cast(pa.large_string())).filter(stays))

    def _take(self, table: pa.Table) -> None:
        self.table, self.batch = table, Batch(table)


def _type(name: str, rules: Sequence[Rule]) -> pa.DataType:
    """Words where a rule asks for words there, else a number."""
    words = name == LANGUAGE or any(rule.signal == name and rule.among is not None for rule in rules)
    return pa.string() if words else pa.float64()


def _value(found: Any, kind: pa.DataType) -> str | float | None:
    if pa.types.is_string(kind):
        return valid(found) if isinstance(found, str) else None
    if isinstance(found, int):
        found = float(max(-(2**63), min(found, 2**63)))   # JSON has integers that no float holds
    return found if isinstance(found, float) else None


def _row(document: Document, source: str) -> Iterator[Any]:
    """The columns of `DOCUMENT`."""
    about = document.metadata
    named = str(about.get("source", source))
    yield record_id(named, str(document.id).encode("utf-8", "surrogatepass"))
    yield valid(document.text)
    yield named
    for name in ("url", "date"):
        yield None if about.get(name) is None else valid(str(about[name]))
