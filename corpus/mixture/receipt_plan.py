"""A receipt's plan, as the tables that a draw knows: what another build drew, told from its receipt and its index alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from corpus.errors import ConfigError
from corpus.mixture.caps import CAPS
from corpus.mixture.draw import PLAN


def plan_of_receipt(receipt: Mapping[str, Any]) -> tuple[pa.Table, pa.Table]:
    """The plan (`PLAN`) and the caps (`CAPS`) that a receipt tells of."""
    phases = {phase["phase"]: phase for phase in receipt["phases"]}
    plan = [{
        "phase": cell["phase"],
        "first_shard": phases[cell["phase"]]["first_shard"],
        "shards": phases[cell["phase"]]["shards"],
        "cell": cell["cell"],
        "weight": cell["weight"],
        "target": cell["target_tokens"],
        "documents": cell["available"]["documents"],
        "tokens": cell["available"]["tokens"],
        "epochs": cell["epochs"],
        "whole": cell["whole_copies"],
        "threshold": _key(cell["threshold"]),
        "drawn_documents": cell["drawn"]["documents"],
        "distinct_documents": cell["drawn"]["distinct"],
        "drawn_tokens": cell["drawn"]["tokens"],
        "share": cell["share"],
        "residue": cell["residue_tokens"],
        "seed": receipt["seed"],
    } for cell in sorted(receipt["cells"], key=lambda c: (c["phase"], c["cell"]))]
    caps = [{name: _key(cap[name]) if name == "threshold" else cap[name] for name in CAPS.names} for cap in receipt["caps"]]
    return pa.Table.from_pylist(plan, PLAN), pa.Table.from_pylist(caps, CAPS)


@dataclass(frozen=True)
class ReadUpTo:
    """How far a trainer came through some shards: all of those before `shard`, and `into` tokens of it.

    length: all tokens of it, where they are another tokenizer's than the draw's, so that `into` is a share of it; None where
    they are the draw's own. whole: whether some of that shard counts as all of it (packed sequences are not in the
    documents' order).
    """

    shard: int
    into: int
    length: int | None
    whole: bool = False


def read_up_to(receipt: Mapping[str, Any], tokens: int, where: str = "mixture.after") -> ReadUpTo:
    """Where a trainer is after so many tokens of the shards, in their order."""
    lengths: dict[int, int] = {}
    for entry in receipt["shards"]:
        lengths.setdefault(entry["shard"], entry["tokens"])
    there = sum(lengths.values())
    if not 0 <= tokens <= there:
        raise ConfigError(f"{where}.tokens", f"{tokens:,} were not read of shards that hold {there:,}",
                          f"a number of tokens from 0 to {there:,}")
    other = receipt.get("draw_tokenizer") is not None
    packed = (receipt.get("pack") or {}).get("use", "documents") == "best_fit"
    for shard in range(receipt["shard_count"]):
        length = lengths.get(shard, 0)
        if tokens < length:
            return ReadUpTo(shard, tokens, length if other else None, packed and tokens > 0)
        tokens -= length
    return ReadUpTo(receipt["shard_count"], 0, None)


def _key(digits: str | None) -> int | None:
    return None if digits is None else int(digits, 16)
