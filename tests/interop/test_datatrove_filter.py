import pickle
import random
import subprocess
import sys

import pyarrow as pa
import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, GopherQualityFilter
from datatrove.pipeline.filters.base_filter import BaseFilter

from corpus.errors import ConfigError, UnknownName
from corpus.operators import Batch
from corpus.registry import identity
from pipelines.interop.datatrove_filter import DatatroveFilter

HERE = "test_datatrove_filter_classes"


class Odd(BaseFilter):
    """Judges two at once, gives no reason, and cannot stand an exclamation mark."""

    def __init__(self, batch_size=2):
        super().__init__(batch_size=batch_size)
        self.sizes = []

    def filter(self, doc):
        raise NotImplementedError

    def filter_batch(self, batch):
        self.sizes.append(len(batch))
        if any("!" in doc.text for doc in batch):
            raise KeyError("!")
        for doc in batch:
            doc.text = "rewritten"
        return ["good" in doc.metadata.get("url", "") or (False, "kept") for doc in batch]


class Lost(BaseFilter):
    def filter(self, doc):
        raise FileNotFoundError("model.bin")


class OwnRun(BaseFilter):
    def filter(self, doc):
        return True

    def run(self, data, rank=0, world_size=1):
        yield from ()


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


def table(*texts, **columns):
    return Batch(pa.table({"text": pa.array(texts, pa.large_string())} | columns))


def said(spec, batch):
    with spec.open() as opened:
        return opened.annotate(batch).to_pydict()


def verdict(filter, text):
    found = filter.filter(Document(text=text, id="0"))
    return found[1] if isinstance(found, tuple) else None


def test_a_datatrove_filter_drops_as_a_rule_of_a_build_what_it_drops_in_its_own_pipeline(built, records):
    options = {"min_doc_words": 30, "min_stop_words": 1}
    build = built(filter={
        "signals": [{"use": "datatrove", "filter": "GopherQualityFilter", "options": options,
                     "reasons": ["gopher_short_doc"]},
                    {"use": "datatrove", "filter": "C4QualityFilter", "column": "c4"}],
        "rules": [{"signal": "datatrove.GopherQualityFilter.gopher_short_doc", "high": 0, "reason": "gopher_short_doc"},
                  {"signal": "datatrove.GopherQualityFilter", "among": ["kept"]},
                  {"signal": "datatrove.c4", "among": ["kept", "curly_bracket"], "reason": "c4"}]})
    gopher, c4 = GopherQualityFilter(**options), C4QualityFilter()
    expected = {}
    for record in records:
        first, second = verdict(gopher, record["text"]), verdict(c4, record["text"])
        if first:
            expected[record["id"]] = first if first == "gopher_short_doc" else "datatrove_GopherQualityFilter"
        elif second not in (None, "curly_bracket"):
            expected[record["id"]] = "c4"
    assert build.reasons == expected
    assert set(expected.values()) == {"gopher_short_doc", "datatrove_GopherQualityFilter", "c4"}
    kept = {r["id"]: r["text"] for r in records if r["id"] not in expected}
    assert build.texts == kept                          # C4's filter rewrites its document; ours is as it was
    assert {m["datatrove.c4"] for m in build.marks.values()} == {"kept", "curly_bracket"}


def test_a_filter_that_judges_batches_gets_them_at_its_size_and_a_text_that_it_cannot_judge_costs_itself_alone():
    urls = pa.array(["http://good", None, "http://good", "http://bad", "http://good"])
    spec = DatatroveFilter(f"{HERE}.Odd", column="odd")
    with spec.open() as opened:
        found = opened.annotate(table("a", "b", "c!", "d", "e", url=urls)).column("datatrove.odd").to_pylist()
        assert opened.filter.sizes == [2, 2, 1, 1, 1]   # the second pair once more, one by one
    assert found == ["kept", "dropped", "raised_KeyError", "dropped", "kept"]


def test_the_columns_are_the_verdict_and_a_truth_for_each_reason_asked_for():
    options = {"min_doc_words": 3, "min_stop_words": None}
    spec = DatatroveFilter("GopherQualityFilter", options, reasons=("gopher_short_doc",))
    found = said(spec, table("the one", "the cat and the dog have words"))
    assert found == {"datatrove.GopherQualityFilter": ["gopher_short_doc", "kept"],
                     "datatrove.GopherQualityFilter.gopher_short_doc": [True, False]}
    assert list(found) == spec.schema().names and said(spec, table()) == {name: [] for name in found}


def test_chance_with_a_seed_is_the_same_each_time_a_shard_is_measured():
    spec = DatatroveFilter("SamplerFilter", {"rate": 0.5, "seed": 3})
    texts = [random.Random(i).choice("abc") for i in range(40)]
    first = said(spec, table(*texts))["datatrove.SamplerFilter"]
    assert first == said(spec, table(*texts))["datatrove.SamplerFilter"] and set(first) == {"kept", "dropped"}


def test_a_model_that_is_not_there_is_an_error_and_no_verdict():
    with pytest.raises(FileNotFoundError, match="model.bin"):
        said(DatatroveFilter(f"{HERE}.Lost"), table("a"))


@pytest.mark.parametrize(("spec", "error", "says"), [
    (("GopherQuality",), UnknownName, "did you mean 'GopherQualityFilter'"),
    (("os.path.join",), ConfigError, "'os.path.join' is no BaseFilter"),
    (("nowhere.Filter",), ConfigError, "cannot be imported"),
    ((f"{HERE}.OwnRun",), ConfigError, "has a 'run' of its own"),
    (("GopherQualityFilter", {"min_words": 3}), ConfigError, "options: GopherQualityFilter refuses them: .*min_words"),
])
def test_what_is_wrong_is_said_before_work_starts(spec, error, says):
    with pytest.raises(error, match=says):
        DatatroveFilter(*spec).require_packages()


def test_options_have_to_be_plain_values():
    with pytest.raises(ConfigError, match="options: .*function"):
        DatatroveFilter("LambdaFilter", {"filter_function": verdict})


def test_the_filter_its_options_and_datatroves_release_are_its_identity():
    spec = DatatroveFilter("GopherQualityFilter", {"min_doc_words": 3})
    assert identity(spec)["options"] == {"filter": "GopherQualityFilter", "options": {"min_doc_words": 3}, "column": None,
                                         "reasons": []}
    assert identity(spec)["provider"] == ["datatrove==0.10.1"]
    assert pickle.loads(pickle.dumps(spec)) == spec and hash(spec) == hash(DatatroveFilter("GopherQualityFilter"))


def test_the_signal_is_there_without_datatrove_and_says_what_to_install():
    script = ("import sys; sys.modules['datatrove'] = None\n"
              "from pipelines.interop.datatrove_filter import DatatroveFilter\nDatatroveFilter('URLFilter').make()")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "MissingExtra" in done.stderr and "pip install 'corpus-builder[datatrove]'" in done.stderr
