import unicodedata

import pyarrow as pa
import pytest

from corpus.document import DOCUMENT, ID, VERDICT
from corpus.errors import ConfigError, DroppedTooMuch
from corpus.ghosts import GHOST
from corpus.operators import Rule
from corpus.registry import identity
from corpus.rules.filter import TOMBSTONE, Filter, check_dropped
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.text.normal import text_digests

TEXTS = ["keep me", "Gone, by text!", "too short", "keep me too", "gone by id"]
WORDS = [9, 9, 2, 9, 1]
RULES = (Rule("words", "short", low=5),)


def ident(i):
    return bytes([i]) * 16


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def shards(store, tombstones=(), **columns):
    documents = pa.table({"id": pa.array([ident(i) for i in range(5)], ID), "text": pa.array(TEXTS, pa.large_string()),
                          "source": ["s"] * 5, "url": [f"u{i}" for i in range(5)], "date": [None] * 5}).cast(DOCUMENT)
    signals = pa.table({"id": documents.column("id"), **(columns or {"words": WORDS})})
    gone = pa.Table.from_pylist(list(tombstones), TOMBSTONE)
    return {"documents": [store.write_shard("documents", documents)], "signals": [store.write_shard("attributes", signals)],
            "tombstones": [store.write_shard("tombstones", gone)]}


def run(store, body, inputs):
    record = execute(Task("filter", body, inputs, store))
    return record, {name: store.read_shard(record.of(name)[0]) for name in ("documents", "marks", "verdicts")}


def test_survivors_keep_their_order_and_every_document_has_a_verdict(store):
    record, out = run(store, Filter(RULES), shards(store))
    assert out["documents"].column("url").to_pylist() == ["u0", "u1", "u3"] and out["documents"].schema == DOCUMENT
    verdicts = out["verdicts"]
    assert verdicts.schema == VERDICT and verdicts.column("kept").to_pylist() == [True, True, False, True, False]
    dropped = verdicts.slice(2, 1).to_pylist()[0]
    assert (dropped["stage"], dropped["rule"], dropped["reason"], dropped["value"], dropped["bound"]) == (
        "filter", "words", "short", 2.0, 5.0)
    assert verdicts.column("stage").to_pylist()[0] is None
    assert record.counts == {"documents": 3, "short": 2}


def test_rules_read_all_that_was_measured_and_survivors_keep_it_but_for_lists(store):
    inputs = shards(store)
    ids = [ident(i) for i in range(5)]
    other = pa.table({"id": pa.array(ids, ID), "score": [1.0, 0.0, 1.0, 1.0, 1.0], "spans": [[1]] * 5})
    inputs["other"] = [store.write_shard("other", other)]
    rules = (*RULES, Rule("score", "low_score", low=0.5))
    out = run(store, Filter(rules, beside=("signals", "other")), inputs)[1]
    assert [v["reason"] for v in out["verdicts"].to_pylist()] == [None, "low_score", "short", None, "short"]
    assert out["marks"].to_pydict() == {"id": [ids[0], ids[3]], "words": [9, 9], "score": [1.0, 1.0]}


def test_tombstones_drop_by_id_and_by_matching_form_before_any_rule(store):
    gone = [{"id": ident(4), "text_digest": None}, {"id": None, "text_digest": text_digests(["gone by TEXT"])[0].as_py()}]
    record, out = run(store, Filter(RULES), shards(store, gone))
    verdicts = out["verdicts"].to_pylist()
    assert [v["reason"] for v in verdicts] == [None, "removed", "short", None, "removed"]
    assert verdicts[4]["value"] is None and verdicts[4]["bound"] is None and verdicts[4]["stage"] == "filter"
    assert record.counts == {"documents": 2, "removed": 2, "short": 1}


def test_ghosts_of_several_shards_drop_by_address_host_and_date_for_their_own_reason(store):
    inputs = shards(store)
    documents = store.read_shard(inputs["documents"][0])
    urls = ["https://a.example/0", "https://a.example/1", "https://b.example/2", "https://b.example/3", None]
    dates = [None, None, "2024-01-01", "2025-01-01", None]
    documents = documents.set_column(3, "url", pa.array(urls)).set_column(4, "date", pa.array(dates))
    inputs["documents"] = [store.write_shard("documents", documents.cast(DOCUMENT))]
    kept_out = [[{"url": "http://a.example/1/", "reason": "removed"}], [{"host": "b.example", "after": "2024-06-01",
                                                                         "reason": "holdout"}]]
    inputs["tombstones"] = [store.write_shard("tombstones", pa.Table.from_pylist(g, GHOST)) for g in kept_out]
    record, out = run(store, Filter(()), inputs)
    assert [v["reason"] for v in out["verdicts"].to_pylist()] == [None, "removed", None, "holdout", None]
    assert record.counts == {"documents": 3, "removed": 1, "holdout": 1}


def test_no_rules_and_no_tombstones_keep_all(store):
    inputs = shards(store)
    del inputs["tombstones"]
    assert run(store, Filter(()), inputs)[1]["documents"].num_rows == 5


def test_a_missing_signal_fails_before_anything_is_judged(store):
    with pytest.raises(ConfigError, match=r"filter.rules \(short\)"):
        execute(Task("filter", Filter(RULES), shards(store, other=WORDS), store))


def test_a_filter_that_drops_nearly_everything_is_an_error():
    check_dropped("filter", {"short": 2}, 5, 0.4)
    with pytest.raises(DroppedTooMuch, match="dropped 2 of 5 documents, over the limit of 30% \\(short 2\\)"):
        check_dropped("filter", {"short": 2}, 5, 0.3)


def test_a_bound_and_the_unicode_tables_that_texts_are_matched_by_are_part_of_identity():
    assert identity(Filter(RULES)) != identity(Filter((Rule("words", "short", low=6),)))
    assert identity(Filter(RULES))["provider"] == [f"python-unicode=={unicodedata.unidata_version}"]


def test_signals_of_other_documents_are_refused(store):
    inputs = shards(store)
    wrong = pa.table({"id": pa.array([ident(9)] * 5, ID), "words": WORDS})
    with pytest.raises(Exception, match="not aligned"):
        execute(Task("filter", Filter(RULES), inputs | {"signals": [store.write_shard("attributes", wrong)]}, store))
