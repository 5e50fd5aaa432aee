"""Which documents a removal is about: those that it names, over every record that came in, and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.ids import one_array
from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.document import ID
from corpus.ghosts import covered, hosts, url_forms
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
    """`documents` of `CHOSEN`, in the order of the records. near: others that are near one of them and stay."""

    documents: pa.Table
    near: pa.Table = field(default_factory=CHOSEN.empty_table)
    undated: int = 0

    @property
    def ids(self) -> pa.Array:
        return one_array(self.documents.column("id"))


def normal_host(host: str) -> str:
    """A host as rules name it: lower case, no "www.", no port. A dot or "*." before it: and everything below it."""
    name = host.strip().lower().rpartition("://")[2].removeprefix("*").split("/")[0].split(":")[0].rstrip(".")
    return name if name.startswith(".") else name.removeprefix("www.")


def choose(records: Records, asked: Asked, promote: bool = False) -> Chosen:
    """All documents that a removal is about. promote: near-duplicates of what is named stay (one of them is kept by the
    next build); else they go, with all that is in their groups. Children go either way.
    """
    why, jaccard, undated = _named(records, asked), {}, 0
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
        beside = {} if promote and near else _near(records, pa.array(fresh, ID), jaccard)
        near |= {i: w for i, w in beside.items() if i not in why}
        if not promote:
            why |= near
            fresh += near
        children = _children(records, pa.array(fresh, ID))
        fresh = [i for i in children.to_pylist() if i not in why]
        why |= dict.fromkeys(fresh, "child")
    found = _told(records, why | {i: w for i, w in near.items() if i not in why}, jaccard)
    mine = pc.is_in(found.column("id"), value_set=pa.array(list(why), ID))
    return Chosen(found.filter(mine), found.filter(pc.invert(mine)), undated)


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


def _named(records: Records, asked: Asked) -> dict[bytes, str]:
    """Ids of what is named, each with the first kind that names it."""
    ids, forms = pa.array(asked.ids, ID), url_forms(pa.array(asked.urls, pa.string()))
    rules = [rule for rule in asked.rules if "url" not in rule]
    found: dict[bytes, str] = {}
    for shard in records.raw:
        rows = records.store.read_shard(shard, ["id", "url", "date"])
        masks = []
        if len(ids):
            masks.append(("id", pc.is_in(rows.column("id"), value_set=ids)))
        if len(forms):
            masks.append(("url", pc.is_in(url_forms(rows.column("url")), value_set=forms)))
        masks += [("host" if rule["host"] else "date", pa.array(covered(rows, rule))) for rule in rules]
        for why, mask in masks:
            for i in rows.column("id").filter(mask).to_pylist():
                found.setdefault(i, why)
    return found


def _undated(records: Records, asked: Asked) -> int:
    """Records of the hosts asked for that have no date, so that no rule of dates can be about them."""
    total = 0
    for shard in records.raw:
        rows = records.store.read_shard(shard, ["url", "date"])
        rows = rows.filter(pc.is_null(rows.column("date")))
        if asked.hosts:
            rows = rows.filter(pc.is_in(hosts(rows.column("url")), value_set=pa.array(asked.hosts, pa.string())))
        total += rows.num_rows
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
        wanted = records.shingle.of(one_array(texts.column("id")), texts.column("text")).combine_chunks()
        for row in near_to(_signatures(records), wanted, pa.array([], ID), records.threshold).to_pylist():
            found[row["id"]] = "near"
            jaccard[row["id"]] = max(row["jaccard"], jaccard.get(row["id"], 0.0))
    more = groups_of(records.store, records.groups, pa.array(list(found), ID))
    found = dict.fromkeys(more.to_pylist(), "group") | found
    for own in ids.to_pylist():
        found.pop(own, None)
        jaccard.pop(own, None)
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
                found.append(row | {"why": why[row["id"]], "jaccard": jaccard.get(row["id"])})
    return pa.Table.from_pylist([{n: row[n] for n in CHOSEN.names} for row in found], schema=CHOSEN)
