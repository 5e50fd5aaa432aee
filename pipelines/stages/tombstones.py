"""Removed documents, an input of every draw: what was taken down is not drawn again, whatever is frozen."""

from __future__ import annotations

from corpus import results
from corpus.ghosts import GHOST, INDEX
from pipelines.step import Items, Line


def tombstones(line: Line) -> Items:
    """The store's tombstones as one shard; the empty table where nothing was ever removed."""
    found = line.store.read_json(INDEX)
    if found is not None:
        return Items("tombstones", "tombstones", (results.item_from_json(found["documents"]),))
    return Items("tombstones", "tombstones", (line.empty("tombstones", GHOST),))
