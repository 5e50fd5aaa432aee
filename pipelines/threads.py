"""What a process of a build is: one numeric thread a task, gone when its driver is. Imports nothing that computes: it has to
run before numpy and torch are loaded.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def single_threaded() -> None:
    """Results must not depend on how many cores a machine has; parallelism is over tasks."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def become_worker() -> None:
    """Of a pool's process: leaves Ctrl-C to the driver, and ends when the driver does, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
