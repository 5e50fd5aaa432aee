"""Build files: what is wrong is said before work starts, with its place and the nearest right word."""

import pytest
import yaml

from corpus.errors import ConfigError, Infeasible, MissingFile, UnknownName, UserError
from pipelines.config.load import load_build, read_weights, with_mixture

GOOD = {
    "version": 1,
    "name": "small",
    "store": "store",
    "sources": [{"name": "web", "files": "pages.jsonl"}],
    "filter": {"signals": ["language", "gopher_quality", "gopher_repetition"], "rules": ["gopher"]},
    "mixture": {"budget_tokens": 1000},
}


@pytest.fixture
def write(tmp_path):
    (tmp_path / "pages.jsonl").write_text('{"text": "hello"}\n')

    def write(**changes):
        found = {**GOOD, **changes}
        path = tmp_path / "build.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in found.items() if v is not None}))
        return str(path)

    return write


def test_a_good_file_becomes_operators(write, tmp_path):
    build = load_build(write())
    assert build.sources[0].reader.name == "jsonl"
    assert build.store_url == str(tmp_path / "store")
    assert [s.name for s in build.signals] == ["language", "gopher_quality", "gopher_repetition"]
    assert build.rules[0].reason == "gopher_short_doc"


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"filtre": {}}, UnknownName, ["build.yaml", "filtre", "filter"]),
        ({"extract": "resilliparse"}, UnknownName, ["extract", "resilliparse", "'resiliparse'"]),
        ({"extract": {"use": "resiliparse", "main_contant": True}}, UnknownName, ["extract.main_contant", "'main_content'"]),
        (
            {"extract": {"use": "resiliparse", "main_content": "yes"}},
            ConfigError,
            ["extract.main_content", '"yes"', "boolean"],
        ),
        ({"extract": {"main_content": True}}, ConfigError, ["extract", "use"]),
        ({"filter": {"rules": ["gophr"]}}, UnknownName, ["filter.rules[0]", "gophr", "'gopher'"]),
        (
            {"filter": {"rules": [{"signal": "gopher.wrods", "low": 3}]}},
            ConfigError,
            ["filter.rules", "gopher.wrods", "gopher.words"],
        ),
        ({"filter": {"rules": [{"signal": "gopher.words"}]}}, ConfigError, ["filter.rules[0]", "bound"]),
        (
            {"filter": {"signals": ["gopher_quality"], "rules": [{"signal": "gopher.words", "among": ["a"]}]}},
            ConfigError,
            ["among", "low"],
        ),
        ({"dedup": {"treshold": 0.8}}, UnknownName, ["dedup", "treshold", "'threshold'"]),
        ({"dedup": {"threshold": 8}}, ConfigError, ["dedup.threshold", "8"]),
        ({"mixture": {"budget_tokens": "many"}}, ConfigError, ["mixture.budget_tokens", "many", "integer"]),
        ({"mixture": {}}, ConfigError, ["mixture.budget_tokens", "missing"]),
        ({"search": {"method": "domain2vec"}}, ConfigError, ["search.targets", "missing"]),
        ({"search": {"method": "unimx"}}, UnknownName, ["search.method", "'unimax'"]),
        ({"search": {"limits": [{"attribute": "sauce", "value": "web"}]}}, UnknownName, ["search.limits[0]", "'source'"]),
        (
            {"search": {"limits": [{"attribute": "source", "value": "wab"}]}},
            UnknownName,
            ["search.limits[0].value", "'web'"],
        ),
        ({"quality": {"positive": ["books"], "negative": ["web"]}}, UnknownName, ["quality.positive[0]", "books"]),
        ({"domains": {"prune_below": 0.5}}, ConfigError, ["domains.prune_below", "quality"]),
        ({"cells": ["domain", "sorce"]}, ConfigError, ["cells[1]", "sorce"]),
        (
            {
                "cells": ["language"],
                "filter": {
                    "signals": ["gopher_quality", "gopher_repetition"],
                    "rules": [{"signal": "gopher.words", "low": 1}],
                },
            },
            ConfigError,
            ["cells", "language"],
        ),
        ({"shards": ["climbmx"]}, UnknownName, ["shards[0]", "'climbmix'"]),
        ({"sources": []}, ConfigError, ["sources"]),
        ({"sources": [{"name": "web", "files": "pages.txt"}]}, ConfigError, ["sources[0].reader", "pages.txt"]),
        ({"sources": [{"name": "web", "files": "pages.jsonl"}] * 2}, ConfigError, ["sources[1].name", "twice"]),
        ({"embed": {"use": "sentence", "model": "no/such/folder"}}, MissingFile, ["embed.model", "no/such/folder"]),
        (
            {"tokens": {"use": "pin", "tokenizer": "package:no_such_package/x"}},
            MissingFile,
            ["tokens.tokenizer", "no_such_package"],
        ),
        ({"version": 2}, ConfigError, ["version", "2"]),
    ],
)
def test_what_is_wrong_is_named(write, changes, error, words):
    with pytest.raises(error) as caught:
        load_build(write(**changes))
    assert isinstance(caught.value, UserError)
    assert str(caught.value).startswith(write(**changes)) and caught.value.exit_code == 2
    for word in words:
        assert word in str(caught.value)


def test_a_key_written_twice_is_an_error(tmp_path):
    (tmp_path / "b.yaml").write_text("version: 1\nversion: 1\n")
    with pytest.raises(ConfigError, match="twice"):
        load_build(str(tmp_path / "b.yaml"))


@pytest.mark.parametrize("text", ["{", "- 1", "", "a: b: c"])
def test_what_is_not_a_build_file_says_so(tmp_path, text):
    (tmp_path / "b.yaml").write_text(text)
    with pytest.raises(ConfigError):
        load_build(str(tmp_path / "b.yaml"))


def test_no_file_points_at_init(tmp_path):
    with pytest.raises(MissingFile, match="corpus init"):
        load_build(str(tmp_path / "none.yaml"))


def test_a_rule_with_a_presets_reason_takes_its_place_and_keeps_its_languages(write):
    build = load_build(
        write(
            filter={
                "signals": ["language", "gopher_quality", "gopher_repetition"],
                "rules": ["gopher", {"signal": "gopher.words", "low": 20, "reason": "gopher_short_doc"}],
            }
        )
    )
    rule = build.rules[0]
    assert (rule.reason, rule.low) == ("gopher_short_doc", 20) and "th" in rule.other_than


def test_weights_are_read_flat_or_nested(tmp_path):
    (tmp_path / "w.yaml").write_text("d00: {web: 0.25, books: 0.25}\nd01/web: 0.5\n")
    assert read_weights(str(tmp_path / "w.yaml")) == {"d00/web": 0.25, "d00/books": 0.25, "d01/web": 0.5}


@pytest.mark.parametrize("text", ["d00: much", "[1, 2]", "", "{"])
def test_bad_weight_files_are_user_errors(tmp_path, text):
    (tmp_path / "w.json").write_text(text)
    with pytest.raises(ConfigError):
        read_weights(str(tmp_path / "w.json"))


def test_a_given_mixture_replaces_the_search(write, tmp_path):
    (tmp_path / "w.json").write_text('{"d00/web": 1.0}')
    build = with_mixture(load_build(write()), str(tmp_path / "w.json"), 500)
    assert build.method.name == "given" and build.file.mixture.budget_tokens == 500


@pytest.mark.parametrize("text", ['{"d00/web": 0.5}', '{"d00/web": -0.5, "d01/web": 1.5}'])
def test_weights_that_are_no_mixture_are_refused(write, tmp_path, text):
    (tmp_path / "w.json").write_text(text)
    with pytest.raises((ConfigError, Infeasible)):
        with_mixture(load_build(write()), str(tmp_path / "w.json"), None)
