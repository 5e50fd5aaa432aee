"""Removed documents, an input of every filter: what was taken down stays out of every later crawl too."""

from __future__ import annotations

from corpus import results
from corpus.rules.filter import TOMBSTONE
from pipelines.step import Items, Line

INDEX = "tombstones/index.json"


def tombstones(line: Line) -> Items:
    """The store's tombstones as one shard; the empty table where nothing was ever removed."""
    found = line.store.read_json(INDEX)
    if found is not None:
        return Items("tombstones", "tombstones", (results.item_from_json(found),))
    return Items("tombstones", "tombstones", (line.empty("tombstones", TOMBSTONE),))
