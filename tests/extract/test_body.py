import pytest
from bad_files import QUICKSTART, members, record, response

from corpus.document import DOCUMENT, VERDICT
from corpus.extract.body import Extract
from corpus.extract.plain import Plain
from corpus.extract.resiliparse import Resiliparse
from corpus.sources.ingest import Ingest
from corpus.sources.jsonl import JsonLines
from corpus.sources.listing import pin
from corpus.sources.warc import Warc
from corpus.store import Store
from corpus.tasks import Task, execute


def run(folder, path, reader, extractor):
    """Ingests and extracts a file; counts, documents and verdicts."""
    store = Store(str(folder / "store")).prepare()
    ingested = execute(Task("ingest", Ingest(reader, "web"), {"file": [pin(str(path))]}, store))
    (raw,) = ingested.of("raw")
    result = execute(Task("extract", Extract(extractor), {"raw": [raw]}, store))
    (documents,), (verdicts,) = result.of("documents"), result.of("verdicts")
    return result.counts, store.read_shard(documents), store.read_shard(verdicts)


def test_all_quickstart_pages_are_documents_or_counted(tmp_path):
    counts, documents, verdicts = run(tmp_path, QUICKSTART / "quickstart.warc.gz", Warc(), Resiliparse())
    assert sum(counts.values()) == 666 and counts["documents"] >= 660 and set(counts) <= {"documents", "empty_text"}
    assert documents.num_rows == counts["documents"] and documents.schema.equals(DOCUMENT)
    assert verdicts.num_rows == 666 and verdicts.schema.equals(VERDICT)


def test_records_in_are_verdicts_out_with_stage_and_reason(tmp_path):
    article = b"<html><body>" + b"<p>Long enough to be the content of a page, and it says so.</p>" * 9
    pages = [response(article, b"Content-Type: text/html"), response(b"", status=b"404 Not Found"),
             response(b"<html></html>"), response(b"<div>" * 100_000), response(article, b"Content-Type: text/html")]
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"".join(members([record(i, block) for i, block in enumerate(pages)])) + b"garbage")
    counts, documents, verdicts = run(tmp_path, path, Warc(), Resiliparse())
    rows = verdicts.to_pylist()
    assert [(r["kept"], r["stage"], r["rule"], r["reason"]) for r in rows] == [
        (True, None, None, None), (False, "ingest", "http_status", "http_status"),
        (False, "extract", "empty_text", "empty_text"),
        (False, "extract", "too_deep", "too_deep"), (True, None, None, None),
        (False, "ingest", "trailing_garbage", "trailing_garbage")]
    assert counts == {"documents": 2, "http_status": 1, "empty_text": 1, "too_deep": 1, "trailing_garbage": 1}
    assert documents.column("id").to_pylist() == [r["id"] for r in rows if r["kept"]]
    assert rows[4]["url"] == "http://example.org/4" and rows[4]["file"] == "a.warc.gz" and rows[4]["source"] == "web"


def test_text_sources_pass_as_they_are(tmp_path):
    counts, documents, _ = run(tmp_path, QUICKSTART / "openstax_ccby_sample.jsonl.gz", JsonLines(id="module"), Plain())
    assert counts == {"documents": 150} and documents.column("source").unique().to_pylist() == ["web"]


@pytest.mark.parametrize("extractor", [Plain(), Resiliparse()])
def test_a_shard_without_a_document_still_has_its_two_outputs(tmp_path, extractor):
    (tmp_path / "a.jsonl").write_bytes(b"broken\n{}\n")
    counts, documents, verdicts = run(tmp_path, tmp_path / "a.jsonl", JsonLines(), extractor)
    assert counts == {"not_json": 1, "no_text": 1} and documents.num_rows == 0 and verdicts.num_rows == 2
