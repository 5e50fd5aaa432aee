"""What written shards hold, summed over all of them: a census that every format has to agree on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from corpus.errors import Mismatch

#: The format of the sidecar, which says what document every token of a shard is of.
SIDECAR = "index"


@dataclass
class Held:
    """[documents, tokens] by (phase, cell) and by source, and sums over all shards. `tokens` counts whole documents;
    of these `cut` tokens are in no sequence, and `padded` more are in sequences and of no document. cut_cells, cut_sources:
    what of each was cut.
    """

    cells: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    sources: dict[str, list[int]] = field(default_factory=dict)
    tokens: int = 0
    sequences: int = 0
    cut: int = 0
    padded: int = 0
    cut_cells: dict[tuple[int, str], int] = field(default_factory=dict)
    cut_sources: dict[str, int] = field(default_factory=dict)

    @property
    def cut_is_told(self) -> bool:
        """Whether it is known of which cells and sources the cut tokens are."""
        return sum(self.cut_cells.values()) == self.cut

    def add(self, entry: Mapping[str, Any]) -> None:
        """entry: an item of a receipt's `shards`."""
        for name, (documents, tokens) in entry["cells"].items():
            _add(self.cells, (entry["phase"], name), documents, tokens)
            self.tokens += tokens
        for name, (documents, tokens) in entry["sources"].items():
            _add(self.sources, name, documents, tokens)
        cut = entry["cut"] or {"cells": {}, "sources": {}}
        for name, tokens in cut["cells"].items():
            self.cut_cells[entry["phase"], name] = self.cut_cells.get((entry["phase"], name), 0) + tokens
        for name, tokens in cut["sources"].items():
            self.cut_sources[name] = self.cut_sources.get(name, 0) + tokens
        self.sequences += entry["sequences"]
        self.cut += entry["cut_tokens"]
        self.padded += entry["padded_tokens"]


def _add(sums: dict[Any, list[int]], name: Any, documents: int, tokens: int) -> None:
    total = sums.setdefault(name, [0, 0])
    total[0] += documents
    total[1] += tokens


def held_by(entries: Iterable[Mapping[str, Any]]) -> Held:
    """The sums of the sidecar (else of the first format); Mismatch where two formats do not hold the same.

    entries: a receipt's `shards`; those without a census of their own count as told by the sidecar's.
    """
    by_format: dict[str, Held] = {}
    for entry in entries:
        if "cells" in entry:
            by_format.setdefault(entry["format"], Held()).add(entry)
    first = next(iter(by_format), None)
    if first is None:
        return Held()
    for name, held in by_format.items():
        if (held.cells, held.sources) != (by_format[first].cells, by_format[first].sources):
            raise Mismatch("receipt", f"the formats {first} and {name} do not hold the same documents")
    return by_format.get(SIDECAR, by_format[first])


def cut_of(rows: pa.Table, pieces: Mapping[str, np.ndarray]) -> dict[str, dict[str, int]]:
    """Tokens that packing cut, by cell and by source; of those that lost some. rows: the documents of a shard, with columns
    token_count, cell and source. pieces: as `corpus.tokens.pack.Packing` has them.
    """
    kept = np.bincount(pieces["row"], weights=pieces["length"], minlength=rows.num_rows).astype(np.int64)
    lost = rows.column("token_count").to_numpy() - kept
    some = np.flatnonzero(lost)
    found: dict[str, dict[str, int]] = {"cells": {}, "sources": {}}
    for kind, column in (("cells", "cell"), ("sources", "source")):
        if column not in rows.column_names:
            continue
        for name, tokens in zip(rows.column(column).take(pa.array(some)).to_pylist(), lost[some].tolist()):
            found[kind][name or ""] = found[kind].get(name or "", 0) + tokens
    return found
