"""What stays out of a build whatever its sources bring: removed documents and other builds' holdouts, by what names them
and by what they are near.
"""

from __future__ import annotations

from typing import Any

from corpus import results
from corpus.dedup.ghosts import GhostShingles
from corpus.dedup.shingle import Shingle
from corpus.ghosts import GHOST, entries, ghosts
from corpus.registry import identity
from pipelines.plan import read_state
from pipelines.step import Items, Line


def named(line: Line) -> Items:
    """All ghosts of a build, for its filter: the empty table where there are none."""
    found = ghosts(line.store, line.build)
    return Items("ghosts", "tombstones", tuple(found) or (line.empty("tombstones", GHOST),))


def signed(line: Line, shingle: Shingle) -> dict[str, Items] | None:
    """The ghosts that a build's shingles can be compared with, as an older build that dedup keeps; None where there are
    none.
    """
    found = [results.item_from_json(part["documents"]) for entry in entries(line.store, line.build)
             for part in parts_of(line, entry) if part["shingle"] == identity(shingle)]
    if not found:
        return None
    made = line.gather("dedup.ghosts", GhostShingles(), {"ghosts": Items("ghosts", "ghosts", tuple(found))})
    if made.known and not made["shingles"].rows:
        return None
    return {"old_shingles": made["shingles"], "old_groups": made["groups"]}


def unsigned(line: Line, shingle: Shingle) -> list[str]:
    """Names of entries with ghosts whose near-duplicates cannot be told: they were shingled with other options."""
    return [entry["name"] for entry in entries(line.store, line.build)
            if any(part["shingle"] not in (None, identity(shingle)) for part in parts_of(line, entry))]


def parts_of(line: Line, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """An entry's shards of ghosts, each with the options that it was shingled with (None: it has no shingles).

    An entry that does not say was shingled as the build that made it.
    """
    if "parts" in entry:
        return entry["parts"]
    said = entry.get("shingle")
    if said is None:
        said = read_state(line.store, entry["build"]).get("dedup.shingles", {}).get("identity")
    return [{"shingle": said, "documents": entry["documents"]}]
