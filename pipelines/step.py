"""Steps: how the recipe says what follows from what. The same recipe is walked to plan and to build; a `Line` does the
walking, and outputs that do not exist yet are `pending`, so a plan can be made before anything runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from corpus import keys, results
from corpus.exchange import emit_tasks
from corpus.operators import Exchange, Operator
from corpus.registry import identity
from corpus.results import Folder, Item, Record, Shard, SourceFile
from corpus.store import Store, shard_path
from corpus.tasks import Body, Task


@dataclass(frozen=True)
class Items:
    """Outputs of one name of a step, in order; `items` is None while the step is pending.

    `numbers` are the partitions that an exchange's outputs are of: one that got no row has no output.
    """

    step: str
    name: str
    items: tuple[Item, ...] | None
    numbers: tuple[int, ...] | None = None

    @property
    def known(self) -> bool:
        return self.items is not None

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items or ())

    def __len__(self) -> int:
        return len(self.items or ())

    @property
    def rows(self) -> int:
        return sum(i.rows for i in self if isinstance(i, Shard))

    @property
    def folder(self) -> Folder:
        """The one folder of a fit."""
        (only,) = self.items or ()
        assert isinstance(only, Folder)
        return only


@dataclass(frozen=True)
class Step:
    """One step, ready to be looked up or run: all its tasks, or an exchange over its inputs."""

    name: str
    stage: str
    work: Body | Exchange
    tasks: tuple[Task, ...]  # for an exchange: its emit tasks
    fit: bool = False
    upon: Any = None  # of a fit: what its features came from, part of what it is asked for

    @property
    def is_exchange(self) -> bool:
        return isinstance(self.work, Exchange)

    @property
    def key(self) -> str:
        return keys.key_of({"identity": identity(self.work), "tasks": [t.key for t in self.tasks]})

    @property
    def rows(self) -> int:
        """Rows that its tasks read (the largest input of each counts), for progress."""
        return sum(task_rows(task) for task in self.tasks)


def task_rows(task: Task) -> int:
    """Rows of a task's largest input, or its bytes in KiB where it reads a source's file."""
    sizes = [
        sum(i.rows if isinstance(i, Shard) else i.bytes // 1024 if isinstance(i, SourceFile) else 0 for i in items)
        for items in task.inputs.values()
    ]
    return max(sizes, default=0)


def documents_of(task: Task, record: Record) -> int:
    """Documents that a finished task worked on: what it read, or found where it read a source's file."""
    return record.counts.get("records", 0) if "file" in task.inputs else task_rows(task)


@dataclass(frozen=True)
class Result:
    """A step's outputs by name, and what was counted. Pending results have no outputs yet."""

    step: str
    outputs: tuple[Shard | Folder, ...] | None
    counts: Mapping[str, int] = field(default_factory=dict)
    numbers: tuple[int, ...] | None = None          # of each output, where an exchange made them

    def __getitem__(self, name: str) -> Items:
        if self.outputs is None:
            return Items(self.step, name, None)
        at = [i for i, o in enumerate(self.outputs) if o.name == name]
        numbers = None if self.numbers is None else tuple(self.numbers[i] for i in at)
        return Items(self.step, name, tuple(self.outputs[i] for i in at), numbers)

    @property
    def known(self) -> bool:
        return self.outputs is not None


class Line:
    """Walks a recipe. Subclasses say what becomes of a step whose inputs are known (`settle`) or not (`wait`)."""

    #: Whether this walk may write to the store (a plan may not).
    may_write = False

    def __init__(self, store: Store, build: str) -> None:
        self.store, self.build = store, build
        self._stage = ""

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Steps made inside belong to this stage; the unit of the progress display."""
        before, self._stage = self._stage, name
        try:
            yield
        finally:
            self._stage = before

    def map(
        self,
        name: str,
        body: Body,
        each: Mapping[str, Items],
        shared: Mapping[str, Items] | None = None,
        cuts: Sequence[int] | None = None,
        number: str | None = None,
        unkeyed: Sequence[str] = (),
    ) -> Result:
        """One task for each aligned item of `each`; every task also reads all of `shared`.

        cuts: where groups of items end (see `cut_points`), for a task a group. number: an item's number (its partition, else
        its place) is part of what the task is, and is given to it by that name. unkeyed: inputs that no key depends on,
        because another input says by content what of them is read.
        """
        if pending := self._pending(each, shared):
            return self.wait(name, pending)
        lengths = {n: len(i) for n, i in each.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"inputs of step '{name}' are not aligned: {lengths}")
        broadcast = {n: tuple(i) for n, i in (shared or {}).items()}
        n = max(lengths.values(), default=0)
        ends = list(range(1, n + 1)) if cuts is None else list(cuts)
        numbers = next((i.numbers for i in each.values() if i.numbers is not None), range(n))
        tasks = tuple(
            Task(
                name,
                body,
                {k: tuple(v)[start:end] for k, v in each.items()} | broadcast,
                self.store,
                {number: numbers[start]} if number else None,
                tuple(unkeyed),
            )
            for start, end in zip([0, *ends], ends)
        )
        return self.settle(Step(name, self._stage, body, tasks))

    def bodies(
        self, name: str, bodies: Sequence[Body], each: Mapping[str, Items], shared: Mapping[str, Items] | None = None
    ) -> Result:
        """As `map`, with a body of its own for each item (each source has its reader)."""
        if pending := self._pending(each, shared):
            return self.wait(name, pending)
        broadcast = {n: tuple(i) for n, i in (shared or {}).items()}
        tasks = tuple(
            Task(name, body, {k: (tuple(v)[i],) for k, v in each.items()} | broadcast, self.store)
            for i, body in enumerate(bodies)
        )
        return self.settle(Step(name, self._stage, bodies[0], tasks)) if tasks else Result(name, ())

    def gather(self, name: str, body: Body, over: Mapping[str, Items]) -> Result:
        """One task that reads everything."""
        if pending := self._pending(over):
            return self.wait(name, pending)
        return self.settle(
            Step(name, self._stage, body, (Task(name, body, {k: tuple(v) for k, v in over.items()}, self.store),))
        )

    def fit(self, name: str, body: Body, over: Mapping[str, Items], upon: Sequence[Operator | Items] = ()) -> Result:
        """As `gather`, for a model: pinned in the lock, so that new documents never refit it.

        `upon`: operators and models that its inputs' columns came from (the encoder of vectors); a change there does.
        """
        models = {str(i): items for i, items in enumerate(upon) if isinstance(items, Items)}
        if pending := self._pending(over, models):
            return self.wait(name, pending)
        task = Task(name, body, {k: tuple(v) for k, v in over.items()}, self.store)
        made_of = [[i.digest for i in u] if isinstance(u, Items) else identity(u) for u in upon]
        return self.settle(Step(name, self._stage, body, (task,), fit=True, upon=made_of))

    def exchange(
        self, name: str, work: Exchange, each: Sequence[Mapping[str, Items]], shared: Mapping[str, Items] | None = None
    ) -> Result:
        """Brings keys together. Each mapping of `each` gives aligned inputs, one emit task an item; `shared` goes to
        every emit task, and its digests to every reducer's key through what is emitted.
        """
        for group in each:
            if pending := self._pending(group, shared):
                return self.wait(name, pending)
        broadcast = {n: tuple(i) for n, i in (shared or {}).items()}
        inputs = [
            {k: (tuple(v)[i],) for k, v in group.items()} | broadcast
            for group in each
            for i in range(max((len(v) for v in group.values()), default=0))
        ]
        return self.settle(Step(name, self._stage, work, tuple(emit_tasks(name, work, inputs, self.store))))

    def empty(self, name: str, schema: pa.Schema) -> Shard:
        """The shard of that name without rows: an input where there is nothing to read."""
        return self.given(name, schema.empty_table())

    def given(self, name: str, table: pa.Table) -> Shard:
        """A table that no step makes, as an input; where this walk may not write, only what it would be called."""
        digest = keys.digest_table(table)
        if self.may_write and not self.store.exists(shard_path(digest)):
            return self.store.write_shard(name, table)
        return Shard(name, shard_path(digest), digest, "", table.num_rows, 0)

    def _pending(self, *groups: Mapping[str, Items] | None) -> list[str]:
        return sorted({i.step for group in groups for i in (group or {}).values() if not i.known})

    def settle(self, step: Step) -> Result:
        raise NotImplementedError

    def wait(self, name: str, pending: Sequence[str]) -> Result:
        raise NotImplementedError

    # manifests ---------------------------------------------------------------------------------------------------

    def manifest_path(self, key: str) -> str:
        return f"steps/{key[:2]}/{key}.json"

    def found(self, step: Step) -> dict[str, Any] | None:
        """The step's manifest, if it is complete and all that it names is still there."""
        manifest = self.store.read_json(self.manifest_path(step.key))
        if manifest is None:
            return None
        outputs = [results.item_from_json(o) for task in manifest["tasks"] for o in task["outputs"]]
        return manifest if self.store.intact(outputs) else None


def cut_points(items: Items, size: int) -> list[int]:
    """Where groups of about `size` items end, told from the items' own digests: an item that comes or goes anywhere in
    the list changes its own group and no other.
    """
    ends, start = [], 0
    for i, item in enumerate(items):
        if int(item.digest[:8], 16) % size == 0 or i + 1 - start == 4 * size or i + 1 == len(items):
            ends.append(i + 1)
            start = i + 1
    return ends


def merged_counts(records: Sequence[Record]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in records:
        for reason, n in record.counts.items():
            counts[reason] = counts.get(reason, 0) + n
    return counts
