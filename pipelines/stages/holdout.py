"""A named holdout, drawn once for the whole store, and what of a build stays out of its draws because of the ones it drew.

Holdouts of other builds are ghosts before dedup already (`pipelines.stages.ghosts`). A build's own are not: its groups would
be others once there is a holdout, and nothing would stay where it was. They are left out of the index instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from corpus import results
from corpus.dedup.shingle import Shingle
from corpus.errors import StoreError
from corpus.mixture.holdout import (
    Held,
    HoldoutDraw,
    HoldoutGhosts,
    HoldoutGroups,
    HoldoutNear,
    HoldoutRows,
)
from corpus.mixture.holdouts import check_asked, holdouts, register_holdout, registered, without
from corpus.removal.tombstones import removed_ids
from corpus.tokens.tokenize import Tokenize
from corpus.writers.write import FinishFormat, WriteShard
from pipelines.config.load import Build
from pipelines.config.schema import Holdout as Wanted
from pipelines.stages.annotate import Marks
from pipelines.step import Items, Line, Result


@dataclass(frozen=True)
class Holdout:
    """held: ids that the build's index leaves out, None where no holdout is its own. texts: of the holdout that the build
    file names (`corpus.mixture.holdout.HOLDOUT`), whoever drew it, in its order; None where it names none.
    """

    held: Items | None
    texts: Items | None


def stage(line: Line, build: Build, frozen: Result, marks: Marks, groups: Result) -> Holdout:
    wanted, texts = build.file.mixture.holdout, None
    if line.may_write:                  # one that a build registered while something was removed
        without(line.store, removed_ids(line.store).to_pylist())
    mine = {e["name"]: ghosts_item(e) for e in holdouts(line.store) if e["build"] == build.name}
    with line.stage("compile"):
        if wanted is not None:
            entry = registered(line.store, wanted.name)
            if entry is not None:
                check_asked(entry, wanted.tokens)
            if entry is None or entry["build"] == build.name:
                texts, mine[wanted.name] = drawn(line, build, wanted, frozen, marks)
            else:
                texts = texts_item(entry)
        if not mine:
            return Holdout(None, texts)
        return Holdout(held(line, build, frozen, groups, [mine[name] for name in sorted(mine)]), texts)


def drawn(line: Line, build: Build, wanted: Wanted, frozen: Result, marks: Marks) -> tuple[Items, Items]:
    """The texts and ghosts of the build's holdout: drawn, or as the store has it where documents were removed since."""
    body, shingle = HoldoutDraw(wanted.name, wanted.tokens, build.seed), shingle_of(build)
    texts = line.fit("holdout.draw", body, {"documents": frozen["documents"], "tokens": marks.tokens})["texts"]
    entry = registered(line.store, wanted.name)
    if entry is not None:
        texts = texts_item(entry)
    ghosts = line.gather("holdout.ghosts", HoldoutGhosts(shingle), {"texts": texts})["ghosts"]
    if line.may_write:
        entry = register_holdout(line.store, build.name, body, shingle, tuple(ghosts)[0], tuple(texts))
        if entry["build"] != build.name:
            raise StoreError(f"build '{entry['build']}' drew the holdout '{wanted.name}' while this one ran; run it again")
    return texts, ghosts


def held(line: Line, build: Build, frozen: Result, groups: Result, ghosts: list[Items]) -> Items:
    """Kept documents of the groups of held-out ones, and those near a held-out one that the build does not have any more."""
    if any(not g.known for g in ghosts):
        every = next(g for g in ghosts if not g.known)
    else:
        every = Items("holdout.ghosts", "ghosts", tuple(i for g in ghosts for i in g))
    found = line.gather("holdout.groups", HoldoutGroups(), {"groups": groups["groups"], "ghosts": every})
    if not found["missing"].rows:
        return found["held"]
    near = HoldoutNear(shingle_of(build), build.file.dedup.threshold)
    each = line.map("holdout.near", near, {"documents": frozen["documents"]}, {"ghosts": found["missing"]})["held"]
    if not each.known:
        return each
    both = Items("holdout.near", "held", (*found["held"], *each))
    return line.gather("holdout.held", Held(), {"held": both})["held"]


def write(line: Line, build: Build, texts: Items, tokenizer: Result) -> tuple[dict[str, Result], dict[str, Result]]:
    """The holdout in every format that has no place for it among its shards, tokenized and packed as these are: what was
    written and what belongs to a whole format, by format. Tokens are made of the texts, so a holdout fits any build.
    """
    written, finish = {}, {}
    with line.stage("shards"):
        made = line.map("holdout.tokens", Tokenize(), {"documents": texts}, {"tokenizer": tokenizer["tokenizer"]})
        each = {"texts": texts, "tokens": made["tokens"], "ids": made["ids"]}
        rows = line.map("holdout.rows", HoldoutRows(), each)
        for writer in build.writers:
            if writer.takes_validation:
                continue
            source = line.map("holdout.rows_text", HoldoutRows(text=True), each) if writer.needs_text else rows
            name, drawn, shared = f"holdout.{writer.name}", {"drawn": source["drawn"]}, {"tokenizer": tokenizer["tokenizer"]}
            if writer.needs_text:
                done = line.map(name, WriteShard(writer), drawn, shared, number="shard")
            else:
                drawn, shared = drawn | {"where": rows["where"]}, shared | {"ids": made["ids"]}
                body = WriteShard(writer, build.pack)
                done = line.map(name, body, drawn, shared, number="shard", unkeyed=("where", "ids"))
            written[writer.name] = done
            finish[writer.name] = line.gather(f"{name}.finish", FinishFormat(writer), {"shards": done["shard"]})
    return written, finish


def shingle_of(build: Build) -> Shingle:
    options = build.file.dedup
    return Shingle(options.ngram, options.bands, options.rows)


def texts_item(entry: dict[str, Any]) -> Items:
    return Items("holdout.draw", "texts", tuple(results.item_from_json(t) for t in entry["texts"]))


def ghosts_item(entry: dict[str, Any]) -> Items:
    return Items("holdout.ghosts", "ghosts", (results.item_from_json(entry["documents"]),))
