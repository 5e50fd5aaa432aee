"""Raw shards → documents, and for each record that gave none the reason."""

from __future__ import annotations

from corpus.extract.body import Extract
from pipelines.config.load import Build
from pipelines.step import Line, Result


def stage(line: Line, build: Build, raw: Result) -> Result:
    with line.stage("extract"):
        return line.map("extract", Extract(build.extractor), {"raw": raw["raw"]})
