"""The command as a process of its own, and a finished build to look at."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bad_sources import Fate

from pipelines.config.load import load_build
from pipelines.view import View

ROOT = Path(__file__).parents[2]


def corpus(*words: Any, cwd: Path, code: int = 0) -> tuple[str, str]:
    """Runs the command; returns (stdout, stderr) and asserts its exit code. Nothing is translated."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", *map(str, words)], capture_output=True, cwd=cwd, env=env
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == code, f"exit {done.returncode}\n{out}\n{err}"
    assert "Traceback" not in err
    return out, err


@dataclass(frozen=True)
class Built:
    """A finished build. `out` and `err` are what it printed; `fates` what has to become of each odd record."""

    folder: Path
    out: str
    err: str
    fates: list[Fate]

    @property
    def file(self) -> Path:
        return self.folder / "build.yaml"

    @property
    def home(self) -> Path:
        return self.folder / "store/builds/bad"

    def view(self) -> View:
        return View(load_build(str(self.file)))
