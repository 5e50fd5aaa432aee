"""Which crawlers the robots.txt of a document's site keeps away from it, by the robots records of the crawl itself.

Nothing is fetched: a site whose robots.txt is not among the sources, or came with an error, is unknown. Records are read
where they lie, reduced to the rules of the crawlers asked for, gathered by site, and looked up from every shard of
documents. What it gives up: the newest record of a site speaks for all its pages, whenever they were crawled, and the
table of sites (about 100 bytes a site and crawler) is read by every task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.document import ID
from corpus.registry import register
from corpus.signals.robots_rules import PathRule, allowed, parse, path_of, read, rules_for, site_of, spelled
from corpus.tasks import Body, TaskIO

#: What one record says to one crawler; `rules` as `corpus.signals.robots_rules.spelled` has them, empty: all is allowed.
RULES = pa.schema([("site", pa.string()), ("agent", pa.string()), ("date", pa.string()), ("rules", pa.string())])

#: `robots.disallowed`: the crawlers asked for that may not fetch the document's address, joined by spaces; empty where
#: all of them may, null where the crawl has no robots record of its site.
ROBOTS = pa.schema([("id", ID), ("robots.disallowed", pa.string())])


@register("body", "robots_records")
@dataclass(frozen=True)
class RobotsRecords(Body):
    """Robots records (RFC 9309) of one raw shard → `rules` (`RULES`), for the crawlers in `agents`."""

    agents: tuple[str, ...]

    def run(self, io: TaskIO) -> None:
        rows: list[dict[str, str | None]] = []
        if pc.any(pc.equal(io.table("raw", ["kind"]).column("kind"), "robots")).as_py():
            raw = io.table("raw", ["kind", "url", "date", "payload"])
            for record in raw.filter(pc.equal(raw.column("kind"), "robots")).to_pylist():
                site = site_of(record["url"])
                if site is None or record["payload"] is None:
                    io.count("robots_unread")
                    continue
                groups = parse(record["payload"])
                for agent in self.agents:
                    rules = spelled(rules_for(groups, agent))
                    rows.append({"site": site, "agent": agent, "date": record["date"], "rules": rules})
                io.count("robots_records")
        io.write("rules", pa.Table.from_pylist(rows, schema=RULES))


@register("body", "robots_sites")
@dataclass(frozen=True)
class RobotsSites(Body):
    """The `rules` of all shards → `sites`: those of each site's newest record, in order of site and crawler."""

    def run(self, io: TaskIO) -> None:
        rules = pa.concat_tables([RULES.empty_table(), *io.tables("rules")])
        order = [("site", "ascending"), ("agent", "ascending"), ("date", "descending"), ("rules", "ascending")]
        rules = rules.take(pc.sort_indices(rules, sort_keys=order)).combine_chunks()
        key = rules.select(["site", "agent"])
        first = np.ones(rules.num_rows, bool)
        if rules.num_rows > 1:
            same = [pc.equal(key.column(c)[1:], key.column(c)[:-1]).to_numpy() for c in key.column_names]
            first[1:] = ~np.logical_and(*same)
        io.write("sites", rules.filter(pa.array(first)))


@register("body", "robots")
@dataclass(frozen=True)
class Robots(Body):
    """Asks `sites` about each of `documents`; writes `robots` (`ROBOTS`), row for row."""

    agents: tuple[str, ...]

    def run(self, io: TaskIO) -> None:
        documents = io.table("documents", ["id", "url"])
        urls = documents.column("url").to_pylist()
        sites = [site_of(url) for url in urls]
        rules = _of_sites(io.table("sites"), {s for s in sites if s is not None})
        found: dict[str | None, str | None] = {None: None}
        for url, site in zip(urls, sites):
            if url not in found:
                found[url] = self._disallowed(url, rules.get(site))
        column = pa.array([found[url] for url in urls], pa.string())
        io.write("robots", pa.table([documents.column("id"), column], schema=ROBOTS))
        io.count("documents", documents.num_rows)

    def _disallowed(self, url: str, rules: Mapping[str, Sequence[PathRule]] | None) -> str | None:
        if rules is None:
            return None
        path = path_of(url)
        return " ".join(agent for agent in self.agents if not allowed(rules.get(agent, ()), path))


def _of_sites(table: pa.Table, sites: set[str]) -> dict[str, dict[str, list[PathRule]]]:
    """The rules of some sites by site and crawler; equal rules are read once."""
    some = table.filter(pc.is_in(table.column("site"), value_set=pa.array(sorted(sites), pa.string())))
    known: dict[str, list[PathRule]] = {}
    found: dict[str, dict[str, list[PathRule]]] = {}
    for row in some.select(["site", "agent", "rules"]).to_pylist():
        lines = row["rules"]
        if lines not in known:
            known[lines] = read(lines)
        found.setdefault(row["site"], {})[row["agent"]] = known[lines]
    return found
