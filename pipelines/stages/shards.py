"""Drawn documents → globally shuffled shards, each packed once and written in every format that the build names, and beside
them the sidecar that says which document each token is of.
"""

from __future__ import annotations

from dataclasses import dataclass

from corpus.mixture.place import Place
from corpus.operators import Writer
from corpus.tokens.tokenize import Tokenize
from corpus.writers.index import Index
from corpus.writers.write import FinishFormat, WriteShard
from pipelines.config.load import Build
from pipelines.stages.annotate import Marks, check_formats
from pipelines.stages.compile import shard_count
from pipelines.stages.domains import Spaces
from pipelines.stages.search import Found
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Shards:
    """drawn: what lies in each shard. tokenizer, tokens: of the shards. written, finish: by format, the sidecar's `index`
    among them; what belongs to a whole format has no outputs where there is nothing of the kind.
    """

    drawn: Result
    tokenizer: Result
    tokens: Items
    written: dict[str, Result]
    finish: dict[str, Result]


def stage(
    line: Line,
    build: Build,
    frozen: Result,
    marks: Marks,
    spaces: Spaces,
    found: Found,
    plan: Result,
    seen: Items | None = None,
    holdout: Items | None = None,
) -> Shards:
    """seen: row for row with the index, where a trainer has read some of it. holdout: shards with a column text."""
    with line.stage("shards"):
        tokenizer, tokens, ids = shard_tokens(line, build, frozen, marks)
        rows = {"documents": frozen["documents"], "tokens": tokens, "index": found.index, "domains": spaces.domains}
        if seen is not None:
            rows["seen"] = seen
        shared, count = {"plan": plan["plan"], "caps": plan["caps"]}, shard_count(build)
        drawn = line.exchange("shards.place", Place(count), [rows | {"ids": ids}], shared)
        with_text = drawn
        if any(writer.needs_text for writer in build.writers):    # apart, so that rows with texts are nobody else's
            with_text = line.exchange("shards.place_text", Place(count, text=True), [rows], shared)
        written, finish = {}, {}
        for writer in (*build.writers, Index()):
            source = with_text if writer.needs_text else drawn
            written[writer.name] = write(line, build, writer, source, tokenizer, ids)
            over = {"shards": written[writer.name]["shard"]}
            if writer.takes_validation and holdout is not None:
                over["holdout"] = holdout
            finish[writer.name] = line.gather(f"shards.{writer.name}.finish", FinishFormat(writer), over)
    return Shards(drawn, tokenizer, tokens, written, finish)


def shard_tokens(line: Line, build: Build, frozen: Result, marks: Marks) -> tuple[Result, Items, Items]:
    """The shards' tokenizer, and its tokens and ids of each frozen shard: those of the draw, or another's."""
    if build.retokenizer is None:
        return marks.tokenizer, marks.tokens, marks.ids
    documents = {"documents": frozen["documents"]}
    tokenizer = line.fit("shards.tokenizer", build.retokenizer, documents if build.retokenizer.reads_documents else {})
    check_formats(build, tokenizer)
    made = line.map("shards.tokens", Tokenize(), documents, {"tokenizer": tokenizer["tokenizer"]})
    return tokenizer, made["tokens"], made["ids"]


def write(line: Line, build: Build, writer: Writer, source: Result, tokenizer: Result, ids: Items) -> Result:
    """Every shard in one format. Which ids are read is told by the rows, so where they lie is in no key."""
    each, shared = {"drawn": source["drawn"]}, {"tokenizer": tokenizer["tokenizer"]}
    long = build.file.mixture.shard_tokens
    body = WriteShard(writer, shard_tokens=long) if writer.needs_text else WriteShard(writer, build.pack, long)
    unkeyed: tuple[str, ...] = ()
    if writer.needs_ids and not writer.needs_text:
        each, shared, unkeyed = each | {"where": source["where"]}, shared | {"ids": ids}, ("where", "ids")
    return line.map(f"shards.{writer.name}", body, each, shared, number="shard", unkeyed=unkeyed)
