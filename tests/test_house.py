"""The house rules that a machine can check: who imports whom, and what a bare import loads."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAVY = {
    "torch",
    "transformers",
    "faiss",
    "fasttext",
    "vllm",
    "tokenizers",
    "gigatoken",
    "snaptokens",
    "tiktoken",
    "sentencepiece",
    "jinja2",
    "clarabel",
    "scipy",
    "apache_beam",
    "datatrove",
    "trafilatura",
    "resiliparse",
    "fastwarc",
    "pandas",
    "lightgbm",
    "numba",
}


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_import_contracts_hold():
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:]


def test_import_corpus_loads_nothing_heavy():
    assert not HEAVY & loaded_by("import corpus")


def test_help_loads_nothing_heavy_and_no_arrow():
    code = (
        "sys.argv = ['corpus', '--help']\nfrom pipelines.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass"
    )
    assert not (HEAVY | {"pyarrow", "numpy", "pydantic"}) & loaded_by(code)


def test_every_operator_registers_without_a_heavy_package():
    assert not HEAVY & loaded_by("from pipelines import operators\noperators.load()")
