"""Ghosts: documents that stay out of every build of a store, and whose near-duplicates do: removed ones, and held-out ones.

    tombstones/index.json    removed documents, and rules for what later crawls may bring
    tombstones/purged.json   documents whose text was masked in every artefact, and which artefacts those were
    holdouts/<name>.json     a holdout's documents

An entry is {"schema", "name", "build", "documents": a shard of `GHOST` rows}; what else it says is its writer's business.
A row names a document by its id, by the digest of its matching form, or by both; or it is a rule: an address, or a host
and a range of dates. Its shingles say which near-duplicates stay out too; a row without them stands for itself alone.
Given up: dates are compared as they are written, and a record without one meets no rule of dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import results
from corpus.document import ID, one_array
from corpus.results import Shard
from corpus.store import Store
from corpus.text.addresses import hosts
from corpus.text.escapes import normal_escapes

INDEX, PURGED, HOLDOUTS = "tombstones/index.json", "tombstones/purged.json", "holdouts"
REMOVED, HELD_OUT = "removed", "holdout"

#: id to bands: as `corpus.dedup.shingle.SHINGLES`, each null where it is not known or does not count. `reason` is removed
#: or holdout. Rules have no id: `url` (compared by `url_forms`), or `host` (as `hosts` has it; with a dot before it
#: everything below it too) and dates: `after` (on that day or later), `before` (earlier than it); null: no bound.
GHOST = pa.schema([
    ("id", ID),
    ("text_digest", ID),
    ("words", pa.int32()),
    ("shingles", pa.list_(pa.uint64())),
    ("bands", pa.list_(pa.uint64())),
    ("reason", pa.string()),
    ("url", pa.string()),
    ("host", pa.string()),
    ("after", pa.string()),
    ("before", pa.string()),
])

#: A document whose text is nowhere any more; `payload_digest` is of the raw record's bytes, null where it had none.
PURGED_ROW = pa.schema([("id", ID), ("payload_digest", ID)])

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ODD = "[^\\x00-\\x7f]"            # what a host and an address may also be spelled without


def entries(store: Store, build: str | None = None) -> Iterator[dict[str, Any]]:
    """What is removed, then each holdout by name. build: the holdouts that it drew itself are left out."""
    found = store.read_json(INDEX)
    if found is not None:
        yield found
    for name in store.names(HOLDOUTS):
        if name.endswith(".json"):
            entry = store.read_json(f"{HOLDOUTS}/{name}")
            if entry is not None and (build is None or entry["build"] != build):
                yield entry


def ghosts(store: Store, build: str | None = None) -> list[Shard]:
    """The shards of `GHOST` rows that a build has to keep out, in a fixed order; none where there are no ghosts."""
    return [results.item_from_json(entry["documents"]) for entry in entries(store, build)]


def reason_of(store: Store, document: bytes, build: str | None = None) -> str | None:
    """`removed` or `holdout` where the document of an id is a ghost by its id, else None."""
    for shard in ghosts(store, build):
        rows = store.read_shard(shard, ["id", "reason"])
        mine = rows.filter(pc.equal(rows.column("id"), pa.scalar(document, ID)))
        if mine.num_rows:
            return mine.column("reason")[0].as_py()
    return None


def reasons(documents: pa.Table, rows: pa.Table, digests: pa.Array | None) -> pa.Array:
    """(n,) string: why each document has to stay out, null where it may stay; what comes first in `rows` speaks.

    documents: columns id, url, date. rows: `GHOST`, of which columns may be missing. digests: (n,) of the matching forms;
    None where no row has one.
    """
    n = documents.num_rows
    first = np.full(n, rows.num_rows, np.int64)
    named = {name: _column(rows, name) for name in GHOST.names}
    _look_up(first, documents.column("id"), named["id"])
    if digests is not None:
        _look_up(first, digests, named["text_digest"])
    if "url" in documents.column_names and len(named["url"].drop_null()):
        _look_up(first, url_forms(documents.column("url")), url_forms(named["url"]))
    rules = rule_rows(rows)
    host = host_forms(documents.column("url")) if any(rule["host"] is not None for rule in rules) else None
    alone = [rule for rule in rules if one_host(rule)]          # however many there are, they are looked up at once
    if alone:
        places = pa.array([rule["row"] for rule in alone])
        own = pa.array(np.isin(np.arange(rows.num_rows), places.to_numpy()))
        _look_up(first, host, pc.if_else(own, named["host"], pa.scalar(None, pa.string())))
    for rule in rules:
        if not one_host(rule):
            first[covered(documents, rule, host) & (first > rule["row"])] = rule["row"]
    said = pc.fill_null(named["reason"], REMOVED)
    return said.take(pa.array(first, mask=first == rows.num_rows))


def rule_rows(rows: pa.Table) -> list[dict[str, Any]]:
    """The rules of hosts and dates among `GHOST` rows: host, after, before, and `row`, its place."""
    named = {name: _column(rows, name) for name in ("host", "after", "before")}
    some = pc.or_(pc.or_(*(pc.is_valid(named[n]) for n in ("host", "after"))), pc.is_valid(named["before"]))
    at = np.flatnonzero(some.to_numpy(zero_copy_only=False))
    return [{"row": int(i)} | {name: column[int(i)].as_py() for name, column in named.items()} for i in at]


def one_host(rule: dict[str, Any]) -> bool:
    """Whether a rule is about one host, whenever."""
    host = rule["host"]
    return host is not None and not host.startswith(".") and rule["after"] is None and rule["before"] is None


def covered(documents: pa.Table, rule: dict[str, Any], host: pa.Array | None = None) -> np.ndarray:
    """(n,) bool: which documents (columns url, date) a rule of a host and dates is about. host: `host_forms` of their
    addresses, where they are known.
    """
    found = pa.array(np.ones(documents.num_rows, bool))
    if rule["host"] is not None:
        host, name = host_forms(documents.column("url")) if host is None else host, rule["host"]
        own = pc.equal(host, name.removeprefix("."))
        found = pc.and_kleene(found, pc.or_kleene(own, pc.ends_with(host, name)) if name.startswith(".") else own)
    if rule["after"] is not None or rule["before"] is not None:
        day = days(documents.column("date"))
        for bound, test in ((rule["after"], pc.greater_equal), (rule["before"], pc.less)):
            if bound is not None:
                found = pc.and_kleene(found, test(day, bound))
    return one_array(pc.fill_null(found, False)).to_numpy(zero_copy_only=False)


def days(dates: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """(n,) string: the days of dates that begin with YYYY-MM-DD; null for others, of which no rule of dates is."""
    return pc.utf8_slice_codeunits(pc.if_else(pc.match_substring_regex(dates, _DATE), dates, None), 0, 10)


def host_forms(urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """(n,) string: hosts as rules name them: as `hosts`, without a last dot, and in the letters that a name server has."""
    return _respelled(pc.utf8_rtrim(hosts(urls), "."), _ODD, _ascii_host)


def url_forms(urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """(n,) string: addresses as rules compare them: without scheme, "www.", default port, fragment and a last "/", the
    host in lower case, both in ASCII, and %-escapes where they are needed. What is no web address stays as it is.
    """
    whole = pc.utf8_trim_whitespace(one_array(urls))
    parts = pc.extract_regex(
        whole, r"(?is)^https?://(?:www\.)?(?P<host>[^/?#:]+)(?P<port>:[0-9]*)?(?P<rest>[^#]*)")
    host, port, rest = (pc.struct_field(parts, name) for name in ("host", "port", "rest"))
    port = pc.replace_substring_regex(port, r"^:(80|443|)$", "")
    host = _respelled(pc.utf8_rtrim(pc.utf8_lower(host), "."), _ODD, _ascii_host)
    rest = _respelled(pc.utf8_rtrim(rest, "/"), f"%|{_ODD}", _escaped)
    return pc.coalesce(pc.binary_join_element_wise(host, port, rest, ""), whole)


def _respelled(column: pa.Array, odd: str, spell: Callable[[str], str]) -> pa.Array:
    """A column of which the values that a regular expression finds, few as a rule, are spelled otherwise."""
    at = pc.fill_null(pc.match_substring_regex(column, odd), False)
    if not pc.any(at).as_py():
        return column
    return pc.replace_with_mask(column, at, pa.array([spell(v) for v in column.filter(at).to_pylist()], column.type))


def _ascii_host(host: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:                                # a label that is none, or too long: no server has it
        return host


def _escaped(rest: str) -> str:
    return normal_escapes(re.sub(_ODD, lambda found: quote(found[0], errors="surrogatepass"), rest))


def purged(store: Store) -> dict[str, Any] | None:
    """What was purged: `documents` (`PURGED_ROW`), `held` (digests of all shards that had some of it), `masked` (digests of
    those that are still there without it). None where nothing ever was.
    """
    found = store.read_json(PURGED)
    if found is None:
        return None
    shard = results.item_from_json(found["documents"])
    return found | {"documents": store.read_shard(shard)}


def masked(store: Store) -> set[str]:
    """Content digests of shards of which rows were masked: their path keeps the digest of what they were."""
    return set((store.read_json(PURGED) or {}).get("masked", ()))


def _look_up(first: np.ndarray, values: pa.Array | pa.ChunkedArray, known: pa.Array) -> None:
    """Lowers `first` to the row of `known` that has each value."""
    at = pc.index_in(one_array(values), value_set=known, skip_nulls=True)
    found = pc.fill_null(at, len(first) + len(known)).to_numpy(zero_copy_only=False)
    valid = at.is_valid().to_numpy(zero_copy_only=False)
    first[valid] = np.minimum(first[valid], found[valid])


def _column(rows: pa.Table, name: str) -> pa.Array:
    if name not in rows.column_names:
        return pa.nulls(rows.num_rows, GHOST.field(name).type)
    return one_array(rows.column(name))


def concat(store: Store, shards: Sequence[Shard], columns: list[str] | None = None) -> pa.Table:
    """All rows of some shards of `GHOST`."""
    schema = GHOST if columns is None else pa.schema([GHOST.field(c) for c in columns])
    return pa.concat_tables([schema.empty_table(), *(store.read_shard(s, columns).select(schema.names).cast(schema)
                                                     for s in shards)])
