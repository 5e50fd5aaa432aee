"""Engine files: where things run. `{engine: NAME, options, steps: {STEP: {engine: ..., cpus: ..., gpus: ...}}}`.

Never part of a key: the same build runs with any of them, and a build begun with one goes on with another.
"""

from __future__ import annotations

import importlib
import inspect
import os
from pathlib import Path
from typing import Any

import yaml

from corpus.errors import ConfigError, MissingFile, UnknownName
from pipelines.engines.base import Engine, Resources

ENGINES = {
    "inline": ("pipelines.engines.inline", "Inline"),
    "local": ("pipelines.engines.local", "Local"),
    "datatrove": ("pipelines.engines.datatrove", "Datatrove"),
    "beam": ("pipelines.engines.beam", "Beam"),
    "fault": ("corpus.testing.faults", "FaultEngine"),
}
_NAMES = [name for name in ENGINES if name != "fault"]
NEEDS = {"cpus", "memory_gb", "gpus"}


class Placement:
    """Which engine runs which step; engines are made once and closed together."""

    def __init__(self, default: dict[str, Any], steps: dict[str, dict[str, Any]] | None = None, where: str = "") -> None:
        self._default, self._steps, self._where = default, steps or {}, where
        self._made: dict[str, Engine] = {}
        for spec in (default, *self._steps.values()):
            make_engine(spec, where, dry=True)

    def engine(self, step: str) -> tuple[Engine, Resources]:
        spec, needs = self._spec(step)
        made = self._made.setdefault(repr(sorted(spec.items(), key=str)), None)
        if made is None:
            made = self._made[repr(sorted(spec.items(), key=str))] = make_engine(spec, self._where)
        return made, needs

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
            if engine is not None:
                engine.close()
        self._made.clear()


def make_engine(spec: dict[str, Any], where: str, dry: bool = False) -> Engine | None:
    """An engine from its name and options. `dry` only checks the names, importing no engine's package."""
    options = {k: v for k, v in spec.items() if k not in NEEDS}
    name = options.pop("engine", None)
    if name is None:
        return None
    if name not in ENGINES:
        raise UnknownName("engine", name, _NAMES, where)
    module, cls = ENGINES[name]
    found = getattr(importlib.import_module(module), cls)
    known = [p for p in inspect.signature(found).parameters]
    for option in options:
        if option not in known:
            raise UnknownName("option", option, known, f"{where + ': ' if where else ''}engine '{name}'")
    if isinstance(options.get("inner"), (str, dict)):             # an engine that wraps another
        inner = options["inner"]
        options["inner"] = make_engine({"engine": inner} if isinstance(inner, str) else inner, where, dry)
    return None if dry else found(**options)


def load_placement(path: str | None, workers: int | None = None) -> Placement:
    """The engine file at `path`, or a process pool on this machine."""
    if path is None:
        return Placement({"engine": "local"} | ({"workers": workers} if workers else {}))
    if path in ENGINES:                           # a bare engine name is a file of one line
        found: Any = {"engine": path}
    else:
        try:
            found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise MissingFile(path, "--on", f"an engine file, or one of {', '.join(_NAMES)}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(path, f"not YAML: {error}") from None
    if not isinstance(found, dict) or "engine" not in found:
        raise ConfigError(os.fspath(path), "names no engine", "engine: " + " | ".join(_NAMES))
    steps = found.pop("steps", None) or {}
    if not isinstance(steps, dict) or not all(isinstance(v, dict) for v in steps.values()):
        raise ConfigError(f"{path}: steps", "is wrong", "step: {engine: NAME, cpus: N, gpus: N}")
    for name, own in steps.items():
        for option in own:
            if option not in NEEDS and "engine" not in own:
                raise UnknownName("option", option, NEEDS | {"engine"}, f"{path}: steps.{name}")
    if workers:
        found["workers"] = workers
    return Placement(found, steps, os.fspath(path))
