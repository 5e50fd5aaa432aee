"""What an engine is: two verbs over tasks that are library code. An engine supplies parallelism, placement and retry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from corpus import exchange
from corpus.operators import Exchange
from corpus.results import Item, Record
from corpus.store import Store
from corpus.tasks import Inputs, Task

Map = Callable[[Sequence[Task]], Iterable[Record]]


@dataclass(frozen=True)
class Resources:
    """What one task is to be given; advice to engines that place work, never part of a key."""

    cpus: int = 1
    memory_gb: float = 2.0
    gpus: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ExchangeJob:
    """An exchange to run: the inputs of its emit tasks and what every reducer reads besides."""

    step: str
    work: Exchange
    inputs: tuple[Inputs, ...]
    store: Store
    shared: Mapping[str, Sequence[Item]] = field(default_factory=dict)


class Engine(Protocol):
    """`map` yields each task's record as it is done, in any order. `exchange` yields the reduce tasks' records; `run`
    is `map` with the store's finished tasks taken out.
    """

    def map(self, tasks: Sequence[Task], needs: Resources) -> Iterator[Record]: ...

    def exchange(self, job: ExchangeJob, run: Map, needs: Resources) -> Iterator[Record]: ...

    def close(self) -> None: ...


class LibraryExchange:
    """The default: exchange as library code over `map`."""

    def exchange(self, job: ExchangeJob, run: Map, needs: Resources) -> Iterator[Record]:
        yield from exchange.exchange(job.step, job.work, job.inputs, job.store, run, job.shared)

    def close(self) -> None:
        """Nothing to let go of."""
