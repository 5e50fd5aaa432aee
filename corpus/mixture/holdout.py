"""Holdouts: named sets of whole documents that no build of a store draws, nor anything near them.

A holdout is drawn once, by the least keyed hashes of the frozen documents' ids, and from then on is a copy of its own in the
store: growth, other builds and new tokenizers leave it as it is; only a removal takes documents out. Other builds get its
signatures as ghosts (`corpus.ghosts`), the build that drew it leaves its documents out of the index by id and group.
Given up: balance of cells in it; it is a sample of the frozen set as it was, document by document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import chance
from corpus.dedup.lookup import near_pairs
from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.document import DOCUMENT, ID, one_array
from corpus.errors import Infeasible
from corpus.ghosts import GHOST, HELD_OUT
from corpus.mixture.cells import same_documents
from corpus.mixture.place import DRAWN, DRAWN_TEXT, WHERE
from corpus.registry import register
from corpus.tasks import Body, TaskIO

#: A held-out document, in the holdout's own order. `token_count` is of the tokenizer that it was drawn with.
HOLDOUT = pa.schema([*DOCUMENT, ("token_count", pa.int64())])

HELD = pa.schema([("id", ID)])

_TEXT_BYTES = 64 << 20          # of one shard of texts


@register("body", "holdout_draw")
@dataclass(frozen=True)
class HoldoutDraw(Body):
    """Draws whole documents by least hash of (seed, holdout, id) until their tokens come nearest to `tokens`.

    Reads `documents` and `tokens`, shard beside shard; writes `texts` (`HOLDOUT`), in the order of the draw. Memory is that
    of what is drawn.
    """

    holdout: str
    tokens: int
    seed: int

    def run(self, io: TaskIO) -> None:
        drawn = draw(io.tables("tokens", ["id", "token_count"]), self.holdout, self.tokens, self.seed)
        ids = one_array(drawn.column("id"))
        found = []
        for documents, tokens in zip(io.tables("documents"), io.tables("tokens", ["id", "token_count"])):
            if not one_array(documents.column("id")).equals(one_array(tokens.column("id"))):
                raise ValueError("'tokens' is not aligned with 'documents'")
            mine = pc.is_in(documents.column("id"), value_set=ids)
            rows = documents.append_column("token_count", tokens.column("token_count")).filter(mine)
            found.append(rows.select(HOLDOUT.names).cast(HOLDOUT))
        rows = pa.concat_tables(found)
        rows = rows.take(pa.array(np.argsort(pc.index_in(rows.column("id"), value_set=ids).to_numpy(), kind="stable")))
        for piece in pieces(rows):
            io.write("texts", piece)
        io.count("documents", rows.num_rows)
        io.count("tokens", pc.sum(rows.column("token_count")).as_py())


@register("body", "holdout_ghosts")
@dataclass(frozen=True)
class HoldoutGhosts(Body):
    """The signatures of all `texts`, by the shingles of the build that drew them → one shard `ghosts`, row for row."""

    shingle: Shingle = Shingle()

    def run(self, io: TaskIO) -> None:
        empty = GHOST.empty_table()
        io.write("ghosts", pa.concat_tables([empty, *(ghosts_of(rows, self.shingle) for rows in io.tables("texts"))]))


def draw(tables: Iterable[pa.Table], name: str, tokens: int, seed: int) -> pa.Table:
    """The documents (columns id, token_count) of least hash whose tokens come nearest to `tokens`, at least one, in that
    order. Ties go by id. Memory is that of what is drawn and one table. Raises Infeasible where nothing would be left.
    """
    best, total, documents = None, 0, 0
    for table in tables:
        table = table.select(["id", "token_count"])
        total += pc.sum(table.column("token_count")).as_py() or 0
        documents += table.num_rows
        found = table.append_column("key", pa.array(chance.hash64(seed, f"holdout:{name}", table.column("id"))))
        best = found if best is None else pa.concat_tables([best, found])
        best = best.take(pc.sort_indices(best, sort_keys=[("key", "ascending"), ("id", "ascending")])).combine_chunks()
        through = np.cumsum(best.column("token_count").to_numpy())
        best = best.slice(0, int(np.searchsorted(through, tokens)) + 1)
    through = np.cumsum(best.column("token_count").to_numpy()) if best is not None else np.zeros(0, np.int64)
    count = max(1, int(np.argmin(np.abs(through - tokens))) + 1) if len(through) else 0
    if best is None or total <= tokens or count == documents:
        raise Infeasible(f"mixture.holdout.tokens: {tokens:,} would leave nothing of the {total:,} tokens there are")
    return best.slice(0, count).select(["id", "token_count"])


def pieces(rows: pa.Table) -> Iterator[pa.Table]:
    """Rows in order, in pieces of some megabytes of text; one empty piece where there are no rows."""
    sizes = pc.fill_null(pc.binary_length(rows.column("text")), 0).to_numpy().astype(np.int64)
    number = np.cumsum(sizes) // _TEXT_BYTES
    edges = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), rows.num_rows]
    for start, stop in zip(edges[:-1], edges[1:]):
        yield rows.slice(start, stop - start)


def ghosts_of(rows: pa.Table, shingle: Shingle) -> pa.Table:
    """The signatures (`corpus.ghosts.GHOST`) of held-out documents: columns id, text."""
    made = shingle.of(one_array(rows.column("id")), rows.column("text"))
    given = {name: made.column(name) for name in SHINGLES.names} | {"reason": pa.array([HELD_OUT] * rows.num_rows)}
    return pa.table([given.get(f.name, pa.nulls(rows.num_rows, f.type)) for f in GHOST], schema=GHOST)


@register("body", "holdout_groups")
@dataclass(frozen=True)
class HoldoutGroups(Body):
    """All `groups` of a build's dedup and the holdout's `ghosts` → what of the build has to stay out with them.

    Writes `held`, the ids of kept documents whose group holds one that was held out; and `missing`, the ghosts that are no
    document of the build any more (their file is gone, a rule drops them), so that no group speaks for their like. Two
    passes over the groups; memory is that of the holdout.
    """

    def run(self, io: TaskIO) -> None:
        ghosts = pa.concat_tables(io.tables("ghosts"))
        ids = one_array(ghosts.column("id")).drop_null()
        names, present = [pa.array([], ID)], [pa.array([], ID)]
        for rows in io.tables("groups", ["id", "group"]):
            mine = rows.filter(pc.is_in(rows.column("id"), value_set=ids))
            names.append(one_array(mine.column("group")))
            present.append(one_array(mine.column("id")))
        groups = pc.unique(pa.concat_arrays(names))
        held = [pa.array([], ID)]
        for rows in io.tables("groups", ["id", "kept", "group"]):
            mine = pc.and_(rows.column("kept"), pc.is_in(rows.column("group"), value_set=groups))
            held.append(one_array(rows.column("id").filter(mine)))
        io.write("held", _sorted(pa.concat_arrays(held)))
        gone = pc.invert(pc.is_in(ghosts.column("id"), value_set=pa.concat_arrays(present)))
        io.write("missing", ghosts.filter(gone))
        io.count("held_out", sum(map(len, held)))


@register("body", "holdout_near")
@dataclass(frozen=True)
class HoldoutNear(Body):
    """Writes `held`, the ids of a shard's `documents` that are equal to one of the `ghosts` or near it (exact Jaccard)."""

    shingle: Shingle = Shingle()
    threshold: float = 0.8

    def run(self, io: TaskIO) -> None:
        documents, ghosts = io.table("documents", ["id", "text"]), pa.concat_tables(io.tables("ghosts"))
        rows = self.shingle.of(one_array(documents.column("id")), documents.column("text"))
        held = pc.is_in(rows.column("id"), value_set=one_array(ghosts.column("id")).drop_null())
        equal = pc.is_in(rows.column("text_digest"), value_set=one_array(ghosts.column("text_digest")).drop_null())
        near = near_any(rows, ghosts, self.threshold)
        mine = pc.or_(pc.or_(held, equal), pa.array(near))
        io.write("held", _sorted(one_array(rows.column("id").filter(mine))))


def near_any(rows: pa.Table, ghosts: pa.Table, threshold: float) -> np.ndarray:
    """(n,) bool: which of some rows (`SHINGLES`) share a band with a ghost and have its Jaccard at `threshold` or over."""
    near = np.zeros(rows.num_rows, bool)
    ghosts = ghosts.filter(pc.and_(pc.is_valid(ghosts.column("bands")), pc.is_valid(ghosts.column("shingles"))))
    near[near_pairs(rows, ghosts, threshold)[0]] = True
    return near


@register("body", "holdout_held")
@dataclass(frozen=True)
class Held(Body):
    """All shards of `held` → one, each id once."""

    def run(self, io: TaskIO) -> None:
        found = [one_array(rows.column("id")) for rows in io.tables("held")]
        io.write("held", _sorted(pa.concat_arrays([pa.array([], ID), *found])))


@register("body", "holdout_rows")
@dataclass(frozen=True)
class HoldoutRows(Body):
    """A shard of `texts`, its `tokens` and `ids` (see `corpus.tokens.tokenize.Tokenize`) → `drawn` and `where` as a draw
    leaves them, so that a holdout is written as any shard is: in the holdout's order, each document once, in no cell.

    text: `drawn` has the texts, for a text format, and `where` is left out.
    """

    text: bool = False

    def run(self, io: TaskIO) -> None:
        texts, tokens = io.table("texts"), io.table("tokens")
        same_documents(texts.column("id"), {"tokens": tokens.column("id")})
        n, count = texts.num_rows, tokens.column("token_count").to_numpy()
        given = {"order": pa.array(np.arange(n, dtype=np.uint64)), "copy": pa.array(np.zeros(n, np.int32)),
                 "phase": pa.array(np.zeros(n, np.int32))}
        given |= {name: texts.column(name) for name in ("id", "url", "source", "text")}
        given |= {name: tokens.column(name) for name in ("token_count", "token_hash")}
        schema = DRAWN_TEXT if self.text else DRAWN
        io.write("drawn", pa.table([given.get(f.name, pa.nulls(n, f.type)) for f in schema], schema=schema))
        if not self.text:
            (folder,) = io.items("ids")
            file = np.full(n, folder.number, np.uint64)
            io.write("where", pa.table([file, np.cumsum(count) - count], schema=WHERE))
        io.count("documents", n)


def _sorted(ids: pa.Array) -> pa.Table:
    return pa.table([pc.unique(ids)], schema=HELD).sort_by("id")
