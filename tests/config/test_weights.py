"""Files of weights that a build file names."""

import pytest

from corpus.errors import ConfigError, MissingFile
from pipelines.config.weights import weights_for


def test_yaml_weights_are_found_beside_the_build_file(tmp_path):
    (tmp_path / "w.yaml").write_text("d00: {web: 0.25, books: 0.25}\nd01: {web: 0.5}\n")
    found = weights_for("w.yaml", str(tmp_path), "mixture.weights")
    assert found.weights == {"d00/web": 0.25, "d00/books": 0.25, "d01/web": 0.5}


def test_a_row_of_a_csv_is_named_behind_its_path(tmp_path):
    (tmp_path / "w.csv").write_text("index,a,b\n1,0.5,0.5\n2,1,0\n")
    assert weights_for("w.csv#2", str(tmp_path), "mixture.weights").weights == {"a": 1.0, "b": 0.0}


def test_no_such_file_is_said_with_the_place_that_names_it(tmp_path):
    with pytest.raises(MissingFile, match=r"mixture\.weights: no file at .*none\.yaml"):
        weights_for("none.yaml", str(tmp_path), "mixture.weights")


@pytest.mark.parametrize("text", ["a: .nan\n", "a: 2021-01-01\n", "a: [\n", "a: 0.5\na: 0.5\n", "3\n", ""])
def test_yaml_that_gives_no_weights_is_refused(tmp_path, text):
    (tmp_path / "w.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"w\.yaml"):
        weights_for("w.yaml", str(tmp_path), "mixture.weights")


def test_a_folder_is_no_file_of_weights(tmp_path):
    with pytest.raises(ConfigError, match="directory|folder"):
        weights_for(".", str(tmp_path), "mixture.weights")
