import pyarrow as pa
import pytest

from corpus.dedup.components import GROUPS
from corpus.document import VERDICT
from corpus.errors import StepError
from corpus.ledger import Ledger
from corpus.store import Store
from corpus.tasks import Task, execute


def ident(i):
    return bytes([i]) * 16


def verdict(i, stage=None, reason=None, **more):
    return {"id": ident(i), "kept": reason is None, "stage": stage, "reason": reason} | more


def group(i, keeper=None, reason=None, jaccard=None):
    return {"id": ident(i), "kept": reason is None, "keeper": ident(keeper or i), "group": ident(1), "reason": reason,
            "jaccard": jaccard}


EXTRACT = [verdict(1, url="u1", file="f", offset=0), verdict(2, "extract", "empty", url="u2", file="f", offset=7),
           verdict(3, url="u3", file="f", offset=9), verdict(1, url="u1", file="f", offset=12), verdict(4, url="u4")]
FILTER = [verdict(1), verdict(3, "filter", "short", rule="words", value=2.0, bound=50.0), verdict(1), verdict(4)]
DEDUP = [group(1), group(1, 1, "duplicate_record"), group(4, 1, "near_duplicate", 0.9)]


@pytest.fixture
def ledger(tmp_path):
    store = Store(str(tmp_path)).prepare()

    def run(**stages):
        inputs = {name: [store.write_shard("verdicts", pa.Table.from_pylist(rows, GROUPS if name == "dedup" else VERDICT))
                         for rows in shards] for name, shards in stages.items()}
        record = execute(Task("ledger", Ledger(), inputs, store))
        return record, store.read_shard(record.of("verdicts")[0])

    return run


def test_every_record_has_the_verdict_of_the_stage_that_dropped_it(ledger):
    record, table = ledger(extract=[EXTRACT], filter=[FILTER], dedup=[DEDUP])
    rows = table.to_pylist()
    assert table.schema == VERDICT and [r["offset"] for r in rows] == [0, 7, 9, 12, None]
    assert [(r["kept"], r["stage"], r["rule"], r["reason"]) for r in rows] == [
        (True, None, None, None), (False, "extract", None, "empty"), (False, "filter", "words", "short"),
        (False, "dedup", "jaccard", "duplicate_record"), (False, "dedup", "jaccard", "near_duplicate")]
    assert (rows[2]["value"], rows[2]["bound"], rows[2]["url"], rows[2]["file"]) == (2.0, 50.0, "u3", "f")
    assert (rows[4]["value"], rows[4]["keeper"], rows[4]["group"]) == (0.9, ident(1), ident(1))
    assert record.counts == {"documents": 1, "empty": 1, "short": 1, "duplicate_record": 1, "near_duplicate": 1}


def test_kept_records_name_no_keeper(ledger):
    row = ledger(extract=[EXTRACT], filter=[FILTER], dedup=[DEDUP])[1].to_pylist()[0]
    assert row["keeper"] is None and row["group"] is None and row["value"] is None


def test_several_shards_count_as_one_and_a_stage_may_be_left_out(ledger):
    whole = ledger(extract=[EXTRACT], filter=[FILTER], dedup=[DEDUP])[1]
    assert ledger(extract=[EXTRACT[:2], EXTRACT[2:]], filter=[FILTER[:1], FILTER[1:]], dedup=[DEDUP])[1].equals(whole)
    record, _ = ledger(extract=[EXTRACT])
    assert record.counts == {"documents": 4, "empty": 1}
    assert ledger(extract=[EXTRACT], dedup=[[group(1), group(3), group(1), group(4)]])[0].counts["documents"] == 4


def test_stages_that_do_not_follow_each_other_are_refused(ledger):
    with pytest.raises(StepError, match="rows of 'filter' are not the documents that reached it"):
        ledger(extract=[EXTRACT], filter=[FILTER[:2]])
    with pytest.raises(StepError, match="rows of 'dedup'"):
        ledger(extract=[EXTRACT], filter=[FILTER], dedup=[DEDUP[::-1]])


def test_no_records_is_an_empty_ledger(ledger):
    record, table = ledger(extract=[[]], filter=[[]], dedup=[[]])
    assert table.num_rows == 0 and table.schema == VERDICT and record.counts == {}
