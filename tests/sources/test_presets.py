import gzip
import json

import pytest
import zstandard
from bad_files import read

from corpus.document import record_id
from corpus.errors import ConfigError
from corpus.sources.listing import check_source
from corpus.sources.presets import Datatrove, Dolma

DOCUMENTS = [
    ("a/0", "first text", {"url": "http://example.org/1", "date": "2024-05-18T01:58:10Z", "language": "en", "score": 0.5}),
    ("a/1", "second text", {"url": "http://example.org/2", "date": "2024-05-19T01:58:10Z", "language": "de", "score": 2.0}),
]


def written(folder, writer, **options):
    """The one file that a writer of datatrove's makes of the documents."""
    from datatrove.data import Document
    from datatrove.pipeline import writers

    made = getattr(writers, writer)(str(folder), **options)
    with made:
        for id_, text, metadata in DOCUMENTS:
            made.write(Document(text=text, id=id_, metadata=dict(metadata)))
    (path,) = [p for p in folder.iterdir() if p.is_file()]
    return path


@pytest.mark.parametrize("writer, options", [
    ("JsonlWriter", {}), ("JsonlWriter", {"compression": "zstd"}), ("JsonlWriter", {"compression": None}),
    ("JsonlWriter", {"expand_metadata": True}), ("ParquetWriter", {}), ("ParquetWriter", {"expand_metadata": True}),
])
def test_what_datatrove_writes_is_read_with_its_ids_and_metadata(tmp_path, writer, options):
    path = written(tmp_path / "made", writer, **options)
    check_source(Datatrove(), [str(path)], "sources[0]")
    rows = read(Datatrove(), path)
    for row, (id_, text, metadata) in zip(rows, DOCUMENTS, strict=True):
        assert (row["payload"].decode(), row["id"]) == (text, record_id("web", id_.encode()))
        assert (row["url"], row["date"], row["problem"]) == (metadata["url"], metadata["date"], None)
        found = json.loads(row["fields"])
        assert (found["language"], found["score"]) == (metadata["language"], metadata["score"])
        assert "text" not in found and "id" not in found


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_dolma_documents_carry_source_metadata_and_attributes(tmp_path, pack):
    first = {"id": "x1", "text": "some text", "source": "common-crawl", "added": "2024-01-02", "created": "2019-03-04",
             "metadata": {"url": "http://example.org/1", "length": 9}, "attributes": {"toxic": [[0, 4, 0.25]]},
             "version": "v1"}
    second = {"id": "x2", "text": "other text", "source": "books", "added": "2024-01-03"}
    data = pack(b"".join(json.dumps(d).encode() + b"\n" for d in (first, second)))
    rows = read(Dolma(), tmp_path / "a.jsonl", data)
    assert rows[0]["id"] == record_id("web", b"x1") and rows[0]["url"] == "http://example.org/1"
    assert [row["date"] for row in rows] == ["2019-03-04", "2024-01-03"] and rows[0]["source"] == "web"
    assert json.loads(rows[0]["fields"]) == {k: v for k, v in first.items() if k not in ("id", "text")}
    assert json.loads(rows[1]["fields"]) == {"source": "books", "added": "2024-01-03"}


def test_metadata_spelled_as_json_in_a_string_is_opened(tmp_path):
    line = json.dumps({"id": "1", "text": "t", "metadata": json.dumps({"url": "http://example.org/1", "n": 1})})
    (row,) = read(Datatrove(), tmp_path / "a.jsonl", line.encode())
    assert row["url"] == "http://example.org/1" and json.loads(row["fields"]) == {"url": "http://example.org/1", "n": 1}


def test_a_file_without_documents_of_the_format_is_named_before_work_starts(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"content": "x", "id": "1"}\n')
    with pytest.raises(ConfigError, match=r"sources\[0\].reader.text: .*a.jsonl has no column 'text'"):
        check_source(Dolma(), [str(path)], "sources[0].files")
