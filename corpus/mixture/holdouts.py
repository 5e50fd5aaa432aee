"""The holdouts of a store: `holdouts/NAME.json`, first come, first kept, and what a removal does to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus import results
from corpus.dedup.shingle import Shingle
from corpus.document import ID
from corpus.errors import ConfigError
from corpus.mixture.holdout import HoldoutDraw
from corpus.registry import identity
from corpus.results import Shard
from corpus.store import Store

FOLDER = "holdouts"


def registered(store: Store, name: str) -> dict[str, Any] | None:
    """The entry of a holdout: {schema, name, build, asked, documents: its ghosts, texts: [its shards], rows, tokens,
    shingle}, or None where no build has drawn it.
    """
    return store.read_json(f"{FOLDER}/{name}.json")


def register_holdout(store: Store, build: str, body: HoldoutDraw, shingle: Shingle, ghosts: Shard,
                     texts: Sequence[Shard]) -> dict[str, Any]:
    """Writes the entry of what a build drew, or what changed of it; where another build came first its own is returned: a
    holdout is drawn once.
    """
    counts = [store.read_shard(t, ["token_count"]).column("token_count") for t in texts]
    entry: dict[str, Any] = {
        "schema": 1,
        "name": body.holdout,
        "build": build,
        "asked": body.tokens,
        "documents": results.item_to_json(ghosts),
        "texts": [results.item_to_json(t) for t in texts],
        "rows": sum(t.rows for t in texts),
        "tokens": sum(pc.sum(c).as_py() or 0 for c in counts),
        "shingle": identity(shingle),
    }
    entry = json.loads(json.dumps(entry))               # as it is read back
    if store.write_json(f"{FOLDER}/{body.holdout}.json", entry, fresh=True):
        return entry
    found = registered(store, body.holdout)
    assert found is not None
    if found["build"] == build and found != entry:
        store.write_json(f"{FOLDER}/{body.holdout}.json", entry)
        return entry
    return found


def holdouts(store: Store) -> list[dict[str, Any]]:
    """The entries of all holdouts of a store, by name."""
    found = (registered(store, file.removesuffix(".json")) for file in store.names(FOLDER) if file.endswith(".json"))
    return [entry for entry in found if entry is not None]


def check_asked(entry: dict[str, Any], tokens: int) -> None:
    """Raises ConfigError where a holdout of that name was asked for with another size."""
    if entry["asked"] != tokens:
        raise ConfigError(
            "mixture.holdout.tokens",
            f"{tokens:,}, but build '{entry['build']}' drew the holdout '{entry['name']}' with {entry['asked']:,}",
            f"{entry['asked']}, or another name: a holdout is drawn once and then frozen")


def texts_of(store: Store, entry: dict[str, Any]) -> Iterator[pa.Table]:
    """The held-out documents (`HOLDOUT`), in the holdout's order, a shard at a time."""
    for item in entry["texts"]:
        yield store.read_shard(results.item_from_json(item))


def without(store: Store, ids: Iterable[bytes]) -> list[str]:
    """Takes documents out of every holdout of the store, as a removal does: their texts, and their ghosts too, since a
    removed document has a tombstone of its own. Returns the names of the holdouts that had any; the shards that held them
    are left to whoever purges.
    """
    gone = pa.array(sorted(set(ids)), ID)
    changed = []
    for entry in holdouts(store):
        shard = results.item_from_json(entry["documents"])
        stays = pc.invert(pc.is_in(store.read_shard(shard, ["id"]).column("id"), value_set=gone))
        if pc.all(stays).as_py() is not False:          # told without the signatures, which are most of it
            continue
        ghosts = store.read_shard(shard)
        texts = []
        for rows in texts_of(store, entry):
            rows = rows.filter(pc.invert(pc.is_in(rows.column("id"), value_set=gone)))
            texts.append((store.write_shard("texts", rows), pc.sum(rows.column("token_count")).as_py() or 0))
        entry |= {
            "documents": results.item_to_json(store.write_shard("ghosts", ghosts.filter(stays))),
            "texts": [results.item_to_json(shard) for shard, _ in texts],
            "rows": sum(shard.rows for shard, _ in texts),
            "tokens": sum(tokens for _, tokens in texts),
        }
        store.write_json(f"{FOLDER}/{entry['name']}.json", entry)
        changed.append(entry["name"])
    return changed
