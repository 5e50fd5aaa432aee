"""Purging: the text of removed documents, and what was made of it, goes from every artefact of a store.

What a build refers to is masked in place: its rows, columns and name stay, so that nothing is made again. What nobody
refers to any more is deleted. Signatures (hashes of shingles) and decisions stay: they are what keeps the documents out.
It can be ended anywhere: what shall go is written down first, files change before the records that name them, and a second
run finishes the first. Given up: models that saw the documents are named and not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import keys, results
from corpus.document import one_array
from corpus.ghosts import PURGED, PURGED_ROW
from corpus.removal.live import Live, files_under, live, parts_in, records, renew
from corpus.removal.mask import holds, mask_file, payload_digests, zero_ids
from corpus.removal.tombstones import named_alone
from corpus.results import Folder, Shard
from corpus.store import Store

FILES = ("shards", "runs")


@dataclass
class Purged:
    """What a purge did: paths that were masked or deleted, and builds whose written shards held the documents."""

    documents: int = 0
    masked: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    renewed: int = 0
    builds: list[str] = field(default_factory=list)


def purge(store: Store, ids: pa.Array, rebuilt: str, tell: Callable[[str], None] = lambda _: None) -> Purged:
    """Masks or deletes all that the store has of some documents. rebuilt: the build that was made anew without them; the
    written shards of other builds that hold them are deleted, and these builds named. Nobody else may be at work in the
    store: what a kill has left half written is deleted too.
    """
    intent = _intend(store, ids)
    gone = one_array(intent["rows"].column("id"))
    done = Purged(len(gone))
    tell("looking for artefacts")
    for path in parts_in(store):
        store.remove(path)
        done.deleted.append(path)
    held = {path for folder in FILES for path in files_under(store, folder)
            if path.endswith(".parquet") and holds(store, path, gone)}
    now = live(store)
    tainted = set(intent["held"]) | {_digest(path) for path in held}
    _write_down(store, intent, held=sorted(tainted))
    tell("clearing folders")
    changed = _folders(store, tainted, gone, now, rebuilt, done)
    tell("masking shards")
    for path in sorted(held - now.signed):
        if path in now.paths:
            if mask_file(store, path, gone):
                done.masked.append(path)
            changed.add(path)
        else:
            store.remove(path)
            done.deleted.append(path)
    masked = set(intent["masked"]) | {_digest(path) for path in changed if path.endswith(".parquet")}
    _write_down(store, intent, held=sorted(tainted), masked=sorted(masked))
    done.renewed = renew(store, changed)
    return done


def _intend(store: Store, ids: pa.Array) -> dict[str, Any]:
    """Writes down what shall go, together with what went before, and returns that; from now on no ingest brings it back."""
    found = store.read_json(PURGED) or {"schema": 1, "documents": None, "held": [], "masked": []}
    before = PURGED_ROW.empty_table()
    if found["documents"] is not None:
        before = store.read_shard(results.item_from_json(found["documents"])).cast(PURGED_ROW)
    raw = [shard for _, record in records(store) for shard in _shards(record, "raw")]
    unique = {shard.path: shard for shard in raw if store.exists(shard.path)}
    alone = named_alone(store)                      # their like may stay, and so may other records with the same bytes
    known = one_array(before.column("id").filter(pc.is_valid(before.column("payload_digest"))))
    fresh = ids.filter(pc.invert(pc.is_in(ids, value_set=known)))
    signed = payload_digests(store, list(unique.values()), fresh.filter(pc.invert(pc.is_in(fresh, value_set=alone))))
    rest = fresh.filter(pc.invert(pc.is_in(fresh, value_set=pa.concat_arrays(
        [one_array(signed.column("id")), one_array(before.column("id"))]))))
    unsigned = pa.table([rest, pa.nulls(len(rest), PURGED_ROW.field(1).type)], schema=PURGED_ROW)
    stays = before.filter(pc.invert(pc.is_in(before.column("id"), value_set=one_array(signed.column("id")))))
    rows = pa.concat_tables([stays, signed, unsigned])
    rows = rows.take(pc.sort_indices(rows, sort_keys=[("id", "ascending"), ("payload_digest", "ascending")]))
    found["rows"] = rows = rows.group_by(["id", "payload_digest"]).aggregate([]).select(PURGED_ROW.names).sort_by("id")
    found["documents"] = results.item_to_json(store.write_shard("purged", rows.combine_chunks()))
    _write_down(store, found)
    return found


def _write_down(store: Store, intent: dict[str, Any], **more: Any) -> None:
    intent |= more
    store.write_json(PURGED, {name: value for name, value in intent.items() if name != "rows"})


def _folders(store: Store, tainted: Collection[str], gone: pa.Array, now: Live, rebuilt: str, done: Purged) -> set[str]:
    """Deletes written shards and tokens of what was tainted; where a build still names tokens, their ids become zeros.
    Returns the folders that have other files now.
    """
    changed: set[str] = set()
    builds: set[str] = set()
    exports: dict[tuple[str, str], list[str]] = {}
    for path, found in records(store):
        if not path.startswith("tasks/") or not _reads(found, tainted):
            continue
        record = results.from_json(found)
        for folder in record.outputs:
            if not isinstance(folder, Folder) or not store.names(folder.path):
                continue
            users = now.builds.get(folder.path, set())
            if folder.name == "ids":
                if users:
                    if any(item.path in now.paths for item in record.of("tokens")):     # else others have the same ids,
                        if _zero(store, record, folder, gone):                          # of documents that stay
                            done.masked.append(folder.path)
                        changed.add(folder.path)
                    continue
            elif "format" not in folder.about or rebuilt in users:
                continue                            # a model; or written shards that were made anew, without the documents
            for other in users - {rebuilt}:
                builds.add(other)
                name = str(folder.about.get("format"))
                if (other, name) not in exports:
                    exports[other, name] = _places(store, other, name)
                _unexport(store, exports[other, name], folder)
            store.remove_tree(folder.path)
            done.deleted.append(folder.path)
    done.builds = sorted(builds)
    return changed


def _places(store: Store, build: str, name: str) -> list[str]:
    """Where a build has a format exported: with its shards, and with each holdout."""
    under = [place for place in store.names(f"builds/{build}") if place == "shards" or place.startswith("holdout-")]
    return [f"builds/{build}/{place}/{name}" for place in under]


def _unexport(store: Store, places: Collection[str], folder: Folder) -> None:
    """Takes a folder's files away from where they are exported; other files of the same name stay."""
    for place in places:
        for name, digest, _ in folder.files:
            data = store.read_bytes(f"{place}/{name}")
            if data is not None and keys.digest_bytes(data) == digest:
                store.remove(f"{place}/{name}")


def _zero(store: Store, record: results.Record, folder: Folder, gone: pa.Array) -> bool:
    """Zeros for the ids of documents in the one file of a folder of token ids."""
    (tokens,) = record.of("tokens")
    assert isinstance(tokens, Shard)
    rows = store.read_shard(tokens, ["id", "token_count"])
    at = np.flatnonzero(pc.is_in(rows.column("id"), value_set=gone).to_numpy())
    (name, _, _), *_ = folder.files
    counts = rows.column("token_count").to_numpy()
    return zero_ids(store, f"{folder.path}/{name}", folder.about["dtype"], counts, at.tolist())


def models_that_saw(store: Store, ids: pa.Array, build: str) -> list[dict[str, str]]:
    """The fitted models that a build's lock names whose inputs held any of these documents: step and digest.

    Inputs that were deleted since are told by what was written down when they were purged.
    """
    found, before = [], set((store.read_json(PURGED) or {}).get("held", ()))
    for task, entries in sorted(live(store).models.items()):
        mine = [(step, digest) for owner, step, digest in entries if owner == build]
        record = store.read_json(f"tasks/{task[:2]}/{task}.json") if mine else None
        if record is None:
            continue
        for digest in (d for name in record["inputs"].values() for d in name):
            path = f"shards/{digest[:2]}/{digest}.parquet"
            if (store.exists(path) and holds(store, path, ids)) or (digest in before and not store.exists(path)):
                found += [{"step": step, "digest": model} for step, model in mine]
                break
    return found


def _reads(record: dict[str, Any], digests: Collection[str]) -> bool:
    return any(digest in digests for several in record["inputs"].values() for digest in several)


def _shards(found: dict[str, Any], name: str) -> list[Shard]:
    return [results.item_from_json(o) for o in found.get("outputs", ()) if o["name"] == name and o["is"] == "shard"]


def _digest(path: str) -> str:
    return path.rsplit("/", 1)[1].removesuffix(".parquet")
