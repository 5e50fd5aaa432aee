"""Before all tests: no compiled kernel is older than a kernel module, and the first example may load what it needs."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))   # drawn_by_hand

ROOT = Path(__file__).parent.parent / "corpus"

settings.register_profile("corpus", deadline=None)
settings.load_profile("corpus")


def pytest_configure() -> None:
    """numba compiles a function anew when its own file changes, not when a file that it calls into does."""
    sources = [*ROOT.rglob("*kernels.py"), ROOT / "text" / "english_rules.py"]
    changed = max(path.stat().st_mtime for path in sources)
    for index in ROOT.rglob("__pycache__/*.nbi"):
        if index.stat().st_mtime < changed:
            index.unlink(missing_ok=True)
