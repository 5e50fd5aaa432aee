"""What a reader's script tells of the tokens that it read: digests, and whether documents begin and end as they should."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable

import numpy as np


def told(sequences: Iterable[np.ndarray], bos: int | None, eos: int, masks: Iterable[np.ndarray] | None = None,
         lengths: bool = True) -> dict:
    """sequences: the ids of each sequence, in the reader's order. lengths: whether the reader told where sequences end.

    documents: how often EOS occurs. begun: of the documents, how many begin with BOS (null without BOS). ended: whether the
    last id is EOS. inside: BOS that are not at a document's beginning.
    """
    parts = [np.asarray(part).astype("<u4") for part in sequences]
    ids = np.concatenate(parts) if parts else np.zeros(0, "<u4")
    ends = np.flatnonzero(ids == eos)
    starts = np.r_[0, ends + 1][: len(ends) + (len(ids) > 0 and ids[-1] != eos)]
    ended = bool(len(ids)) and bool(ids[-1] == eos)
    found = {"tokens": len(ids), "ids": _digest(ids), "documents": len(ends), "ended": ended}
    if bos is not None:
        begun = int((ids[starts] == bos).sum())
        found |= {"begun": begun, "inside": int((ids == bos).sum()) - begun}
    if lengths:
        found |= {"sequences": len(parts), "lengths": _digest(np.array([len(part) for part in parts], "<i8"))}
    if masks is not None:
        found["mask"] = _digest(np.concatenate([np.asarray(part).astype(np.uint8) for part in masks]))
    return found


def _digest(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def serve(read: Callable[[dict], dict]) -> None:
    """Answers all questions of the command line in the last line of the output."""
    answers = [read(asked) for asked in json.loads(sys.argv[1])]
    print("\n" + json.dumps(answers))
