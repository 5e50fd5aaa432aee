"""Writing tombstones: rows of ghosts join those that the store has, as one shard, and the shard's reference is the index.

The caller holds the store's lease. Rows are never taken out here; what is written twice is written once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus import keys, results
from corpus.dedup.shingle import Shingle
from corpus.document import ID, one_array
from corpus.ghosts import GHOST, INDEX, REMOVED
from corpus.registry import identity
from corpus.store import Store

_RULE = ("url", "host", "after", "before")


def ghost_rows(signed: pa.Table) -> pa.Table:
    """`GHOST` rows of removed documents. signed: of `SHINGLES`, or only its id."""
    n = signed.num_rows
    given = {name: signed.column(name) for name in signed.column_names} | {"reason": pa.array([REMOVED] * n, pa.string())}
    return pa.table([given.get(f.name, pa.nulls(n, f.type)) for f in GHOST], schema=GHOST)


def rule_rows(rules: Sequence[dict[str, Any]]) -> pa.Table:
    """`GHOST` rows of rules: each names url, host, after, before, text_digest, or some of them."""
    return pa.Table.from_pylist([{"reason": REMOVED} | rule for rule in rules], schema=GHOST)


def signed_by(shingle: Shingle, ids: pa.Array, texts: pa.ChunkedArray, near: bool) -> pa.Table:
    """Rows of documents whose near-duplicates stay out too, or, without `near`, may stay: these have an id alone, and so has
    a text without words, which would be equal to all others without.
    """
    if not near:
        return ghost_rows(pa.table({"id": ids}))
    signed = shingle.of(ids, texts)
    some = pc.greater(signed.column("words"), 0)
    rest = signed.filter(pc.invert(some)).select(["id"])
    return pa.concat_tables([ghost_rows(signed.filter(some)), ghost_rows(rest)])


def add(store: Store, build: str, rows: pa.Table, signed: Sequence[tuple[Shingle, pa.Table]]) -> int:
    """Adds rows to the index; returns how many were new.

    rows: every row once. signed: those with shingles, by each of the options that builds of the store shingle with.
    """
    found = store.read_json(INDEX) or {"schema": 1, "name": "tombstones", "build": build, "documents": None, "parts": []}
    before = GHOST.empty_table() if found["documents"] is None else _read(store, found["documents"])
    fresh = _new(before, rows)
    parts = {keys.key_of(part["shingle"]): part for part in found["parts"]}
    changed = fresh.num_rows > 0
    for shingle, table in signed:
        name = keys.key_of(identity(shingle))
        old = _read(store, parts[name]["documents"]) if name in parts else GHOST.empty_table()
        some = _new(old, table.filter(table.column("bands").is_valid()))
        if some.num_rows:
            whole = pa.concat_tables([old, some]).combine_chunks()
            parts[name] = {"shingle": identity(shingle), "documents": _write(store, whole)}
            changed = True
    if changed:
        whole = pa.concat_tables([before, fresh]).combine_chunks()
        store.write_json(INDEX, found | {"documents": _write(store, whole), "parts": [parts[n] for n in sorted(parts)]})
    return fresh.num_rows


def removed_ids(store: Store) -> pa.Array:
    """Ids of all documents that were ever removed."""
    found = store.read_json(INDEX)
    if found is None:
        return pa.array([], ID)
    rows = store.read_shard(results.item_from_json(found["documents"]), ["id"])
    return one_array(rows.column("id")).drop_null()


def named_alone(store: Store) -> pa.Array:
    """Ids of removed documents whose like may stay: those without any signature."""
    found = store.read_json(INDEX)
    if found is None:
        return pa.array([], ID)
    rows = store.read_shard(results.item_from_json(found["documents"]), ["id", "text_digest"])
    alone = one_array(rows.column("id").filter(pc.is_null(rows.column("text_digest")))).drop_null()
    for part in found["parts"]:                         # removed once alone, and again with all that is near
        signed = one_array(store.read_shard(results.item_from_json(part["documents"]), ["id"]).column("id"))
        alone = alone.filter(pc.invert(pc.is_in(alone, value_set=signed)))
    return alone


def _new(before: pa.Table, rows: pa.Table) -> pa.Table:
    """Rows that the table does not have: by their id, or where they have none by digest and rule; each once."""
    known = set(_keys(before))
    keep = []
    for key in _keys(rows):
        keep.append(key not in known)
        known.add(key)
    return rows.filter(pa.array(keep, pa.bool_()))


def _keys(rows: pa.Table) -> list[Any]:
    others = zip(*(rows.column(name).to_pylist() for name in ("text_digest", *_RULE)))
    return [i if i is not None else other for i, other in zip(rows.column("id").to_pylist(), others)]


def _read(store: Store, item: dict[str, Any]) -> pa.Table:
    return store.read_shard(results.item_from_json(item)).select(GHOST.names).cast(GHOST)


def _write(store: Store, rows: pa.Table) -> dict[str, Any]:
    return results.item_to_json(store.write_shard("tombstones", rows))
