"""fastText supervised models: trained on one thread from a file, read back for class probabilities.

One thread is not enough for one answer: on one thread fastText 0.9 draws only the first tenth of its matrix and leaves
the rest as the allocator hands it out. So training is a process of its own in which memory comes zeroed (glibc's
`perturb`), whatever the caller's heap has been through. Zero rows learn as soon as the output layer moves. On another
C library the first committed model is still the result, but a second training may differ from it.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

LABEL = "__label__"
#: alloc fills with the complement of this byte; small blocks that a thread keeps for itself would be left out.
ZEROED = {"GLIBC_TUNABLES": "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0", "MALLOC_PERTURB_": "255"}
TRAIN = """
import json, sys, fasttext
lines, model, options = json.loads(sys.argv[1])
fasttext.train_supervised(lines, thread=1, verbose=0, loss="softmax", **options).save_model(model)
"""


def train(lines: Path, model: Path, **options: Any) -> None:
    """Trains on a file of `__label__NAME words …` lines and saves the model. SGD in file order, by fastText's options."""
    call = json.dumps([str(lines), str(model), options])
    done = subprocess.run([sys.executable, "-c", TRAIN, call], env=os.environ | ZEROED, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"fastText failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}")


def probabilities(model: Path, texts: Sequence[str], name: str) -> np.ndarray:
    """(n,) float32 in [0, 1]: the probability of the label `name` for each one-line text."""
    loaded = _load(str(model), model.stat().st_mtime_ns)
    out = np.zeros(len(texts), np.float32)
    if len(texts):
        labels, values = loaded.predict(list(texts), k=-1)
        for row, (found, probability) in enumerate(zip(labels, values)):
            out[row] = dict(zip(found, probability)).get(LABEL + name, 0.0)
    return np.clip(out, 0, 1)


@functools.lru_cache(maxsize=1)
def _load(path: str, changed: int) -> Any:
    import fasttext

    return fasttext.load_model(path)
