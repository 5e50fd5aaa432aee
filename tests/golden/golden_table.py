"""The golden table: for each exact operator a digest of what it makes of a fixed input, at a version. `golden.json` keeps
it; where a library's release decides the output the entry says which release it was made with. The table also has a digest
of the digests: where that changed, the others say nothing.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from corpus import keys
from corpus.exchange import exchange
from corpus.operators import Exchange
from corpus.registry import _KNOWN, _release
from corpus.results import Record, Shard
from corpus.store import Store
from corpus.tasks import Body, Inputs, Task, execute
from pipelines import operators as modules

FILE = Path(__file__).with_name("golden.json")
UPDATE = "python tests/golden/update.py"

Make = Callable[[Store], Any]


@dataclass(frozen=True)
class Case:
    """What to run an operator on. make: leaves a JSON-like value. also: distributions, besides the operator's providers,
    whose release decides it (those that ship a model).
    """

    make: Make
    also: tuple[str, ...] = ()


CASES: dict[str, Case] = {}


def case(name: str, also: tuple[str, ...] = ()) -> Callable[[Make], Make]:
    """Declares the golden case of the operator `kind/name`."""

    def keep(make: Make) -> Make:
        CASES[name] = Case(make, also)
        return make

    return keep


def registered() -> dict[str, type]:
    """Every operator of the library by `kind/name`; those of tests and doubles do not count."""
    modules.load()
    return {
        f"{kind}/{name}": cls
        for kind, known in sorted(_KNOWN.items())
        for name, cls in sorted(known.items())
        if cls.__module__.startswith("corpus.") and not cls.__module__.startswith("corpus.testing")
    }


def entry(name: str, operator: type) -> dict[str, Any]:
    """What the table should say of an operator now. Runs its case."""
    with tempfile.TemporaryDirectory() as folder:
        made = CASES[name].make(Store(folder).prepare())
    return {"version": operator.version, "digest": keys.key_of(made)} | releases_of(name, operator)


def releases_of(name: str, operator: type) -> dict[str, Any]:
    found = {d: release(d) for d in sorted({*operator.provider, *CASES[name].also})}
    return {"releases": found} if found else {}


def release(distribution: str) -> str:
    """As the registry tells it, Python's Unicode tables included."""
    return _release(distribution)


def ruler() -> str:
    """What `corpus.keys` makes of a table with every kind of column that shards have."""
    columns = {
        "binary": pa.array([b"0" * 16, None, b"1" * 16], pa.binary(16)),
        "string": pa.array(["\u00e9", None, ""]),
        "large": pa.array(["a", "b", None], pa.large_string()),
        "flag": [True, None, False],
        "whole": pa.array([1, None, 3], pa.int32()),
        "real": [0.5, None, -0.25],
        "list": pa.array([[1, 2], None, []], pa.list_(pa.uint64())),
        "large_list": pa.array([[1], [], [2, 3]], pa.large_list(pa.uint16())),
        "vector": pa.array([[0.5, 1.0]] * 3, pa.list_(pa.float32(), 2)),
        "nothing": pa.nulls(3),
    }
    return keys.key_of(
        [keys.digest_table(pa.table(columns)), keys.digest_bytes(b"bytes"), keys.key_of({"a": [1, "b", None]})]
    )


def read_table() -> dict[str, Any]:
    """`ruler`, and `operators`: the entries by name."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {"ruler": "", "operators": {}}


def other_release(known: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Why an entry says nothing here: it was made with another release of a library."""
    for distribution, made_with in known.get("releases", {}).items():
        here = now.get("releases", {}).get(distribution)
        if here != made_with:
            return f"made with {distribution} {made_with}, here is {here or 'none'}"
    return None


def fault(name: str, known: Mapping[str, Any] | None, version: int, digest: str) -> str | None:
    """What is wrong between the table and an operator, and what to do; None where they agree."""
    if known is None:
        return f"{name} is not in the golden table: run {UPDATE}"
    if known["version"] != version:
        return f"the version of {name} is {version}, the golden table has {known['version']}: run {UPDATE}"
    if known["digest"] != digest:
        return f"the output of {name} changed: raise its version in @register and run {UPDATE}"
    return None


# what cases are written with ------------------------------------------------------------------------------------------


def task(store: Store, body: Body, extra: Any = None, **inputs: Any) -> Any:
    """Runs one task. inputs: tables (or lists of them), which become shards, or items of the store."""
    return content([execute(Task("golden", body, items(store, inputs), store, extra))])


def exchanged(store: Store, work: Exchange, each: Sequence[Mapping[str, Any]]) -> Any:
    """Runs an exchange, one task after the other; content in the order of partitions."""
    records = list(exchange("golden", work, [items(store, i) for i in each], store, serial))
    return [[r.extra["partition"], content([r])] for r in sorted(records, key=lambda r: r.extra["partition"])]


def serial(tasks: Sequence[Task]) -> Iterator[Record]:
    return map(execute, tasks)


def items(store: Store, inputs: Mapping[str, Any]) -> Inputs:
    found = {}
    for name, given in inputs.items():
        listed = given if isinstance(given, (list, tuple)) else [given]
        found[name] = [store.write_shard(name, g) if isinstance(g, pa.Table) else g for g in listed]
    return found


def content(records: Iterable[Record]) -> Any:
    """Outputs by name and content, and what was counted."""
    return [{"outputs": [_output(o) for o in r.outputs], "counts": r.counts} for r in records]


def _output(output: Any) -> list:
    if isinstance(output, Shard):
        return [output.name, output.digest, [[p.partition, p.group, p.rows, list(p.digests)] for p in output.parts]]
    return [output.name, [[name, digest] for name, digest, _ in output.files]]


def rows(tables: Iterable[pa.Table]) -> Any:
    """Tables as one digest of their rows and what their schemas say of skipped records."""
    tables = list(tables)
    told = [(t.schema.metadata or {}).get(b"skipped", b"{}").decode() for t in tables]
    return [keys.digest_table(pa.concat_tables(t.replace_schema_metadata(None) for t in tables)), told]
