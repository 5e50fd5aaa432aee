"""Measure, then cut: signals are dear and kept, bounds are free, so changing one measures nothing again."""

from __future__ import annotations

from corpus.annotate import Annotate
from corpus.ghosts import HELD_OUT, REMOVED
from corpus.quality.buckets import FitBuckets, ScoreBuckets
from corpus.rules.filter import Filter, check_dropped
from pipelines.config.load import Build
from pipelines.stages import admission, decontaminate, ghosts, licences, robots
from pipelines.step import Line, Result


def stage(line: Line, build: Build, raw: Result, texts: Result) -> Result:
    """texts: documents and their facts, as extracted or as edited; raw: for the robots records among them."""
    documents = texts["documents"]
    measured = {"facts": texts["facts"]}
    with line.stage("filter"):
        each = {"documents": documents, "facts": texts["facts"]}
        signals = Annotate(build.signals, beside=tuple(each), output="signals")
        measured["signals"] = line.map("filter.signals", signals, each)["signals"]
        for name, found in (
            ("licences", licences.stage(line, build, texts, measured["signals"])),
            ("robots", robots.stage(line, build, raw, texts)),
        ):
            if found is not None:
                measured[name] = found
        if build.file.filter.buckets:
            columns = tuple(build.file.filter.buckets)
            scorers = tuple(s for s in build.signals if set(s.schema().names) & set(columns))
            edges = line.fit(
                "filter.quantiles", FitBuckets(columns, seed=build.seed), {"scores": measured["signals"]}, upon=scorers
            )["buckets"]
            measured["buckets"] = line.map(
                "filter.buckets", ScoreBuckets("buckets"), {"scores": measured["signals"]}, shared={"buckets": edges}
            )["buckets"]
        contamination = decontaminate.stage(line, build, documents)
        if contamination is not None:
            measured["contamination"] = contamination
        admitted = admission.stage(line, build, measured)
        if admitted is not None:
            measured["admitted"] = admitted
        filtered = line.map(
            "filter",
            Filter(build.rules, beside=tuple(measured)),
            {"documents": documents, **measured},
            shared={"tombstones": ghosts.named(line)},
        )
        if admitted is not None:
            admission.count(line, build, admitted, filtered)
    if line.may_write:  # a filter that drops nearly everything is itself an error; what was taken out on purpose is none
        out = sum(filtered.counts.get(reason, 0) for reason in (REMOVED, HELD_OUT))
        reasons = {r: n for r, n in filtered.counts.items() if r not in ("documents", REMOVED, HELD_OUT)}
        check_dropped("filter", reasons, documents.rows - out, build.file.filter.max_dropped)
    return filtered
