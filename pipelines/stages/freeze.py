"""The frozen set (groups of survivors, compacted in order), and the ledger: one verdict for every record that came in."""

from __future__ import annotations

from corpus.errors import StepError
from corpus.freeze import Freeze
from corpus.ledger import Ledger
from pipelines.config.load import Build
from pipelines.step import Line, Result, cut_points


def stage(
    line: Line, build: Build, raw: Result, extracted: Result, edited: Result | None, filtered: Result, groups: Result
) -> tuple[Result, Result]:
    with line.stage("freeze"):
        frozen = line.map(
            "freeze",
            Freeze(),
            {"documents": filtered["documents"], "marks": filtered["marks"], "groups": groups["groups"]},
            cuts=cut_points(raw["raw"], build.file.freeze.group) if raw.known else None,
        )
        said = {"extract": extracted["verdicts"], "filter": filtered["verdicts"], "dedup": groups["groups"]}
        if edited is not None:
            said["edit"] = edited["verdicts"]
        verdicts = line.map("freeze.ledger", Ledger(), said)
    if line.may_write and not frozen["documents"].rows:
        raise StepError("freeze", "no document survived; `corpus show` says what dropped them")
    return frozen, verdicts
