"""Conversations → packed shards with loss masks: read, render, encode, order by hash, pack, write, tell. One pass over the
files; ids and masks wait on disk until their order is known.

The result is a folder that is there whole or not at all. Given up: a store, and with it resuming: what took the longest,
encoding, is a few minutes for a billion tokens.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa

from corpus import chance, keys
from corpus.document import ID
from corpus.errors import ConfigError, MissingFile, UserError
from corpus.mixture.place import DRAWN
from corpus.operators import Writer
from corpus.registry import identity
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens import chat, conversations
from corpus.tokens.encode import Encoder
from corpus.tokens.pack import Pack
from corpus.tokens.template import Source, Template
from corpus.tokens.tokenizer import PinTokenizer
from corpus.writers.gather import Held
from corpus.writers.index import Index
from corpus.writers.stream import Stream
from corpus.writers.write import write_stream

#: Conversations encoded at once.
BATCH = 2048


@dataclass(frozen=True)
class Chat:
    """What to make. template: a file (see `Source.read`). length: most tokens of a conversation; drop: leave out longer ones
    instead of cutting them at their end. shard_tokens: about what a shard holds.
    """

    files: tuple[str, ...]
    tokenizer: PinTokenizer
    template: str
    writer: Writer
    pack: Pack
    length: int
    drop: bool = False
    seed: int = 0
    shard_tokens: int = 100_000_000

    def check(self) -> None:
        """Raises before any work starts where something is missing or the format has no place for masks."""
        if not self.writer.takes_mask:
            raise ConfigError("format", f"{self.writer.name} has no place for loss masks", "mds, npy, nanoset or datasets")
        for path in self.files:
            fs, inside = fsspec.core.url_to_fs(path)
            if not fs.isfile(inside):
                raise MissingFile(path)
        self.tokenizer.check()
        Source.read(Path(self.template))

    def write(self, to: str) -> dict[str, Any]:
        """Makes the folder `to` and returns its receipt."""
        target = Path(to)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UserError(f"{to}: is there already; give a new or an empty folder")
        self.check()
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.parent / f"{target.name}.{uuid.uuid4().hex[:8]}.part"
        part.mkdir()
        try:
            with tempfile.TemporaryDirectory(dir=part) as work:
                receipt = self._run(part, Path(work))
            (part / "receipt.json").write_text(json.dumps(receipt, indent=1, ensure_ascii=False), encoding="utf-8")
            for path in part.rglob("*"):
                _sync(path)
            os.replace(part, target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return receipt

    def _run(self, part: Path, work: Path) -> dict[str, Any]:
        store = Store(str(work / "store"))
        folder = execute(Task("chat.tokenizer", self.tokenizer, {}, store)).outputs[0]
        about = folder.about
        self.writer.check(about, self.pack)
        source = Source.read(Path(self.template))
        named = {"bos_token": about["bos"] or "", "eos_token": about["eos"] or ""} | dict(source.tokens)
        with store.local_folder(folder) as opened:
            encoder = Encoder.open(opened)
        template = Template(Source(source.name, source.text, named), encoder.controls())
        found = self._encoded(encoder, template, work)
        if encoder.start_over:                              # a fast library was wrong: the reference does it all
            found = self._encoded(encoder, template, work)
        if not len(found.lengths):
            why = ", ".join(f"{reason}: {n:,}" for reason, n in sorted(found.counts.items())) or "no lines"
            first = "".join(f"; {reason}, {message}" for reason, message in sorted(found.told.items()))
            raise UserError(f"no conversation is left to write ({why}{first})")
        entries, finish = self._shards(found, encoder, part)
        totals = {name: sum(entry[name] for entry in entries if entry["format"] == self.writer.name)
                  for name in ("rows", "sequences", "tokens", "learned_tokens", "cut_tokens", "padded_tokens")}
        receipt = {
            "schema": 1, "kind": "conversations", "seed": self.seed, "shard_tokens": self.shard_tokens,
            "length": self.length, "too_long": "drop" if self.drop else "cut",
            "files": found.files, "lines": found.lines, "reasons": dict(sorted(found.counts.items())),
            "total": {"conversations": totals["rows"], "sequences": totals["sequences"], "tokens": totals["tokens"],
                      "learned_tokens": totals["learned_tokens"],
                      "learned_share": round(totals["learned_tokens"] / max(1, totals["tokens"]), 6)},
            "pack": identity(self.pack)["options"] | {
                "use": self.pack.name, "cut_tokens": totals["cut_tokens"], "padded_tokens": totals["padded_tokens"],
                "padded_share": round(totals["padded_tokens"] / max(1, totals["tokens"]), 6)},
            "conversations_cut_tokens": found.cut_tokens,
            "tokenizer": {"digest": folder.digest} | about,
            "template": {"name": source.name, "digest": keys.digest_bytes(source.text.encode())},
            "shards": entries, "finish": finish,
        }
        return receipt | {"digest": keys.key_of(receipt)}

    def _encoded(self, encoder: Encoder, template: Template, work: Path) -> _Found:
        found = _Found()
        seen: dict[str, int] = {}
        ids, lengths, names = [], [np.zeros(0, np.int64)], []
        with open(work / "ids.bin", "wb") as flat, open(work / "mask.bin", "wb") as marks:
            for path in self.files:
                before = found.lines, len(ids)
                for batch in _batches(path, seen, found):
                    made = chat.encode(encoder, template, batch, self.length, self.drop)
                    flat.write(made.ids.tobytes())
                    marks.write(made.mask.tobytes())
                    lengths.append(np.diff(made.offsets))
                    ids += [batch[i].id for i in made.kept]
                    names += [os.path.basename(path)] * len(made.kept)
                    found.counts.update(made.reasons)
                    found.cut_tokens += made.cut_tokens
                    for reason, message in made.told.items():
                        found.told.setdefault(reason, f"{os.path.basename(path)} {message}")
                with fsspec.open(path, "rb") as stream:
                    digest = keys.digest_stream(stream)
                found.files.append({"name": os.path.basename(path), "digest": digest, "lines": found.lines - before[0],
                                    "conversations": len(ids) - before[1]})
        found.counts.update(encoder.notes())
        found.ids, found.sources = pa.array(ids, ID), pa.array(names, pa.string())
        found.lengths = np.concatenate(lengths)
        if len(found.lengths):
            found.flat = np.memmap(work / "ids.bin", encoder.dtype, "r")
            found.marks = np.memmap(work / "mask.bin", np.uint8, "r")
        return found

    def _shards(self, found: _Found, encoder: Encoder, part: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        order = chance.hash64(self.seed, "order", found.ids)
        by = np.lexsort((*chance.id_words(found.ids).T, order))
        starts = np.cumsum(found.lengths) - found.lengths
        before = np.cumsum(found.lengths[by]) - found.lengths[by]
        number = np.unique(before // self.shard_tokens, return_inverse=True)[1]
        entries, told = [], []
        for shard in range(int(number[-1]) + 1):
            rows = by[number == shard]
            table = _rows(found, rows, order)
            marks = Held(found.marks, starts[rows])
            stream = Stream(table, self.pack.plan(found.lengths[rows]), encoder.dtype, Held(found.flat, starts[rows]),
                            encoder.eos_id, encoder.eos_id if encoder.eos_id is not None else encoder.bos_id, marks)
            learned = sum(int(stream.mask(first, last).sum()) for first, last, _ in stream.batches())
            for writer in (self.writer, Index()):
                folder = part / "shards" / writer.name
                folder.mkdir(parents=True, exist_ok=True)
                about = write_stream(writer, stream, folder, shard)
                if writer is self.writer:
                    told.append(about)
                entries.append({key: value for key, value in about.items() if key not in ("phase", "cells", "extra")} | {
                    "learned_tokens": learned, "files": [_file(part, f"{writer.name}/{name}") for name in about["files"]]})
        finish = []
        for name, data in self.writer.finish(told).items():
            path = part / "shards" / self.writer.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            finish.append(_file(part, f"{self.writer.name}/{name}"))
        return entries, [{"format": self.writer.name, "files": finish}] if finish else []


class _Found:
    """What is known when all files are read. lengths: (n,) int64 tokens of each conversation, as they lie in flat, marks."""

    def __init__(self) -> None:
        self.files: list[dict[str, Any]] = []
        self.lines = self.cut_tokens = 0
        self.counts: Counter[str] = Counter()
        self.told: dict[str, str] = {}
        self.ids, self.sources = pa.array([], ID), pa.array([], pa.string())
        self.lengths = np.zeros(0, np.int64)
        self.flat = self.marks = np.zeros(0, np.uint8)

    def count(self, reason: str, message: str) -> None:
        self.counts[reason] += 1
        self.told.setdefault(reason, message)


def _batches(path: str, seen: dict[str, int], found: _Found) -> Iterator[list[conversations.Conversation]]:
    """Conversations of a file; lines that give none are counted."""
    batch: list[conversations.Conversation] = []
    with fsspec.open(path, "rb", compression="infer") as stream:
        for one in conversations.read(_readable(stream, os.path.basename(path), found), seen):
            found.lines += 1
            if isinstance(one, conversations.Bad):
                found.count(one.reason, f"{os.path.basename(path)} line {one.line}")
                continue
            batch.append(one)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _readable(stream: Any, name: str, found: _Found) -> Iterator[bytes]:
    """Lines as far as a file can be read: damage is counted, and what came before it counts."""
    import gzip
    import zlib

    import zstandard

    lines = conversations.lines_of(stream)
    while True:
        try:
            line = next(lines, None)
        except (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError) as error:
            found.count("file_damaged", f"{name}: {error}")
            return
        if line is None:
            return
        yield line


def _rows(found: _Found, rows: np.ndarray, order: np.ndarray) -> pa.Table:
    n = len(rows)
    columns = {"order": pa.array(order[rows]), "id": found.ids.take(pa.array(rows)), "copy": pa.array(np.zeros(n, np.int32)),
               "phase": pa.array(np.zeros(n, np.int32)), "source": found.sources.take(pa.array(rows)),
               "token_count": pa.array(found.lengths[rows])}
    return pa.table([columns.get(field.name, pa.nulls(n, field.type)) for field in DRAWN], DRAWN)


def _file(part: Path, name: str) -> dict[str, Any]:
    path = part / "shards" / name
    return {"path": name, "digest": keys.digest_file(path), "bytes": path.stat().st_size}


def _sync(path: Path) -> None:
    if path.is_file():
        with open(path, "rb") as stream:
            os.fsync(stream.fileno())
