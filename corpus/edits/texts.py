"""What editors share: most texts are left alone, and those are told in bulk; only the others are looked at one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from corpus.operators import Batch, Editor

#: A place in a text: [start, end) in characters, and what was found there.
Span = tuple[int, int, str]


@dataclass(frozen=True)
class TextEditor(Editor):
    """An editor that looks at one text at a time, where `may_touch` does not already say that there is nothing to do."""

    def may_touch(self, texts: pa.Array) -> np.ndarray:
        """(n,) bool: which texts `edit_text` has to see."""
        return np.ones(len(texts), bool)

    def edit_text(self, text: str) -> tuple[str, list[Span]]:
        """The text as it stays, and what was touched in it, in order and apart; no spans mean the text is as it was."""
        raise NotImplementedError

    def edit(self, batch: Batch) -> pa.Table:
        texts = batch.column("text")
        out, spans = texts, pa.array([[]] * len(texts), self.EDITED.field("spans").type)
        rows = np.flatnonzero(self.may_touch(texts))
        edited = [self.edit_text(text) for text in texts.take(pa.array(rows)).to_pylist()]
        changed = [(row, *found) for row, found in zip(rows.tolist(), edited) if found[1]]
        if changed:
            new, places = texts.to_pylist(), [[]] * len(texts)
            for row, text, found in changed:
                new[row] = text
                places[row] = [{"start": a, "end": b, "kind": kind} for a, b, kind in found]
            out, spans = pa.array(new, pa.large_string()), pa.array(places, self.EDITED.field("spans").type)
        return pa.table([out, spans], schema=self.EDITED)


def replaced(text: str, spans: list[tuple[int, int, str, str]]) -> tuple[str, list[Span]]:
    """text with each (start, end, kind, replacement) done; spans apart, in any order."""
    pieces, places, at = [], [], 0
    for start, end, kind, new in sorted(spans):
        pieces += [text[at:start], new]
        places.append((start, end, kind))
        at = end
    return "".join([*pieces, text[at:]]), places


def lines_at(text: str) -> list[tuple[int, str]]:
    """(where it starts, line without its end) of each line, as `str.splitlines` cuts them."""
    found, at = [], 0
    for line in text.splitlines(keepends=True):
        found.append((at, line.splitlines()[0]))
        at += len(line)
    return found
