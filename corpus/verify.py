"""Reads every written shard back and compares it with its receipt: a stranger's check, which needs the files and the
receipt alone. Every fault names a file and what is wrong with it. Given up: text formats hold no ids, so of them the
bytes and the rows are checked, not which documents they are.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa

from corpus import chance, keys, registry
from corpus.mixture.place import shard_of
from corpus.operators import Writer
from corpus.writers import climbmix, megatron, nanochat  # noqa: F401  (a receipt names them; importing registers them)
from corpus.writers.write import census

#: What a damaged file makes its reader raise.
UNREADABLE = (OSError, ValueError, KeyError, pa.ArrowException)


@dataclass(frozen=True)
class Fault:
    """Something that is not as the receipt says. `file` is relative to the exported shards, or what was summed."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def verify_shards(receipt: dict[str, Any], root: str | Path) -> list[Fault]:
    """All faults, in the receipt's order; none is the good answer. root: folder or URL that holds FORMAT/FILE."""
    faults = extra_files(receipt, root)
    sums: dict[str, dict[str, list[int]]] = {}
    for entry in receipt["shards"]:
        found, cells = verify_shard(receipt, entry, root)
        faults += found
        if cells is not None:
            total = sums.setdefault(entry["format"], {})
            for cell, (rows, tokens) in cells.items():
                before = total.get(cell, [0, 0])
                total[cell] = [before[0] + rows, before[1] + tokens]
    return faults + unequal_streams(receipt) + _cell_faults(receipt, sums)


def verify_shard(receipt: dict[str, Any], entry: dict[str, Any], root: str | Path,
                 ) -> tuple[list[Fault], dict[str, list[int]] | None]:
    """Faults of one shard in one format, and its [rows, tokens] by cell (None where the format does not tell).

    entry: an item of receipt["shards"].
    """
    main = entry["files"][0]["path"]
    with _local(entry, root) as (folder, missing):
        faults = [Fault(path, "is missing") for path in missing]
        for file in entry["files"]:
            if file["path"] not in missing:
                path = folder / file["path"]
                if path.stat().st_size != file["bytes"]:
                    faults.append(Fault(file["path"], f"has {path.stat().st_size:,} bytes, not {file['bytes']:,}"))
                elif keys.digest_file(path) != file["digest"]:
                    faults.append(Fault(file["path"], "has other bytes than its digest in the receipt"))
        if missing:
            return faults, None
        writer: Writer = registry.lookup("writer", entry["format"], "receipt")()
        try:
            rows = writer.read_back(folder / entry["format"], [f["path"].split("/", 1)[1] for f in entry["files"]])
        except UNREADABLE as error:
            return [*faults, Fault(main, f"cannot be read: {type(error).__name__}: {str(error).splitlines()[0]}")], None
    if rows.num_rows != entry["rows"]:
        faults.append(Fault(main, f"has {rows.num_rows:,} documents, not {entry['rows']:,}"))
    if "tokens" not in rows.column_names:
        return faults, None
    found = census(rows)
    if found["tokens"] != entry["tokens"]:
        faults.append(Fault(main, f"has {found['tokens']:,} tokens, not {entry['tokens']:,}"))
    elif found["stream"] != entry["stream"]:
        faults.append(Fault(main, "has other token ids than the draw"))
    for kind in ("cell", "source"):
        faults += [Fault(main, f"{kind} '{name}' {what}") for name, what in _unequal(found[f"{kind}s"], entry[f"{kind}s"])]
    faults += [Fault(main, what) for what in row_faults(receipt, entry["shard"], rows)]
    return faults, found["cells"]


def row_faults(receipt: dict[str, Any], shard: int, rows: pa.Table) -> list[str]:
    """What is wrong with documents: their counts, their ends, their ids, and whether they belong into this shard.

    rows: columns id, copy, token_count, tokens. As a copy's shard follows from its id, unique here is unique everywhere.
    """
    faults = []
    tokens, eos = rows.column("tokens").combine_chunks(), receipt["tokenizer"]["eos_id"]
    tokens = pa.concat_arrays(tokens.chunks) if isinstance(tokens, pa.ChunkedArray) else tokens
    flat, offsets = tokens.values.to_numpy(), tokens.offsets.to_numpy()
    lengths = np.diff(offsets)
    if not np.array_equal(lengths, rows.column("token_count").to_numpy()):
        faults.append("has a token_count that is not the number of tokens")
    inside = flat[offsets[0]:offsets[-1]] == eos
    full = offsets[1:][lengths > 0] - offsets[0] - 1
    unended = int((lengths == 0).sum() + (~inside[full]).sum())
    if unended:
        faults.append(f"has {unended:,} documents that do not end with EOS ({eos})")
    if int(inside.sum()) > int(inside[full].sum()):
        faults.append(f"has EOS ({eos}) inside documents")
    if len(flat) and (int(flat.max()) >= receipt["tokenizer"]["vocab_size"] or int(flat.min()) < 0):
        faults.append(f"has ids outside the vocabulary of {receipt['tokenizer']['vocab_size']:,}")
    ids, copy = rows.column("id"), rows.column("copy")
    if ids.null_count or copy.null_count:
        return [*faults, f"has {ids.null_count + copy.null_count:,} rows without a document id or a copy"]
    words, copies = chance.id_words(ids), copy.to_numpy().astype(np.int64)
    named = np.column_stack([words, copies.astype(np.uint64)])
    twice = len(named) - len(np.unique(named, axis=0))
    if twice:
        faults.append(f"has {twice:,} documents more than once with the same copy number")
    astray = int((shard_of(words, copies, receipt["seed"], receipt["shard_count"]) != shard).sum())
    if astray:
        faults.append(f"has {astray:,} documents that belong into another shard")
    return faults


def extra_files(receipt: dict[str, Any], root: str | Path) -> list[Fault]:
    """Files of the receipt's formats that the receipt does not know."""
    known = {f["path"] for entry in receipt["shards"] for f in entry["files"]}
    fs, base = fsspec.core.url_to_fs(str(root))
    base = base.rstrip("/")
    faults = []
    for name in sorted({entry["format"] for entry in receipt["shards"]}):
        found = fs.find(f"{base}/{name}") if fs.exists(f"{base}/{name}") else []
        paths = sorted(f[len(base) + 1:] for f in found)
        faults += [Fault(path, "is not in the receipt") for path in paths if path not in known]
    return faults


def unequal_streams(receipt: dict[str, Any]) -> list[Fault]:
    """Shards whose formats are not said to carry the same stream of tokens."""
    streams: dict[int, dict[str, str]] = {}
    for entry in receipt["shards"]:
        streams.setdefault(entry["shard"], {})[entry["format"]] = entry["stream"]
    formats = {entry["format"] for entry in receipt["shards"]}
    faults = [Fault(f"shard {n}", "is not one token stream in " + ", ".join(sorted(found)))
              for n, found in sorted(streams.items()) if len(set(found.values())) > 1]
    return faults + [Fault(f"shard {n}", "is not there as " + ", ".join(sorted(formats - set(found))))
                     for n, found in sorted(streams.items()) if formats - set(found)]


def _cell_faults(receipt: dict[str, Any], sums: dict[str, dict[str, list[int]]]) -> list[Fault]:
    """The receipt's cells against what was counted, in each format of which every shard could be read."""
    asked = {c["cell"]: [c["drawn"]["documents"], c["drawn"]["tokens"]] for c in receipt["cells"]}
    asked = {cell: held for cell, held in asked.items() if held != [0, 0]}
    return [Fault(f"{name}/", f"cell '{cell}' {what}")
            for name, found in sums.items() for cell, what in _unequal(found, asked)]


def _unequal(found: dict[str, list[int]], asked: dict[str, list[int]]) -> list[tuple[str, str]]:
    """Names whose [documents, tokens] differ, and how."""
    pairs = [(name, found.get(name, [0, 0]), asked.get(name, [0, 0])) for name in sorted({*found, *asked})]
    return [(name, f"has {held[1]:,} tokens in {held[0]:,} documents, not {want[1]:,} in {want[0]:,}")
            for name, held, want in pairs if held != want]


@contextlib.contextmanager
def _local(entry: dict[str, Any], root: str | Path) -> Iterator[tuple[Path, list[str]]]:
    """A local folder that holds the entry's files at their paths, and the paths that are not there."""
    fs, base = fsspec.core.url_to_fs(str(root))
    paths = [f["path"] for f in entry["files"]]
    missing = [p for p in paths if not fs.exists(f"{base.rstrip('/')}/{p}")]
    if "file" in fs.protocol:
        yield Path(base), missing
        return
    with tempfile.TemporaryDirectory() as temporary:
        for path in set(paths) - set(missing):
            (Path(temporary) / path).parent.mkdir(parents=True, exist_ok=True)
            fs.get_file(f"{base.rstrip('/')}/{path}", str(Path(temporary) / path))
        yield Path(temporary), missing
