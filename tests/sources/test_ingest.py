import json
from collections.abc import Iterator
from dataclasses import dataclass

import fsspec
import pyarrow as pa
import pytest
from bad_files import QUICKSTART, members, record, response

from corpus.document import RAW
from corpus.errors import StepError
from corpus.keys import digest_table
from corpus.sources.ingest import Ingest
from corpus.sources.jsonl import JsonLines
from corpus.sources.listing import pin
from corpus.sources.rows import regroup
from corpus.sources.warc import Warc
from corpus.store import Store
from corpus.tasks import Task, execute


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store")).prepare()


def ingest(store, path, **options):
    return execute(Task("ingest", Ingest(Warc(), "web", **options), {"file": [pin(str(path))]}, store))


def test_every_record_of_the_quickstart_file_is_in_one_shard(store):
    result = ingest(store, QUICKSTART / "quickstart.warc.gz", shard_records=200)
    tables = [store.read_shard(s) for s in result.of("raw")]
    assert [t.num_rows for t in tables] == [200, 200, 200, 66] and result.counts == {"records": 666, "skipped_warcinfo": 1}
    whole = pa.concat_tables(tables)
    assert whole.schema.equals(RAW) and len(set(whole.column("id").to_pylist())) == 666


def test_problems_and_skipped_records_are_counted(store, tmp_path):
    path = tmp_path / "a.warc.gz"
    records = [record(0, b"x", kind=b"warcinfo"), record(1), record(2, response(b"", status=b"500 No")), record(3, length=7)]
    path.write_bytes(b"".join(members([*records, record(4)])) + b"garbage")
    counts = ingest(store, path).counts
    assert counts == {"records": 5, "skipped_warcinfo": 1, "http_status": 1, "bad_length": 1, "trailing_garbage": 1}


def test_a_file_without_records_writes_no_shard_and_still_counts(store, tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(record(0, b"x", kind=b"warcinfo"))
    result = ingest(store, path)
    assert result.outputs == () and result.counts == {"skipped_warcinfo": 1}


def test_shards_are_bounded_by_bytes_too(store, tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(record(i, response(b"<html>" + b"x" * 994)) for i in range(10)))
    assert [s.rows for s in ingest(store, path, shard_bytes=3500).of("raw")] == [3, 3, 3, 1]


def test_a_file_that_grew_or_changed_after_it_was_pinned_gives_no_result_until_it_is_pinned_anew(store, tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(record(1))
    task = Task("ingest", Ingest(Warc(), "web"), {"file": [pin(str(path))]}, store)
    for other in (record(1) + record(2), record(2), b""):
        assert len(other) != len(record(1)) or other != record(1)
        path.write_bytes(other)
        with pytest.raises(StepError, match=r"step 'ingest' failed \(task .*\): .*a.warc changed while it was being read"):
            execute(task)
        assert store.record(task.key) is None
    path.write_bytes(record(1))
    assert execute(task).counts == {"records": 1}


@dataclass(frozen=True)
class Crawling(Warc):
    """Reads a file to which its crawler adds one more record as soon as the first table was read."""

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        for table in super().read(path, source):
            with open(path, "ab") as stream:
                stream.write(record(9))
            yield table


def test_a_file_that_grows_while_it_is_read_gives_no_result(store, tmp_path):
    path = tmp_path / "a.warc"
    path.write_bytes(record(1))
    task = Task("ingest", Ingest(Crawling(), "web"), {"file": [pin(str(path))]}, store)
    with pytest.raises(StepError, match="changed while it was being read"):
        execute(task)
    assert store.record(task.key) is None


def test_files_of_other_file_systems_are_read_again_too(store):
    files = fsspec.filesystem("memory")
    files.pipe("/ingest/a.warc", record(1))
    assert ingest(store, "memory://ingest/a.warc").counts == {"records": 1}
    task = Task("ingest", Ingest(Warc(), "other"), {"file": [pin("memory://ingest/a.warc")]}, store)
    files.pipe("/ingest/a.warc", record(2))
    with pytest.raises(StepError, match="changed"):
        execute(task)


def test_the_source_is_part_of_the_key_and_the_place_is_not(store, tmp_path):
    (tmp_path / "a.warc").write_bytes(record(1))
    (tmp_path / "b.warc").write_bytes(record(1))
    keys = [Task("ingest", Ingest(Warc(), source), {"file": [pin(str(tmp_path / name))]}, store).key
            for source, name in (("web", "a.warc"), ("web", "b.warc"), ("other", "a.warc"))]
    assert keys[0] == keys[1] != keys[2]


def test_cuts_do_not_depend_on_how_rows_arrive():
    lengths = [5, 0, 3, 9, 9, 1, 1, 1, 1, 1, 20, 2]
    rows = [[{"payload": b"x" * n if n else None, "offset": i}] for i, n in enumerate(lengths)]
    tables = [pa.Table.from_pylist(r, schema=RAW) for r in rows]
    apart = list(regroup(iter(tables), 4, 10))
    whole = list(regroup(iter([pa.concat_tables(tables)]), 4, 10))
    assert [t.num_rows for t in apart] == [3, 1, 2, 4, 1, 1]   # 5+0+3, 9, 9+1, four rows, 20, 2
    assert [digest_table(t) for t in apart] == [digest_table(t) for t in whole]


def test_a_sources_licence_is_every_records_that_states_none(store, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one", "licence": "MIT", "n": 1}\n{"text": "two", "n": 2}\n{"text": "three"}\n')
    reader = JsonLines(fields=("licence", "n"))
    done = execute(Task("ingest", Ingest(reader, "web", licence="CC-BY-4.0"), {"file": [pin(str(path))]}, store))
    fields = [json.loads(f) for f in store.read_shard(done.of("raw")[0]).column("fields").to_pylist()]
    assert fields == [{"licence": "MIT", "n": 1}, {"n": 2, "licence": "CC-BY-4.0"}, {"licence": "CC-BY-4.0"}]
