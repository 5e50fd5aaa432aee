from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpus.errors import ConfigError, MissingFile, UnknownName
from corpus.optimize import runs

REGMIX = Path(__file__).parents[1] / "data" / "regmix"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_regmixs_pair_is_read_and_renormalised():
    found = runs.read(REGMIX / "train_mixture_1m.csv", REGMIX / "train_pile_loss_1m.csv")
    assert found.weights.shape == (512, 17) and found.values.shape == (512, 13)
    assert found.weights.sum(axis=1) == pytest.approx(np.ones(512), abs=1e-12)
    assert "renormalised" in found.notes[0] and found.metrics[0] == "metric/the_pile_arxiv_val_loss"


def test_olmixs_pair_is_joined_on_the_run_whatever_the_order(tmp_path: Path):
    ratios = write(tmp_path / "ratios.csv", "run,name,index,web,code\nr1,x,0,0.5,0.5\nr2,x,1,0.25,0.75\nr3,x,2,1,0\n")
    metrics = write(tmp_path / "metrics.csv", "run,name,index,loss\nr2,x,1,2.5\nr1,x,0,3.5\n")
    found = runs.read(ratios, metrics)
    assert found.domains == ("web", "code") and found.metrics == ("loss",)
    assert found.weights.tolist() == [[0.5, 0.5], [0.25, 0.75]] and found.values.tolist() == [[3.5], [2.5]]
    assert found.notes == ("1 rows have no partner in the other file and were left out",)


def test_one_file_tells_weights_from_metrics_by_prefix_or_name(tmp_path: Path):
    path = write(tmp_path / "a.csv", "run,web,code,metric/loss\n1,0.5,0.5,3\n2,1,0,4\n")
    assert runs.read(path).domains == ("web", "code") and runs.read(path, metric=["loss"]).metrics == ("metric/loss",)
    path = write(tmp_path / "b.csv", ",web,code,loss\n0,0.5,0.5,3\n1,1,0,4\n")
    assert runs.read(path, metric=["loss"]).domains == ("web", "code")
    with pytest.raises(ConfigError, match="no column is a metric"):
        runs.read(path)


@pytest.mark.parametrize("text, message", [
    ("web,code,metric/l\n0.5,0.5,3\n0.5,nan,3\n", "a.csv, line 3, column 'code': 'nan'; expected a number"),
    ("web,code,metric/l\n0.5,0.5,\n", "a.csv, line 2, column 'metric/l': ''; expected a number"),
    ("web,code,metric/l\n1.5,-0.5,3\n", "a.csv, line 2, column 'code': -0.5 is negative"),
    ("web,code,steps,metric/l\n0.5,0.5,1000,3\n", "a.csv, line 2, column 'steps': 1000 is no share"),
    ("web,code,metric/l\n0.5,0.5,3\n0.5,0.3,3\n", "a.csv, line 3: the weights sum to 0.8; expected 1"),
    ("web,code,metric/l\n0.5,0.5\n", "a.csv, line 2: 2 fields; expected 3"),
    ("web,web,metric/l\n0.5,0.5,1\n", "two columns are called 'web'"),
    ("web,code,metric/l\n", "no rows"),
    ("metric/l\n1\n", "no column of weights"),
])
def test_a_bad_cell_is_named_by_line_and_column(tmp_path: Path, text, message):
    with pytest.raises(ConfigError) as error:
        runs.read(write(tmp_path / "a.csv", text))
    assert message in str(error.value)


def test_unknown_metrics_and_files_say_what_is_there(tmp_path: Path):
    path = write(tmp_path / "a.csv", "web,code,metric/loss\n0.5,0.5,3\n")
    with pytest.raises(UnknownName, match="did you mean 'metric/loss'"):
        runs.read(path, metric=["metric/los"])
    with pytest.raises(MissingFile):
        runs.read(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        runs.read(tmp_path / "b.csv")


def test_files_without_a_common_name_are_refused(tmp_path: Path):
    a = write(tmp_path / "a.csv", "run,web,code\n1,0.5,0.5\n")
    with pytest.raises(ConfigError, match="nothing names the runs"):
        runs.read(a, write(tmp_path / "b.csv", "index,loss\n1,3\n"))
    with pytest.raises(ConfigError, match="no 'run' is that of a run"):
        runs.read(a, write(tmp_path / "c.csv", "run,loss\n7,3\n"))


def test_priors_come_from_json_olmix_or_two_columns(tmp_path: Path):
    olmix = '{"relative_sizes": {"b": 0.75, "a": 0.25}}'
    for name, text in (("p.json", '{"a": 1, "b": 3}'), ("q.json", olmix), ("p.csv", "a,1\nb,3\n")):
        assert runs.prior_weights(write(tmp_path / name, text), ["a", "b"]).tolist() == [0.25, 0.75]
    with pytest.raises(ConfigError, match="no share of 'c'"):
        runs.prior_weights(tmp_path / "p.csv", ["a", "c"])
    with pytest.raises(ConfigError, match="-1"):
        runs.prior_weights(write(tmp_path / "n.json", '{"a": -1, "b": 3}'), ["a", "b"])
