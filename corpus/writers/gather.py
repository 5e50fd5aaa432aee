"""Documents' token ids from where they lie into one buffer, in any order: copies of slices, never a `take` over indices.

On a local store a compiled loop reads each slice straight into its place. Files are read and not mapped: what is mapped
counts as the process's memory, and a file that is cut short meanwhile would kill it. Given up: on a remote store each
batch asks for its ranges anew, neighbours together.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from corpus.errors import Mismatch
from corpus.results import Folder
from corpus.store import Store
from corpus.tokens.tokenize import IDS

#: Files that a process may have open besides those of ids.
SPARE_FILES = 128
#: Ranges of a remote file that are this near are fetched as one.
GAP_BYTES = 1 << 16


@dataclass(frozen=True)
class Held:
    """Ids in memory. flat: (t,) ids of documents; starts: (n,) int64 the first of each document's."""

    flat: np.ndarray
    starts: np.ndarray

    def gather(self, row: np.ndarray, begin: np.ndarray, length: np.ndarray, at: np.ndarray, out: np.ndarray) -> None:
        """Copies pieces to their places. row, begin, length, at: (p,) int64; `at` counts in `out`."""
        from corpus.writers.gather_kernels import copy_pieces

        source = self.starts[row] + begin
        bounded(source, length, at, np.int64(len(self.flat)), out, self.flat.dtype)
        copy_pieces(np.uint64(self.flat.ctypes.data), *in_bytes(self.flat.dtype, source, length, at),
                    np.uint64(out.ctypes.data))


@dataclass
class Read:
    """Ids in local files. paths: the files; ends: (f,) ids in each; file: (n,) position of each document's; start: (n,) its
    first id there. At most `limit` files are open at a time.
    """

    paths: list[str]
    ends: np.ndarray
    file: np.ndarray
    start: np.ndarray
    dtype: np.dtype
    limit: int
    opened: dict[int, int] = field(default_factory=dict)         # descriptors by file

    def gather(self, row: np.ndarray, begin: np.ndarray, length: np.ndarray, at: np.ndarray, out: np.ndarray) -> None:
        file, source = self.file[row], self.start[row] + begin
        bounded(source, length, at, self.ends[file], out, self.dtype)
        if len(self.paths) <= self.limit:
            return self._read(file, source, length, at, out)
        names = np.unique(file)
        for first in range(0, len(names), self.limit):
            some = np.flatnonzero(np.isin(file, names[first : first + self.limit]))
            self._read(file[some], source[some], length[some], at[some], out)
            self.close()

    def _read(self, file: np.ndarray, source: np.ndarray, length: np.ndarray, at: np.ndarray, out: np.ndarray) -> None:
        from corpus.writers.gather_kernels import read_pieces

        descriptors = np.zeros(len(self.paths), np.int64)
        for name in np.unique(file).tolist():
            if name not in self.opened:
                self.opened[name] = os.open(self.paths[name], os.O_RDONLY)
            descriptors[name] = self.opened[name]
        stopped = read_pieces(descriptors[file], *in_bytes(self.dtype, source, length, at), np.uint64(out.ctypes.data))
        if stopped >= 0:
            raise Mismatch("gather", f"{self.paths[file[stopped]]} cannot be read where a document's ids should lie")

    def close(self) -> None:
        for descriptor in self.opened.values():
            os.close(descriptor)
        self.opened.clear()


@dataclass(frozen=True)
class Fetched:
    """Ids in files of a remote store. paths: the files; file, start: as of `Read`; ends: (f,) ids in each file."""

    store: Store
    paths: list[str]
    ends: np.ndarray
    file: np.ndarray
    start: np.ndarray
    dtype: np.dtype

    def gather(self, row: np.ndarray, begin: np.ndarray, length: np.ndarray, at: np.ndarray, out: np.ndarray) -> None:
        file, source = self.file[row], self.start[row] + begin
        bounded(source, length, at, self.ends[file], out, self.dtype)
        width = self.dtype.itemsize
        order = np.lexsort((source, file))
        order = order[length[order] > 0]
        if not len(order):
            return
        files, first, past = file[order], source[order] * width, (source + length)[order] * width
        stride = int(past.max()) + 1
        reach = np.maximum.accumulate(past + files * stride) - files * stride            # pieces may overlap
        new = np.r_[True, (files[1:] != files[:-1]) | (first[1:] > reach[:-1] + GAP_BYTES)]
        starts = np.flatnonzero(new)
        low, high = first[starts], np.maximum.reduceat(past, starts)
        blocks = self.store.read_ranges([self.paths[f] for f in files[starts]], low.tolist(), high.tolist())
        short = [len(b) != h - s for b, s, h in zip(blocks, low, high)]
        if any(short):
            raise Mismatch("gather", f"{self.paths[files[starts][short.index(True)]]} is shorter than its record says")
        lying = np.cumsum(high - low) - (high - low)
        held = np.frombuffer(b"".join(blocks), self.dtype)
        block = np.cumsum(new) - 1
        Held(held, (lying[block] + first - low[block]) // width).gather(
            np.arange(len(order)), np.zeros(len(order), np.int64), length[order], at[order], out)


@contextlib.contextmanager
def opened(store: Store, folders: Sequence[Folder], where: pa.Table, dtype: np.dtype) -> Iterator[Read | Fetched]:
    """The ids of documents, to be gathered while the context lasts.

    folders: `ids` of `Tokenize`, at least those that `where` names. where: columns file and start, a row a document.
    """
    named = {folder.number: folder for folder in folders}
    wanted, file = np.unique(where.column("file").to_numpy(), return_inverse=True)
    if missing := [name for name in wanted.tolist() if name not in named]:
        raise Mismatch("gather", f"{len(missing)} files of token ids are not among the inputs")
    chosen = [named[name] for name in wanted.tolist()]
    if other := [folder.path for folder in chosen if np.dtype(folder.about["dtype"]) != dtype]:
        raise Mismatch("gather", f"the ids in {other[0]} are not {dtype.name}")
    start = where.column("start").to_numpy()
    paths = [f"{folder.path}/{IDS}" for folder in chosen]
    ends = np.array([folder.bytes // dtype.itemsize for folder in chosen], np.int64)
    if not store.is_local:
        yield Fetched(store, paths, ends, file, start, dtype)
        return
    files = Read([store.full(path) for path in paths], ends, file, start, dtype, allowed_files(len(paths)))
    try:
        yield files
    finally:
        files.close()


def allowed_files(wanted: int) -> int:
    """How many files may be open for ids, where this process is allowed to open more than it is by default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + SPARE_FILES:
        more = wanted + SPARE_FILES if hard == resource.RLIM_INFINITY else min(hard, wanted + SPARE_FILES)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == resource.RLIM_INFINITY else max(1, soft - SPARE_FILES)


def more_files(wanted: int) -> None:
    """Lets so many files be open beside those that may be now, as far as this process is allowed to; few fit anyway."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if wanted > SPARE_FILES // 2 and soft != resource.RLIM_INFINITY:
        allowed_files(soft + wanted - SPARE_FILES)


def in_bytes(dtype: np.dtype, *counts: np.ndarray) -> Iterator[np.ndarray]:
    """Counts of ids as counts of bytes, as the kernels take them."""
    return (np.ascontiguousarray(count * dtype.itemsize, np.int64) for count in counts)


def bounded(source: np.ndarray, length: np.ndarray, at: np.ndarray, ends: np.ndarray | np.int64, out: np.ndarray,
            dtype: np.dtype) -> None:
    """Raises where a piece lies outside of its file, which has `ends` ids, or outside of the buffer."""
    if out.dtype != dtype or not out.flags.c_contiguous:
        raise ValueError(f"a buffer of {out.dtype} for ids of {dtype}")
    if len(source) and (min(source.min(), length.min(), at.min()) < 0 or (source + length > ends).any()
                        or int((at + length).max()) > len(out)):
        raise Mismatch("gather", "a document's tokens lie outside of their file")
