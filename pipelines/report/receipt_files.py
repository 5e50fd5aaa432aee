"""Sections of a receipt's page about files and digests: what a stranger needs to tell that this is what was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.cli.text import size
from pipelines.report.html import Html, count, join, percent, plural, short, table, tag

FILES = 48


def files_section(receipt: Mapping[str, Any]) -> Html:
    by_format: dict[str, list[Mapping[str, Any]]] = {}
    for entry in receipt["shards"]:
        by_format.setdefault(entry["format"], []).append(entry)
    whole = {entry["format"]: entry["files"] for entry in receipt["finish"]}
    return tag("section", tag("h2", "Files", id="files"),
               tag("p", "Under shards/, with the digest that each has to have.", class_="lead"),
               [_format(name, entries, whole.get(name, [])) for name, entries in by_format.items()], aria_labelledby="files")


def _format(name: str, entries: Sequence[Mapping[str, Any]], whole: Sequence[Mapping[str, Any]]) -> Html:
    rows = [[tag("span", f["path"], class_="path"), "–", "–", "–", size(f["bytes"]), digest(f["digest"])] for f in whole]
    for entry in entries:
        rows += [[tag("span", f["path"], class_="path"), count(entry["rows"]), count(entry["sequences"]),
                  count(entry["tokens"]), size(f["bytes"]), digest(f["digest"])] for f in entry["files"]]
    more = f" The first {FILES} of {len(rows):,} are shown; receipt.json has them all." if len(rows) > FILES else ""
    total = sum(f["bytes"] for e in entries for f in e["files"]) + sum(f["bytes"] for f in whole)
    what = "the sidecar of all formats: which document every token is of" if name == "index" else f"the format {name}"
    summary = f"{name}: {plural(len(entries), 'shard')}, {plural(len(rows), 'file')}, {size(total)}"
    return tag("details", tag("summary", summary),
               table(f"Files of {what}.{more}", ["file", "documents", "sequences", "tokens", "size", "digest"], rows[:FILES],
                     right=(1, 2, 3, 4)))


def held_to_section(receipt: Mapping[str, Any]) -> Html:
    """Digests of all that the draw depends on."""
    rows: list[list[Any]] = [["tokenizer", _named(receipt["tokenizer"]), digest(receipt["tokenizer"]["digest"], 32)]]
    if receipt["draw_tokenizer"] is not None:
        rows.append(["tokenizer of the draw", _named(receipt["draw_tokenizer"]),
                     digest(receipt["draw_tokenizer"]["digest"], 32)])
    if receipt["taxonomy"]:
        rows.append(["taxonomy", "centroids, and the map of clusters to domains", digest(receipt["taxonomy"], 32)])
    mixture = receipt["mixture"]
    if mixture.get("weights"):
        found = "given" if mixture["method"] == "given" else f"found by {mixture['method']}"
        rows.append(["weights", found, digest(mixture["weights"], 32)])
    if receipt["evidence"]:
        rows.append(["evidence", *_evidence(receipt["evidence"])])
    for held in receipt["holdout"]:
        rows.append(["holdout", held["name"], digest(held["digest"], 32)])
    if receipt["after"]:
        rows.append(["after", f"{count(receipt['after']['tokens'])} tokens", digest(receipt["after"]["receipt"], 32)])
    for name, digests in receipt["frozen"].items():
        if isinstance(digests, Sequence) and not isinstance(digests, str):
            rows.append([f"frozen {name}", plural(len(digests), "shard"), "in receipt.json"])
    drift = receipt["evidence"].get("drift") if isinstance(receipt["evidence"], Mapping) else None
    made = (receipt.get("made") or {}).get("packages") or {}
    packages = tag("p", "Packages: ", [tag("span", name, " ", tag("code", release), class_="release")
                                       for name, release in made.items()], class_="note") if made else None
    return tag("section", tag("h2", "Made of", id="digests"),
               tag("p", "By digest: the same inputs give the same shards, and the same receipt.", class_="lead"),
               join(table("What the draw and the shards depend on.", ["what", "", "digest"], rows),
                    _drift(drift) if drift else None, packages),
               aria_labelledby="digests")


def _evidence(evidence: Any) -> list[Any]:
    if isinstance(evidence, str):
        return ["what the weights were found on", digest(evidence, 32)]
    carried = "found on other data, and carried over" if evidence.get("carried") else "what the weights were found on"
    return [carried, digest(str(evidence.get("digest", "")), 32)]


def _drift(rows: Sequence[Mapping[str, Any]]) -> Html:
    """Cells whose documents are not those that the weights were found on."""
    return table("The weights were found on other documents of these cells, and used all the same.",
                 ["cell", "documents in common", "tokens then", "tokens now", "share then", "share now"],
                 [[r["cell"], percent(r["overlap"]), *[count(n) for n in r["tokens"]], *[percent(x, 2) for x in r["share"]]]
                  for r in rows], right=range(1, 6))


def _named(tokenizer: Mapping[str, Any]) -> str:
    eos = tokenizer.get("eos")
    return f"{count(tokenizer['vocab_size'])} ids" + (f", documents end with {short(str(eos), 40)}" if eos else "")


def digest(found: str, shown: int = 16) -> Html:
    return tag("code", found[:shown], title=found, class_="digest")
