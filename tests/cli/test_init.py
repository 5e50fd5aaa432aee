"""`corpus init` on all kinds of files: what it writes loads and reads them, and what it cannot use it refuses unwritten."""

import gzip
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.errors import UserError
from corpus.sources.listing import list_files
from pipelines.cli.init import init
from pipelines.config.load import load_build

SENTENCE = "The rain came over the hills before anyone had brought in the hay."


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(path, *records):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return str(path)


def made(*files, out="build.yaml", **options):
    """The build that `init` wrote, which names exactly these files."""
    init([str(f) for f in files], out=out, **{"name": None, "force": False, **options})
    build = load_build(out)
    found = sorted(f for source in build.sources for f in list_files(source.patterns, build.base))
    assert found == sorted(os.path.abspath(f) for f in files)
    return build


def refused(here, *files, out="build.yaml", **options):
    """What `init` says; it has left nothing behind."""
    before = sorted(p.relative_to(here) for p in here.rglob("*"))
    with pytest.raises(UserError) as caught:
        init([str(f) for f in files], out=out, **{"name": None, "force": False, **options})
    assert sorted(p.relative_to(here) for p in here.rglob("*")) == before
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("données.jsonl", "donnees"),
        ("part[1].jsonl", "part_1_"),
        ("a*b?.jsonl", "a_b_"),
        ("x[.jsonl", "x_"),
        ("it's \"mine\".jsonl", "it_s__mine_"),
        ("日本.jsonl", "__"),
        ("a😀.jsonl", "a_"),
        (".hidden.jsonl", "source"),
        ("2024.jsonl", "2024"),
        ("no.jsonl", "no"),
        ("-x.jsonl", "x"),
        ("back\\slash: #1.jsonl", "back_slash___1"),
        ("p[1]/a.jsonl", "a"),
        ("new\nline.jsonl", "new_line"),
    ],
)
def test_names_of_files_may_be_anything(here, file, name):
    build = made(lines(here / file, {"text": SENTENCE}))
    assert [s.name for s in build.sources] == [name]


@pytest.mark.parametrize(
    ("out", "name"), [("my build.yaml", "my_build"), ("2024.yaml", "2024"), ("né.yaml", "ne"), ("..yaml", "__yaml")]
)
def test_the_builds_name_is_made_from_any_file_name(here, out, name):
    assert made(lines(here / "a.jsonl", {"text": SENTENCE}), out=out).name == name


def test_a_folder_whose_name_is_a_pattern(here, monkeypatch):
    (here / "[x]").mkdir()
    monkeypatch.chdir(here / "[x]")
    made(lines(here / "[x]" / "a.jsonl", {"text": SENTENCE}))


def test_the_next_commands_can_be_pasted(here, capsys):
    made(lines(here / "a.jsonl", {"text": SENTENCE}), out="my build.yaml")
    assert "corpus build 'my build.yaml'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("records", "column"),
    [
        ([{"message": SENTENCE, "id": "1"}], "message"),
        ([{"title": "Hay and rain", "review": SENTENCE, "url": "https://example.org/" + "x" * 500}], "review"),
        ([{"text": None, "content": SENTENCE}], "content"),
        ([{"text": "", "body": SENTENCE}] * 3, "body"),
        ([{"body": SENTENCE}, {"text": "x", "body": SENTENCE}], "body"),
        ([{"n": 1}, {"text": SENTENCE}], "text"),
    ],
)
def test_the_column_of_text_is_found_in_the_first_records(here, capsys, records, column):
    assert made(lines(here / "a.jsonl", *records)).sources[0].reader.text == column
    assert f"a: 1 file, text from '{column}'" in capsys.readouterr().out


def test_text_in_parquet_under_another_name(here):
    pq.write_table(pa.table({"n": [1, 2], "label": ["a", "b"], "story": [SENTENCE, None], "id": [7, 8]}), here / "a.parquet")
    reader = made(here / "a.parquet").sources[0].reader
    assert (reader.name, reader.text, reader.id) == ("parquet", "story", "id")


def test_files_that_are_read_alike_are_one_source_and_others_their_own(here):
    for name, column in (("a", "text"), ("b", "text"), ("c", "content")):
        lines(here / f"crawl/{name}.jsonl", {column: SENTENCE + name, "id": name})
    build = made(*(here / "crawl").iterdir())
    assert {(s.name, s.reader.text, len(s.patterns)) for s in build.sources} == {("crawl", "text", 2), ("c", "content", 1)}
    assert {s.reader.id for s in build.sources} == {"id"}


def test_ids_that_begin_anew_in_each_file_are_no_ids(here):
    for name in "ab":
        lines(here / f"crawl/{name}.jsonl", *({"text": SENTENCE + name, "id": i} for i in range(3)))
    assert made(*(here / "crawl").iterdir()).sources[0].reader.id is None


def test_packed_files_and_a_few_bad_lines_are_fine(here):
    with gzip.open(here / "a.jsonl.gz", "wt") as stream:
        stream.write("{not json\n\n" + json.dumps({"text": SENTENCE}) + "\n")
    made(here / "a.jsonl.gz")


def test_a_file_named_twice_is_read_once(here):
    path = lines(here / "a.jsonl", {"text": SENTENCE})
    init([path, "a.jsonl"], out="b.yaml", name=None, force=False)
    assert load_build("b.yaml").sources[0].patterns == ("a.jsonl",)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", "id,text\n1,hello\n", ["a.jsonl: is no JSON Lines", '"id,text": CSV?']),
        ("a.jsonl", '[{"text": "a"},\n{"text": "b"}]\n', ['"[{\\"text\\": \\"a\\"},"', "a JSON array?"]),
        ("a.jsonl", '[{"text": "a"}]\n', ["a JSON array?"]),
        ("a.json", '{\n  "text": "a"\n}\n', ['"{": an object over several lines?']),
        ("a.jsonl", "plain words\n", ['its first line is "plain words"']),
        ("a.jsonl", "\x1b[2Jboo\n", ['"\\u001b[2Jboo"']),
        ("a.jsonl", "", ["a.jsonl: has no records"]),
        ("a.jsonl", "\n\n", ["has no records"]),
        ("a.jsonl", '{"n": 1, "label": "pos"}\n', ["looks like text; there is n, label"]),
        ("a.jsonl", '{"message": {"content": "a"}}\n', ["looks like text; there is message"]),
        ("a.jsonl", json.dumps({"id": "x" * 50, "url": "y" * 50}), ["there is id, url"]),
        ("a.parquet", "PAR1 no", ["a.parquet: is no Parquet that can be read"]),
        ("a.parquet", "", ["is no Parquet"]),
        ("a.jsonl.gz", b"\x1f\x8b\x08\x00 broken", ["a.jsonl.gz: cannot be read from its beginning (damaged_span)"]),
        ("a.jsonl.gz", gzip.compress(b"a", mtime=0)[:12], ["a.jsonl.gz: "]),
        ("a.jsonl.zst", b"\x28\xb5\x2f\xfd broken", ["a.jsonl.zst: cannot be read from its beginning"]),
        ("a.warc.gz", b"\x1f\x8b\x08\x00 broken", ["a.warc.gz: none of its first", "can be used"]),
        ("a.warc", "hello\n", ["a.warc: "]),
        ("a.warc", "", ["a.warc: has no records"]),
        ("a.txt", "hello", ["a.txt: its name ends in none of"]),
        ("a::b.jsonl", '{"text": "a"}\n', ["a::b.jsonl", "rename it"]),
    ],
)
def test_files_that_a_build_would_drop_whole_are_refused(here, name, content, words):
    (here / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    said = refused(here, here / name)
    assert all(word in said for word in words), said


def test_parquet_without_text_or_rows_is_refused(here):
    pq.write_table(pa.table({"n": [1], "tags": [["a"]]}), here / "n.parquet")
    assert "no column holds text; there is n, tags" in refused(here, "n.parquet")
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), here / "e.parquet")
    assert "has no records" in refused(here, "e.parquet")


def test_warc_files_are_read_before_they_are_named(here):
    head = "WARC/1.0\r\nWARC-Type: %s\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"
    (here / "a.warc").write_bytes((head % "warcinfo").encode())
    assert "no records that hold a document" in refused(here, "a.warc")
    (here / "b.wet").write_bytes((head % "warcinfo" + head % "conversion").encode())
    assert made("b.wet").sources[0].reader.name == "warc"


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("nodir/x.yaml", "--out: no file at"),
        ("folder", "is a folder"),
        ("", "not a file name"),
        ("a\nb.yaml", "not a file name"),
        ("there.yaml", "already there"),
        ("x" * 300, "cannot be written"),
    ],
)
def test_an_output_that_cannot_be_is_refused(here, out, words):
    (here / "folder").mkdir()
    (here / "there.yaml").write_text("mine")
    assert words in refused(here, lines(here / "a.jsonl", {"text": SENTENCE}), out=out)
    assert (here / "there.yaml").read_text() == "mine"


def test_force_writes_over_a_build_file_and_never_over_data(here):
    path = lines(here / "a.jsonl", {"text": SENTENCE})
    (here / "b.yaml").write_text("old")
    assert made(path, out="b.yaml", force=True).name == "b"
    assert "is one of the files to read" in refused(here, path, out="a.jsonl", force=True)
    assert "folder; name its files" in refused(here, here)


def test_a_wrong_name_is_said_of_the_file_that_would_be(here):
    said = refused(here, lines(here / "a.jsonl", {"text": SENTENCE}), name="..")
    assert said.startswith('build.yaml: name: ".." is wrong') and ".part" not in said


def test_a_store_that_cannot_be_leaves_no_file(here):
    (here / ".corpus").write_text("")
    assert "build.yaml: store: " in refused(here, lines(here / "a.jsonl", {"text": SENTENCE}))
