"""A throw-away Python environment a reader, for packages that clash with ours or that only a reader needs.

An environment is named by the digest of its requirements file, kept under ~/.cache/corpus-readers and used again. It sees
our packages behind its own, so torch and numpy are not installed twice; its own are installed without their dependencies,
all that they import being listed. What it gives up: isolation from what we have installed, which is the price of not
fetching torch for each.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: What pip says where no registry answers.
UNREACHABLE = ("NewConnectionError", "ConnectTimeoutError", "connection broken", "Failed to establish a new connection",
               "Temporary failure in name resolution")


def python_of(reader: str) -> str:
    """The interpreter that has a reader's package: ours where tests/readers has no requirements for it."""
    requirements = HERE / f"requirements-{reader}.txt"
    if not requirements.exists():
        return sys.executable
    ours = sysconfig.get_paths()["purelib"]
    name = hashlib.sha256(f"{sys.version}\0{ours}\0{requirements.read_text()}".encode()).hexdigest()[:12]
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "corpus-readers" / f"{reader}-{name}"
    python = root / "bin" / "python"
    if (root / "complete").exists() and python.exists():
        return str(python)
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root)], check=True)
    (Path(sysconfig.get_path("purelib", vars={"base": str(root)})) / "ours.pth").write_text(ours + "\n")
    done = subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "-q", "-r",
                           str(requirements)], capture_output=True, text=True)
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
        pytest.skip(f"no registry answers pip, so the reader of {reader} cannot be installed")
    assert done.returncode == 0, done.stderr[-3000:]
    (root / "complete").touch()
    return str(python)
