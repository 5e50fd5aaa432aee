"""The licence of each file of a repository, from licence files in other shards, as a column beside the signals."""

from __future__ import annotations

from corpus.signals.code import codes
from corpus.signals.licences import LicenceFiles, LicenceFolders, Licences
from pipelines.config.load import Build
from pipelines.step import Items, Line, Result


def stage(line: Line, build: Build, texts: Result, signals: Items) -> Items | None:
    """The shards of `code.licence`, or None where no signal of the build looks at files."""
    if not codes(build.signals):
        return None
    each = {"documents": texts["documents"], "signals": signals}
    files = line.map("filter.licences.files", LicenceFiles(), each)["folders"]
    folders = line.gather("filter.licences.folders", LicenceFolders(), {"folders": files})["folders"]
    return line.map("filter.licences", Licences(), {"signals": signals}, {"folders": folders})["licences"]
