"""The shapes of operators. An operator is a frozen dataclass: its fields are its options, its options are its identity,
and it is safe to pickle. What has to live (a model, an index) exists only inside `open()`, entered once a task.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import pyarrow as pa

from corpus.errors import MissingExtra

T = TypeVar("T")


class Operator:
    """Base of all operators; `register` fills in these four."""

    kind: ClassVar[str]
    name: ClassVar[str]
    version: ClassVar[int]
    provider: ClassVar[tuple[str, ...]] = ()

    #: Modules outside the base install that running it takes, each with the extra that brings it.
    packages: ClassVar[tuple[tuple[str, str], ...]] = ()

    def require_packages(self) -> None:
        """Raises MissingExtra for the first of `packages` that is not installed, and imports none of them. An operator that
        reads files of a form of its own looks at them here too: once, before any work starts.
        """
        for module, extra in self.packages:
            if importlib.util.find_spec(module) is None:
                raise MissingExtra(module, extra)


class Batch:
    """Some rows on their way through fused operators: their columns, and what several operators derive from them
    (word ids, lines), derived once.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._shared: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return self.table.num_rows

    def column(self, name: str) -> pa.Array:
        """A column as one array."""
        column = self.table.column(name)
        return (
            column.chunk(0)
            if column.num_chunks == 1
            else pa.concat_arrays(column.chunks)
            if column.num_chunks
            else pa.array([], column.type)
        )

    def texts(self) -> list[str]:
        return self.shared("texts", lambda: self.column("text").to_pylist())

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` returns, made at most once a batch."""
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]


class Reader(Operator):
    """A source's file → tables of raw records (`corpus.document.RAW`); damaged spans are rows with a `problem`."""

    def read(self, path: str, source: str) -> Iterator[pa.Table]:
        """path: a URL that fsspec opens. Tables are small enough to hold (bytes, not only rows, bound them)."""
        raise NotImplementedError


class Extractor(Operator):
    """Raw records → text: one (text, reason) a row, where exactly one of the two is null."""

    def extract(self, batch: pa.Table) -> pa.Table:
        """Returns columns text (large_string) and reason (string), row for row."""
        raise NotImplementedError


class Annotator(Operator):
    """Columns → new columns, row for row."""

    def schema(self) -> pa.Schema:
        """The columns that `annotate` adds."""
        raise NotImplementedError

    @contextlib.contextmanager
    def open(self) -> Iterator[Annotator]:
        """What has to live does so inside; yields what to call `annotate` on."""
        yield self

    def annotate(self, batch: Batch) -> pa.Table:
        raise NotImplementedError


class Editor(Operator):
    """Documents → documents: repairs, masks or cuts text. One row out for each row in; a text may become null."""

    #: What `edit` returns: the text as it is now, null where nothing is left of it, and what was touched, as places
    #: [start, end) in characters of the text as this editor got it, in order and apart, each with what was found there.
    EDITED: ClassVar[pa.Schema] = pa.schema([
        ("text", pa.large_string()),
        ("spans", pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("kind", pa.string())]))),
    ])

    def edit(self, batch: Batch) -> pa.Table:
        """Returns a table of `EDITED`; reads column `text`, which has no nulls."""
        raise NotImplementedError


@dataclass(frozen=True)
class Rule:
    """A bound on a signal with a named reason: a row is dropped where `low <= signal <= high` does not hold.

    With `among`, the signal is a string and has to be one of these. A null signal passes.
    """

    signal: str
    reason: str
    low: float | None = None
    high: float | None = None
    among: tuple[str, ...] | None = None


class Exchange(Operator):
    """Rows → keyed rows → rows. `emit` names a partition for each row; `reduce` sees all rows of one partition, in the
    order of `sort`, which has to be total.
    """

    partitions: int
    sort: ClassVar[tuple[str, ...]]

    def emit(self, io: Any) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """io: the task's `corpus.tasks.TaskIO`. Yields (partition of each row (n,) int, rows)."""
        raise NotImplementedError

    def reduce(self, partition: int, rows: pa.Table, io: Any) -> None:
        """Writes its outputs through `io`."""
        raise NotImplementedError


class Writer(Operator):
    """One shard's stream of sequences → the files of a training format that belong to it."""

    #: Writes texts (`stream.rows` has `text`), not token ids.
    needs_text: ClassVar[bool] = False
    #: Reads token ids; without them (or texts) a shard's rows are all that it gets.
    needs_ids: ClassVar[bool] = True
    #: Has a place for held-out documents.
    takes_validation: ClassVar[bool] = False
    #: Can hold a loss mask beside the ids.
    takes_mask: ClassVar[bool] = False

    def check(self, tokenizer: dict[str, Any], pack: Operator) -> None:
        """Raises ConfigError where the format cannot hold what it would get, before any work starts.

        tokenizer: what about.json of its folder says (vocab_size, dtype, eos_id, ...). pack: a `corpus.tokens.pack.Pack`.
        """

    def write(self, stream: Any, folder: Path, shard: int) -> list[str]:
        """stream: a `corpus.writers.stream.Stream`. Writes into `folder`; returns names relative to it, which may lie in
        folders of their own.
        """
        raise NotImplementedError

    def describe(self, folder: Path, files: Sequence[str]) -> dict[str, Any]:
        """What `finish` has to know of a written shard beyond its numbers, as a value that JSON can hold."""
        return {}

    def finish(self, shards: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        """Files of the whole format, by name. shards: what was told of each written shard, in order: shard, rows,
        sequences, tokens, files, and as `extra` what `describe` found.
        """
        return {}

    def write_validation(self, texts: Iterator[pa.Table], folder: Path, shard: int) -> list[str]:
        """Of a format with `takes_validation`: writes held-out documents into `folder` and returns names, as `write` does.
        texts: tables of column text. shard: the number after the last shard's.
        """
        raise NotImplementedError

    def read_back(self, folder: Path, files: Sequence[str]) -> pa.Table:
        """The written shard, one row a sequence in stream order: `tokens` (large_list), and `loss_mask` where there is one;
        of a text format `text`.
        """
        raise NotImplementedError
