"""fastText supervised models: trained on one thread from a file, read back for class probabilities.

One thread is not enough for one answer: on one thread fastText 0.9 draws only the first tenth of its matrix and leaves
the rest as the allocator hands it out. So training is a process of its own in which memory comes zeroed (glibc's
`perturb`), whatever the caller's heap has been through. Zero rows learn as soon as the output layer moves. On another
C library the first committed model is still the result, but a second training may differ from it.
"""

from __future__ import annotations

import functools
import json
import mmap
import os
import struct
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from corpus.errors import UserError

LABEL = "__label__"
MAGIC = 793712314
DICTIONARY = 4 * 2 + 4 * 12 + 8 + 4 * 3 + 8 * 2   # bytes before a model file's first dictionary entry
KEPT = 2 << 30
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


def predict(model: Path, lines: Sequence[str], labels: Sequence[str]) -> np.ndarray:
    """(n, k) float32 in [0, 1]: the probability of each of k labels for each line; 0 for a label that the model lacks.

    lines: without a newline. Columns follow `labels`, which are written without fastText's prefix.
    """
    out = np.zeros((len(lines), len(labels)), np.float32)
    if not len(lines):
        return out
    at = {LABEL + name: column for column, name in enumerate(labels)}
    names, values = opened(model).predict(list(lines), k=-1)
    sizes = np.fromiter(map(len, names), np.int64, len(names))
    columns = np.fromiter((at.get(name, -1) for row in names for name in row), np.int64, int(sizes.sum()))
    rows = np.repeat(np.arange(len(names)), sizes)
    known = columns >= 0
    out[rows[known], columns[known]] = np.concatenate(values)[known]
    return np.clip(out, 0, 1)   # fastText adds 1e-5 to each


def probabilities(model: Path, lines: Sequence[str], name: str) -> np.ndarray:
    """(n,) float32 in [0, 1]: the probability of the label `name` for each one-line text."""
    return predict(model, lines, [name])[:, 0]


_OPEN: OrderedDict[tuple[str, int], tuple[Any, int]] = OrderedDict()


def opened(model: Path) -> Any:
    """The loaded model. A process keeps those it used last, up to `KEPT` bytes of files, so that several classifiers of
    one build are not read again for each shard; the newest stays whatever its size.
    """
    import fasttext

    stat = model.stat()
    key = (str(model), stat.st_mtime_ns)
    if key not in _OPEN:
        while _OPEN and sum(size for _, size in _OPEN.values()) + stat.st_size > KEPT:
            _OPEN.popitem(last=False)
        try:
            _OPEN[key] = fasttext.load_model(str(model)), stat.st_size
        except ValueError as error:
            raise UserError(f"{model}: fastText cannot read it: {error}") from None
    _OPEN.move_to_end(key)
    return _OPEN[key][0]


def labels_of(model: Path) -> tuple[str, ...]:
    """A model file's labels, without their prefix, most frequent first; only its dictionary is read, no weights."""
    stat = model.stat()
    return _labels(str(model), stat.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _labels(path: str, changed: int) -> tuple[str, ...]:
    with open(path, "rb") as stream:
        if os.fstat(stream.fileno()).st_size < DICTIONARY:
            raise UserError(f"{path}: not a fastText model")
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            magic, _ = struct.unpack_from("<ii", data)
            supervised = struct.unpack_from("<i", data, 8 + 4 * 7)[0] == 3
            entries, words, labels = struct.unpack_from("<iii", data, DICTIONARY - 28)
            if magic != MAGIC or not supervised or entries != words + labels:
                raise UserError(f"{path}: not a fastText model with labels")
            at, found = DICTIONARY, []
            for entry in range(entries):                     # a name, NUL, its count (int64), its kind (int8)
                end = data.find(b"\x00", at)
                if end < 0:
                    raise UserError(f"{path}: a fastText model that is cut short")
                if entry >= words:
                    found.append(data[at:end].decode("utf-8", "replace").removeprefix(LABEL))
                at = end + 10
    return tuple(found)
