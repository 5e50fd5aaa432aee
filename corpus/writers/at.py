"""Which document stands behind a token of a shard, or behind a training step: what a person who chases a loss spike asks.
The receipt says how long each shard is; of the sidecar only the row groups that hold the place are read.

The order of consumption that steps are counted in: shards ascending; each shard's stream cut every `seq` tokens, what is
left at its end dropped; step t reads the sequences t * batch up to (t + 1) * batch. Given up: trainers that shuffle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import MissingFile, UnknownName, UserError
from corpus.mixture.held import SIDECAR

#: Files of a format that hold its stream as plain ids, two or four bytes each.
PLAIN = (".bin", ".npy", ".ds")


@dataclass(frozen=True)
class Place:
    """One token. `token` counts from 0 in the document, of the `tokens` of it that the shard holds. `start`, `stop`: where
    the document's piece lies in the shard's stream. A place in padding has no document: its `id` is None.
    """

    shard: int
    phase: int
    offset: int
    sequence: int | None
    start: int
    stop: int
    id: str | None = None
    url: str | None = None
    source: str | None = None
    cell: str | None = None
    copy: int | None = None
    style: str | None = None
    cluster_id: int | None = None
    token: int | None = None
    tokens: int | None = None


@dataclass(frozen=True)
class Step:
    """What one training step read. `ranges`: (shard, start, stop) in tokens. `documents`: their pieces in that order, with
    columns shard, offset, tokens, id, url, source, cell, copy, phase, style.
    """

    step: int
    sequences: tuple[int, int]
    ranges: tuple[tuple[int, int, int], ...]
    documents: pa.Table

    def counts(self, by: str) -> list[tuple[str, int, int]]:
        """(name, documents, tokens) by cell or source, most tokens first. A document's copies count each."""
        table = self.documents.select([by, "id", "copy", "tokens"])
        copies = pc.binary_join_element_wise(table.column("id"), table.column("copy").cast(pa.string()), "/")
        sums = pa.table({"name": table.column(by), "copy": copies, "n": table.column("tokens")}).group_by("name").aggregate(
            [("copy", "count_distinct"), ("n", "sum")]).to_pylist()
        return sorted(((r["name"], r["copy_count_distinct"], r["n_sum"]) for r in sums), key=lambda r: (-r[2], r[0]))


def at_offset(receipt: Mapping[str, Any], root: str | Path, shard: int, offset: int) -> Place:
    """The document of token `offset` of a shard's stream. UserError, with the range, where there is none."""
    entries = sidecars(receipt)
    if shard not in entries:
        raise UserError(f"--shard {shard}: there is none; {_range('shards', sorted(entries))}")
    entry = entries[shard]
    if not 0 <= offset < entry["tokens"]:
        raise UserError(f"--offset {offset}: shard {shard} has the tokens 0 to {entry['tokens'] - 1:,}")
    with _opened(entry, root) as file:
        rows = _pieces(file, offset, offset + 1)
        if not rows.num_rows:
            return Place(shard, entry["phase"], offset, None, offset, offset + 1)
        row = rows.slice(0, 1).to_pylist()[0]
        whole = row["length"]
        if receipt["pack"]["use"] != "documents":                    # its other pieces may lie anywhere in the shard
            others = file.read(["id", "copy", "length"])
            mine = pc.and_(pc.equal(others.column("id"), row["id"]), pc.equal(others.column("copy"), row["copy"]))
            whole = pc.sum(others.column("length").filter(mine)).as_py()
    said = {name: row[name] for name in ("id", "url", "source", "cell", "copy", "style", "cluster_id")}
    return Place(shard, entry["phase"], offset, row["sequence"], row["offset"], row["offset"] + row["length"],
                 token=row["begin"] + offset - row["offset"], tokens=whole, **said)


def at_step(receipt: Mapping[str, Any], root: str | Path, step: int, batch: int, seq: int) -> Step:
    """The documents that training step `step` (from 0) read. UserError, with the range, where there is no such step."""
    entries = sidecars(receipt)
    numbers = sorted(entries)
    ends = np.cumsum([entries[n]["tokens"] // seq for n in numbers], dtype=np.int64) if numbers else np.zeros(0, np.int64)
    in_all = int(ends[-1]) if len(ends) else 0
    if not 0 <= step < in_all // batch:
        there = f"the steps 0 to {in_all // batch - 1:,}" if in_all >= batch else "not one step"
        raise UserError(f"--step {step}: {in_all:,} sequences of {seq:,} tokens are {there} of {batch:,}")
    first, last = step * batch, (step + 1) * batch
    ranges, tables = [], []
    for i in range(int(np.searchsorted(ends, first, side="right")), len(numbers)):
        before = int(ends[i - 1]) if i else 0
        low, high = max(first, before) - before, min(last, int(ends[i])) - before
        if before >= last:
            break
        if high > low:
            ranges.append((numbers[i], low * seq, high * seq))
            tables.append(_documents(entries[numbers[i]], root, low * seq, high * seq))
    return Step(step, (first, last), tuple(ranges), pa.concat_tables(tables))


def sidecars(receipt: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """The sidecar's entry of each shard that holds anything."""
    found = {entry["shard"]: entry for entry in receipt["shards"] if entry["format"] == SIDECAR}
    if not found:
        raise UserError("these shards have no sidecar index; write them again: corpus shards write")
    return found


def ids_at(receipt: Mapping[str, Any], root: str | Path, place: Place, radius: int,
           name: str | None = None) -> tuple[str, np.ndarray, int] | None:
    """(format, ids, which of them is the place's): the ids around a token, inside its document's piece, from the first
    format that can be read at any place, or from the one of that name. None where none can.
    """
    entries = [e for e in receipt["shards"] if e["shard"] == place.shard and e["format"] != SIDECAR]
    if name is not None:
        known = [e["format"] for e in entries]
        if name not in known:
            raise UnknownName("format", name, known, "--format")
        entries = [e for e in entries if e["format"] == name]
    start, stop = max(place.start, place.offset - radius), min(place.stop, place.offset + radius + 1)
    for entry in sorted(entries, key=lambda e: (_plain(e, receipt) is None, e["format"])):
        ids = _ids(receipt, entry, root, place, start, stop)
        if ids is not None:
            return entry["format"], ids, place.offset - start
    return None


def _ids(receipt: Mapping[str, Any], entry: Mapping[str, Any], root: str | Path, place: Place, start: int,
         stop: int) -> np.ndarray | None:
    fs, base = fsspec.core.url_to_fs(str(root))
    plain = _plain(entry, receipt)
    if plain is not None:
        width = plain["bytes"] // entry["tokens"]
        with _reading(fs, f"{base.rstrip('/')}/{plain['path']}") as stream:
            stream.seek(start * width)
            return np.frombuffer(stream.read((stop - start) * width), f"<u{width}").astype(np.int64)
    if place.sequence is None or len(entry["files"]) != 1 or not entry["files"][0]["path"].endswith(".parquet"):
        return None
    with _reading(fs, f"{base.rstrip('/')}/{entry['files'][0]['path']}") as stream:
        file = pq.ParquetFile(stream)
        column = next((c for c in ("tokens", "input_ids") if c in file.schema_arrow.names), None)
        rows = np.cumsum([file.metadata.row_group(g).num_rows for g in range(file.metadata.num_row_groups)])
        if column is None or not len(rows) or rows[-1] != entry["sequences"]:
            return None
        group = int(np.searchsorted(rows, place.sequence, side="right"))
        lists = file.read_row_group(group, columns=[column]).column(column)
        sequence = lists[place.sequence - (int(rows[group - 1]) if group else 0)].values.to_numpy()
        length = receipt["pack"]["length"]
        begin = place.start if receipt["pack"]["use"] == "documents" else place.sequence * length
        return sequence[start - begin : stop - begin].astype(np.int64)


def _plain(entry: Mapping[str, Any], receipt: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The file of an entry that is its stream of ids and nothing else: told by its length."""
    widths = (2, 4) if receipt["tokenizer"]["dtype"] == "uint16" else (4,)
    return next((f for f in entry["files"] if f["path"].endswith(PLAIN)
                 and f["bytes"] in [w * entry["tokens"] for w in widths] and entry["tokens"]), None)


def _documents(entry: Mapping[str, Any], root: str | Path, start: int, stop: int) -> pa.Table:
    with _opened(entry, root) as file:
        rows = _pieces(file, start, stop)
    offset, length = _numbers(rows, "offset"), _numbers(rows, "length")
    low = np.maximum(offset, start)
    columns = {name: rows.column(name) for name in ("id", "url", "source", "cell", "copy", "phase", "style")}
    return pa.table({"shard": np.full(len(offset), entry["shard"], np.int64), "offset": low,
                     "tokens": np.minimum(offset + length, stop) - low, **columns})


def _pieces(file: pq.ParquetFile, start: int, stop: int) -> pa.Table:
    """Rows of a sidecar that overlap [start, stop). Its offsets ascend, so the statistics say where to look."""
    metadata = file.metadata
    firsts = [_least(metadata.row_group(g)) for g in range(metadata.num_row_groups)]
    last = max(1, int(np.searchsorted(firsts, stop, side="left")))
    first = max(0, int(np.searchsorted(firsts, start, side="right")) - 1)
    groups = [g for g in range(first, min(last, len(firsts)))]
    rows = file.read_row_groups(groups)
    offset = _numbers(rows, "offset")
    ends = offset + _numbers(rows, "length")
    return rows.slice(low := int(np.searchsorted(ends, start, side="right")),
                      max(0, int(np.searchsorted(offset, stop, side="left")) - low))


def _numbers(rows: pa.Table, name: str) -> np.ndarray:
    """A column of int64 without nulls. Arrow's own way to numpy imports pandas where there is one, which takes longer than
    all the rest.
    """
    chunks = [np.frombuffer(c.buffers()[1], np.int64)[c.offset : c.offset + len(c)]
              for c in rows.column(name).chunks if len(c)]
    return np.concatenate(chunks) if chunks else np.zeros(0, np.int64)


def _least(group: Any) -> int:
    for i in range(group.num_columns):
        column = group.column(i)
        if column.path_in_schema == "offset" and column.statistics is not None and column.statistics.has_min_max:
            return column.statistics.min
    raise UserError("the sidecar has no statistics of its offsets; write the shards again: corpus shards write")


def _opened(entry: Mapping[str, Any], root: str | Path) -> Any:
    """The sidecar of a shard, opened; a context manager of a ParquetFile."""
    fs, base = fsspec.core.url_to_fs(str(root))
    return _parquet(fs, f"{base.rstrip('/')}/{entry['files'][0]['path']}")


@contextlib.contextmanager
def _parquet(fs: Any, path: str) -> Iterator[pq.ParquetFile]:
    with _reading(fs, path) as stream:
        yield pq.ParquetFile(stream)


@contextlib.contextmanager
def _reading(fs: Any, path: str) -> Iterator[Any]:
    try:
        with fs.open(path, "rb") as stream:
            yield stream
    except FileNotFoundError:
        raise MissingFile(path, remedy="corpus shards verify names all that is not there") from None
    except pa.ArrowInvalid as error:
        raise UserError(f"{path}: cannot be read: {error}; corpus shards verify names every fault") from None


def _range(noun: str, numbers: Sequence[int]) -> str:
    holes = "" if numbers == list(range(numbers[0], numbers[-1] + 1)) else " (those that no document went to are not there)"
    return f"{noun} are {numbers[0]} to {numbers[-1]}{holes}"
