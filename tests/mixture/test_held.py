from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from corpus.errors import Mismatch
from corpus.mixture.held import cut_of, held_by
from corpus.tokens.pack import Concatenate


def entry(name: str, shard: int, phase: int = 0, a: int = 10, **more) -> dict:
    return {"format": name, "shard": shard, "phase": phase, "cells": {"a": [1, a], "b": [2, 5]},
            "sources": {"web": [3, a + 5]}, "cut": {"cells": {"a": 1}, "sources": {"web": 1}}, "sequences": 4,
            "cut_tokens": 1, "padded_tokens": 2} | more


def test_sums_are_by_phase_and_cell_and_count_each_shard_once():
    held = held_by([entry(name, shard, phase) for name in ("index", "npy") for shard, phase in ((0, 0), (1, 0), (2, 1))])
    assert held.cells == {(0, "a"): [2, 20], (0, "b"): [4, 10], (1, "a"): [1, 10], (1, "b"): [2, 5]}
    assert held.sources == {"web": [9, 45]} and (held.tokens, held.sequences, held.cut, held.padded) == (45, 12, 3, 6)


def test_what_packing_did_is_told_by_the_sidecar_for_a_text_format_is_not_packed():
    held = held_by([entry("climbmix", 0, cut_tokens=0, sequences=9), entry("index", 0, cut_tokens=7)])
    assert (held.cut, held.sequences) == (7, 4)


def test_what_packing_cut_is_told_by_cell_and_source():
    rows = pa.table({"token_count": [6, 5, 4], "cell": ["a", "b", "a"], "source": ["web", "books", "books"]})
    pieces = Concatenate(8, "drop").plan(np.array([6, 5, 4])).pieces               # 8 of 15: b keeps 2 of 5, the last none
    assert cut_of(rows, pieces) == {"cells": {"b": 3, "a": 4}, "sources": {"books": 7}}
    held = held_by([entry("index", n, n) for n in (0, 1)])
    assert held.cut_cells == {(0, "a"): 1, (1, "a"): 1} and held.cut_sources == {"web": 2}


def test_formats_that_do_not_hold_the_same_are_told():
    with pytest.raises(Mismatch, match="the formats index and npy do not hold the same documents"):
        held_by([entry("index", 0), entry("npy", 0, a=11)])


def test_no_shards_hold_nothing():
    assert held_by([]).tokens == 0
