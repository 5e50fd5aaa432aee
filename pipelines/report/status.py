"""Where a build stands: finished and verified, stopped with an error, or not there yet; and its one-line verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass

from corpus.results import Folder
from pipelines.report.html import count, listed, plural
from pipelines.report.losses import Losses
from pipelines.view import View


@dataclass(frozen=True)
class Status:
    """word: for the badge. kind: good, wait or bad. detail: a sentence, or nothing."""

    word: str
    kind: str
    detail: str = ""


def status(view: View) -> Status:
    """A receipt is written only after every shard was read back, so one that names the shards of this run says verified."""
    if view.receipt is not None and is_current(view):
        return Status("verified", "good")
    failed = _failure(view)
    if failed:
        return Status("stopped", "bad", f"The last run stopped at step {failed[0]}: {failed[1]}")
    if view.receipt is not None:
        return Status("out of date", "wait", "The receipt and all numbers that come from it are of an earlier run; "
                                             "a run since then is not finished.")
    return Status("not finished", "wait", "There is no receipt yet; each section below says which step it waits for.")


def is_current(view: View) -> bool:
    """Whether the receipt names the very files that the last run's steps wrote."""
    said = view.receipt or {}
    named = {f["digest"] for part in ("shards", "finish", "holdout") for entry in said.get(part) or ()
             for f in entry.get("files") or ()}
    written = {digest for step, manifest in view.manifests.items() if manifest["stage"] == "shards"
               for output in view.outputs(manifest) if isinstance(output, Folder) and output.name in ("shard", "finish")
               for _, digest, _ in output.files}
    return named == written


def _failure(view: View) -> tuple[str, str] | None:
    """Step and cause, where the last run failed."""
    for line in reversed((view.store.read_bytes(f"{view.folder}/events.jsonl") or b"").splitlines()):
        try:
            event = json.loads(line)
        except ValueError:              # a line that was cut off when the driver was killed
            continue
        if event.get("event") in ("start", "end"):
            return None
        if event.get("event") == "failed":
            return str(event.get("step")), str(event.get("cause"))
    return None


def farthest(view: View) -> float:
    """The largest distance of a cell's share from what was asked, as a share of all tokens."""
    return max((abs(c["achieved"] - c["asked"]) for c in view.cells()), default=0.0)


def verdict(view: View, lost: Losses | None) -> str:
    """What came of it, in a sentence or two."""
    if view.receipt is None:
        if lost is None:
            return "No record has been judged yet."
        kept = lost.stages[-1].after if lost.stages else lost.records
        so_far = "left so far" if lost.missing else "kept"
        return f"{count(kept)} of {plural(lost.records, 'record')} are {so_far}; no mixture has been written."
    total = view.receipt["total"]
    formats = sorted({entry["format"] for entry in view.receipt["shards"]} - {"index"})
    distinct = sum(c["distinct"] for c in view.cells())
    copies = f" ({count(total['documents'])} with repeats)" if total["documents"] > distinct else ""
    return (f"{plural(distinct, 'document')}{copies} and {plural(total.get('written_tokens', total['tokens']), 'token')} in "
            f"{plural(view.receipt['shard_count'], 'shard')}, written as {listed(formats)}. "
            f"Every cell is within {points(farthest(view))} of the share that was asked for.")


def points(share: float) -> str:
    """A difference of shares in percentage points, rounded up so that 'within' stays true."""
    hundredths = int(-(-share * 1e4 // 1))
    return f"{max(1, hundredths) / 100:.2f} percentage points"
