"""Build files: what is wrong is said before work starts, with its place and the nearest right word."""

import pytest

from corpus.dedup.shingle import Shingle
from corpus.errors import ConfigError, MissingFile, UnknownName, UserError
from pipelines.config.load import load_build
from pipelines.config.override import Overrides, overridden


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
        ({"cells": ["domain", "sorce"]}, UnknownName, ["cells[1]", "'source'"]),
        ({"cells": ["page.licens"]}, UnknownName, ["cells[0]", "'page.licence'"]),
        ({"cells": ["gopher.words"]}, UnknownName, ["cells[0]", "gopher.words"]),
        ({"edits": ["pii", "pii"]}, ConfigError, ["edits[1]", "'pii'"]),
        ({"edits": [{"use": "boilerplate", "upper": 2.0}]}, ConfigError, ["edits[0].upper", "2.0", "0 to 1"]),
        ({"edits": [{"use": "c4_lines", "min_words": -1}]}, ConfigError, ["edits[0].min_words", "-1"]),
        ({"extract": {"use": "blocks", "max_nodes": 0}}, ConfigError, ["extract.max_nodes", "0", "1 or more"]),
        ({"extract": {"use": "plain", "max_bytes": -1}}, ConfigError, ["extract.max_bytes", "-1"]),
        ({"extract": {"use": "blocks", "max_seconds": 0.0}}, ConfigError, ["extract.max_seconds", "null"]),
        ({"filter": {"signals": ["classifier"], "rules": []}}, ConfigError, ["filter.signals[0].model", "missing"]),
        ({"filter": {"signals": ["datatrove"], "rules": []}}, ConfigError, ["filter.signals[0].filter", "missing"]),
        (
            {"filter": {"signals": [{"use": "classifier", "model": "build.yaml"}], "rules": []}},
            ConfigError,
            ["filter.signals[0]", "not a fastText model"],
        ),
        (
            {"filter": {"signals": [{"use": "language", "places": 0}], "rules": []}},
            ConfigError,
            ["filter.signals[0].places", "0"],
        ),
        (
            {"filter": {"signals": [{"use": "url", "categories": ["adult"]}], "rules": ["url"]}},
            ConfigError,
            ["filter.signals[0].categories", "lists"],
        ),
        (
            {"decontaminate": {"against": ["x.jsonl"]}, "filter": {"rules": [{"signal": "contamination.spans", "low": 1}]}},
            ConfigError,
            ["filter.rules[0]", "contamination.spans", "a list"],
        ),
        ({"dedup": {"keep": "source", "source_order": []}}, ConfigError, ["dedup.source_order", "empty"]),
        ({"dedup": {"keep": "source", "source_order": ["web", "web"]}}, ConfigError, ["dedup.source_order[1]", "'web'"]),
        ({"edits": ["unicod"]}, UnknownName, ["edits[0]", "'unicode'"]),
        ({"dedup": {"keep": "score"}}, ConfigError, ["dedup.score"]),
        ({"dedup": {"keep": "score", "score": "gopher.wrds"}}, UnknownName, ["dedup.score", "'gopher.words'"]),
        ({"dedup": {"source_order": ["web"]}}, ConfigError, ["dedup.source_order", "keep"]),
        ({"dedup": {"keep": "source", "source_order": ["wbe"]}}, UnknownName, ["dedup.source_order[0]", "'web'"]),
        ({"dedup": {"against": ["small"]}}, ConfigError, ["dedup.against", "this build"]),
        (
            {
                "cells": ["language"],
                "filter": {
                    "signals": ["gopher_quality", "gopher_repetition"],
                    "rules": [{"signal": "gopher.words", "low": 1}],
                },
            },
            UnknownName,
            ["cells[0]", "language"],
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
        ({"shards": ["climbmix", "megatron", {"use": "climbmix"}]}, ConfigError, ["shards[2]", "'climbmix'", "shards[0]"]),
        ({"cells": ["domain", "domain"]}, ConfigError, ["cells[1]", "'domain'"]),
        ({"filter": {"signals": ["language", "language"], "rules": []}}, ConfigError, ["filter.signals[1]", "'language'"]),
        (
            {"search": {"limits": [{"attribute": "source", "value": "web", "low": 0.5, "high": 0.1}]}},
            ConfigError,
            ["search.limits[0]", "low 0.5 is over high 0.1"],
        ),
        ({"seed": -1}, ConfigError, ["seed", "-1"]),
        ({"seed": 2**63}, ConfigError, ["seed", "64 bits"]),
        ({"quality": {"positive": [], "negative": ["web"]}}, ConfigError, ["quality.positive", "1 or more"]),
        ({"quality": {"positive": ["web"], "negative": ["web"]}}, ConfigError, ["quality.negative[0]", "'web'"]),
        ({"domains": {"merge_distance": 0}}, ConfigError, ["domains.merge_distance", "greater than 0"]),
        ({"tokens": {"use": "pin", "tokenizer": "package:"}}, ConfigError, ["tokens.tokenizer", "package:"]),
        ({"tokens": {"use": "pin", "tokenizer": "package:.x/y"}}, ConfigError, ["tokens.tokenizer", "package:.x/y"]),
    ],
)
def test_what_is_wrong_is_named(write, changes, error, words):
    with pytest.raises(error) as caught:
        load_build(write(**changes))
    assert isinstance(caught.value, UserError)
    assert str(caught.value).startswith(write(**changes)) and caught.value.exit_code == 2
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("name", ["..", ".", ".hidden", "-x", "a/b", "", "a b", "données", "a\n", "x" * 101])
def test_names_that_could_be_another_folder_are_refused(write, name):
    for changes, place in (({"name": name}, "name"), ({"sources": [{"name": name, "files": "p.jsonl"}]}, "sources[0].name")):
        with pytest.raises(ConfigError) as caught:
            load_build(write(**changes))
        assert f"build.yaml: {place}: " in str(caught.value)


@pytest.mark.parametrize("name", ["a", "_a", "0", "a.b-c_d", "x" * 100])
def test_names_of_letters_digits_and_a_few_marks_are_good(write, name):
    assert load_build(write(name=name)).name == name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"filter": {"rules": [{"signal": "gopher.words", "low": "10"}]}},
            'filter.rules[0].low: "10" is wrong; expected a number: no quotes',
        ),
        ({"filter": {"rules": [{"signal": 5, "low": 1}]}}, "filter.rules[0].signal: 5 is wrong; expected text, in quotes"),
        ({"filter": {"rules": [3]}}, "filter.rules[0]: 3 is wrong; expected text, in quotes or a mapping, {key: value}"),
        ({"filter": {"rules": [{"signl": "a"}]}}, "filter.rules[0].signl: unknown key 'signl'; did you mean 'signal'?"),
        ({"name": 2024}, "name: 2024 is wrong; expected text, in quotes"),
        ({"sources": [{"name": "web", "files": 5}]}, "sources[0].files: 5 is wrong; expected text, in quotes or a list"),
        ({"sources": [{"name": "web", "files": [5]}]}, "sources[0].files[0]: 5 is wrong; expected text, in quotes"),
        ({"sources": [{"files": "a.jsonl"}]}, "sources[0].name: is missing"),
        ({"extract": 5}, "extract: 5 is wrong; expected text, in quotes or a mapping, {key: value}"),
        ({"dedup": [1]}, "dedup: [1] is wrong; expected a mapping, {key: value}"),
        ({"domains": {"meta_l2": "1e-5"}}, 'domains.meta_l2: "1e-5" is wrong; expected a number: no quotes, and a dot'),
        ({"mixture": {"budget_tokens": 1.5}}, "mixture.budget_tokens: 1.5 is wrong; expected an integer"),
        ({"mixture": {"budget_tokens": 1, "weights": {"str": "a"}}}, 'mixture.weights.str: "a" is wrong; expected a number'),
        (
            {"mixture": {"budget_tokens": 1, "on_shortfall": "shrnk"}},
            "mixture.on_shortfall: \"shrnk\" is wrong; expected 'refuse', 'shrink' or 'redistribute'",
        ),
    ],
)
def test_messages_speak_of_the_value_that_is_wrong(write, changes, message):
    with pytest.raises(UserError) as caught:
        load_build(write(**changes))
    assert f"build.yaml: {message}" in str(caught.value)


def test_the_seeds_bounds_are_those_of_the_results_columns(write):
    assert load_build(write(seed=2**63 - 1)).seed == 2**63 - 1


def test_the_default_bands_are_the_operators(write):
    shingle, dedup = Shingle(), load_build(write()).file.dedup
    assert (shingle.ngram, shingle.bands, shingle.rows) == (dedup.ngram, dedup.bands, dedup.rows) == (5, 20, 7)


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


def test_a_given_mixture_replaces_the_search(write, tmp_path):
    (tmp_path / "w.json").write_text('{"d00/web": 1.0}')
    build = overridden(load_build(write()), Overrides(weights=str(tmp_path / "w.json"), budget=500))
    assert build.method.name == "given" and build.file.mixture.budget_tokens == 500


@pytest.mark.parametrize("text", ['{"d00/web": 0.5}', '{"d00/web": -0.5, "d01/web": 1.5}'])
def test_weights_that_are_no_mixture_are_refused(write, tmp_path, text):
    (tmp_path / "w.json").write_text(text)
    with pytest.raises(ConfigError, match=r"w\.json: .*d00/web|w\.json: mixture\.weights: they sum to 0\.5"):
        overridden(load_build(write()), Overrides(weights=str(tmp_path / "w.json")))


@pytest.mark.parametrize(
    ("mixture", "words"),
    [
        ({"schedule": [{"tokens": 60}, {"tokens": 60}]}, ["mixture.schedule", "120", "100"]),
        ({"schedule": [{"tokens": 100, "ramp_tokens": 10}]}, ["mixture.schedule[0].ramp_tokens", "first"]),
        ({"schedule": [{"tokens": 50}, {"tokens": 50, "ramp_tokens": 60}]}, ["mixture.schedule[1].ramp_tokens", "60"]),
        ({"caps": [{"attribute": "hots", "high": 0.1}]}, ["mixture.caps[0].attribute", "'host'"]),
        ({"caps": [{"attribute": "host", "high": 0.1}, {"attribute": "host", "high": 0.2}]}, ["mixture.caps[1]", "host"]),
        ({"caps": [{"attribute": "host", "high": 0}]}, ["mixture.caps[0].high"]),
    ],
)
def test_what_is_wrong_with_a_schedule_or_a_cap_is_said_with_its_place(write, mixture, words):
    with pytest.raises(UserError) as error:
        load_build(write(mixture={"budget_tokens": 100} | mixture))
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("pack", "words"),
    [
        ({"use": "best_fit", "length": 2000}, ["pack.length", "2,000", "1,000"]),
        ({"use": "concatenate"}, ["pack.length", "missing"]),
        ({"length": 8}, ["pack.length", "best_fit"]),
    ],
)
def test_packing_and_its_length_go_together(write, pack, words):
    with pytest.raises(ConfigError) as error:
        load_build(write(pack=pack))
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Overrides(rebudget=True), ["--rebudget", "--retokenize"]),
        (Overrides(after="receipt.json"), ["--after", "RECEIPT@TOKENS"]),
        (Overrides(after="nowhere.json@10"), ["nowhere.json", "--after"]),
        (Overrides(retokenize="{use: pim}"), ["retokenize", "'pin'"]),
        (Overrides(weights="nowhere.yaml"), ["nowhere.yaml"]),
    ],
)
def test_what_a_command_says_wrongly_is_named(write, said, words):
    with pytest.raises(UserError) as error:
        overridden(load_build(write()), said)
    assert all(word in str(error.value) for word in words)


def test_a_budget_beside_a_schedule_is_refused(write):
    build = load_build(write(mixture={"budget_tokens": 100, "schedule": [{"tokens": 100}]}))
    with pytest.raises(ConfigError, match="--budget"):
        overridden(build, Overrides(budget=50))
