"""Reads every written shard back and compares it with its receipt: a stranger's check, which needs the files and the
receipt alone. Every fault names a file and what is wrong with it; one shard is in memory at a time. Given up: text formats
hold no ids, so of them the bytes and the number of documents are checked, not which documents they are.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import posixpath
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc

import corpus.writers
from corpus import keys, registry
from corpus.errors import Mismatch
from corpus.mixture.held import SIDECAR, held_by
from corpus.operators import Writer
from corpus.verify_stream import Sidecar, sidecar_faults, stream_faults
from corpus.writers.shards_of import UNREADABLE
from corpus.writers.stream import stream_digest


@dataclass(frozen=True)
class Fault:
    """Something that is not as the receipt says. `file` is relative to the exported shards, or what was summed."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def verify_shards(receipt: Mapping[str, Any], root: str | Path) -> list[Fault]:
    """All faults, shard by shard; none is the good answer. root: folder or URL that holds FORMAT/FILE; what was written of
    a holdout lies beside it, in holdout-NAME/FORMAT/FILE.
    """
    faults = extra_files(receipt, root)
    whole = [(entry["files"], str(root)) for entry in receipt["finish"]]
    whole += [(held["files"], _above(root)) for held in receipt["holdout"] if held.get("files")]
    for files, place in whole:
        with _local(files, place) as (folder, missing):
            faults += _file_faults(files, folder, missing)
    for entries in _by_shard(receipt):
        faults += verify_shard(receipt, entries, root)
    return faults + unequal_streams(receipt) + total_faults(receipt)


def verify_shard(receipt: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], root: str | Path) -> list[Fault]:
    """Faults of one shard in all its formats. entries: the items of receipt["shards"] that are of it."""
    faults: list[Fault] = []
    sidecar: Sidecar | None = None
    known: dict[str, list[str]] = {}                         # what is wrong with a stream, by its digest
    for entry in sorted(entries, key=lambda e: e["format"] != SIDECAR):
        main, name = entry["files"][0]["path"] if entry["files"] else f"{entry['format']}/", entry["format"]
        with _local(entry["files"], root) as (folder, missing):
            damaged = list(_file_faults(entry["files"], folder, missing))
            if damaged:                                      # other bytes are reason enough; they say nothing of the draw
                faults += damaged
                continue
            try:
                if name == SIDECAR:
                    found = Sidecar.read(folder / main)
                    wrong = [Fault(main, what) for what in sidecar_faults(receipt, entry, found)]
                    sidecar = None if wrong else found       # what is wrong with it is not the fault of a format
                    faults += wrong
                    continue
                files = [f["path"].split("/", 1)[1] for f in entry["files"]]
                rows = writer_of(receipt, name).read_back(folder / name, files)
            except UNREADABLE as error:
                said = (str(error).splitlines() or [""])[0]
                faults.append(Fault(main, f"cannot be read: {type(error).__name__}: {said}"))
                continue
            faults += [Fault(main, what) for what in _row_faults(receipt, entry, rows, sidecar, known)]
    return faults


def _row_faults(receipt: Mapping[str, Any], entry: Mapping[str, Any], rows: pa.Table, sidecar: Sidecar | None,
                known: dict[str, list[str]]) -> Iterator[str]:
    if "tokens" not in rows.column_names:
        if rows.num_rows != entry["rows"]:
            yield f"has {rows.num_rows:,} documents, not {entry['rows']:,}"
        return
    tokens = rows.column("tokens")
    lengths = pc.list_value_length(tokens)
    size = pc.sum(lengths).as_py() or 0
    digest = stream_digest(tokens, receipt["tokenizer"]["dtype"])
    if rows.num_rows != entry["sequences"]:
        yield f"has {rows.num_rows:,} sequences, not {entry['sequences']:,}"
    if size != entry["tokens"]:
        yield f"has {size:,} tokens, not {entry['tokens']:,}"
    elif digest != entry["stream"]:
        yield "has other token ids than the draw"
    if digest not in known:                                  # formats of one stream need one look at it
        known[digest] = list(stream_faults(receipt, entry, tokens, sidecar))
    yield from known[digest]


def writer_of(receipt: Mapping[str, Any], name: str) -> Writer:
    """The writer of a format, with the options that the receipt gives."""
    for module in pkgutil.iter_modules(corpus.writers.__path__):      # importing registers them
        if not module.name.endswith("kernels"):
            importlib.import_module(f"corpus.writers.{module.name}")
    return registry.lookup("writer", name, "receipt")(**receipt.get("formats", {}).get(name, {}))


def extra_files(receipt: Mapping[str, Any], root: str | Path) -> list[Fault]:
    """Files below `root`, and beside it in the folders of holdouts, that the receipt does not know."""
    known = {f["path"] for part in ("shards", "finish") for entry in receipt[part] for f in entry["files"]}
    held = {f["path"] for entry in receipt["holdout"] for f in entry.get("files") or ()}
    return _unknown(known, str(root), [""]) + _unknown(held, _above(root), sorted({path.split("/")[0] for path in held}))


def _unknown(known: set[str], root: str, folders: Sequence[str]) -> list[Fault]:
    fs, base = fsspec.core.url_to_fs(root)
    base = base.rstrip("/")
    found = [f for name in folders if fs.exists(f"{base}/{name}") for f in sorted(fs.find(f"{base}/{name}"))]
    return [Fault(f[len(base) + 1:], "is not in the receipt") for f in found if f[len(base) + 1:] not in known]


def _above(root: str | Path) -> str:
    """The folder that holds receipt.json and shards/."""
    return posixpath.dirname(str(root).rstrip("/")) or "."


def unequal_streams(receipt: Mapping[str, Any]) -> list[Fault]:
    """Shards whose formats are not said to carry the same stream of tokens, or that a format lacks."""
    streams: dict[int, dict[str, str]] = {}
    for entry in receipt["shards"]:
        streams.setdefault(entry["shard"], {})[entry["format"]] = entry["stream"] or ""
    formats = {entry["format"] for entry in receipt["shards"]}
    faults = []
    for n, found in sorted(streams.items()):
        carry = {name: stream for name, stream in found.items() if stream}      # the others hold no ids
        if len(set(carry.values())) > 1:
            faults.append(Fault(f"shard {n}", "is not one token stream in " + ", ".join(sorted(carry))))
    return faults + [Fault(f"shard {n}", "is not there as " + ", ".join(sorted(formats - set(found))))
                     for n, found in sorted(streams.items()) if formats - set(found)]


def total_faults(receipt: Mapping[str, Any]) -> list[Fault]:
    """The receipt's sums against what it says of its shards, whose own counts are checked with their files."""
    try:
        held = held_by(receipt["shards"])
    except Mismatch as error:
        return [Fault("receipt.json", error.cause)]
    retokenized = receipt["draw_tokenizer"] is not None
    asked = {(c["phase"], c["cell"]): [c["drawn"]["documents"],
                                       c["retokenized"]["tokens"] if retokenized else c["drawn"]["tokens"]]
             for c in receipt["cells"]}
    faults = [Fault("receipt.json", f"cell '{cell}' of phase {phase} {what}")
              for (phase, cell), what in unequal(held.cells, asked)]
    said = {s["source"]: [s["drawn"]["documents"], s["drawn"]["tokens"]] for s in receipt["sources"]}
    faults += [Fault("receipt.json", f"source '{name}' {what}") for name, what in unequal(held.sources, said)]
    for name in ("documents", "tokens"):
        total = sum(c["drawn"][name] for c in receipt["cells"])
        if total != receipt["total"][name]:
            faults.append(Fault("receipt.json", f"says {receipt['total'][name]:,} {name} in all; its cells, {total:,}"))
    return faults


def unequal(found: Mapping[Any, Sequence[int]], asked: Mapping[Any, Sequence[int]]) -> list[tuple[Any, str]]:
    """Names whose [documents, tokens] differ, and how."""
    pairs = [(name, list(found.get(name, (0, 0))), list(asked.get(name, (0, 0)))) for name in sorted({*found, *asked})]
    return [(name, f"has {held[1]:,} tokens in {held[0]:,} documents, not {want[1]:,} in {want[0]:,}")
            for name, held, want in pairs if held != want]


def _by_shard(receipt: Mapping[str, Any]) -> list[list[Mapping[str, Any]]]:
    found: dict[int, list[Mapping[str, Any]]] = {}
    for entry in receipt["shards"]:
        found.setdefault(entry["shard"], []).append(entry)
    return [found[n] for n in sorted(found)]


def _file_faults(files: Sequence[Mapping[str, Any]], folder: Path, missing: Sequence[str]) -> Iterator[Fault]:
    for file in files:
        if file["path"] in missing:
            yield Fault(file["path"], "is missing")
            continue
        path = folder / file["path"]
        if path.stat().st_size != file["bytes"]:
            yield Fault(file["path"], f"has {path.stat().st_size:,} bytes, not {file['bytes']:,}")
        elif keys.digest_file(path) != file["digest"]:
            yield Fault(file["path"], "has other bytes than its digest in the receipt")


@contextlib.contextmanager
def _local(files: Sequence[Mapping[str, Any]], root: str | Path) -> Iterator[tuple[Path, list[str]]]:
    """A local folder that holds the files at their paths, and the paths that are not there."""
    fs, base = fsspec.core.url_to_fs(str(root))
    paths = [f["path"] for f in files]
    missing = [p for p in paths if not fs.exists(f"{base.rstrip('/')}/{p}")]
    if "file" in fs.protocol:
        yield Path(base), missing
        return
    with tempfile.TemporaryDirectory() as temporary:
        for path in set(paths) - set(missing):
            (Path(temporary) / path).parent.mkdir(parents=True, exist_ok=True)
            fs.get_file(f"{base.rstrip('/')}/{path}", str(Path(temporary) / path))
        yield Path(temporary), missing
