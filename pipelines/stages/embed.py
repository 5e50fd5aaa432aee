"""Documents → unit vectors of a sentence encoder."""

from __future__ import annotations

from corpus.annotate import Annotate
from pipelines.config.load import Build
from pipelines.step import Items, Line, Result


def stage(line: Line, build: Build, frozen: Result) -> Items:
    with line.stage("embed"):
        return line.map("embed", Annotate((build.encoder,), output="vectors"), {"documents": frozen["documents"]})["vectors"]
