"""Progress on stderr: on a terminal a bar a stage with documents a second and what is left, in a log a line a step."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass
class _Stage:
    steps: int
    finished: int = 0
    reused: int = 0
    rows: int = 0
    documents: int = 0
    total: int = 0
    started: float = 0.0
    seconds: float = 0.0


class Progress:
    """Silent base; also what `--json` uses. `stages`: names in order, with how many steps each has."""

    def begin(self, stages: Sequence[tuple[str, int, bool]]) -> None:
        """stages: (name, steps, whether nothing is left to do in it)."""

    def end(self) -> None:
        """Lets go of the terminal."""

    @contextlib.contextmanager
    def step(self, stage: str, name: str, rows: int, tasks: int) -> Iterator[None]:
        yield

    def advance(self, rows: int, documents: int, reused: bool = False) -> None:
        """A task finished that read that many rows."""

    def kept(self, stage: str) -> None:
        """A whole step of a stage was there already."""


class Lines(Progress):
    """One line when a step ends: for logs, CI and `2>file`."""

    def __init__(self) -> None:
        self._documents = self._reused = 0

    @contextlib.contextmanager
    def step(self, stage: str, name: str, rows: int, tasks: int) -> Iterator[None]:
        self._documents = self._reused = 0
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        rate = f"{self._documents / max(seconds, 1e-3):,.0f} docs/s" if self._documents else ""
        kept = f", {self._reused} were there" if self._reused else ""
        print(
            f"{stage:<10} {name:<22} {tasks:>4} task{'s' if tasks != 1 else ' '}{kept}  {seconds:6.1f} s  {rate}",
            file=sys.stderr,
            flush=True,
        )

    def advance(self, rows: int, documents: int, reused: bool = False) -> None:
        self._documents += 0 if reused else documents
        self._reused += reused


class Bars(Progress):
    """A bar a stage, live."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Rich

        self._rich = Rich(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<10}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[steps]:>6}"),
            TextColumn("{task.fields[rate]:>12}", style="cyan"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[now]}", style="dim"),
            console=Console(stderr=True),
            refresh_per_second=8,
        )
        self._ids: dict[str, int] = {}
        self._stages: dict[str, _Stage] = {}
        self._now: str = ""

    def begin(self, stages: Sequence[tuple[str, int, bool]]) -> None:
        self._rich.start()
        for name, steps, done in stages:
            self._stages[name] = _Stage(steps)
            self._ids[name] = self._rich.add_task(
                name,
                total=steps if steps else 1,
                start=False,
                steps=f"0/{steps}",
                rate="",
                now="there already" if done else "",
            )

    def end(self) -> None:
        self._rich.stop()

    @contextlib.contextmanager
    def step(self, stage: str, name: str, rows: int, tasks: int) -> Iterator[None]:
        self._now, state = stage, self._stages[stage]
        bar = self._ids[stage]
        if not state.started:
            self._rich.start_task(bar)
        state.rows, state.documents, state.total, state.started = 0, 0, max(1, rows), time.monotonic()
        self._rich.update(bar, now=name)
        yield
        state.finished += 1
        done = state.finished >= state.steps
        self._rich.update(bar, completed=state.finished, steps=f"{state.finished}/{state.steps}", now="" if done else name)
        if done:
            self._rich.stop_task(bar)

    def advance(self, rows: int, documents: int, reused: bool = False) -> None:
        state = self._stages[self._now]
        state.rows += rows
        state.documents += documents
        share = min(1.0, state.rows / state.total)
        seconds = time.monotonic() - state.started
        left = seconds / share - seconds if share else 0
        fields = {"completed": state.finished + share * 0.99, "rate": f"{state.documents / max(seconds, 1e-3):,.0f} docs/s"}
        if left > 1:
            fields["now"] = f"about {left:,.0f} s left in this step"
        self._rich.update(self._ids[self._now], **fields)

    def kept(self, stage: str) -> None:
        state = self._stages[stage]
        state.finished += 1
        self._rich.update(self._ids[stage], completed=state.finished, steps=f"{state.finished}/{state.steps}")


def progress_for(quiet: bool) -> Progress:
    """Bars on a terminal, lines elsewhere, nothing where the caller wants JSON alone."""
    if quiet:
        return Progress()
    return Bars() if sys.stderr.isatty() else Lines()
