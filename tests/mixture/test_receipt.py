from __future__ import annotations

import copy
import json

import numpy as np
import pyarrow as pa
import pytest

from corpus.document import show_id
from corpus.errors import Mismatch
from corpus.mixture.draw import Fraction, plan_table
from corpus.mixture.receipt import make_receipt, receipt_digest
from corpus.results import Folder

LAST = b"0123456789abcdef"


def plan() -> pa.Table:
    cells = pa.table({"cell": ["a", "b"], "documents": [4, 10], "tokens": [40, 100]})
    return plan_table(cells, np.array([0.5, 0.5]), np.array([60, 60]), np.array([1, 0]),
                      [Fraction(0.25, LAST, 2, 20), Fraction(0.5, LAST, 6, 61)], seed=3, shards=2)


def written(fmt: str, shard: int, a: list[int], b: list[int]) -> Folder:
    about = {"format": fmt, "shard": shard, "rows": a[0] + b[0], "tokens": a[1] + b[1], "stream": f"s{shard}",
             "cells": {"a": a, "b": b}, "sources": {"web": [a[0] + b[0], a[1] + b[1]]}}
    name = f"shard_{shard:05d}.{fmt}"
    return Folder("shard", f"folders/{fmt}{shard}", f"d-{fmt}-{shard}", ((name, f"f-{fmt}-{shard}", 100),), about)


def receipt(**changed):
    held = ((1, [4, 40], [3, 31]), (0, [2, 20], [3, 30]))
    shards = [written(f, n, a, b) for f in ("megatron", "climbmix") for n, a, b in held]
    about = {"vocab_size": 300, "eos": "<end>", "eos_id": 0, "dtype": "uint16", "documents_end_with": "eos"}
    return make_receipt(**{
        "build": "small", "budget_tokens": 120, "max_epochs": 4.0, "on_shortfall": "refuse", "plan": plan(),
        "shards": shards,
        "sources": pa.table({"source": ["books", "web"], "documents": [4, 10], "tokens": [40, 100]}),
        "tokenizer": Folder("tokenizer", "p", "tok", (), about), "mixture": {"method": "given"}, "taxonomy": "tax",
        "made": {"when": "2024-01-01T00:00:00Z"}} | changed)


def test_a_cell_is_told_as_asked_available_and_drawn():
    a, b = receipt()["cells"]
    assert a == {"cell": "a", "weight": 0.5, "target_tokens": 60, "available": {"documents": 4, "tokens": 40},
                 "drawn": {"documents": 6, "distinct": 4, "tokens": 60}, "share": 60 / 121, "epochs": 1.5, "whole_copies": 1,
                 "threshold": 0.25, "threshold_id": show_id(LAST), "residue_tokens": 0}
    assert b["residue_tokens"] == 1 and b["epochs"] == 0.6 and b["drawn"]["distinct"] == 6


def test_sources_are_summed_over_the_shards_of_one_format():
    books, web = receipt()["sources"]
    assert web == {"source": "web", "available": {"documents": 10, "tokens": 100}, "drawn": {"documents": 12, "tokens": 121},
                   "share": 1.0, "epochs": 1.21}
    assert books["drawn"] == {"documents": 0, "tokens": 0}


def test_shards_are_in_order_with_every_file():
    found = receipt()["shards"]
    assert [(s["format"], s["shard"]) for s in found] == [("climbmix", 0), ("climbmix", 1), ("megatron", 0), ("megatron", 1)]
    assert found[3]["files"] == [{"path": "megatron/shard_00001.megatron", "digest": "f-megatron-1", "bytes": 100}]


def test_the_head_says_what_was_asked_of_what_and_the_unit():
    found = receipt()
    assert found["unit"] == "tokens incl. EOS" and found["shard_count"] == 2 and found["seed"] == 3
    assert found["asked"] == {"budget_tokens": 120, "max_epochs": 4.0, "on_shortfall": "refuse"}
    assert found["target_tokens"] == 120 and found["total"] == {"documents": 12, "tokens": 121}
    assert found["tokenizer"] == {"digest": "tok", "vocab_size": 300, "eos": "<end>", "eos_id": 0, "dtype": "uint16"}


def test_the_digest_is_of_everything_but_when_it_was_made():
    first, later = receipt(), receipt(made={"when": "2030-01-01T00:00:00Z"})
    assert receipt_digest(first) == receipt_digest(later)
    other = copy.deepcopy(first)
    other["shards"][0]["files"][0]["digest"] = "0"
    assert receipt_digest(other) != receipt_digest(first)


def test_the_digest_survives_a_trip_through_json():
    found = receipt()
    assert receipt_digest(json.loads(json.dumps(found, indent=1))) == receipt_digest(found)


def test_shards_that_do_not_hold_what_was_drawn_give_no_receipt():
    with pytest.raises(Mismatch, match="cell 'a' was drawn with 6 documents and 60 tokens; the shards hold 4 and 40"):
        receipt(shards=[written("climbmix", 1, [4, 40], [6, 61])])


def test_formats_that_hold_different_documents_give_no_receipt():
    with pytest.raises(Mismatch, match="climbmix and megatron"):
        receipt(shards=[written("climbmix", 0, [6, 60], [6, 61]), written("megatron", 0, [6, 60], [6, 60])])
