"""`corpus plan`, `build`, `status`."""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipelines.plan import Planned

BuildPath = Annotated[str, typer.Argument(metavar="BUILD", help="A build file.")]
On = Annotated[
    str | None, typer.Option("--on", metavar="ENGINEFILE", help="Where to run: an engine file, or an engine's name.")
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes of the engine.")]
Json = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout, no progress.")]


def plan(
    build: BuildPath,
    json_: Json = False,
    all_: Annotated[bool, typer.Option("--all", help="Also steps that are done.")] = False,
) -> None:
    """What is there, what a build would do, and why."""
    from pipelines.build import plan_build
    from pipelines.cli.text import as_json, table
    from pipelines.config.load import load_build
    from pipelines.stages.ghosts import unsigned
    from pipelines.stages.holdout import shingle_of

    loaded = load_build(build)
    found = plan_build(loaded)
    deaf = unsigned(found, shingle_of(loaded))
    if json_:
        print(as_json({"complete": found.complete, "steps": [vars(s) for s in found.steps], "not_compared": deaf}))
        return
    shown = [s for s in found.steps if all_ or s.status != "done"]
    done = sum(s.status == "done" for s in found.steps)
    if shown:
        print(
            table(
                ("stage", "step", "status", "tasks", "why"),
                [_row(s) for s in shown] if all_ else _folded(shown),
            )
        )
    print(f"{done} of {len(found.steps)} steps are done" + ("" if all_ or not done else " (--all shows them)"))
    if deaf:
        print(f"note: {', '.join(deaf)}: shingled with other options than dedup has here; these documents stay out by id, "
              "address and text, and what is near them does not")


def _row(s: Planned) -> tuple[str, ...]:
    return s.stage, s.step, s.status, "?" if s.tasks is None else f"{s.done}/{s.tasks}", s.reason


def _folded(steps: list[Planned]) -> list[tuple[str, ...]]:
    """Rows of a plan; a stage's steps that wait, from the second on, are one row: only the first says something new."""
    rows: list[tuple[str, ...]] = []
    for stage, group in itertools.groupby(steps, key=lambda s: (s.stage, s.status == "waiting")):
        members = list(group)
        waits = stage[1] and len(members) > 2
        rows += [_row(s) for s in (members[:1] if waits else members)]
        if waits:
            rows.append((stage[0], f"{len(members) - 1} more", "waiting", "?", f"depends on {members[0].step}"))
    return rows


def build(build: BuildPath, on: On = None, workers: Workers = None, json_: Json = False) -> None:
    """Make what is missing: filter, deduplicate, cluster, mix, write shards, verify, report."""
    from pipelines.build import run_build
    from pipelines.config.load import load_build
    from pipelines.engines.placement import load_placement
    from pipelines.progress import progress_for

    loaded = load_build(build)
    outcome = run_build(loaded, load_placement(on, workers), progress_for(quiet=json_))
    if json_:
        from pipelines.cli.text import as_json

        print(
            as_json(
                {
                    "receipt": outcome.receipt_digest,
                    "folder": outcome.folder,
                    "made": outcome.made,
                    "kept": outcome.kept,
                    "seconds": round(outcome.seconds, 2),
                }
            )
        )
        return
    print(ending(build, loaded, outcome))


def ending(path: str, build, outcome) -> str:
    """What a finished build says: where things are, what they hold, what to try next."""
    import os

    total = outcome.receipt["total"]
    folder = os.path.relpath(outcome.folder) if os.path.exists(outcome.folder) else outcome.folder
    lines = []
    if outcome.fresh:
        lines.append(
            f"{build.name}: {total['documents']:,} documents, {total.get('written_tokens', total['tokens']):,} tokens in "
            f"{outcome.receipt['shard_count']} shards; "
            f"{outcome.made} tasks ran, {outcome.kept} were there ({outcome.seconds:.0f} s)"
        )
    else:
        lines.append(f"{build.name}: nothing to do, everything is there and unchanged ({outcome.seconds:.1f} s)")
    if long := outcome.receipt["long_documents"]:
        lines.append(f"  note     {long:,} drawn documents are longer than mixture.shard_tokens; each is written whole")
    for writer in build.writers:
        lines.append(f"  shards   {folder}/shards/{writer.name}/")
    if build.file.mixture.holdout is not None:
        lines.append(f"  holdout  {folder}/holdout-{build.file.mixture.holdout.name}/")
    lines += [
        f"  receipt  {folder}/receipt.json  ({outcome.receipt_digest}; receipt.html to read)",
        f"  report   {folder}/report.html",
        f"next: corpus show {path}    or: corpus explain {path} URL",
    ]
    return "\n".join(lines)


def _last_event(log: bytes) -> dict[str, Any] | None:
    """The last event that is whole: a driver that was killed may have cut the line it was at."""
    for line in reversed(log.decode("utf-8", "replace").splitlines()):
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict):
                return found
    return None


def status(build: BuildPath, json_: Json = False) -> None:
    """How far a build is and who drives it."""
    from corpus.store import Store
    from pipelines.build import plan_build
    from pipelines.cli.text import as_json
    from pipelines.config.load import load_build

    loaded = load_build(build)
    store = Store(loaded.store_url)
    found = plan_build(loaded)
    held = store.read_json(f"leases/{loaded.name}.json")
    last = _last_event(store.read_bytes(f"builds/{loaded.name}/events.jsonl") or b"")
    done = sum(s.status in ("done", "pinned") for s in found.steps)
    following = next((s for s in found.steps if s.status not in ("done", "pinned")), None)
    if json_:
        print(
            as_json(
                {
                    "steps_done": done,
                    "steps": len(found.steps),
                    "next": vars(following) if following else None,
                    "lease": held,
                    "last_event": last,
                }
            )
        )
        return
    print(f"{loaded.name}: {done} of {len(found.steps)} steps done" + ("" if following else "; complete"))
    if following:
        tasks = "?" if following.tasks is None else f"{following.done} of {following.tasks}"
        print(f"  next     {following.step} ({tasks} tasks there; {following.reason})")
    if held:
        print(f"  driver   process {held['pid']} on {held['host']}, last seen {max(0, time.time() - held['at']):.0f} s ago")
    if last:
        failed = f": {last['step']}: {last['cause']}" if last["event"] == "failed" else ""
        print(f"  last     {last['event']}{failed}, {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(last['at']))}")
