from __future__ import annotations

from collections import Counter

import pyarrow as pa

from pipelines.report.losses import losses


def test_every_record_is_counted_once_by_stage_reason_and_source(world):
    world.judge()
    world.freeze()
    found = losses(world.view())
    assert found.records == 400 and not found.missing
    truth = Counter((stage, reason) for stage, reason, _ in world.fate)
    assert {(s.stage, r): n for s in found.stages for r, n in s.reasons} == {k: n for k, n in truth.items() if k[0]}
    assert found.stages[-1].after == truth[None, None] == len(world.kept)
    for name, (records, dropped) in found.sources.items():
        own = [f[0] for f, s in zip(world.fate, world.source) if s == name]
        assert records == len(own)
        assert dropped == {stage: own.count(stage) for stage in ("ingest", "extract", "filter", "dedup")}


def test_what_one_stage_leaves_is_what_the_next_one_gets(world):
    world.judge()
    world.freeze()
    stages = losses(world.view()).stages
    assert stages[0].before == 400
    assert [s.after for s in stages[:-1]] == [s.before for s in stages[1:]]


def test_before_the_ledger_is_there_the_stages_that_are_tell(world):
    world.judge()
    found = losses(world.view())
    assert found.missing == ["freeze.ledger"]
    assert [s.stage for s in found.stages] == ["ingest", "extract", "filter"]
    lost = sum(1 for stage, _, _ in world.fate if stage in ("ingest", "extract", "filter"))
    assert found.stages[-1].after == 400 - lost


def test_the_rate_of_a_language_is_what_the_filter_dropped_of_it(world):
    world.judge()
    reached = [f[0] == "filter" for f in world.fate if f[0] not in ("ingest", "extract")]
    truth = {name: (world.language.count(name), sum(d for d, own in zip(reached, world.language) if own == name))
             for name in ("en", "de", "fr")}
    assert {name: (n, dropped) for name, n, dropped in losses(world.view()).languages} == truth


def test_signals_of_another_run_than_the_verdicts_are_not_joined(world):
    world.judge()
    world.map("filter.signals", "signals", pa.table({"id": world.column([0]), "language": ["en"]}))
    assert losses(world.view()).languages == []


def test_nothing_judged_is_nothing(world):
    world.gather("annotate.tokenizer", world.folder("tokenizer", {}))
    assert losses(world.view()) is None
