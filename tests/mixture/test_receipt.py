from __future__ import annotations

import copy
import json
from typing import Any

import pyarrow as pa
import pytest

from corpus.errors import Mismatch
from corpus.mixture.caps import CAPS
from corpus.mixture.cells import cell_parts
from corpus.mixture.draw import PLAN
from corpus.mixture.receipt import make_receipt, receipt_digest
from corpus.mixture.receipt_plan import plan_of_receipt
from corpus.results import Folder

TOP = 2**64 - 1


def plan() -> pa.Table:
    """Two phases of two cells: 20 documents of 200 tokens there."""
    common = {"seed": 3, "documents": 10, "tokens": 100, "weight": 0.5}
    rows = [
        {"phase": 0, "first_shard": 0, "shards": 2, "cell": "a/web", "target": 110, "epochs": 1.1, "whole": 1,
         "threshold": TOP, "drawn_documents": 11, "distinct_documents": 10, "drawn_tokens": 108,
         "share": 0.54, "residue": -2},
        {"phase": 0, "first_shard": 0, "shards": 2, "cell": "b/books", "target": 90, "epochs": 0.9, "whole": 0,
         "threshold": 7, "drawn_documents": 9, "distinct_documents": 9, "drawn_tokens": 92, "share": 0.46, "residue": 2},
        {"phase": 1, "first_shard": 2, "shards": 1, "cell": "a/web", "target": 0, "epochs": 1.1, "whole": 1,
         "threshold": None, "drawn_documents": 0, "distinct_documents": 0, "drawn_tokens": 0, "share": 0.0, "residue": 0},
        {"phase": 1, "first_shard": 2, "shards": 1, "cell": "b/books", "target": 50, "epochs": 1.4, "whole": 1,
         "threshold": 9, "drawn_documents": 5, "distinct_documents": 5, "drawn_tokens": 50, "share": 1.0, "residue": 0},
    ]
    return pa.Table.from_pylist([common | row for row in rows], PLAN)


def written(name: str, shard: int, phase: int, cells: dict[str, list[int]], **more: Any) -> Folder:
    rows, tokens = (sum(c[i] for c in cells.values()) for i in (0, 1))
    about = {"format": name, "shard": shard, "phase": phase, "rows": rows, "sequences": rows, "tokens": tokens,
             "stream": None if name == "index" else f"s{shard}", "cells": cells, "cut_tokens": 0, "padded_tokens": 0,
             "sources": {c.split("/")[1]: n for c, n in cells.items()}} | more
    files = ((f"s_{shard}.x", f"f-{name}-{shard}", 100),)
    return Folder("shard", f"folders/{name}{shard}", f"d-{name}-{shard}", files, about)


HELD = ((0, 0, {"a/web": [6, 60], "b/books": [4, 40]}), (1, 0, {"a/web": [5, 48], "b/books": [5, 52]}),
        (2, 1, {"b/books": [5, 50]}))
ABOUT = {"vocab_size": 300, "eos": "<end>", "eos_id": 0, "dtype": "uint16", "documents_end_with": "eos"}


def receipt(**changed: Any) -> dict[str, Any]:
    return make_receipt(**{
        "build": "small", "asked": {"budget_tokens": 250, "max_epochs": 4.0, "on_shortfall": "refuse"}, "plan": plan(),
        "shards": [written(f, *held) for f in ("npy", "index") for held in HELD],
        "sources": pa.table({"source": ["books", "web"], "documents": [10, 10], "tokens": [100, 100]}),
        "tokenizer": Folder("tokenizer", "p", "tok", (), ABOUT), "taxonomy": "tax",
        "mixture": {"method": "given", "cells": ["domain", "source"]}, "made": {"when": "2024-01-01T00:00:00Z"}} | changed)


def test_a_cell_is_told_as_asked_available_and_drawn_phase_by_phase():
    first = receipt()["cells"][0]
    assert first == {"phase": 0, "cell": "a/web", "weight": 0.5, "target_tokens": 110,
                     "available": {"documents": 10, "tokens": 100},
                     "drawn": {"documents": 11, "distinct": 10, "tokens": 108}, "share": 0.54, "epochs": 1.1,
                     "whole_copies": 1, "threshold": "ffffffffffffffff", "residue_tokens": -2,
                     "document_share": 11 / 20, "cut_tokens": 0}
    assert [c["threshold"] for c in receipt()["cells"]] == ["f" * 16, "0" * 15 + "7", None, "0" * 15 + "9"]


def test_phases_say_which_shards_are_theirs():
    assert receipt()["phases"] == [
        {"phase": 0, "first_shard": 0, "shards": 2, "target_tokens": 200, "documents": 20, "tokens": 200},
        {"phase": 1, "first_shard": 2, "shards": 1, "target_tokens": 50, "documents": 5, "tokens": 50}]
    assert receipt()["shard_count"] == 3 and receipt()["total"]["tokens"] == 250


def test_sources_are_told_over_all_phases_with_what_their_cells_were_asked_for():
    books, web = receipt()["sources"]
    assert web == {"source": "web", "target_tokens": 110, "available": {"documents": 10, "tokens": 100},
                   "drawn": {"documents": 11, "tokens": 108}, "document_share": 11 / 25, "share": 108 / 250, "epochs": 1.08,
                   "cut_tokens": 0}
    assert books["target_tokens"] == 140
    other = receipt(mixture={"method": "given", "cells": ["domain", "language"]})
    assert [s["target_tokens"] for s in other["sources"]] == [None, None]


def test_a_plan_comes_back_from_its_receipt_and_so_do_caps():
    caps = pa.Table.from_pylist([
        {"attribute": "host", "value": "x.org", "threshold": TOP - 1, "tokens_allowed": 9, "tokens_drawn": 8},
        {"attribute": "host", "value": "y.org", "threshold": None, "tokens_allowed": 9, "tokens_drawn": 0}], CAPS)
    found = json.loads(json.dumps(receipt(caps=caps)))
    assert plan_of_receipt(found)[0].equals(plan()) and plan_of_receipt(found)[1].equals(caps)


def test_shards_are_in_order_with_every_file_and_the_sidecar_is_one_of_the_formats():
    found = receipt()["shards"]
    assert [(s["format"], s["shard"], s["phase"]) for s in found] == [
        ("index", 0, 0), ("index", 1, 0), ("index", 2, 1), ("npy", 0, 0), ("npy", 1, 0), ("npy", 2, 1)]
    assert found[4]["files"] == [{"path": "npy/s_1.x", "digest": "f-npy-1", "bytes": 100}]
    assert found[0]["stream"] is None and found[3]["stream"] == "s0"


def test_what_a_shard_holds_is_told_once_and_every_format_has_to_hold_it():
    found = receipt()["shards"]
    assert found[0]["cells"] == HELD[0][2] and "cells" not in found[3] and "sources" not in found[3]
    alone = receipt(shards=[written("npy", *held) for held in HELD])["shards"]
    assert alone[0]["cells"] == HELD[0][2]
    other = (2, 1, {"b/books": [4, 50]})
    with pytest.raises(Mismatch, match="the formats index and npy do not hold the same documents"):
        receipt(shards=[written("index", *held) for held in HELD] + [written("npy", *held) for held in (*HELD[:2], other)])


def test_what_packing_cut_and_padded_is_summed_once_over_all_shards():
    shards = [written(f, *held, cut_tokens=2, padded_tokens=3, tokens=99) for f in ("npy", "index") for held in HELD]
    pack = receipt(shards=shards, pack={"use": "concatenate", "length": 8, "rest": "drop"})["pack"]
    assert pack == {"use": "concatenate", "length": 8, "rest": "drop", "sequences": 25, "cut_tokens": 6, "padded_tokens": 9,
                    "cut_share": 6 / 250, "padded_share": 9 / 253}


def test_files_of_whole_formats_are_named_beside_the_shards():
    finish = {"mds": Folder("finish", "p", "d", (("index.json", "f", 7),), {})}
    assert receipt(finish=finish)["finish"] == [
        {"format": "mds", "files": [{"path": "mds/index.json", "digest": "f", "bytes": 7}]}]


def test_documents_longer_than_a_shard_are_counted_by_the_sidecar_alone():
    shards = [written(f, *held, long_documents=2) for f in ("npy", "index") for held in HELD]
    assert receipt(shards=shards)["long_documents"] == 6


def test_another_tokenizer_than_the_draws_shifts_shares_which_is_said():
    half = [(n, p, {c: [d, t // 2 if c == "a/web" else t] for c, (d, t) in cells.items()}) for n, p, cells in HELD]
    found = receipt(shards=[written("index", *held) for held in half],
                    draw_tokenizer=Folder("tokenizer", "p", "old", (), ABOUT | {"vocab_size": 99}))
    assert found["draw_tokenizer"]["digest"] == "old" and found["tokenizer"]["digest"] == "tok"
    a, b, *_ = found["cells"]
    assert a["drawn"]["tokens"] == 108 and a["retokenized"]["tokens"] == 54 and b["retokenized"]["tokens"] == 92
    assert a["retokenized"]["share"] == 54 / 146 and a["retokenized"]["shift"] == 54 / 146 - 0.54
    assert found["total"] == {"documents": 25, "tokens": 250, "written_tokens": 196}
    same = receipt(draw_tokenizer=Folder("tokenizer", "p", "tok", (), ABOUT))
    assert same["draw_tokenizer"] is None and "retokenized" not in same["cells"][0]


def test_the_head_says_what_was_asked_of_what_and_the_unit():
    found = receipt(evidence={"digest": "e"}, after={"receipt": "r", "tokens": 5}, holdout=[{"name": "v", "digest": "h"}],
                    frozen={"index": ["i"]}, formats={"npy": {}})
    assert found["schema"] == 2 and found["unit"] == "tokens incl. BOS and EOS" and found["seed"] == 3
    assert found["asked"] == {"budget_tokens": 250, "max_epochs": 4.0, "on_shortfall": "refuse", "caps": [], "limits": [],
                              "schedule": []}
    assert found["tokenizer"] == {"digest": "tok"} | ABOUT
    assert (found["evidence"], found["after"], found["holdout"], found["frozen"]) == (
        {"digest": "e"}, {"receipt": "r", "tokens": 5}, [{"name": "v", "digest": "h"}], {"index": ["i"]})


def test_the_digest_is_of_everything_but_when_it_was_made():
    first, later = receipt(), receipt(made={"when": "2030-01-01T00:00:00Z"})
    assert receipt_digest(first) == receipt_digest(later) == receipt_digest({"digest": "x"} | first)
    other = copy.deepcopy(first)
    other["shards"][0]["files"][0]["digest"] = "0"
    assert receipt_digest(other) != receipt_digest(first)


def test_the_digest_survives_a_trip_through_json():
    found = receipt()
    assert receipt_digest(json.loads(json.dumps(found, indent=1))) == receipt_digest(found)


@pytest.mark.parametrize("cells, what", [
    ({"b/books": [5, 49]}, "cell 'b/books' of phase 1 was drawn with 5 documents and 50 tokens; the shards hold 5 and 49"),
    ({"b/books": [4, 50]}, "the shards hold 4 and 50"),
    ({"b/books": [5, 50], "c/web": [1, 1]}, "cell 'c/web' of phase 1 was drawn with 0 documents and 0 tokens")])
def test_shards_that_do_not_hold_what_was_drawn_give_no_receipt(cells, what):
    with pytest.raises(Mismatch, match=what):
        receipt(shards=[written("index", *held) for held in (*HELD[:2], (2, 1, cells))])


def test_a_cells_name_comes_apart_into_its_values():
    assert cell_parts("a%2Fb/100%25/c") == ["a/b", "100%", "c"]
