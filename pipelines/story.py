"""One document's whole story: every verdict, what it says of itself, who is in its group, whether it was removed or held
out, its cell, and the shards that hold it. Reads a step's shards one by one and only the columns it needs; no text is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.dedup.lookup import group_of
from corpus.document import ID, parse_id, record_id, show_id
from corpus.errors import MissingFile
from corpus.ghosts import HELD_OUT, concat, ghosts, reason_of, reasons
from pipelines.story_draw import drawn_story
from pipelines.view import View

MEMBERS = 10                       # of a group that a story names

#: Step, output and columns (None: all) of what is told of a kept document.
_TOLD = (
    ("annotate.tokens", "tokens", ("token_count",)),
    ("annotate.score", "attributes", ("quality",)),
    ("domains.assign", "domains", ("cluster", "domain")),
)


def stories(view: View, wanted: str, most: int = 20) -> list[dict[str, Any]]:
    """Every record with this id, address, file or reason, or with this id in its source: what became of it, and where it
    went; at most `most`.
    """
    shown = parse_id(wanted)
    ids = [] if shown is None else [shown]
    found = _found(view, wanted, ids, most)
    if not found:
        ids += _own_ids(view, wanted)
        found = _found(view, None, ids, most)
    return found or [story for raw in ids if (story := _ghost_story(view, raw))] or _ghost_address(view, wanted)


def _own_ids(view: View, own: str) -> list[bytes]:
    """Ids of the record that its source calls `own`, in whichever source that is; WARC writes its ids in < >."""
    names = dict.fromkeys([own, f"<{own}>"])
    return [record_id(source.name, name.encode("utf-8", "surrogatepass")) for source in view.build.sources for name in names]


def _found(view: View, wanted: str | None, ids: list[bytes], most: int) -> list[dict[str, Any]]:
    found = []
    for shard in view.shards("freeze.ledger", "verdicts"):
        table = view.store.read_shard(shard)
        mask = pc.is_in(table.column("id"), value_set=pa.array(ids, ID))
        for column in ("url", "file", "reason") if wanted is not None else ():
            mask = pc.or_kleene(mask, pc.equal(table.column(column), wanted))
        for row in table.filter(pc.fill_null(mask, False)).to_pylist():
            found.append(_story(view, row))
            if len(found) == most:
                return found
    return found


def _ghost_story(view: View, raw: bytes) -> dict[str, Any] | None:
    """Of a document that this build has no record of, but the store knows as removed or held out."""
    ghost = _ghost(view, raw)
    return {"id": show_id(raw), "verdict": "no record of this build"} | ghost if ghost else None


def _ghost_address(view: View, wanted: str) -> list[dict[str, Any]]:
    """Of an address that stays out of the store, whatever is found there: by itself or by its host."""
    rules = concat(view.store, ghosts(view.store, view.build.name), ["url", "host", "after", "before", "reason"])
    one = pa.table({"id": pa.nulls(1, ID), "url": pa.array([wanted], pa.string()), "date": pa.nulls(1, pa.string())})
    if reasons(one, rules, None)[0].as_py() is None:
        return []
    return [{"url": wanted, "verdict": "no record of this build has this address",
             "removed": "the address stays out of every build of this store"}]


def _ghost(view: View, raw: bytes) -> dict[str, str]:
    reason = reason_of(view.store, raw, view.build.name)
    if reason is None:
        return {}
    if reason == HELD_OUT:
        return {"holdout": "held out of every build of this store by another build"}
    return {"removed": "from every build of this store; one that was made before drops it when it is next run"}


def _story(view: View, verdict: dict[str, Any]) -> dict[str, Any]:
    raw = verdict["id"]
    story: dict[str, Any] = {
        "id": show_id(raw),
        "url": verdict["url"],
        "source": verdict["source"],
        "file": f"{verdict['file']} at {verdict['offset']:,}",
    }
    story |= _ghost(view, raw)
    if not verdict["kept"]:
        story["verdict"] = f"dropped at {verdict['stage']}: {verdict['reason']}"
        if verdict["rule"] is not None and verdict["value"] is not None:
            bound = "" if verdict["bound"] is None else f", bound {verdict['bound']:g}"
            story["measured"] = f"{verdict['rule']} = {verdict['value']:.6g}{bound}"
        if verdict["keeper"] is not None:
            story["keeper"] = show_id(verdict["keeper"])
            story["keeper_url"] = dict(_urls(view, [verdict["keeper"]])).get(verdict["keeper"])
            if (reason := reason_of(view.store, verdict["keeper"], view.build.name)) is not None:
                story["keeper_is"] = "held out of every build" if reason == HELD_OUT else "removed from every build"
            story |= _group(view, raw)
        return story | _edits(view, raw)
    story["verdict"] = "kept"
    story |= _edits(view, raw) | _group(view, raw) | _marks(view, raw)
    for step, name, columns in _TOLD:
        row = view.row(step, name, raw, ["id", *columns])
        for column in columns:
            if row is not None:
                story[column] = row[column] if not isinstance(row[column], float) else round(row[column], 4)
    return story | _domain(view, story) | _neighbour(view, raw) | drawn_story(view, raw)


def _domain(view: View, story: dict[str, Any]) -> dict[str, Any]:
    if story.get("domain") is not None:
        label = next((d["label"] for d in view.domains() if d["id"] == story["domain"]), "")
        return {"domain": f"{story['domain']} ({label})"}
    if story.get("cluster") is None:
        return {}
    cluster = next((c for c in view.taxonomy()["clusters"] if c["cluster"] == story["cluster"]), {})
    return {"domain": f"none: cluster {story['cluster']} was pruned ({cluster.get('why') or 'pruned'})"}


def _neighbour(view: View, raw: bytes) -> dict[str, Any]:
    """The nearest other document of the cluster, where the build looked for it."""
    for shard in view.shards("cluster.nearest", None):
        table = view.store.read_shard(shard)
        for row in table.filter(pc.equal(table.column("id"), pa.scalar(raw, ID))).to_pylist():
            if row["neighbour"] is not None:
                url = dict(_urls(view, [row["neighbour"]])).get(row["neighbour"])
                return {"nearest": f"{url or show_id(row['neighbour'])} (cosine {row['neighbour_cosine']:.3f})"}
    return {}


def _marks(view: View, raw: bytes) -> dict[str, Any]:
    """What was measured in words, and what is true of it: language, licence, opt-outs, bands. Numbers are in the shards."""
    row = view.row("freeze", "marks", raw) or {}
    return {name: value for name, value in row.items() if (isinstance(value, str) or value is True) and name != "fields"}


def _edits(view: View, raw: bytes) -> dict[str, Any]:
    row = view.row("edit", "edits", raw)
    kinds: dict[str, int] = {}
    for span in (row or {}).get("spans") or ():
        kind = f"{span['editor']}: {span['kind']}"
        kinds[kind] = kinds.get(kind, 0) + 1
    return {"edited": ", ".join(f"{kind} {n:,}" for kind, n in kinds.items())} if kinds else {}


def _group(view: View, raw: bytes) -> dict[str, Any]:
    """The group of near-duplicates that the document is in, each member with its address; nothing where it is alone."""
    shards = view.shards("dedup.groups", "groups")
    members = group_of(view.store, shards, raw).to_pylist() if shards else []
    others = [m for m in members if m["id"] != raw]
    if not others:
        return {}
    others.sort(key=lambda m: (not m["kept"], -(m["jaccard"] or 0)))
    shown = others[:MEMBERS]
    urls = dict(_urls(view, [m["id"] for m in shown]))
    told = []
    for m in shown:
        why = "kept" if m["kept"] else m["reason"]
        if not m["kept"] and m["jaccard"] is not None:
            why += f", Jaccard {m['jaccard']:.3f}"
        told.append(f"{urls.get(m['id']) or show_id(m['id'])} ({why})")
    more = f"; and {len(others) - len(shown):,} more" if len(others) > len(shown) else ""
    return {"group": f"{show_id(members[0]['group'])}, {len(members):,} documents", "others": "; ".join(told) + more}


def _urls(view: View, ids: list[bytes]) -> Iterator[tuple[bytes, str | None]]:
    """Addresses of documents of this build; of those that it has not, in the builds that it is deduplicated against."""
    left = set(ids)
    for known in (view, *_earlier(view)):
        wanted = pa.array(sorted(left), ID)
        for shard in known.shards("freeze.ledger", "verdicts") if left else ():
            table = known.store.read_shard(shard, ["id", "url"])
            found = table.filter(pc.is_in(table.column("id"), value_set=wanted))
            for raw, url in zip(found.column("id").to_pylist(), found.column("url").to_pylist()):
                left.discard(raw)
                yield raw, url if known is view or url is None else f"{url} (of the build '{known.build.name}')"


def _earlier(view: View) -> Iterator[View]:
    """The builds that this one is deduplicated against, as far as they are still there."""
    for name in view.build.file.dedup.against:
        file = view.build.file.model_copy(update={"name": name})
        other = View(dataclasses.replace(view.build, file=file))
        try:
            if other.manifests:
                yield other
        except MissingFile:
            continue
