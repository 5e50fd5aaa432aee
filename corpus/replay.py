"""Makes shards again from their receipt and the frozen set, and compares them byte for byte: a stranger's audit. Nothing of
the build's own draw is believed: keys come from the documents' ids, thresholds from the receipt, ids from the texts.

Given up: the frozen set itself, and which cell a document is in, are taken from the shards that the receipt names by
digest; other releases of the packages may write the same rows as other bytes, which is then said.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from corpus import chance, keys
from corpus.errors import UserError
from corpus.mixture.copies import copies_of
from corpus.mixture.place import DRAWN, cluster_numbers
from corpus.mixture.receipt import receipt_digest
from corpus.mixture.receipt_plan import plan_of_receipt
from corpus.replay_compare import Remade, compare
from corpus.results import Folder, Shard
from corpus.store import Store, shard_path
from corpus.tokens.encode import REFERENCE, Encoder
from corpus.verify import Fault, writer_of
from corpus.writers.gather import Held

#: Tokens of the shards that are remade in one pass over the frozen set; one shard may be larger.
PASS_TOKENS = 1 << 28


def sample(receipt: Mapping[str, Any], share: float) -> list[int]:
    """Numbers of the shards to look at: a share of all, one at least, picked by the receipt's digest."""
    numbers = sorted({entry["shard"] for entry in receipt["shards"]})
    digest = receipt_digest(receipt)
    picked = sorted(numbers, key=lambda n: keys.key_of([digest, n]))
    return sorted(picked[: max(1, math.ceil(share * len(numbers)))])


def replay_shards(store: Store, receipt: Mapping[str, Any], shards: Sequence[int], root: str | Path | None = None,
                  done: Callable[[int], None] = lambda shard: None) -> Iterator[Fault]:
    """Everything in which the shards that are remade differ from the receipt. root: where the written shards lie, to name
    the first document that differs. done: told of each shard. UserError where the store lacks what this takes.
    """
    entries: dict[int, list[Mapping[str, Any]]] = {}
    for entry in receipt["shards"]:
        entries.setdefault(entry["shard"], []).append(entry)
    if unknown := sorted(set(shards) - set(entries)):
        raise UserError(f"--shards: there is no shard {unknown[0]}; the receipt has {min(entries)} to {max(entries)}")
    frozen = Frozen.of(store, receipt)
    for group in _passes(sorted(set(shards)), entries):
        made, faults = frozen.remake(receipt, group, texts=any(_needs_text(receipt, e) for n in group for e in entries[n]))
        yield from faults
        for shard in group:
            yield from compare(receipt, entries[shard], made.get(shard), root)
            done(shard)


@dataclass(frozen=True)
class Frozen:
    """The shards of the frozen set that a receipt names: of each, by what it holds, aligned row for row."""

    store: Store
    parts: tuple[Mapping[str, Shard], ...]
    tokenizer: Folder

    @classmethod
    def of(cls, store: Store, receipt: Mapping[str, Any]) -> Frozen:
        """UserError where the store lacks some of them."""
        named = {name: list(digests) for name, digests in receipt["frozen"].items() if name != "tokens"}
        for name in ("documents", "index"):
            if not named.get(name):
                raise UserError(f"the receipt names no frozen {name}: these shards cannot be made again from it")
        if receipt["after"] is not None and not named.get("seen"):
            raise UserError("the receipt does not name what was read before: these shards cannot be made again from it")
        lost = [f"{name} {d[:12]}" for name, digests in named.items() for d in digests if not store.exists(shard_path(d))]
        if lost:
            raise UserError(f"{len(lost):,} of the frozen shards that the receipt names are not in the store at {store.url} "
                            f"({', '.join(lost[:3])}{', …' if len(lost) > 3 else ''}); a replay makes shards from them")
        digest = receipt["tokenizer"]["digest"]
        tokenizer = store.folder_of("tokenizer", digest)
        if tokenizer is None:
            raise UserError(f"the tokenizer {digest[:12]} is not in the store at {store.url}; a replay encodes with it")
        lengths = {len(digests) for digests in named.values()}
        if len(lengths) > 1:
            raise UserError(f"the receipt's frozen shards are not aligned: {', '.join(sorted(named))}")
        parts = tuple({name: Shard(name, shard_path(ds[i]), ds[i], "", 0, 0) for name, ds in named.items()}
                      for i in range(lengths.pop()))
        return cls(store, parts, tokenizer)

    def remake(self, receipt: Mapping[str, Any], shards: Sequence[int],
               texts: bool) -> tuple[dict[int, Remade], list[Fault]]:
        """The shards of these numbers that any document goes to, in one pass."""
        plan, caps = plan_of_receipt(receipt)
        found: dict[int, list[pa.Table]] = {n: [] for n in shards}
        ids: list[np.ndarray] = []
        faults: list[Fault] = []
        before = 0
        with self.store.local_folder(self.tokenizer) as folder:
            encoder = Encoder.open(folder, REFERENCE)           # an audit asks the library that all others are measured by
            for part in self.parts:
                index = self.store.read_shard(part["index"])
                own = self.store.read_shard(part["documents"], ["id"]).column("id")
                key = chance.hash64(receipt["seed"], "draw", own)
                if not np.array_equal(key, index.column("key").to_numpy()):
                    faults.append(Fault(part["index"].path, "has keys that are not those of its documents"))
                    index = index.set_column(index.column_names.index("key"), "key", pa.array(key))
                seen = self.store.read_shard(part["seen"]).column("seen").to_numpy() if "seen" in part else None
                copies = copies_of(index, plan, caps, seen)
                mine = np.isin(copies.shard, shards)
                if not mine.any():
                    continue
                row, back = np.unique(copies.row[mine], return_inverse=True)
                documents = self._documents(part, index, pa.array(row))
                flat, offsets = encoder.encode_batch(documents.column("text"))
                lengths = np.diff(offsets)
                faults += self._lengths(receipt, part, index.column("tokens").to_numpy()[row], lengths)
                columns = documents if texts else documents.drop(["text"])
                columns = columns.append_column("token_count", pa.array(lengths, pa.int64()))
                columns = columns.append_column("start", pa.array(before + offsets[:-1], pa.int64())).take(pa.array(back))
                for name, values, kind in (("order", copies.order, pa.uint64()), ("copy", copies.copy, pa.int32()),
                                           ("phase", copies.phase, pa.int32())):
                    columns = columns.append_column(name, pa.array(values[mine], kind))
                ids.append(np.ascontiguousarray(flat, encoder.dtype))
                before += len(flat)
                for shard in shards:
                    at = np.flatnonzero(copies.shard[mine] == shard)
                    if len(at):
                        found[shard].append(columns.take(pa.array(at)))
        held = np.concatenate(ids) if ids else np.zeros(0, np.uint16)
        return {n: _ordered(tables, held) for n, tables in found.items() if tables}, faults

    def _documents(self, part: Mapping[str, Shard], index: pa.Table, rows: pa.Array) -> pa.Table:
        documents = self.store.read_shard(part["documents"])
        others = [self.store.read_shard(shard) for name, shard in sorted(part.items())
                  if name not in ("documents", "index", "seen")]
        ids = documents.column("id")
        for other in others:
            if "id" in other.column_names and not other.column("id").combine_chunks().equals(ids.combine_chunks()):
                raise UserError("the receipt's frozen shards are not of the same documents in the same order")
        missing = pa.chunked_array([pa.nulls(len(ids), pa.int64())])
        cluster = next((t.column("cluster") for t in others if "cluster" in t.column_names), missing)
        style = next((t.column("style") for t in [*others, documents] if "style" in t.column_names), missing)
        return pa.table({
            "id": ids, "url": documents.column("url"), "text": documents.column("text"),
            "source": index.column("source"), "cell": index.column("cell"), "style": style.cast(pa.string()),
            "cluster_id": cluster_numbers(cluster)}).take(rows)

    def _lengths(self, receipt: Mapping[str, Any], part: Mapping[str, Shard], said: np.ndarray,
                 lengths: np.ndarray) -> list[Fault]:
        wrong = int((said != lengths).sum()) if receipt["draw_tokenizer"] is None else 0
        what = f"counts the tokens of {wrong:,} documents otherwise than their texts give them"
        return [Fault(part["index"].path, what)] if wrong else []


def _ordered(tables: list[pa.Table], flat: np.ndarray) -> Remade:
    rows = pa.concat_tables(tables)
    words = chance.id_words(rows.column("id")).byteswap()            # ids are in the order of their bytes
    at = np.lexsort((rows.column("copy").to_numpy(), words[:, 1], words[:, 0], rows.column("order").to_numpy()))
    rows = rows.take(pa.array(at))
    names = [name for name in DRAWN.names if name in rows.column_names]
    return Remade(rows.select([*names, *(["text"] if "text" in rows.column_names else [])]),
                  Held(flat, rows.column("start").to_numpy()))


def _needs_text(receipt: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    return writer_of(receipt, entry["format"]).needs_text


def _passes(shards: Sequence[int], entries: Mapping[int, Sequence[Mapping[str, Any]]]) -> Iterator[list[int]]:
    group: list[int] = []
    size = 0
    for shard in shards:
        tokens = max(e["tokens"] for e in entries[shard])
        if group and size + tokens > PASS_TOKENS:
            yield group
            group, size = [], 0
        group.append(shard)
        size += tokens
    if group:
        yield group
