import pyarrow as pa
import pytest

from corpus.document import DOCUMENT, ID
from corpus.errors import StepError
from corpus.freeze import Freeze
from corpus.store import Store
from corpus.tasks import Task, execute


def ident(i):
    return bytes([i]) * 16


def documents(*numbers):
    return pa.Table.from_pylist([{"id": ident(i), "text": f"text {i}", "source": "s"} for i in numbers], DOCUMENT)


def marked(rows):
    return rows.select(["id"]).append_column("mark", rows.column("text"))


def groups(**kept):
    return pa.table({"id": pa.array([ident(int(i[1:])) for i in kept], ID), "kept": list(kept.values())})


@pytest.fixture
def freeze(tmp_path):
    store = Store(str(tmp_path)).prepare()

    def run(rows, said):
        inputs = {"documents": [store.write_shard("documents", r) for r in rows],
                  "marks": [store.write_shard("marks", marked(r)) for r in rows],
                  "groups": [store.write_shard("groups", g) for g in said]}
        record = execute(Task("freeze", Freeze(), inputs, store))
        frozen, marks = (store.read_shard(record.of(name)[0]) for name in ("documents", "marks"))
        assert marks.column("id").equals(frozen.column("id")) and marks.column("mark").equals(frozen.column("text"))
        return record, frozen

    return run


def test_kept_rows_of_all_shards_become_one_in_order(freeze):
    record, frozen = freeze([documents(1, 2, 3), documents(5, 4)],
                            [groups(_1=True, _2=False, _3=True), groups(_5=False, _4=True)])
    assert frozen.column("text").to_pylist() == ["text 1", "text 3", "text 4"] and frozen.schema == DOCUMENT
    assert record.counts == {"documents": 3}


def test_nothing_kept_is_an_empty_shard(freeze):
    record, frozen = freeze([documents(1)], [groups(_1=False)])
    assert frozen.num_rows == 0 and frozen.schema == DOCUMENT and record.counts == {}


def test_shards_that_do_not_belong_together_are_refused(freeze):
    with pytest.raises(StepError, match="not aligned"):
        freeze([documents(1, 2)], [groups(_2=True, _1=True)])
    with pytest.raises(StepError, match="2 'documents' shards for 1"):
        freeze([documents(1), documents(2)], [groups(_1=True)])
