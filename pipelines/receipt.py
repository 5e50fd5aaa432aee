"""The receipt of a walked line: gathers what `corpus.mixture.receipt` needs from the steps' outputs; and receipts where they
lie: in a build's folder, or beside shards that were copied somewhere.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import fsspec

from corpus.errors import Mismatch, MissingFile, UserError
from corpus.mixture.receipt import SCHEMA, make_receipt, receipt_digest
from corpus.results import Folder
from corpus.store import Store

if TYPE_CHECKING:
    from pipelines.config.load import Build
    from pipelines.recipe import Made
    from pipelines.step import Items, Result

FILE = "receipt.json"

#: What a receipt has to have to be read at all.
KEYS = {"build", "seed", "shard_count", "asked", "total", "phases", "tokenizer", "draw_tokenizer", "mixture", "pack",
        "cells", "caps", "sources", "after", "holdout", "frozen", "shards", "finish"}


def receipt_of(build: Build, store: Store, made: Made) -> dict[str, Any]:
    """What the build was asked for and what its shards hold."""
    from pipelines.run import packages
    from pipelines.stages.after import said_of
    from pipelines.stages.evidence import receipt_entry

    mixture = build.file.mixture
    (plan,), (caps,), (sources,) = made.plan["plan"], made.plan["caps"], made.cells["sources"]
    (weights,) = made.search["mixture"]
    shards = made.shards
    return make_receipt(
        build=build.name,
        asked={
            "budget_tokens": mixture.budget_tokens,
            "max_epochs": mixture.max_epochs,
            "on_shortfall": mixture.on_shortfall,
            "caps": [cap.model_dump() for cap in mixture.caps],
            "limits": [limit.model_dump() for limit in build.file.search.limits],
            "schedule": [phase.model_dump() for phase in mixture.schedule],
        },
        plan=store.read_shard(plan),
        caps=store.read_shard(caps),
        sources=store.read_shard(sources),
        shards=[f for result in shards.written.values() for f in _folders(result)],
        formats={writer.name: _options(writer) for writer in build.writers},
        finish={name: f for name, result in shards.finish.items() for f in _folders(result)},
        tokenizer=shards.tokenizer["tokenizer"].folder,
        draw_tokenizer=made.tokenizer["tokenizer"].folder,
        taxonomy=made.taxonomy["taxonomy"].folder.digest,
        mixture={"method": build.method.name, "weights": weights.digest, "cells": list(build.file.cells)},
        evidence=receipt_entry(build, store, made.evidence),
        pack={"use": build.pack.name} | _options(build.pack),
        after=said_of(build),
        holdout=_holdouts(build, store, made),
        frozen=_frozen({"documents": made.frozen["documents"], "index": made.index, "tokens": shards.tokens,
                        "domains": made.domains, "seen": made.seen}),
        made={"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "packages": packages()},
    )


def _folders(result: Result) -> list[Folder]:
    return [f for f in result.outputs or () if isinstance(f, Folder)]


def _options(operator: Any) -> dict[str, Any]:
    from corpus.registry import identity

    return dict(identity(operator)["options"])


def _frozen(named: dict[str, Items | None]) -> dict[str, list[str]]:
    return {name: [item.digest for item in items] for name, items in named.items() if items is not None}


def _holdouts(build: Build, store: Store, made: Made) -> list[dict[str, Any]]:
    """Holdouts that the build file names or that this build drew; of the named one, what was written of it too.

    Its files lie in a folder of their own beside the formats: holdout-NAME/FORMAT/FILE.
    """
    from corpus.mixture.holdouts import holdouts

    wanted = build.file.mixture.holdout
    found = []
    for entry in sorted(holdouts(store), key=lambda e: e["name"]):
        named = wanted is not None and wanted.name == entry["name"]
        if not named and entry["build"] != build.name:
            continue
        held: dict[str, Any] = {"name": entry["name"], "build": entry["build"], "digest": entry["documents"]["digest"]}
        if named:
            held["files"] = [
                {"path": f"holdout-{entry['name']}/{name}/{file}", "digest": digest, "bytes": size}
                for name in sorted(made.holdout_written)
                for f in (*_folders(made.holdout_written[name]), *_folders(made.holdout_finish[name]))
                for file, digest, size in f.files
            ]
        found.append(held)
    return found


# receipts where they lie ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A receipt that was read. said: the digest that it is saved with. root: where its shards lie. store: that of the build
    file, or the one that the folder lies in; None where a folder was copied elsewhere.
    """

    receipt: dict[str, Any]
    said: str | None
    root: str
    store: Store | None
    where: str

    def own_faults(self) -> list[str]:
        """Whether the receipt is the one that was made: its digest is of all that it says."""
        own = receipt_digest(self.receipt)
        return [] if own == self.said else [f"{FILE}: its digest is {own}, it says {self.said}"]


def receipt_at(where: str, store: str | None = None) -> Told:
    """The receipt of a build file's build, of a folder that holds receipt.json and shards/, or in a file of that name.

    store: where frozen shards and tokenizers lie, for a folder that is in no store.
    """
    folder = _folder_of(where)
    if folder is None:
        name, url = _named_by(where)
        place, folder = Store(url), f"{url.rstrip('/')}/builds/{name}"
        if not place.exists(f"builds/{name}/{FILE}"):
            raise MissingFile(f"{folder}/{FILE}", remedy=f"make the shards first: corpus build {where}")
    else:
        place = Store(store) if store else _store_of(folder)
    receipt = read_receipt(f"{folder}/{FILE}")
    return Told(receipt, receipt.pop("digest", None), f"{folder}/shards", place, where)


def read_receipt(path: str) -> dict[str, Any]:
    """A receipt file as it is; Mismatch where it is damaged, UserError where it is of another release."""
    try:
        with fsspec.open(path, "rb") as stream:
            found = json.loads(stream.read().decode())
    except FileNotFoundError:
        raise MissingFile(path, remedy="a folder of shards has receipt.json and shards/ in it") from None
    except ValueError as error:
        raise Mismatch("verify", f"{path} cannot be read, it is damaged: {error}") from None
    if isinstance(found, dict) and found.get("kind") == "conversations":
        raise UserError(f"{path}: is of conversations (`corpus shards chat`), which no build drew; its digests of files are "
                        "there to be compared, but nothing can be drawn again or traced to a cell")
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        said = found.get("schema") if isinstance(found, dict) else None
        raise UserError(f"{path}: is of schema {said}, this release reads {SCHEMA}; write the shards again")
    if missing := sorted(KEYS - found.keys()):
        raise Mismatch("verify", f"{path} lacks {', '.join(missing)}: it is not as it was made")
    return found


def faults_of(told: Told) -> list[str]:
    """Every fault of the receipt itself and of the shards beside it, the receipt's own first."""
    from corpus.verify import verify_shards

    own = told.own_faults()
    try:
        return own + [str(f) for f in verify_shards(told.receipt, told.root)]
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, UserError) as error:
        if not own:
            raise
        return [*own, f"{FILE}: cannot be followed: {type(error).__name__}: {error}"]     # it is not what was made


def _named_by(where: str) -> tuple[str, str]:
    """The name and store URL of a build file. Its operators are not needed for that, and take longer to load than to read
    a receipt; a file that does not say both plainly is looked at in full, for what is wrong with it.
    """
    from pipelines.config.places import resolve
    from pipelines.config.reading import read_yaml

    raw = read_yaml(where, remedy="make one with: corpus init FILE...")
    name, store = (raw.get("name"), raw.get("store")) if isinstance(raw, dict) else (None, None)
    if isinstance(name, str) and isinstance(store, str) and store and re.fullmatch("[a-z0-9_][a-z0-9_.-]*", name):
        return name, resolve(store, os.path.dirname(os.path.abspath(where)))
    from pipelines.config.load import load_build

    build = load_build(where)
    return build.name, build.store_url


def _folder_of(where: str) -> str | None:
    """The folder that a call means, or None where it means a build file."""
    if posixpath.basename(where) == FILE:
        return posixpath.dirname(where) or "."
    if "://" in where:
        return None if where.endswith((".yaml", ".yml")) else where.rstrip("/")
    return where.rstrip("/") or "/" if os.path.isdir(where) else None


def _store_of(folder: str) -> Store | None:
    """The store whose builds/NAME this folder is."""
    path = folder if "://" in folder else os.path.abspath(folder)
    root, builds = posixpath.split(posixpath.dirname(path))
    store = Store(root)
    return store if builds == "builds" and store.check_format() else None
