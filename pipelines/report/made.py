"""Sections about the files: the shards that were written, the models that were fitted, the steps and what they took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from corpus.results import Folder
from pipelines.cli.text import size
from pipelines.report import svg
from pipelines.report.documents import missing
from pipelines.report.html import Html, count, join, plural, seconds, short, table, tag
from pipelines.view import View

FILES = 48


def shards(view: View) -> Html:
    if view.receipt is None:
        return missing("shards")
    by_format: dict[str, list[dict[str, Any]]] = {}
    for entry in view.receipt["shards"]:
        by_format.setdefault(entry["format"], []).append(entry)
    return join([_format(name, entries, number == 0) for number, (name, entries) in enumerate(sorted(by_format.items()))])


def _format(name: str, entries: list[dict[str, Any]], is_open: bool) -> Html:
    files = [(entry, file) for entry in entries for file in entry["files"]]
    rows = [[tag("span", file["path"], class_="path"), count(entry["rows"]), count(entry["tokens"]), size(file["bytes"]),
             digest(file["digest"])] for entry, file in files[:FILES]]
    more = f" The first {FILES} of {len(files)} are shown; the receipt has them all." if len(files) > FILES else ""
    total = sum(f["bytes"] for _, f in files)
    summary = f"{name}: {plural(len(entries), 'shard')}, {plural(len(files), 'file')}, {size(total)}"
    words = f"Files of the format {name}, under shards/ of the build's folder, with the start of their digests.{more}"
    return tag("details", tag("summary", summary),
               table(words, ["file", "documents", "tokens", "size", "digest"], rows, right=(1, 2, 3)), open=is_open)


def digest(found: str) -> Html:
    return tag("code", found[:16], title=found, class_="digest")


# models ----------------------------------------------------------------------------------------------------------


def models(view: View) -> Html:
    """Every fitted or pinned model with what its fit told: sizes, and scores on documents it was not fitted on."""
    rows = []
    for manifest in view.manifests.values():
        for folder in view.outputs(manifest):
            if isinstance(folder, Folder) and manifest["stage"] not in ("shards", "search", "compile"):
                kept = "pinned" in str(manifest["made"].get("engine", ""))
                facts = [tag("span", tag("span", name, class_="what"), " ", value) for name, value in facts_of(folder.about)]
                badge = tag("span", "pinned, its inputs have changed", class_="badge") if kept else None
                rows.append([join(folder.name, badge), tag("span", facts, class_="facts"), size(folder.bytes),
                             digest(folder.digest)])
    if not rows:
        return missing("annotate.tokenizer")
    return table("Models of this build. They stay as they are when the data grows: the lock pins them by digest.",
                 ["model", "what it is", "size", "digest"], rows, right=(2,))


def facts_of(about: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, str]]:
    """(name, value) of what a fit tells people; nested ones with both names; lists and long maps are not for a line."""
    for key, value in about.items():
        name = f"{under} {key}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            if len(value) <= 6:
                yield from facts_of(value, name)
        elif isinstance(value, bool) or value is None or value == "" or isinstance(value, (list, tuple)):
            continue
        elif isinstance(value, int):
            yield name, count(value)
        elif isinstance(value, float):
            yield name, f"{value:.4g}"
        else:
            yield name, short(str(value), 60)


# steps -----------------------------------------------------------------------------------------------------------


def steps(view: View) -> Html:
    """Seconds a stage; steps are folded away."""
    stages: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for step, manifest in view.manifests.items():
        stages.setdefault(manifest["stage"], []).append((step, manifest))
    took = {stage: sum(m["made"]["seconds"] for _, m in own) for stage, own in stages.items()}
    most, total = max(took.values(), default=0.0) or 1.0, sum(took.values())
    rows = [[stage, svg.bar(took[stage] / most, f"{stage}: {seconds(took[stage])}", height=10), seconds(took[stage]),
             count(len(own))] for stage, own in stages.items()]
    engines = sorted({str(m["made"].get("engine", "")) for m in view.manifests.values()} - {""})
    words = (f"{seconds(total)} in all, by stage, in the order of the line; what was there already counts with the time it "
             f"took then. Engines: {', '.join(engines)}.")
    return join(table(words, ["stage", "", "time", "steps"], rows, right=(2, 3), wide=(1,), name="tight bars"),
                _each_step(view))


def _each_step(view: View) -> Html:
    rows = []
    for step, manifest in view.manifests.items():
        documents, took = manifest["counts"].get("documents"), manifest["made"]["seconds"]
        outputs = view.outputs(manifest)
        rows.append([step, count(len(manifest["tasks"])), seconds(took), count(documents) or "–",
                     f"{documents / took:,.0f}" if documents and took >= 0.1 else "–", size(sum(o.bytes for o in outputs)),
                     tag("code", manifest["key"][:12], title=manifest["key"], class_="digest")])
    return tag("details", tag("summary", "Every step"),
               table("Steps, with the key that their declared identity and inputs hash to",
                     ["step", "tasks", "time", "documents", "a second", "size", "key"], rows, right=range(1, 6)))


def packages(view: View) -> Html | None:
    told = [m["made"].get("packages") for m in view.manifests.values()]
    found = ((view.receipt or {}).get("made") or {}).get("packages") or next((t for t in reversed(told) if t), None)
    if not found:
        return None
    named = [tag("span", name, " ", tag("code", release), class_="release") for name, release in found.items()]
    return tag("p", "Packages: ", named, class_="note")
