"""Files of weights, in every form that is read, and what is wrong with them said with file, cell and value."""

import json
from pathlib import Path

import pytest

from corpus.errors import ConfigError, MissingFile, UnknownName
from corpus.mixture.weights import matched, read_weights

SHARED = Path(__file__).parents[3] / "shared/data/mixture_runs"


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return str(tmp_path / name)

    return write


def test_json_flat_and_nested_name_cells_by_their_parts(file):
    assert read_weights(file("w.json", {"d0/web": 0.25, "d1/web": 0.75})).weights == {"d0/web": 0.25, "d1/web": 0.75}
    nested = read_weights(file("n.json", {"d0": {"web": 0.25, "books": 0.25}, "d1": {"web": 0.5}}))
    assert nested.weights == {"d0/web": 0.25, "d0/books": 0.25, "d1/web": 0.5} and nested.evidence is None


def test_megatron_pairs_on_one_line_or_several_name_cells_by_the_data_sets_base_name(file):
    one = file("blend.txt", "0.3 /data/web_text_document 0.7 /data/math.bin\n")
    more = file("blend", "0.3 /data/web_text_document\n0.7   /data/math_document\n")
    assert read_weights(one).weights == read_weights(more).weights == {"web": 0.3, "math": 0.7}


def test_megatron_paths_whose_base_names_are_equal_keep_their_folders(file):
    path = file("blend", "0.3 /data/d00/web_text_document 0.7 /data/d01/web_text_document")
    assert read_weights(path, ["d00/web", "d01/web"]).weights == {"d00/web": 0.3, "d01/web": 0.7}


@pytest.mark.parametrize("text", ["0.3 a 0.7", "0.3 a/x_document 0.7 a/x.bin", "0.3 a nan b", "0.3 a b c", "-1 a 2 b"])
def test_pairs_that_are_none_are_refused(file, text):
    with pytest.raises(ConfigError, match="blend: "):
        read_weights(file("blend", text))


def test_a_wide_csv_gives_the_row_that_its_name_or_number_says(file):
    path = file("w.csv", "index,train_web,train_math\n7,0.25,0.75\n9,0.5,0.5\n")
    assert read_weights(path + "#9").weights == {"train_web": 0.5, "train_math": 0.5}
    assert read_weights(path + "#1").weights == {"train_web": 0.25, "train_math": 0.75}
    with pytest.raises(ConfigError, match=r"has 2 mixtures; expected which one: .*w\.csv#7 to .*w\.csv#9"):
        read_weights(path)
    with pytest.raises(UnknownName, match="unknown row '12'"):
        read_weights(path + "#12")


def test_olmix_rows_have_names_and_their_metrics_do_not_count(file):
    path = file("ratios.csv", "run,name,index,web,math,metric/loss\nr0,first,0,0.25,0.75,3.1\nr1,second,1,1,0,3.0\n")
    for row in ("r0", "first", "0"):
        assert read_weights(f"{path}#{row}").weights == {"web": 0.25, "math": 0.75}


def test_a_long_csv_has_a_row_a_domain_with_a_heading_or_without(file):
    for head in ("domain,weight\n", ""):
        assert read_weights(file("l.csv", head + "web,0.25\nmath,0.75\n")).weights == {"web": 0.25, "math": 0.75}


def test_rows_rounded_to_three_decimals_are_divided_by_their_sum_and_say_so(file):
    found = read_weights(file("r.csv", "index,a,b\n1,0.499,0.498\n"))
    assert sum(found.weights.values()) == pytest.approx(1, abs=1e-15) and found.weights["a"] == pytest.approx(0.499 / 0.997)
    assert found.notes == ("the weights sum to 0.997 by rounding and were divided by it",)
    with pytest.raises(ConfigError, match=r"the weights sum to 0\.99 \(a 0\.5, b 0\.49\); expected a sum of 1"):
        read_weights(file("r.csv", "index,a,b\n1,0.5,0.49\n"))
    with pytest.raises(ConfigError, match=r"w\.json: the weights sum to 0\.997"):
        read_weights(file("w.json", {"a": 0.499, "b": 0.498}))


@pytest.mark.skipif(not SHARED.is_dir(), reason="recorded runs are not here")
def test_every_row_of_regmixs_tables_is_a_mixture_of_the_piles_domains():
    domains = json.loads((SHARED / "regmix/published_mixtures.json").read_text())["domains"]
    for name, rows in (("train_mixture_1m", 512), ("test_mixture_1m", 256), ("test_mixture_60m", 256)):
        for row in range(1, rows + 1):
            found = read_weights(f"{SHARED}/regmix/{name}.csv#{row}", cells=domains)
            assert set(found.weights) == set(domains) and sum(found.weights.values()) == pytest.approx(1, abs=1e-12)
    third = read_weights(f"{SHARED}/regmix/train_mixture_1m.csv#2", cells=domains).weights
    assert third["arxiv"] == pytest.approx(0.025, abs=2e-4)


def test_names_are_cells_or_cells_after_what_all_of_them_begin_with():
    cells = ["arxiv", "pubmed_central", "pubmed_abstracts"]
    assert matched({"arxiv": 1.0}, cells, "w") == {"arxiv": 1.0}
    assert matched({"train_the_pile_arxiv": 1.0}, cells, "w") == {"arxiv": 1.0}
    found = matched({"pile_pubmed_central": 0.5, "pile_pubmed_abstracts": 0.5}, cells, "w")
    assert found == {"pubmed_central": 0.5, "pubmed_abstracts": 0.5}
    assert matched({"web": 0.5, "math": 0.5}, ["d0/web", "d0/math"], "w") == {"d0/web": 0.5, "d0/math": 0.5}


def test_a_name_that_is_no_cell_is_told_the_nearest():
    with pytest.raises(UnknownName, match="unknown cell 'arxive'; did you mean 'arxiv'"):
        matched({"arxive": 0.5, "github": 0.5}, ["arxiv", "github"], "w.csv")
    with pytest.raises(UnknownName, match="unknown cell 'web'"):
        matched({"web": 1.0}, ["d0/web", "d1/web"], "w.csv")


def test_two_names_of_one_cell_are_refused():
    with pytest.raises(ConfigError, match="w: a: is the cell 'd0/a', as 'd0/a' is"):
        matched({"d0/a": 0.5, "a": 0.5}, ["d0/a"], "w")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": -0.5, "b": 1.5}, ["w.json: a", "-0.5"]),
        ({"a": "half", "b": 0.5}, ["w.json: a", "'half'"]),
        ({"a": "0.5", "b": 0.5}, ["w.json: a", "'0.5'"]),
        ({"a": {"x": True}}, ["w.json: a/x", "True"]),
        ({"a": None}, ["w.json: a", "None"]),
        ({"a": [0.5, 0.5]}, ["w.json: a", "[0.5, 0.5]"]),
        ({}, ["w.json", "no weights"]),
        ([1], ["w.json", "no weights"]),
        ('{"a": NaN, "b": 1}', ["w.json: a", "nan"]),
        ('{"a": 0.5, "a": 0.5}', ["w.json: a", "twice"]),
        ({"a/b": 0.5, "a": {"b": 0.5}}, ["w.json: a/b", "twice"]),
        ('{"a": 0.5', ["w.json", "not JSON"]),
    ],
)
def test_what_is_no_mixture_is_said_with_file_cell_and_value(file, value, words):
    with pytest.raises(ConfigError) as error:
        read_weights(file("w.json", value))
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("index,a,b\n1,0.5,x\n", ["t.csv: b", "'x'"]),
        ("index,a,b\n1,0.5,-0.5\n", ["t.csv: b", "-0.5"]),
        ("index,a,a\n1,0.5,0.5\n", ["t.csv: a", "two columns"]),
        ("index,a,b\n1,0.5\n", ["t.csv: row 2", "2 fields"]),
        ("a,0.5\na,0.5\n", ["t.csv: a", "twice"]),
        ("index,a\n", ["t.csv", "no weights"]),
        ("", ["t.csv", "no weights"]),
    ],
)
def test_a_wrong_csv_is_told_with_file_and_column(file, text, words):
    with pytest.raises(ConfigError) as error:
        read_weights(file("t.csv", text))
    assert all(word in str(error.value) for word in words), error.value


def test_no_file_and_a_row_of_no_csv(file, tmp_path):
    with pytest.raises(MissingFile):
        read_weights(str(tmp_path / "none.json"))
    with pytest.raises(ConfigError, match="no CSV"):
        read_weights(file("w.json", {"a": 1.0}) + "#3")


def test_a_mixture_file_gives_its_evidence_where_it_has_some(file):
    value = {"schema": 1, "weights": {"a": 1.0}, "attributes": ["domain"], "taxonomy": "t", "tokenizer": "k",
             "cells": {"a": {}}}
    assert read_weights(file("m.json", value)).evidence == value
    bare = read_weights(file("m.json", value | {"cells": None}))
    assert bare.weights == {"a": 1.0} and bare.evidence is None


def test_a_receipt_gives_its_asked_weights_and_the_mixture_file_beside_it(file):
    receipt = {"schema": 2, "asked": {}, "phases": [{"phase": 0, "target_tokens": 300}, {"phase": 1, "target_tokens": 100}],
               "cells": [{"phase": 0, "cell": "a", "weight": 1.0}, {"phase": 1, "cell": "a", "weight": 0.2},
                         {"phase": 1, "cell": "b", "weight": 0.8}]}
    path = file("receipt.json", receipt)
    assert read_weights(path).evidence is None
    evidence = {"schema": 1, "weights": {"a": 0.8, "b": 0.2}, "cells": {"a": {}, "b": {}}}
    file("mixture.json", evidence)
    found = read_weights(path)
    assert found.weights == pytest.approx({"a": 0.8, "b": 0.2}) and found.evidence == evidence
