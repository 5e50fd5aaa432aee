"""Which documents a removal is about: those that it names, over every record that came in, and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.document import ID, one_array, show_id
from corpus.ghosts import covered, days, host_forms, one_host, url_forms
from corpus.removal.closure import children_of, groups_of, near_to, signatures
from corpus.results import Shard
from corpus.store import Store
from corpus.text.normal import text_digests

#: `why`: id, url, host, date, text (named by it), near, group (of near-duplicates) or child. `jaccard` is of what is near.
CHOSEN = pa.schema([
    ("id", ID),
    ("url", pa.string()),
    ("source", pa.string()),
    ("file", pa.string()),
    ("offset", pa.int64()),
    ("why", pa.string()),
    ("jaccard", pa.float64()),
])

_RECORD = ["id", "url", "source", "file", "offset", "date"]


@dataclass(frozen=True)
class Asked:
    """What is to be removed. Kinds unite, but for `hosts` and the dates, which narrow one another. digests: of matching
    forms. texts: these, and whatever is near them.
    """

    ids: tuple[bytes, ...] = ()
    urls: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    after: str | None = None
    before: str | None = None
    digests: tuple[bytes, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def rules(self) -> list[dict[str, Any]]:
        """Rules for later crawls: by address, and by host and date."""
        found: list[dict[str, Any]] = [{"url": url} for url in self.urls]
        if self.hosts or self.after or self.before:
            found += [{"host": host, "after": self.after, "before": self.before} for host in self.hosts or (None,)]
        return found

    @property
    def nothing(self) -> bool:
        return not (self.ids or self.digests or self.texts or self.rules)


@dataclass(frozen=True)
class Records:
    """A build's records, as lists of shards: raw ones; documents as the filter read them, and the facts beside them;
    shingles and groups of dedup, beside the documents that a filter left.
    """

    store: Store
    raw: Sequence[Shard]
    documents: Sequence[Shard]
    facts: Sequence[Shard]
    shingles: Sequence[Shard]
    groups: Sequence[Shard]
    shingle: Shingle
    threshold: float = 0.8
    sources: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.raw)


@dataclass
class Chosen:
    """`documents` of `CHOSEN`, in the order of the records. near: others that are near one of them and stay. undated:
    records that no rule of dates can be about. missing: ids and addresses that were asked for and that no record has.
    """

    documents: pa.Table
    near: pa.Table = field(default_factory=CHOSEN.empty_table)
    undated: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def ids(self) -> pa.Array:
        return one_array(self.documents.column("id"))


def normal_host(host: str) -> str:
    """A host as rules name it: lower case, no "www.", no port. A dot or "*." before it: and everything below it."""
    name = host.strip().rpartition("://")[2].removeprefix("*")
    below = "." if name.startswith(".") else ""
    return below + (host_forms(pa.array([f"http://{name.removeprefix('.')}"]))[0].as_py() or "")


def choose(records: Records, asked: Asked, promote: bool = False) -> Chosen:
    """All documents that a removal is about. promote: near-duplicates of what is named stay (one of them is kept by the
    next build); else they go, with all that is in their groups, and what is near those, and so on: each has a tombstone that
    would keep its like out all the same. Children go either way.
    """
    (why, missing), jaccard, undated = _named(records, asked), {}, 0
    if asked.after or asked.before:
        undated = _undated(records, asked)
    texts = _signed_texts(records.shingle, asked.texts)
    digests = pa.array([*asked.digests, *texts.column("text_digest").to_pylist()], ID)
    if len(digests):
        for row in near_to(_signatures(records), texts, digests, records.threshold).to_pylist():
            why.setdefault(row["id"], "text")
            jaccard[row["id"]] = max(row["jaccard"], jaccard.get(row["id"], 0.0))
    near: dict[bytes, str] = {}
    fresh = list(why)
    while fresh:
        beside = {i: w for i, w in _near(records, pa.array(fresh, ID), jaccard).items() if i not in why}
        if promote:
            near |= beside
        else:
            why |= beside
            fresh += beside
        children = [i for i in _children(records, pa.array(fresh, ID)).to_pylist() if i not in why]
        why |= dict.fromkeys(children, "child")
        fresh = children if promote else [*beside, *children]
    found = _told(records, why | {i: w for i, w in near.items() if i not in why}, jaccard)
    mine = pc.is_in(found.column("id"), value_set=pa.array(list(why), ID))
    return Chosen(found.filter(mine), found.filter(pc.invert(mine)), undated, missing)


def texts_of(records: Records, ids: pa.Array) -> pa.Table:
    """(id, text) of those documents that have one, each once."""
    found = [pa.schema([("id", ID), ("text", pa.large_string())]).empty_table()]
    for shard in records.documents:
        known = records.store.read_shard(shard, ["id"]).column("id")
        if pc.any(pc.is_in(known, value_set=ids)).as_py():
            rows = records.store.read_shard(shard, ["id", "text"])
            found.append(rows.filter(pc.and_(pc.is_in(rows.column("id"), value_set=ids),
                                             pc.greater(pc.binary_length(rows.column("text")), 0))))
    rows = pa.concat_tables(found)
    at = pa.array(range(rows.num_rows), pa.int64())
    first = rows.append_column("at", at).group_by("id").aggregate([("at", "min")]).column("at_min")
    return rows.take(first.combine_chunks())


def _named(records: Records, asked: Asked) -> tuple[dict[bytes, str], list[str]]:
    """Ids of what is named, each with the first kind that names it; and the ids and addresses that name nothing."""
    ids, forms = pa.array(asked.ids, ID), url_forms(pa.array(asked.urls, pa.string()))
    rules = [rule for rule in asked.rules if "url" not in rule]
    names = pa.array([rule["host"] for rule in rules if one_host(rule)], pa.string())
    rules = [rule for rule in rules if not one_host(rule)]
    found: dict[bytes, str] = {}
    met = pa.array([], pa.string())
    for shard in records.raw:
        rows = records.store.read_shard(shard, ["id", "url", "date"])
        masks = []
        if len(ids):
            masks.append(("id", pc.is_in(rows.column("id"), value_set=ids)))
        if len(forms):
            here = url_forms(rows.column("url"))
            masks.append(("url", pc.is_in(here, value_set=forms)))
            met = pc.unique(pa.concat_arrays([met, here.filter(masks[-1][1])]))
        host = host_forms(rows.column("url")) if asked.hosts else None
        if len(names):
            masks.append(("host", pc.is_in(host, value_set=names)))
        masks += [("host" if rule["host"] else "date", pa.array(covered(rows, rule, host))) for rule in rules]
        for why, mask in masks:
            for i in rows.column("id").filter(mask).to_pylist():
                found.setdefault(i, why)
    missing = [show_id(i) for i in asked.ids if i not in found]
    there = pc.is_in(forms, value_set=met).to_pylist()
    return found, missing + [url for url, known in zip(asked.urls, there) if not known]


def _undated(records: Records, asked: Asked) -> int:
    """Records of the hosts asked for without a date that can be read, so that no rule of dates is about them."""
    total = 0
    for shard in records.raw:
        rows = records.store.read_shard(shard, ["url", "date"])
        mine = pc.is_null(days(rows.column("date"))).to_numpy()
        rules = [{"host": host, "after": None, "before": None} for host in asked.hosts]
        if rules:
            host = host_forms(rows.column("url"))
            mine = mine & np.any([covered(rows, rule, host) for rule in rules], axis=0)
        total += int(mine.sum())
    return total


def _signed_texts(shingle: Shingle, texts: Sequence[str]) -> pa.Table:
    """`SHINGLES` of given texts, each under its own digest in place of an id."""
    if not texts:
        return SHINGLES.empty_table()
    return shingle.of(text_digests(pa.array(texts, pa.large_string())), list(texts)).combine_chunks()


def _signatures(records: Records):
    return signatures(records.store, records.documents, records.shingles, records.shingle)


def _near(records: Records, ids: pa.Array, jaccard: dict[bytes, float]) -> dict[bytes, str]:
    """What is in a group with one of these, or near one of them by itself."""
    found = dict.fromkeys(groups_of(records.store, records.groups, ids).to_pylist(), "group")
    texts = texts_of(records, ids)
    if texts.num_rows:
        wanted = records.shingle.of(one_array(texts.column("id")), texts.column("text"))
        wanted = wanted.filter(pc.greater(wanted.column("words"), 0)).combine_chunks()      # without words all are alike
        own, here = set(ids.to_pylist()), {}
        for row in near_to(_signatures(records), wanted, pa.array([], ID), records.threshold).to_pylist():
            if row["id"] not in own:
                found[row["id"]] = "near"
                here[row["id"]] = max(row["jaccard"], here.get(row["id"], 0.0))
        jaccard |= {i: j for i, j in here.items() if i not in jaccard}      # with what it was found by
    more = groups_of(records.store, records.groups, pa.array(list(found), ID))
    found = dict.fromkeys(more.to_pylist(), "group") | found
    for raw in ids.to_pylist():
        found.pop(raw, None)
    return found


def _children(records: Records, ids: pa.Array) -> pa.Array:
    urls = [pa.array([], pa.string())]
    for shard in records.raw:
        rows = records.store.read_shard(shard, ["id", "url"])
        urls.append(one_array(rows.column("url").filter(pc.is_in(rows.column("id"), value_set=ids))))
    return children_of(records.store, records.facts, records.sources, ids, pa.concat_arrays(urls))


def _told(records: Records, why: dict[bytes, str], jaccard: dict[bytes, float]) -> pa.Table:
    """`CHOSEN` rows in the order of the records, each id once."""
    wanted, seen, found = pa.array(list(why), ID), set(), []
    for shard in records.raw:
        rows = records.store.read_shard(shard, _RECORD)
        for row in rows.filter(pc.is_in(rows.column("id"), value_set=wanted)).to_pylist():
            if row["id"] not in seen:
                seen.add(row["id"])
                near = jaccard.get(row["id"]) if why[row["id"]] in ("text", "near", "group") else None
                found.append(row | {"why": why[row["id"]], "jaccard": near})
    return pa.Table.from_pylist([{n: row[n] for n in CHOSEN.names} for row in found], schema=CHOSEN)
