"""`verify --replay`: a sample of shards, or those that are named, made again and compared with what the receipt says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from corpus.errors import UserError
from corpus.replay import replay_shards, sample
from pipelines.receipt import Told


@dataclass(frozen=True)
class Replayed:
    """Which shards were made again, and every file of them that came out otherwise."""

    shards: list[int]
    faults: list[str]


def replay(told: Told, share: str | None = None, shards: list[int] | None = None,
           done: Callable[[int], None] = lambda shard: None) -> Replayed:
    """share: "1%" or 0.01 of all shards; shards: those instead. UserError where the store lacks the frozen set."""
    if told.store is None:
        raise UserError(f"{told.where}: a replay makes shards from the frozen set of the store that they were made in; "
                        "name it: --store URL, or the build file")
    chosen = shards if shards is not None else sample(told.receipt, share_of(share or "1%"))
    root = None if "://" in told.root else told.root
    return Replayed(chosen, [str(f) for f in replay_shards(told.store, told.receipt, chosen, root, done)])


def share_of(text: str) -> float:
    """A share from "1%", "0.5 %" or "0.01"; UserError where it is none."""
    number, percent = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UserError(f"--replay {text}: expected a share of the shards, such as 1% or 0.01")
    return share


def shards_named(text: str) -> list[int]:
    """Numbers of shards from "3,7" or "3-5"; UserError where it is neither."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and 0 <= int(last) - int(first) < 1_000_000):
            raise UserError(f"--shards {text}: '{part.strip()}' is no shard; expected numbers such as 3,7 or 3-5")
        found.update(range(int(first), int(last) + 1))
    return sorted(found)
