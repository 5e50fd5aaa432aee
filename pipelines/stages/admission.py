"""Licences that a build admits: measured beside the signals, cut by the last of the rules, and counted by name."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow.compute as pc

from corpus.annotate import Annotate
from corpus.document import show_id
from corpus.errors import StepError
from corpus.signals.permissive import NOT_KNOWN, LicenceTable, licence_rules
from pipelines.config.load import Build
from pipelines.config.schema import Licence
from pipelines.step import Items, Line, Result

EXAMPLES = 5


def asked(build: Build) -> Licence | None:
    """What the build file's `filter.licence` asks for."""
    given = build.file.filter.licence
    return Licence() if given == "permissive" else given


def stage(line: Line, build: Build, measured: Mapping[str, Items]) -> Items | None:
    """The shards of `corpus.signals.permissive.ADMITTED`, or None where a build does not ask. measured: `facts`, and
    `licences` where the build looks at files.
    """
    wanted = asked(build)
    if wanted is None:
        return None
    each = {name: measured[name] for name in ("facts", "licences") if name in measured}
    operator, _ = licence_rules(wanted.admit, wanted.strict)
    body = Annotate((operator,), beside=tuple(each), output="admitted")
    return line.map("filter.admitted", body, each)["admitted"]


def count(line: Line, build: Build, admitted: Items, filtered: Result) -> None:
    """The table of licences, kept and dropped; StepError where the build is strict and a document that every other rule
    keeps has no known licence.
    """
    line.gather("filter.admitted.table", LicenceTable(), {"admitted": admitted, "verdicts": filtered["verdicts"]})
    wanted = asked(build)
    unknown = filtered.counts.get(NOT_KNOWN, 0)
    if not line.may_write or wanted is None or not wanted.strict or not unknown:
        return
    some = [f"{row['url'] or 'no URL'} ({show_id(row['id'])}, {row['source']})" for row in examples(line, filtered)]
    raise StepError("filter", f"{unknown:,} documents have no known licence, and filter.licence is strict: {', '.join(some)}"
                              f"{', …' if unknown > len(some) else ''}; give their records a licence, leave out their "
                              "source, or drop them with strict: false")


def examples(line: Line, filtered: Result) -> list[dict]:
    rows: list[dict] = []
    for shard in filtered["verdicts"]:
        table = line.store.read_shard(shard, ["id", "url", "source", "reason"])
        rows += table.filter(pc.equal(table.column("reason"), NOT_KNOWN)).slice(0, EXAMPLES).to_pylist()
        if len(rows) >= EXAMPLES:
            break
    return rows[:EXAMPLES]
