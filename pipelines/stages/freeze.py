"""The frozen set (groups of survivors, compacted in order), and the ledger: one verdict for every record that came in."""

from __future__ import annotations

from corpus.errors import StepError
from corpus.freeze import Freeze
from corpus.ledger import Ledger
from pipelines.config.load import Build
from pipelines.step import Line, Result


def stage(line: Line, build: Build, extracted: Result, filtered: Result, groups: Result) -> tuple[Result, Result]:
    with line.stage("freeze"):
        frozen = line.map(
            "freeze",
            Freeze(),
            {"documents": filtered["documents"], "groups": groups["groups"]},
            group=build.file.freeze.group,
        )
        verdicts = line.map(
            "freeze.ledger",
            Ledger(),
            {"extract": extracted["verdicts"], "filter": filtered["verdicts"], "dedup": groups["groups"]},
        )
    if frozen.known and not frozen["documents"].rows:
        raise StepError("freeze", "no document survived; `corpus report` shows the reasons that dropped them")
    return frozen, verdicts
