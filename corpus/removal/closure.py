"""What goes with a removed document: what is near it, the rest of its group, and what was made from it.

Everything is asked for all removed documents at once, one shard at a time. What bands miss is missed (see
`corpus.dedup.minhash`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.lookup import near_pairs
from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.document import ID, one_array, parse_id, record_id
from corpus.ghosts import url_forms
from corpus.results import Shard
from corpus.store import Store

#: A document that is near one that was asked for (`of`), by the Jaccard of their shingles; 1 where the texts are equal.
NEAR = pa.schema([("id", ID), ("of", ID), ("jaccard", pa.float64())])

PARENT = '"parent"'


def signatures(store: Store, documents: Sequence[Shard], shingles: Sequence[Shard], shingle: Shingle) -> Iterator[pa.Table]:
    """`SHINGLES` of every document that has a text: as dedup has them, and made anew for those that a rule dropped before.

    documents, shingles: shard beside shard; the second may be missing.
    """
    for i, shard in enumerate(documents):
        known = store.read_shard(shingles[i]) if i < len(shingles) else SHINGLES.empty_table()
        yield known.select(SHINGLES.names)
        rows = store.read_shard(shard, ["id", "text"])
        rest = rows.filter(pc.invert(pc.is_in(rows.column("id"), value_set=one_array(known.column("id")))))
        if rest.num_rows:
            yield shingle.of(one_array(rest.column("id")), rest.column("text"))


def near_to(tables: Iterable[pa.Table], wanted: pa.Table, digests: pa.Array, threshold: float) -> pa.Table:
    """`NEAR`: documents at Jaccard `threshold` or more with one of `wanted`, or whose text has one of `digests` (`of` is
    the digest then). tables, wanted: of `SHINGLES`. A document that is itself among the wanted is told too.
    """
    found = [NEAR.empty_table()]
    named = pa.concat_arrays([digests.cast(ID), one_array(wanted.column("text_digest"))]).drop_null()
    for table in tables:
        equal = table.filter(pc.is_in(table.column("text_digest"), value_set=named))
        found.append(pa.table([equal.column("id"), equal.column("text_digest"),
                               pa.array(np.ones(equal.num_rows))], schema=NEAR))
        rows, of, jaccard = near_pairs(table, wanted, threshold)
        found.append(pa.table([table.column("id").take(pa.array(rows)), wanted.column("id").take(pa.array(of)),
                               pa.array(jaccard)], schema=NEAR))
    return pa.concat_tables(found)


def groups_of(store: Store, groups: Sequence[Shard], ids: pa.Array) -> pa.Array:
    """Ids of all documents in a near-duplicate group of any of these, themselves included. groups: `dedup.groups`."""
    names = [pa.array([], ID)]
    for rows in (store.read_shard(g, ["id", "keeper", "group"]) for g in groups):
        own = pc.or_(pc.is_in(rows.column("id"), value_set=ids), pc.is_in(rows.column("keeper"), value_set=ids))
        names.append(one_array(rows.column("group").filter(own)))
    wanted = pc.unique(pa.concat_arrays(names))
    found = [ids]
    for rows in (store.read_shard(g, ["id", "group"]) for g in groups):
        found.append(one_array(rows.column("id").filter(pc.is_in(rows.column("group"), value_set=wanted))))
    return pc.unique(pa.concat_arrays(found))


def children_of(store: Store, facts: Sequence[Shard], sources: Sequence[str], ids: pa.Array, urls: pa.Array) -> pa.Array:
    """Ids of documents that say that one of these is what they were made from, and of what was made from those, and so on.

    A document says so by the member `parent` of the fields that its source carried along: the parent's id as `show_id`
    writes it, the id that the parent's own source gave it, or its address. facts: columns id, fields. urls: of `ids`.
    """
    said = []
    for shard in facts:
        rows = store.read_shard(shard, ["id", "fields"])
        rows = rows.filter(pc.fill_null(pc.match_substring(rows.column("fields"), PARENT), False))
        said += [(child, parent) for child, fields in zip(rows.column("id").to_pylist(), rows.column("fields").to_pylist())
                 if (parent := _parent(fields)) is not None]
    known, addresses = set(ids.to_pylist()), set(url_forms(urls).drop_null().to_pylist())
    forms = url_forms(pa.array([parent for _, parent in said], pa.string())).to_pylist()
    named = [{i for i in (parse_id(parent), *(record_id(s, parent.encode()) for s in sources)) if i is not None}
             for _, parent in said]
    found: dict[bytes, None] = {}
    grown = True
    while grown:
        grown = False
        for (child, _), form, parents in zip(said, forms, named):
            if child not in known and (form in addresses or parents & known):
                known.add(child)
                found[child] = None
                grown = True
    return pa.array(found, ID)


def _parent(fields: str) -> str | None:
    try:
        parent = json.loads(fields).get("parent")
    except (ValueError, AttributeError, RecursionError):
        return None
    return str(parent) if isinstance(parent, (str, int)) and not isinstance(parent, bool) else None
