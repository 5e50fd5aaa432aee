"""Licences in the report: every one by name, with what it cost."""

import re

import pyarrow as pa

from corpus.signals.permissive import LICENCE_TABLE
from pipelines.report.licences import ROWS, licences


def told(world, rows):
    world.gather("filter.admitted.table", world.store.write_shard("licences", pa.Table.from_pylist(rows, LICENCE_TABLE)))
    return re.sub("<[^>]*>", " ", licences(world.view()) or "")


def row(licence, admitted, documents, kept, dropped):
    return {"licence": licence, "admitted": admitted, "documents": documents, "kept": kept, "dropped": dropped}


def test_a_build_that_asks_for_no_licence_has_no_table(world):
    world.judge()
    assert licences(world.view()) is None


def test_every_licence_is_named_with_what_went_for_it_alone(world):
    text = " ".join(told(world, [row(None, "unknown", 60, 0, 50), row("CC-BY-4.0", "yes", 40, 30, 0)]).split())
    assert "not known unknown 60 60.0 % 50 0" in text and "CC-BY-4.0 yes 40 40.0 % – 30" in text


def test_what_does_not_fit_is_one_row_with_the_sums(world):
    rows = [row(f"LicenseRef-{i}", "no", 2, 0, 1) for i in range(ROWS + 5)]
    assert "5 others" in told(world, rows)
