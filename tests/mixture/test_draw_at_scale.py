"""The draw on an index of many documents, in a process of its own: `tools/bench_draw.py`, whose 10⁹ is run by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def drawn(tmp_path: Path, documents: int, *options: str) -> dict:
    totals = tmp_path / "totals.csv"                      # three of ClimbMix's clusters: documents, tokens, mean length
    totals.write_text("cluster_id,gpt2_tokens,mean_tokens_per_doc\n"
                      "1,3063924776,640.3\n4,12797349739,599.4\n6,70958523234,656.1\n")
    command = [sys.executable, ROOT / "tools" / "bench_draw.py", "--documents", str(documents), "--totals", totals]
    said = subprocess.run([*command, "--folder", tmp_path, *options], check=True, stdout=subprocess.PIPE, cwd=ROOT)
    assert [p.name for p in tmp_path.iterdir()] == ["totals.csv"]
    return json.loads(said.stdout)


def check(found: dict) -> None:
    assert found["bytes_a_document"] <= 16
    assert found["largest_residue_documents"] <= 0.5
    assert found["peak_rss_mb"] < 1024


def test_a_million_documents_are_drawn_to_within_half_a_document_a_cell(tmp_path):
    found = drawn(tmp_path, 1_000_000)
    check(found)
    assert found["draw_us_a_document"] <= 2 and found["cells_us_a_document"] <= 2
    assert found["epochs"][1] > 1                        # the largest cluster is drawn more than once


def test_a_cap_on_hosts_holds_among_many(tmp_path):
    found = drawn(tmp_path, 300_000, "--hosts", "100000", "--cap", "0.001", "--budget-share", "0.2")
    check(found)
    assert found["values_capped"] > 10 and found["largest_capped_share"] <= 0.001


@pytest.mark.slow
def test_ten_million_documents_take_the_memory_of_one_million(tmp_path):
    found = drawn(tmp_path, 10_000_000)
    check(found)
    assert found["draw_us_a_document"] <= 2 and found["cells_us_a_document"] <= 2
