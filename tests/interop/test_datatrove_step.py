import json

import pyarrow as pa
import pytest
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

from corpus.document import RAW
from corpus.edits.pii import Pii
from corpus.edits.unicode import Unicode
from corpus.errors import ConfigError
from corpus.extract.resiliparse import Resiliparse
from corpus.operators import Rule
from corpus.rules.bounds import ScopedRule
from corpus.rules.presets import PRESETS
from corpus.signals.gopher import GopherQuality
from corpus.signals.language import Language
from corpus.signals.repetition import GopherRepetition
from pipelines.interop.datatrove_step import CorpusStep

PAGE = "<html><body><nav><a href='/'>Home</a></nav><main><p>{}</p></main></body></html>"


def ran(folder, records, step, *before, tasks=1, workers=1):
    """Documents of a datatrove pipeline over two JSONL files, and its statistics, step by step."""
    (folder / "in").mkdir()
    for i in range(2):
        (folder / "in" / f"{i}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records[i::2]), encoding="utf-8")
    writer = JsonlWriter(str(folder / "out"), "${rank}.jsonl", compression=None)
    stats = LocalPipelineExecutor([JsonlReader(str(folder / "in")), *before, step, writer], tasks=tasks, workers=workers,
                                  logging_dir=str(folder / "logs")).run()
    return read(folder / "out"), {s.name: s for s in stats.stats}


def read(folder):
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    return {document["id"]: document for document in map(json.loads, lines)}


@pytest.mark.parametrize("tasks", [1, 2])
def test_our_operators_in_a_datatrove_pipeline_give_what_a_build_gives(tmp_path, built, records, tasks):
    signals = ["gopher_quality", "gopher_repetition", "language"]
    rules = [Rule("gopher.words", "few", low=40), *(r for r in PRESETS["gopher"] if r.reason != "gopher_short_doc")]
    build = built(edits=["unicode", "pii"], filter={"signals": signals, "rules": [
        {"signal": "gopher.words", "low": 40, "reason": "few"}, "gopher",
        {"signal": "gopher.words", "low": 0, "reason": "gopher_short_doc"}]})
    step = CorpusStep(Unicode(), Pii(), GopherQuality(), GopherRepetition(), Language(), rules=rules, batch_size=7,
                      exclusion_writer=JsonlWriter(str(tmp_path / "gone"), "${rank}.jsonl", compression=None), source="web")
    kept, stats = ran(tmp_path, records, step, tasks=tasks, workers=tasks)
    gone = read(tmp_path / "gone")
    assert {i: d["metadata"]["filter_reason"] for i, d in gone.items()} == build.reasons
    assert {i: d["text"] for i, d in kept.items()} == build.texts
    assert len(build.reasons) >= 5 and len(build.texts) >= 30 and "a.b@acme.com" not in kept["d43"]["text"]
    for i, marks in build.marks.items():
        columns = {c: v for c, v in marks.items() if c in kept[i]["metadata"]}
        assert {c: kept[i]["metadata"][c] for c in columns} == columns and len(columns) > 20
    counted = {label: n.total for label, n in stats["corpus: operators"].stats.items()}
    assert counted["total"] == len(records) and counted["forwarded"] == len(kept) and counted["dropped"] == len(gone)
    assert counted["dropped_few"] == sum(reason == "few" for reason in build.reasons.values()) > 0


def test_an_extractor_takes_the_text_for_a_page_and_what_has_none_goes_with_its_reason(tmp_path):
    texts = ["The harbour froze early that winter.", "", "Grüße aus Köln"]
    records = [{"id": str(i), "text": PAGE.format(text)} for i, text in enumerate(texts)]
    raw = pa.table([pa.array([b"%16d" % i for i in range(3)], RAW.field("id").type) if f.name == "id"
                    else pa.array([r["text"].encode() for r in records], f.type) if f.name == "payload"
                    else pa.array(["html"] * 3) if f.name == "kind" else pa.nulls(3, f.type) for f in RAW], schema=RAW)
    expected = Resiliparse().extract(raw).to_pylist()
    kept, stats = ran(tmp_path, records, CorpusStep(Resiliparse()))
    assert {i: d["text"] for i, d in kept.items()} == {str(i): e["text"] for i, e in enumerate(expected) if e["text"]}
    assert sorted(kept) == ["0", "2"] and stats["corpus: operators"].stats["dropped_empty_text"].total == 1


def test_rules_read_what_the_pipeline_put_into_metadata_before():
    rule = ScopedRule("gopher.words", "few_in_english", low=4, languages=("en",))
    step = CorpusStep(GopherQuality(), rules=[rule, Rule("stars", "few_stars", low=2)], reads=["language", "stars"])
    about = [{"language": "en"}, {"language": "de"}, {"stars": 1}, {"stars": 10**400}, {"stars": "many", "language": 7}]
    documents = [Document("one two", str(i), metadata=dict(m)) for i, m in enumerate(about)]
    assert [d.id for d in step.run(iter(documents))] == ["1", "3", "4"]
    assert {d.metadata["gopher.words"] for d in documents} == {2}


def test_a_rule_on_what_nothing_measures_is_refused_before_any_document():
    with pytest.raises(ConfigError, match="reads the signal 'language'"):
        CorpusStep(GopherQuality(), rules=PRESETS["gopher_quality"])
    with pytest.raises(ConfigError, match=r"operators\[0\]"):
        CorpusStep("gopher_quality")


def test_texts_are_left_alone_where_nothing_rewrites_them_and_batches_do_not_show(tmp_path, records):
    found = []
    for size in (1, 5, 1000):
        documents = [Document(r["text"], r["id"]) for r in records] + [Document("lone \ud800 surrogate", "x")]
        kept = CorpusStep(GopherQuality(), rules=[Rule("gopher.words", "few", low=3)], batch_size=size).run(iter(documents))
        found.append([(d.id, d.text, d.metadata) for d in kept])
    assert found[0] == found[1] == found[2] and found[0][-1][1] == "lone \ud800 surrogate"


def test_it_stands_between_steps_of_datatroves_own(tmp_path, records):
    kept, _ = ran(tmp_path, records, CorpusStep(Unicode()), LambdaFilter(lambda doc: doc.id.endswith("1")))
    assert sorted(kept) == sorted(r["id"] for r in records if r["id"].endswith("1"))
