"""What robots records of the crawl say of each document's address, as a column that the filter's rules read."""

from __future__ import annotations

from corpus.signals.robots import Robots, RobotsRecords, RobotsSites
from pipelines.config.load import Build
from pipelines.step import Items, Line, Result


def stage(line: Line, build: Build, raw: Result, texts: Result) -> Items | None:
    """The shards of `robots.disallowed`, or None where the build file asks for no crawler."""
    agents = tuple(dict.fromkeys(build.file.filter.robots))
    if not agents:
        return None
    rules = line.map("filter.robots.records", RobotsRecords(agents), {"raw": raw["raw"]})["rules"]
    sites = line.gather("filter.robots.sites", RobotsSites(), {"rules": rules})["sites"]
    return line.map("filter.robots", Robots(agents), {"documents": texts["documents"]}, {"sites": sites})["robots"]
