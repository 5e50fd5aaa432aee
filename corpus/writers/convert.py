"""The same shards in another format: the same draw, the same stream of tokens.

With a receipt the sidecar says which documents a stream is made of, every file is checked against its digest, and the new
receipt tells of the same draw: it differs in its formats and names the receipt that it came from. Given up: texts, which
ids do not give back; holdout files, which belong to formats of texts; without a receipt, all but ids and masks. One shard is
in memory at a time.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from corpus import keys, registry
from corpus.errors import ConfigError, Mismatch, UserError
from corpus.mixture.held import SIDECAR
from corpus.mixture.receipt import receipt_digest
from corpus.operators import Writer
from corpus.tokens.pack import Documents, Pack
from corpus.writers.shards_of import FILES, UNREADABLE, found_shards, inside, local_files, lone_stream, told_stream
from corpus.writers.stream import Stream, stream_digest
from corpus.writers.write import write_stream

#: Formats that are read fastest, taken first where a receipt has several.
QUICK = ("litdata", "mds", "megatron", "nanoset", "npy")


@dataclass(frozen=True)
class Conversion:
    """From one format to another. root: folder or URL that holds FORMAT/FILE. reader, writer: of the two formats.
    tokenizer: what is known of it (vocab_size, dtype, …). pack: what made the sequences. receipt: None where there is none.
    """

    root: str
    reader: Writer
    writer: Writer
    tokenizer: Mapping[str, Any]
    pack: Pack = field(default_factory=Documents)
    receipt: Mapping[str, Any] | None = None
    folder: str | None = None  # of the source's files below root, where it has not the format's name

    def check(self) -> None:
        """Raises before any work starts where the target cannot hold what the source has."""
        for role, one in (("from", self.reader), ("to", self.writer)):
            if one.needs_text:
                raise ConfigError(f"convert {role} {one.name}", "the format holds texts, and token ids do not give them back"
                                  if role == "to" else "the format holds texts and no token ids", "a format of token ids")
            if one.name == SIDECAR:
                raise ConfigError(f"convert {role} {one.name}", "that is the sidecar of every format", "a format of ids")
        self.writer.check(dict(self.tokenizer), self.pack)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.tokenizer["dtype"]).newbyteorder("<")

    def shards(self) -> list[tuple[int, list[str], Mapping[str, Any] | None]]:
        """Number, files below the format's folder, and the receipt's entry of each shard, in order."""
        name = self.reader.name
        if self.receipt is None:
            found = found_shards(self.root, name, self.folder)
            if not found:
                raise UserError(f"{self.root}: no file there is named as a shard of {name} is")
            return [(number, files, None) for number, files in found]
        entries = [entry for entry in self.receipt["shards"] if entry["format"] == name]
        return [(e["shard"], [inside(f["path"]).split("/", 1)[1] for f in e["files"]], e)
                for e in sorted(entries, key=lambda e: e["shard"])]

    def run(self, target: Path) -> dict[str, Any]:
        """Writes shards/FORMAT and, with a receipt, the sidecar and receipt.json into an empty folder. Returns the new
        receipt; without one, format, shards, sequences, tokens and streams. Mismatch names a file that is damaged.
        """
        self.check()
        name = self.writer.name
        folder = target / "shards" / name
        folder.mkdir(parents=True)
        told, entries = [], []
        for number, files, entry in self.shards():
            with self._stream(number, files, entry) as stream, tempfile.TemporaryDirectory(dir=target) as part:
                if stream.has_mask and not self.writer.takes_mask:
                    raise ConfigError(f"convert to {name}", "the shards have loss masks, which the format has no place for",
                                      "mds, npy, nanoset or datasets")
                about = write_stream(self.writer, stream, Path(part), number)
                if entry is not None and (about["stream"], about["tokens"]) != (entry["stream"], entry["tokens"]):
                    raise Mismatch("convert", f"shard {number} became another stream of tokens than the receipt's")
                written = [_file(Path(part), name, file) for file in sorted(about["files"])]
                for file in about["files"]:
                    (folder / file).parent.mkdir(parents=True, exist_ok=True)
                    (Path(part) / file).replace(folder / file)
            told.append(about)
            entries.append({} if entry is None else dict(entry) | {"format": name, "files": written})
        finish = []
        for file, data in self.writer.finish(told).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
            finish.append(_file(folder, name, file))
        if self.receipt is None:
            return {"format": name, "shards": len(told), **{k: sum(a[k] for a in told) for k in ("sequences", "tokens")},
                    "streams": {str(a["shard"]): a["stream"] for a in told}}
        return self._receipt(target, entries, finish)

    def _receipt(self, target: Path, entries: list[dict[str, Any]], finish: list[dict[str, Any]]) -> dict[str, Any]:
        assert self.receipt is not None
        sidecar = [entry for entry in self.receipt["shards"] if entry["format"] == SIDECAR]
        for entry in sidecar:
            with local_files(self.root, entry["files"]) as source:
                for file in entry["files"]:
                    place = target / "shards" / inside(file["path"])
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes((source / file["path"]).read_bytes())
        options = {name: value for name, value in vars(self.writer).items() if value is not None}
        receipt = dict(self.receipt) | {
            "formats": {self.writer.name: options} if options else {},
            "shards": sorted([*sidecar, *entries], key=lambda e: (e["format"], e["shard"])),
            "finish": [{"format": self.writer.name, "files": finish}] if finish else [],
            "holdout": [{k: v for k, v in held.items() if k != "files"} for held in self.receipt.get("holdout", ())],
            "converted_from": {"receipt": receipt_digest(self.receipt), "format": self.reader.name}}
        receipt["digest"] = receipt_digest(receipt)
        (target / "receipt.json").write_text(json.dumps(receipt, indent=1, ensure_ascii=False), encoding="utf-8")
        return receipt

    @contextlib.contextmanager
    def _stream(self, number: int, files: Sequence[str], entry: Mapping[str, Any] | None) -> Iterator[Stream]:
        name = self.folder or self.reader.name
        said = entry["files"] if entry is not None else [{"path": f"{name}/{file}"} for file in files]
        first = said[0]["path"] if said else f"{name}/"
        with local_files(self.root, said) as folder:
            try:
                rows = self.reader.read_back(folder / name, sorted(files))
            except UNREADABLE as error:
                what = (str(error).splitlines() or [type(error).__name__])[0]
                raise Mismatch("convert", f"{first} cannot be read: {what}") from error
            if entry is None:
                yield lone_stream(rows, self.dtype, first)
                return
            if stream_digest(rows.column("tokens"), self.dtype) != entry["stream"]:
                raise Mismatch("convert", f"{first} has other token ids than the draw")
            beside = [e for e in self.receipt["shards"] if (e["format"], e["shard"]) == (SIDECAR, number)]
            if not beside:
                raise Mismatch("convert", f"the receipt has no sidecar of shard {number}")
        with local_files(self.root, beside[0]["files"]) as folder:
            sidecar = pq.read_table(folder / beside[0]["files"][0]["path"], partitioning=None)
        yield told_stream(rows, sidecar, self.dtype)


def source_format(receipt: Mapping[str, Any]) -> str:
    """A format of the receipt's shards that holds token ids; UserError where none does."""
    there = {entry["format"] for entry in receipt["shards"]} - {SIDECAR}
    if not there & FILES.keys():
        raise UserError(f"the shards are there as {', '.join(sorted(there)) or 'nothing'}: texts, not token ids, and only "
                        "ids can be converted")
    return min(there & FILES.keys(), key=lambda name: (name not in QUICK, name))


def pack_of(receipt: Mapping[str, Any]) -> Pack:
    """The packing that a receipt tells of."""
    said = receipt["pack"]
    return registry.lookup("pack", said["use"], "receipt.pack")(**{
        name: said[name] for name in ("length", "rest") if said.get(name) is not None})


def _file(folder: Path, name: str, file: str) -> dict[str, Any]:
    return {"path": f"{name}/{file}", "digest": keys.digest_file(folder / file), "bytes": (folder / file).stat().st_size}
