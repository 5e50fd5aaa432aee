"""Exact and near duplicates: MinHash bands propose pairs, exact Jaccard of word shingles decides, groups keep one each."""

from __future__ import annotations

from corpus.dedup.candidates import Candidates
from corpus.dedup.components import Group
from corpus.dedup.shingle import Shingle
from corpus.dedup.verify import Sides, Verify
from pipelines.config.load import Build
from pipelines.step import Line, Result


def stage(line: Line, build: Build, filtered: Result) -> Result:
    options = build.file.dedup
    with line.stage("dedup"):
        shingles = line.map(
            "dedup.shingles", Shingle(options.ngram, options.bands, options.rows), {"documents": filtered["documents"]}
        )["shingles"]
        pairs = line.exchange("dedup.pairs", Candidates(options.partitions), [{"shingles": shingles}])["pairs"]
        sides = line.exchange("dedup.sides", Sides(options.partitions), [{"pairs": pairs}, {"shingles": shingles}])["sides"]
        edges = line.exchange("dedup.verify", Verify(options.partitions, options.threshold), [{"sides": sides}])["edges"]
        return line.gather("dedup.groups", Group(), {"edges": edges, "shingles": shingles})
