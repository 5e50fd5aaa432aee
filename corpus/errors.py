"""Every error that `corpus` raises on purpose, as one tree.

    CorpusError
    ├── UserError            the file or the call is wrong: exit 2, nothing was started
    │   ├── ConfigError      a place in a build file: what is there, what would be right
    │   ├── UnknownName      no operator, method or format of that name; carries the nearest right word
    │   ├── MissingFile      a path that is named but not there
    │   ├── MissingExtra     a package that this call needs and the base install leaves out
    │   ├── StoreError       a store that cannot be read or written, or is of another format version
    │   └── Infeasible       a mixture that the data and the caps do not allow
    ├── Interrupted          Ctrl-C or SIGTERM: exit 130, the same command resumes it
    └── StepError            a step failed while running: exit 1, the same command resumes it
        ├── DroppedTooMuch   a stage dropped more than its configured share
        └── Mismatch         what is on disk is not what its manifest or receipt says
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CorpusError(Exception):
    """Root of the tree; `exit_code` is what the command line returns."""

    exit_code = 1

    def __reduce__(self):  # errors cross process boundaries; keep their fields, not their constructor's arguments
        return (_rebuild, (type(self), self.args, self.__dict__))


def _rebuild(cls: type[CorpusError], args: tuple, fields: dict) -> CorpusError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(fields)
    return error


class UserError(CorpusError):
    exit_code = 2


class ConfigError(UserError):
    """A wrong value at a place: `ConfigError("mixture.max_epochs", "-1 is negative", "a number of passes, 0 or more")`."""

    def __init__(self, where: str, wrong: str, right: str = "") -> None:
        self.where, self.wrong, self.right = where, wrong, right
        super().__init__(f"{where}: {wrong}" + (f"; expected {right}" if right else ""))


class UnknownName(UserError):
    """A name that is not in a closed list; says the nearest one that is."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.kind, self.name, self.known, self.where = kind, name, sorted(known), where
        near = nearest(name, self.known)
        hint = f"did you mean '{near}'?" if near else "known: " + ", ".join(self.known)
        super().__init__(f"{where + ': ' if where else ''}unknown {kind} '{name}'; {hint}")


class MissingFile(UserError):
    def __init__(self, path: str, where: str = "", remedy: str = "") -> None:
        self.path, self.where = path, where
        super().__init__(f"{where + ': ' if where else ''}no file at {path}" + (f"; {remedy}" if remedy else ""))


class MissingExtra(UserError):
    """A package outside the base install: names the package and the line that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"this needs the package '{package}'; install it with: pip install 'corpus-builder[{extra}]'")


class StoreError(UserError):
    pass


class Infeasible(UserError):
    """No mixture satisfies the caps; the message names the binding cap and the least change that would do."""


class Interrupted(CorpusError):
    exit_code = 130


class StepError(CorpusError):
    """A task failed: where it was and what was raised there."""

    def __init__(self, step: str, cause: str, key: str = "", shard: str = "", trace: str = "") -> None:
        self.step, self.cause, self.key, self.shard, self.trace = step, cause, key, shard, trace
        at = f" (task {key[:12]}" + (f", reading {shard}" if shard else "") + ")" if key else ""
        super().__init__(f"step '{step}' failed{at}: {cause}")


class DroppedTooMuch(StepError):
    def __init__(self, step: str, dropped: int, seen: int, limit: float, reasons: str) -> None:
        super().__init__(step, f"dropped {dropped:,} of {seen:,} documents, over the limit of {limit:.0%} ({reasons})")


class Mismatch(StepError):
    pass


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None when nothing is close."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return found[0] if found else None
