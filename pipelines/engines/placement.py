"""Engine files: where things run. `{engine: NAME, options, steps: {STEP: {engine: ..., cpus: ..., gpus: ...}}}`.

Never part of a key: the same build runs with any of them, and a build begun with one goes on with another.
"""

from __future__ import annotations

import importlib
import inspect
import os
import typing
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from corpus import registry
from corpus.errors import ConfigError, UnknownName
from pipelines import operators
from pipelines.config.messages import right
from pipelines.config.reading import read_yaml, short
from pipelines.engines.base import Engine, Resources

ENGINES = {
    "inline": ("pipelines.engines.inline", "Inline"),
    "local": ("pipelines.engines.local", "Local"),
    "datatrove": ("pipelines.engines.datatrove", "Datatrove"),
    "beam": ("pipelines.engines.beam", "Beam"),
    "fault": ("corpus.testing.faults", "FaultEngine"),
}
_NAMES = [name for name in ENGINES if name != "fault"]
NEEDS = {
    "cpus": Annotated[int, Field(ge=1)],
    "memory_gb": Annotated[float, Field(gt=0)],
    "gpus": Annotated[int, Field(ge=0)],
}
#: What the recipe's steps are called, but for those of a format; what stands before the first dot is the stage.
STEPS = (
    "ingest", "extract", "edit", "filter.signals", "filter.licences.files", "filter.licences.folders", "filter.licences",
    "filter.robots.records", "filter.robots.sites", "filter.robots", "filter.quantiles", "filter.buckets",
    "decontaminate.index", "decontaminate.measure", "decontaminate.items", "decontaminate.rephrased", "filter.admitted",
    "filter", "filter.admitted.table", "dedup.shingles", "dedup.standing", "dedup.pairs", "dedup.asked", "dedup.verify",
    "dedup.components", "dedup.members", "dedup.keepers", "dedup.decided", "dedup.groups", "freeze", "freeze.ledger",
    "annotate.tokenizer", "annotate.tokens", "annotate.quality", "annotate.score", "embed", "cluster.centroids",
    "cluster.assign", "cluster.neighbours", "cluster.nearest", "domains.taxonomy", "domains.assign", "domains.meta",
    "domains.profiles", "holdout.draw", "holdout.ghosts", "holdout.groups", "search.index", "search.cells",
    "search.vectors", "search.target.ingest", "search.target.extract", "search.target.embed", "search.target.profiles",
    "search.target.vector", "search.mixture", "compile.sketch", "compile.found_on", "compile.draw", "shards.tokenizer",
    "shards.tokens", "shards.place", "shards.place_text", "holdout.tokens", "holdout.rows",
)  # fmt: skip
#: Steps that only what lies in the store or was read elsewhere calls for.
SOMETIMES = (
    "dedup.ghosts", "holdout.near", "holdout.held", "holdout.rows_text", "compile.sketches", "compile.evidence",
    "compile.after.cut", "compile.after.met", "compile.after.read", "compile.after.seen",
)  # fmt: skip


def steps_of_formats(held: bool = True) -> set[str]:
    """The steps of every format that there is. held: also those that write a holdout."""
    formats = registry.names("writer")
    made = {f"shards.{name}" for name in formats} | ({f"holdout.{name}" for name in formats} if held else set())
    return made | {f"{step}.finish" for step in made}


class Placement:
    """Which engine runs which step; engines are made once, before anything runs, and closed together."""

    def __init__(self, default: dict[str, Any], steps: dict[str, dict[str, Any]] | None = None, where: str = "") -> None:
        self._default, self._steps = default, steps or {}
        self._made: dict[str, Engine] = {}
        for step, spec in (("", default), *self._steps.items()):
            own, _ = self._spec(step)
            if _key(own) not in self._made:
                place = f"steps.{step}" if step and "engine" in spec else ""
                self._made[_key(own)] = make_engine(own, ": ".join(filter(None, (where, place))))

    def engine(self, step: str) -> tuple[Engine, Resources]:
        spec, needs = self._spec(step)
        return self._made[_key(spec)], needs

    def describe(self, step: str) -> str:
        spec, _ = self._spec(step)
        return spec["engine"] + (f" x{spec['workers']}" if "workers" in spec else "")

    def _spec(self, step: str) -> tuple[dict[str, Any], Resources]:
        own = self._steps.get(step) or self._steps.get(step.split(".")[0]) or {}
        needs = Resources(**{k: v for k, v in own.items() if k in NEEDS})
        spec = {k: v for k, v in own.items() if k not in NEEDS}
        return (spec if "engine" in spec else self._default), needs

    def close(self) -> None:
        for engine in self._made.values():
            engine.close()


def _key(spec: dict[str, Any]) -> str:
    return repr(sorted(spec.items(), key=str))


def make_engine(spec: dict[str, Any], where: str = "") -> Engine:
    """An engine from its name and options, checked against its constructor. No engine's package is imported for it."""
    options = dict(spec)
    name = options.pop("engine", None)
    prefix = f"{where}: " if where else ""
    if not isinstance(name, str):
        raise ConfigError(f"{prefix}engine", f"{short(name)} is wrong", "one of " + ", ".join(_NAMES))
    if name not in ENGINES:
        raise UnknownName("engine", name, _NAMES, where)
    cls, known = _class_of(name)
    for option, value in options.items():
        place = f"{prefix}engine '{name}'"
        if option not in known:
            raise UnknownName("option", option, known, place)
        if option == "inner":                                     # an engine that wraps another
            options["inner"] = make_engine(value if isinstance(value, dict) else {"engine": value}, where)
        else:
            _check(known[option], value, f"{place}: {option}")
    return cls(**options)


def _class_of(name: str) -> tuple[type, dict[str, Any]]:
    """An engine's class, and the types of its options."""
    module, cls = ENGINES[name]
    found = getattr(importlib.import_module(module), cls)
    hints = typing.get_type_hints(found.__init__)
    known = {option: hints.get(option, Any) for option in inspect.signature(found).parameters}
    if "workers" in known:
        known["workers"] = Annotated[int, Field(ge=1)] | None
    return found, known


def _check(kind: Any, value: Any, where: str) -> None:
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        raise ConfigError(where, f"{short(value)} is wrong", right(error.errors())) from None


def load_placement(path: str | None, workers: int | None = None) -> Placement:
    """The engine file at `path`, or a process pool on this machine. Raises a UserError for whatever is wrong in it."""
    if path is None or path in ENGINES:           # a bare engine name is a file of one line
        found: Any = {"engine": path or "local"}
    else:
        found = read_yaml(path, "--on", f"an engine file, or one of {', '.join(_NAMES)}")
    where = os.fspath(path or "")
    if not isinstance(found, dict) or "engine" not in found:
        raise ConfigError(where, "names no engine", "engine: " + " | ".join(_NAMES))
    steps = found.pop("steps", None)
    steps = {} if steps is None else steps
    _check_steps(steps, where)
    if workers:
        name = found["engine"]
        if isinstance(name, str) and name in ENGINES and "workers" not in _class_of(name)[1]:
            raise ConfigError("--workers", f"the engine '{name}' has none", "local, datatrove or beam")
        found["workers"] = workers
    return Placement(found, steps, where)


def _check_steps(steps: Any, where: str) -> None:
    if not isinstance(steps, dict) or not all(isinstance(v, dict) for v in steps.values()):
        raise ConfigError(f"{where}: steps", "is wrong", "step: {engine: NAME, cpus: N, gpus: N}")
    operators.load()
    known = {*STEPS, *SOMETIMES, *(step.split(".")[0] for step in STEPS), *steps_of_formats()}
    for name, own in steps.items():
        place = f"{where}: steps.{name}"
        if name not in known:
            raise UnknownName("step", name, known, place)
        for option, value in own.items():
            if option in NEEDS:
                _check(NEEDS[option], value, f"{place}.{option}")
            elif "engine" not in own:
                raise UnknownName("option", option, {*NEEDS, "engine"}, place)
