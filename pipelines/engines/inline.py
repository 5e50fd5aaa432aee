"""One process, in order: what every other engine must equal, and the easiest to debug."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.results import Record
from corpus.tasks import Task, execute
from pipelines.engines.base import LibraryExchange, Resources


@dataclass(frozen=True)
class Inline(LibraryExchange):
    """Runs tasks here, one after the other."""

    def map(self, tasks: Sequence[Task], needs: Resources) -> Iterator[Record]:
        for task in tasks:
            yield execute(task)
