"""What YAML can say and no file of ours can mean is refused with its place."""

import pytest

from corpus.errors import ConfigError, MissingFile, UserError
from pipelines.config.load import load_build
from pipelines.config.reading import read_yaml


@pytest.fixture
def said(tmp_path):
    def said(text):
        (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            read_yaml(str(tmp_path / "a.yaml"))
        assert str(caught.value).startswith(str(tmp_path / "a.yaml"))
        return str(caught.value)

    return said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: {b: [1, .inf]}", "a.yaml: a.b[1]: inf is not finite"),
        ("a: -.inf", "a.yaml: a: -inf is not finite"),
        ("a: .nan", "a.yaml: a: nan is not finite"),
        ("a: 1.0e+999", "a.yaml: a: inf is not finite"),
        ("a: 9223372036854775808", "a.yaml: a: 9223372036854775808 is wrong; expected a number of 64 bits"),
        ("a: 1" + "0" * 5000, "a.yaml: "),
        ("? [a]\n: 1", "line 1): a key that is a list or a mapping"),
        ("b: {? {a: 1} : 1}", "a key that is a list or a mapping"),
        ("a: {1: 2}", "a.yaml: a: the key 1 is no text; expected quotes around it"),
        ("a: {no: 2}", "a.yaml: a: the key false is no text"),
        ("a: 1\na: 2", "line 2): the key 'a' is there twice"),
        ("a: 2024-01-01", 'a.yaml: a: "2024-01-01" is a date to YAML; expected quotes'),
        ("a: 2024-13-45", "not YAML: month must be in 1..12"),
        ("a: !!set {b}", "is a set to YAML"),
        ('a: "b\\0"', "a.yaml: a: "),
        ('a: "\\ud83d"', "a.yaml: a: "),
        ("&x [*x]", "a.yaml: [0]: contains itself"),
        ("a: &x [*x]", "recursive"),
        ("[" * 5000, "nested too deep"),
        ("a: !!python/name:os.system", "not YAML (line 1)"),
    ],
)
def test_what_no_file_can_mean_is_refused_with_its_place(said, text, words):
    assert words in said(text)


def test_what_json_can_say_is_read_as_it_is(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1, 2.5, null, true, "é"], "b": {}}', encoding="utf-8")
    assert read_yaml(str(tmp_path / "a.json")) == {"a": [1, 2.5, None, True, "é"], "b": {}}


def test_anchors_and_merges_are_yaml_too(tmp_path):
    (tmp_path / "a.yaml").write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\nc: *a\n")
    assert read_yaml(str(tmp_path / "a.yaml")) == {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}, "c": {"x": 1, "y": 2}}


def test_folders_bytes_and_files_that_are_not_there_are_user_errors(tmp_path):
    (tmp_path / "latin").write_bytes(b"a: \xe9")
    for name in (".", "latin"):
        with pytest.raises(UserError, match="cannot be read"):
            read_yaml(str(tmp_path / name))
    with pytest.raises(MissingFile, match="--on: no file at .*none; make one"):
        read_yaml(str(tmp_path / "none"), "--on", "make one")


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"mixture": {"budget_tokens": 1, "max_epochs": float("inf")}}, "mixture.max_epochs"),
        ({"filter": {"rules": [{"signal": "gopher.words", "high": float("inf")}]}}, "filter.rules[0].high"),
        ({"embed": {"use": "sentence", "max_length": float("nan")}}, "embed.max_length"),
        ({"cluster": {"k": 2**63}}, "cluster.k"),
    ],
)
def test_a_build_files_numbers_are_finite_and_of_64_bits(write, changes, place):
    with pytest.raises(ConfigError) as caught:
        load_build(write(**changes))
    assert f"build.yaml: {place}: " in str(caught.value)
