"""One numeric thread a task. Imports nothing that computes: it has to run before numpy and torch are loaded."""

from __future__ import annotations

import os


def single_threaded() -> None:
    """Results must not depend on how many cores a machine has; parallelism is over tasks."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
