"""Measure, then cut: signals are dear and kept, bounds are free, so changing one measures nothing again."""

from __future__ import annotations

from corpus.annotate import Annotate
from corpus.rules.filter import Filter, check_dropped
from pipelines.config.load import Build
from pipelines.stages.tombstones import tombstones
from pipelines.step import Line, Result


def stage(line: Line, build: Build, extracted: Result) -> Result:
    with line.stage("filter"):
        documents = extracted["documents"]
        signals = line.map("filter.signals", Annotate(build.signals, output="signals"), {"documents": documents})
        filtered = line.map(
            "filter",
            Filter(build.rules),
            {"documents": documents, "signals": signals["signals"]},
            shared={"tombstones": tombstones(line)},
        )
    if line.may_write:  # a filter that drops nearly everything is itself an error
        reasons = {r: n for r, n in filtered.counts.items() if r != "documents"}
        check_dropped("filter", reasons, documents.rows, build.file.filter.max_dropped)
    return filtered
