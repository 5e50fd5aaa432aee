"""What the mixture compiler refuses: exit 2, nothing written where it is known before, and a message that says which, and
the least change that would do. What it advises is then done.
"""

from __future__ import annotations

import json
import re

import pytest
from compiled import Line, corpus, passages


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Line:
    """One folder for all: what stays the same is made once."""
    made = Line(tmp_path_factory.mktemp("refused"))
    made.build()
    return made


def refused(line: Line, *words: str, **changes) -> str:
    path = line.save(**changes)
    code, _, err = corpus(*(words or ("build",)), path.name, *(() if words else ("--on", "inline")), cwd=line.folder)
    assert code == 2, (code, err)
    return err


@pytest.mark.parametrize("weights, said", [
    ({"a": -0.1, "b": 1.1}, r"mixture\.weights.*a.*-0\.1"),
    ({"a": 0.5, "b": 0.4}, r"mixture\.weights.*sum to 0\.9"),
    ({"a": 0.5, "b": 0.7}, r"mixture\.weights.*sum to 1\.2"),
    ({"a": 0.5, "bb": 0.5}, r"unknown cell 'bb'; did you mean 'b'\?"),
    ({"a": "half", "b": 0.5}, r"mixture\.weights.*a.*half"),
    ({"a": float("nan"), "b": 1.0}, r"mixture\.weights.*a.*nan"),
    ({}, r"mixture\.weights"),
])
def test_weights_that_are_none_are_refused_in_the_build_file(line, weights, said):
    assert re.search(said, refused(line, mixture={"weights": weights}), re.S)


@pytest.mark.parametrize("name, text, said", [
    ("negative.json", '{"a": -0.1, "b": 1.1}', r"negative\.json.*a.*-0\.1"),
    ("sum.yaml", "a: 0.5\nb: 0.3\n", r"sum\.yaml.*sum to 0\.8"),
    ("cell.json", '{"a": 0.5, "c": 0.5}', r"unknown cell 'c'"),
    ("word.json", '{"a": "much", "b": 0.5}', r"word\.json.*a.*much"),
    ("twice.yaml", "a: 0.5\na: 0.5\n", r"twice\.yaml.*a"),
    ("nan.json", '{"a": NaN, "b": 1}', r"nan\.json"),
    ("empty.json", "{}", r"empty\.json.*no weights"),
    ("broken.json", '{"a": 0.5', r"broken\.json"),
    ("pairs.txt", "0.5 a_text_document 0.5", r"pairs\.txt.*partner"),
    ("wide.csv", "index,a,b\n1,0.5,0.5\n2,0.1,0.9\n", r"wide\.csv.*which one"),
])
def test_weights_of_a_file_that_are_none_are_refused_with_its_name(line, name, text, said):
    (line.folder / name).write_text(text)
    path = line.save()
    code, _, err = corpus("shards", "write", path.name, "--weights", name, "--on", "inline", cwd=line.folder)
    assert code == 2 and re.search(said, err, re.S), err


def test_weights_of_a_missing_file_are_refused(line):
    assert "nowhere.json" in refused(line, mixture={"weights": "nowhere.json"})


def test_a_budget_over_the_epochs_names_the_cell_and_what_it_advises_works(line):
    wrong = {"weights": {"a": 0.1, "b": 0.9}, "budget_tokens": 30_000}
    err = refused(line, mixture=wrong)
    said = re.search(r"1 epochs of b .*feasible are budget_tokens ([\d,]+), or max_epochs ([\d.]+)", err, re.S)
    assert said, err
    assert line.build(name="less", mixture=wrong | {"budget_tokens": int(said[1].replace(",", ""))}).outcome.made
    assert line.build(name="more", mixture=wrong | {"max_epochs": float(said[2])}).outcome.made
    over = {"budget_tokens": int(said[1].replace(",", "")) + 2_000}
    assert "feasible are budget_tokens" in refused(line, mixture=wrong | over)      # and it was the most


def test_a_cap_that_binds_is_named_with_the_least_change_and_that_works(line):
    wrong = {"budget_tokens": 25_000, "caps": [{"attribute": "host", "high": 0.05}]}
    err = refused(line, mixture=wrong)
    assert "mixture.caps[0]" in err and "host" in err, err
    budget = re.search(r"budget_tokens (?:of |at most )?([\d,]+)", err)
    high = re.search(r"high:? (?:of |at least )?([\d.]*\d)", err)
    assert budget or high, err
    if budget:
        assert line.build(name="capless", mixture=wrong | {"budget_tokens": int(budget[1].replace(",", ""))}).outcome.made
    if high:
        caps = [{"attribute": "host", "high": float(high[1])}]
        assert line.build(name="caphigh", mixture=wrong | {"caps": caps}).outcome.made


def test_a_schedule_has_to_fill_the_budget_and_nothing_ramps_from_nothing(line):
    err = refused(line, mixture={"schedule": [{"tokens": 5_000}, {"tokens": 5_000}]})
    assert "10,000" in err and "12,000" in err
    assert "ramp_tokens" in refused(line, mixture={"schedule": [{"tokens": 12_000, "ramp_tokens": 100}]})
    assert "ramp_tokens" in refused(line, mixture={"schedule": [{"tokens": 6_000}, {"tokens": 6_000, "ramp_tokens": 7_000}]})


def test_a_vocabulary_over_the_dtype_is_refused_before_work_starts(line):
    big = line.folder / "big.json"
    vocabulary = {"<|endoftext|>": 0, "[UNK]": 1} | {f"t{i}": i + 2 for i in range(70_000)}
    big.write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [
            {"id": 0, "content": "<|endoftext|>", "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}],
        "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "[UNK]"}}))
    before = sorted(p for p in (line.folder / "store/tasks").rglob("*.json"))
    err = refused(line, tokens={"use": "pin", "tokenizer": "big.json", "dtype": "uint16"})
    assert "tokens" in err and "70,002" in err and "uint16" in err
    assert sorted(p for p in (line.folder / "store/tasks").rglob("*.json")) == before


def test_packing_without_a_length_and_formats_that_cannot_pack_are_refused(line):
    assert "pack.length" in refused(line, pack={"use": "concatenate"})
    assert "climbmix" in refused(line, pack={"use": "concatenate", "length": 128})


def test_a_licence_that_is_none_and_strict_with_unknown_ones(line):
    rules = line.file["filter"]
    assert "did you mean 'MIT'" in refused(line, filter=rules | {"licence": {"admit": ["MTI"]}})
    path = line.save(name="strict", filter=rules | {"licence": {"admit": "permissive", "strict": True}})
    code, _, err = corpus("build", path.name, "--on", "inline", cwd=line.folder)
    assert code == 1 and re.search(r"\d+ documents have no known licence.*https://host\d\.example/", err, re.S), err


def test_a_document_longer_than_a_shard_is_written_whole_and_counted(tmp_path):
    line = Line(tmp_path, shards=["megatron"])
    line.write("b", [{"id": "long", "url": "https://long.example/", "text": "\n\n".join(passages()[60:72])}])
    built = line.build(mixture={"weights": {"a": 0.5, "b": 0.5}, "budget_tokens": 6_000, "shard_tokens": 1_000})
    rows = built.sidecar()
    at = rows.column("url").to_pylist().index("https://long.example/")
    assert rows.column("length")[at].as_py() > 3_000 and rows.column("begin")[at].as_py() == 0
    assert built.receipt["long_documents"] == 1
