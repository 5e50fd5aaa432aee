"""Stores and sources that nothing here can open are refused before any work."""

import os

import pytest

from corpus.errors import ConfigError
from corpus.sources.listing import list_files
from pipelines.config.load import load_build


@pytest.mark.parametrize("url", ["gopher://x", "ocilake://x", "http://a.org/store", "zip://x::gopher://y", "a::b", "hf:a/b"])
def test_a_store_that_cannot_be_opened_or_written_is_refused(write, url):
    with pytest.raises(ConfigError, match=r"build\.yaml: store: "):
        load_build(write(store=url))


@pytest.mark.parametrize("files", ["gopher://x/a.jsonl", ["a.jsonl", "ocilake://x/b.jsonl"], "simplecache::gopher://x/a.jsonl"])
def test_a_source_that_nothing_opens_is_refused(write, files):
    with pytest.raises(ConfigError, match=r"build\.yaml: sources\[0\]\.files: .* cannot be opened"):
        load_build(write(sources=[{"name": "web", "files": files}]))


@pytest.mark.parametrize("store", ["pages.jsonl", "pages.jsonl/inside", "pages.jsonl/far/inside"])
def test_a_file_is_no_store(write, store):
    with pytest.raises(ConfigError, match=r"store: .* cannot be written: .*pages\.jsonl is no folder"):
        load_build(write(store=store))


def test_a_store_may_be_there_or_not_or_elsewhere(write, tmp_path):
    (tmp_path / "there").mkdir()
    for store in ("there", "not/yet", str(tmp_path / "there"), "memory://bucket/store", f"file://{tmp_path}/x"):
        load_build(write(store=store))
    assert sorted(os.listdir(tmp_path)) == ["build.yaml", "pages.jsonl", "there"]


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path):
    folder = tmp_path / "a[1]*"
    folder.mkdir()
    for name in ("one.jsonl", "two.jsonl"):
        (folder / name).write_text("{}\n")
    text = "version: 1\nname: a\nstore: s\nmixture: {budget_tokens: 1}\nsources: [{name: web, files: %s}]\n"
    both = ["one.jsonl", "two.jsonl"]
    for files, wanted in (("one.jsonl", both[:1]), ("'*.jsonl'", both), ("./two.jsonl", both[1:])):
        (folder / "b.yaml").write_text(text % files)
        build = load_build(str(folder / "b.yaml"))
        assert list_files(build.sources[0].patterns, build.base) == [str(folder / name) for name in wanted]
