"""Stages that look from documents to what lies in other shards: robots records, and licence files of repositories."""

import json

import pytest
import yaml

import corpus.signals.code  # noqa: F401 - registers the signal
from corpus.store import Store
from pipelines.config.load import load_build
from pipelines.engines.placement import Placement
from pipelines.plan import Plan
from pipelines.progress import Progress
from pipelines.run import Run
from pipelines.stages import extract, ingest, licences, robots
from pipelines.step import Items

PAGE = "<html><body><p>" + "A page with some words that stay. " * 9 + "</p></body></html>"


def warc(path, *pages):
    blocks = []
    for i, (url, type_, body) in enumerate(pages):
        http = f"HTTP/1.1 200 OK\r\nContent-Type: {type_}\r\n\r\n{body}"
        fields = {"WARC-Type": "response", "WARC-Record-ID": f"<urn:x:{i}>", "WARC-Target-URI": url,
                  "WARC-Date": f"2024-05-0{i + 1}T00:00:00Z", "Content-Type": "application/http",
                  "Content-Length": len(http)}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        blocks.append(f"WARC/1.0\r\n{head}\r\n{http}\r\n\r\n")
    path.write_text("".join(blocks), newline="")


@pytest.fixture
def build(tmp_path):
    def build(kind=Run, **options):
        path = tmp_path / "build.yaml"
        file = {"version": 1, "name": "b", "store": "store", "mixture": {"budget_tokens": 10}} | options
        path.write_text(yaml.safe_dump(file))
        made = load_build(str(path))
        store = Store(made.store_url).prepare()
        line = kind(store, "b", *(() if kind is Plan else (Placement({"engine": "inline"}), Progress())))
        raw = ingest.stage(line, made)
        return line, made, raw, extract.stage(line, made, raw)

    return build


def rows(line, items):
    return [row for shard in items for row in line.store.read_shard(shard).to_pylist()]


def test_documents_are_asked_about_robots_records_of_other_shards(build, tmp_path):
    warc(tmp_path / "a.warc", ("https://a.example/private/x", "text/html", PAGE),
         ("https://a.example/y", "text/html", PAGE + "y"))
    warc(tmp_path / "b.warc", ("https://a.example/robots.txt", "text/plain", "User-agent: *\nDisallow: /private/"),
         ("https://b.example/", "text/html", PAGE + "z"))
    given = {"sources": [{"name": "web", "files": "*.warc", "shard_records": 1}]}
    line, made, raw, texts = build(**given, filter={"robots": ["GPTBot", "CCBot", "GPTBot"]})
    found = robots.stage(line, made, raw, texts)
    assert [s.rows for s in found] == [s.rows for s in texts["documents"]]
    urls = [row["url"] for row in rows(line, texts["documents"])]
    said = [row["robots.disallowed"] for row in rows(line, found)]
    assert dict(zip(urls, said)) == {
        "https://a.example/private/x": "GPTBot CCBot", "https://a.example/y": "", "https://b.example/": None}
    line, made, raw, texts = build(**given)
    assert robots.stage(line, made, raw, texts) is None


def test_new_shards_are_asked_without_reading_old_ones_again(build, tmp_path):
    warc(tmp_path / "a.warc", ("https://a.example/x", "text/html", PAGE))
    given = {"sources": [{"name": "web", "files": "*.warc", "shard_records": 1}], "filter": {"robots": ["CCBot"]}}
    line, made, raw, texts = build(**given)
    robots.stage(line, made, raw, texts)
    warc(tmp_path / "b.warc", ("https://b.example/robots.txt", "text/plain", "User-agent: *\nDisallow: /"))
    line, made, raw, texts = build(**given)
    before = line.made
    robots.stage(line, made, raw, texts)
    assert line.made - before == 4      # the new records, all sites, and both shards' documents anew: the sites changed


def test_a_plan_that_has_nothing_yet_waits_for_what_it_reads(build, tmp_path):
    warc(tmp_path / "a.warc", ("https://a.example/x", "text/html", PAGE))
    line, made, raw, texts = build(Plan, sources=[{"name": "web", "files": "*.warc"}], filter={"robots": ["CCBot"]})
    assert not robots.stage(line, made, raw, texts).known


def test_files_are_licensed_by_licence_files_of_other_shards(build, tmp_path):
    from corpus.annotate import Annotate

    mit = ("Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated "
           "documentation files. The above copyright notice and this permission notice shall be included in all copies or "
           "substantial portions of the Software.")
    files = [("src/a.py", "x = 1\n", "r"), ("LICENSE", mit, "r"), ("b.py", "y = 2\n", "other")]
    (tmp_path / "code.jsonl").write_text("".join(
        json.dumps({"text": text, "path": path, "repository": repository}) + "\n" for path, text, repository in files))
    reader = {"use": "jsonl", "fields": ["path", "repository"]}
    given = {"sources": [{"name": "code", "files": "code.jsonl", "reader": reader, "shard_records": 1}], "extract": "plain"}

    def staged(signals):
        line, made, _, texts = build(**given, filter={"signals": signals, "rules": []})
        each = {"documents": texts["documents"], "facts": texts["facts"]}
        step = line.map("filter.signals", Annotate(made.signals, beside=tuple(each), output="signals"), each)
        measured: Items = step["signals"]
        return line, licences.stage(line, made, texts, measured), measured

    line, found, measured = staged(["code"])
    assert [row["code.licence"] for row in rows(line, found)] == ["MIT", "MIT", None]
    assert [row["code.language"] for row in rows(line, measured)] == ["Python", None, "Python"]
    assert staged(["gopher_quality"])[1] is None
