"""datatrove's filters as a signal: what any `BaseFilter` says of each document is a column, and a rule cuts by it.

What it gives up: a filter is Python called once a document, at datatrove's speed. It sees the text, the address, the date
and the facts of the page, not what other signals of the build found. What it writes into a document is thrown away.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from corpus import keys
from corpus.document import show_id
from corpus.errors import ConfigError, MissingExtra, UnknownName
from corpus.operators import Annotator, Batch
from corpus.registry import register

if TYPE_CHECKING:
    from datatrove.data import Document
    from datatrove.pipeline.filters.base_filter import BaseFilter

KEPT, DROPPED, RAISED = "kept", "dropped", "raised_"
_FILTERS = "datatrove.pipeline.filters"
_WHERE = "filter.signals (datatrove)"


@register("signal", "datatrove", provider="datatrove")
@dataclass(frozen=True)
class DatatroveFilter(Annotator):
    """What a filter of datatrove (Penedo et al. 2024) says of each document; the rule is `{signal: ..., among: [kept]}`.

    `filter` is a class of `datatrove.pipeline.filters` by its name, or any subclass of its `BaseFilter` by its full path
    (whose own release is then no part of the identity); `options` are its constructor's arguments. Column
    `datatrove.COLUMN` (`column`: the class's name by default): `kept`; the reason the filter gave; `dropped` where it
    gave none; `raised_ERROR` where it raised on this document. For each of `reasons` there is a column
    `datatrove.COLUMN.REASON`, true where that was it, for rules of their own (`high: 0`). A filter that draws at random
    wants a seed among its options; it starts anew with each shard. The text is never rewritten, also where the filter
    does that: `c4_lines` is the editor for what C4QualityFilter does.
    """

    packages: ClassVar[tuple[tuple[str, str], ...]] = (("datatrove", "datatrove"),)

    filter: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    column: str | None = None
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            keys.canonical(self.options)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{_WHERE}.options", str(error), "values that JSON has") from None

    @property
    def says(self) -> str:
        """The name of the column that holds what the filter says."""
        return f"datatrove.{self.column or self.filter.rpartition('.')[2]}"

    def schema(self) -> pa.Schema:
        single = [(f"{self.says}.{reason}", pa.bool_()) for reason in dict.fromkeys(self.reasons)]
        return pa.schema([(self.says, pa.string()), *single])

    def require_packages(self) -> None:
        super().require_packages()
        self.make()

    def make(self) -> BaseFilter:
        """The filter. Raises UnknownName or ConfigError where there is no such filter, or not with these options."""
        try:
            from datatrove.pipeline import filters
            from datatrove.pipeline.filters.base_filter import BaseFilter
        except ImportError as error:
            if (error.name or "").partition(".")[0] != "datatrove":
                raise
            raise MissingExtra("datatrove", "datatrove") from None
        module, _, name = self.filter.rpartition(".")
        try:
            found = getattr(importlib.import_module(module or _FILTERS), name, None)
        except (ImportError, ValueError) as error:
            raise ConfigError(f"{_WHERE}.filter", f"'{self.filter}' cannot be imported: {error}", "MODULE.CLASS") from None
        if not (isinstance(found, type) and issubclass(found, BaseFilter)):
            if module:
                raise ConfigError(f"{_WHERE}.filter", f"'{self.filter}' is no BaseFilter", "the path of a subclass of it")
            known = [n for n, c in vars(filters).items() if isinstance(c, type) and issubclass(c, BaseFilter)]
            raise UnknownName("filter of datatrove", name, known, f"{_WHERE}.filter")
        if found.run is not BaseFilter.run:
            right = "one that says what it keeps in 'filter' or 'filter_batch'"
            raise ConfigError(f"{_WHERE}.filter", f"'{self.filter}' has a 'run' of its own", right)
        try:
            return found(**self.options)
        except (TypeError, ValueError, ImportError) as error:
            raise ConfigError(f"{_WHERE}.options", f"{name} refuses them: {error}") from None

    @contextlib.contextmanager
    def open(self) -> Iterator[Annotator]:
        yield _Opened(self, self.make())


@dataclass(frozen=True)
class _Opened(Annotator):
    spec: DatatroveFilter
    filter: BaseFilter

    def schema(self) -> pa.Schema:
        return self.spec.schema()

    def annotate(self, batch: Batch) -> pa.Table:
        texts, ids = batch.texts(), batch.column("id").to_pylist() if "id" in batch.table.column_names else None
        about = [f.name for f in batch.table.schema if f.name not in ("id", "text") and not pa.types.is_nested(f.type)]
        said: list[str] = []
        rows = batch.table.select(about).to_pylist() if about else [{}] * len(texts)
        records = [(text, show_id(ids[i]) if ids else str(i), row) for i, (text, row) in enumerate(zip(texts, rows))]
        for at in range(0, len(records), max(1, self.filter.batch_size)):
            said += self._judge(records[at : at + max(1, self.filter.batch_size)])
        column = pa.array(said, pa.string())
        singles = [pc.equal(column, reason) for reason in dict.fromkeys(self.spec.reasons)]
        return pa.table([column, *singles], schema=self.spec.schema())

    def _judge(self, records: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
        """What the filter says of some documents; one that makes it raise costs itself alone."""
        try:
            results = self.filter.filter_batch([_document(*record) for record in records])
        except (OSError, ImportError, MemoryError):   # a model or list that is not there is no fault of a document's
            raise
        except Exception as error:  # noqa: BLE001 - whatever else a filter raises on a text, the text is what is wrong
            if len(records) == 1:
                return [f"{RAISED}{type(error).__name__}"]
            return [self._judge([record])[0] for record in records]
        if len(results) != len(records):
            raise ValueError(f"{type(self.filter).__name__}.filter_batch gave {len(results)} results for {len(records)}")
        return [_said(result) for result in results]


def _document(text: str, id: str, about: dict[str, Any]) -> Document:
    from datatrove.data import Document

    return Document(text=text, id=id, metadata={name: value for name, value in about.items() if value is not None})


def _said(result: bool | tuple[bool, str | None]) -> str:
    passed, reason = result if isinstance(result, tuple) else (result, None)
    if passed:
        return KEPT
    return DROPPED if reason in (None, "", KEPT) else str(reason)
