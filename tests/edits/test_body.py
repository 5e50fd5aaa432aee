import pyarrow as pa
import pytest

from corpus.document import DOCUMENT, ID, VERDICT
from corpus.edits.body import EDITS, Edit
from corpus.edits.lines import C4Lines
from corpus.edits.pii import Pii
from corpus.extract.facts import FACTS
from corpus.store import Store
from corpus.tasks import Task, execute

TEXTS = ["Write to a@b.org for it.\nno mark", "nothing stays", "Clean and whole it is."]


@pytest.fixture
def run(tmp_path):
    store = Store(str(tmp_path)).prepare()
    ids = pa.array([bytes([i]) * 16 for i in range(3)], ID)

    def edit(editors, fact_ids=ids):
        columns = [ids, pa.array(TEXTS), ["s"] * 3, ["u0", "u1", "u2"], pa.nulls(3)]
        documents = pa.table(columns, DOCUMENT.names).cast(DOCUMENT)
        facts = pa.table([fact_ids, *(pa.nulls(3, f.type) for f in list(FACTS)[1:])], schema=FACTS)
        inputs = {"documents": [store.write_shard("documents", documents)], "facts": [store.write_shard("facts", facts)]}
        record = execute(Task("edit", Edit(editors), inputs, store))
        return record, {name: store.read_shard(record.of(name)[0]) for name in ("documents", "facts", "edits", "verdicts")}

    return edit


def test_editors_run_in_order_and_every_document_has_a_verdict_and_its_spans(run):
    record, out = run((Pii(), C4Lines()))
    assert out["documents"].schema == DOCUMENT and out["verdicts"].schema == VERDICT and out["edits"].schema == EDITS
    assert out["documents"].column("text").to_pylist() == ["Write to email@example.com for it.", "Clean and whole it is."]
    assert out["facts"].column("id").to_pylist() == out["documents"].column("id").to_pylist()
    assert [(v["kept"], v["stage"], v["rule"], v["reason"]) for v in out["verdicts"].to_pylist()] == [
        (True, None, None, None), (False, "edit", "c4_lines", "emptied"), (True, None, None, None)]
    spans = out["edits"].column("spans").to_pylist()
    assert spans[0] == [{"editor": "pii", "kind": "email", "start": 9, "end": 16},
                        {"editor": "c4_lines", "kind": "no_terminal_mark", "start": 35, "end": 42}]
    assert spans[2] == []
    assert record.counts == {"edited_pii": 1, "edited_c4_lines": 2, "emptied": 1, "documents": 2}


def test_facts_of_other_documents_are_refused(run):
    with pytest.raises(Exception, match="not aligned"):
        run((Pii(),), pa.array([b"x" * 16] * 3, ID))
