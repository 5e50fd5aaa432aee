"""Repairs, masks and cuts before anything is measured. A build without `edits` has no such step."""

from __future__ import annotations

from corpus.edits.body import Edit
from pipelines.config.load import Build
from pipelines.step import Line, Result


def stage(line: Line, build: Build, extracted: Result) -> Result | None:
    if not build.editors:
        return None
    each = {"documents": extracted["documents"], "facts": extracted["facts"]}
    with line.stage("edit"):
        return line.map("edit", Edit(build.editors), each)
