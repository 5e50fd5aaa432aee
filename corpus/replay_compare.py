"""A shard that was made again beside the one that a receipt tells of: which file differs, and in which document first."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from corpus import keys
from corpus.document import show_id
from corpus.errors import ConfigError
from corpus.mixture.held import SIDECAR
from corpus.operators import Writer
from corpus.tokens.pack import Documents
from corpus.verify import Fault, writer_of
from corpus.writers.convert import pack_of
from corpus.writers.gather import Held
from corpus.writers.shards_of import UNREADABLE
from corpus.writers.stream import Stream


@dataclass(frozen=True)
class Remade:
    """One shard made again: its rows as drawn (with `text` where that is asked for) and the ids of each."""

    rows: pa.Table
    ids: Held

    def stream(self, receipt: Mapping[str, Any], writer: Writer) -> Stream:
        """As this writer gets it: a text format's documents are not packed."""
        about, pack = receipt["tokenizer"], Documents() if writer.needs_text else pack_of(receipt)
        packing = pack.plan(self.rows.column("token_count").to_numpy())
        ids = None if writer.needs_text else self.ids
        return Stream(self.rows, packing, np.dtype(about["dtype"]), ids, about.get("eos_id"))


def compare(receipt: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], made: Remade | None,
            root: str | Path | None) -> Iterator[Fault]:
    """Writes a remade shard in each format of its entries, and tells every file whose digest is another than they say."""
    if made is None:
        yield Fault(f"shard {entries[0]['shard']}", "has no document by the receipt's own thresholds")
        return
    for entry in entries:
        writer = writer_of(receipt, entry["format"])
        try:
            if not writer.needs_text:
                writer.check(dict(receipt["tokenizer"]), pack_of(receipt))
        except ConfigError as error:
            yield Fault(f"{entry['format']}/", f"cannot hold what the receipt says: {error}")
            continue
        stream = made.stream(receipt, writer)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            files = writer.write(stream, folder, entry["shard"])
            why = ""
            said = {f["path"].split("/", 1)[1]: f["digest"] for f in entry["files"]}
            for name in sorted({*files, *said}):
                path = f"{entry['format']}/{name}"
                if name not in files:
                    yield Fault(path, "is not made by receipt and frozen set")
                elif name not in said:
                    yield Fault(path, "is made by receipt and frozen set, and not in the receipt")
                elif keys.digest_file(folder / name) != said[name]:
                    why = why or _why(receipt, entry, stream, root)
                    yield Fault(path, f"is not what receipt and frozen set make: {why}")


def _why(receipt: Mapping[str, Any], entry: Mapping[str, Any], stream: Stream, root: str | Path | None) -> str:
    """What a difference of bytes is about."""
    if stream.rows.num_rows != entry["rows"]:
        return f"{stream.rows.num_rows:,} documents, not {entry['rows']:,}"
    ids = entry["stream"] is not None
    if root is None:
        return "other token ids" if ids and stream.digest != entry["stream"] else "other bytes of as many documents"
    try:
        files = [f["path"].split("/", 1)[1] for f in entry["files"]]
        written = writer_of(receipt, entry["format"]).read_back(Path(root) / entry["format"], files)
    except UNREADABLE as error:
        return f"the written file cannot be read ({type(error).__name__})"
    column = "tokens" if ids else "id" if entry["format"] == SIDECAR else "text"
    row = _first_token(stream, written.column("tokens")) if ids else _first_row(stream, written.column(column), column)
    if row is None:
        here = (receipt.get("made") or {}).get("packages") or {}
        same = f"the same {'ids' if ids else 'documents'} in other bytes"
        return same + (f"; written with pyarrow {here['pyarrow']}, here {pa.__version__}" if "pyarrow" in here else "")
    document = stream.rows.slice(row, 1).to_pylist()[0]
    return f"first in document {show_id(document['id'])} ({document['url']}), copy {document['copy']}"


def _first_token(stream: Stream, written: pa.ChunkedArray) -> int | None:
    """The row of the first document whose ids differ; None where all are the same."""
    flat = np.concatenate([c.flatten().to_numpy() for c in written.chunks]) if written.num_chunks else np.zeros(0, np.int64)
    for first, _, ids in stream.batches():
        start = int(stream.sequences[first])
        there = flat[start : start + len(ids)]
        off = np.flatnonzero(ids[: len(there)] != there)
        if len(off) or len(there) < len(ids):
            at = start + (int(off[0]) if len(off) else len(there))
            piece = max(0, int(np.searchsorted(stream.pieces["at"], at, side="right")) - 1)
            return int(stream.pieces["row"][piece])
    lengths = pc.list_value_length(written).to_numpy()
    if np.array_equal(lengths, stream.lengths):
        return None
    short = min(len(lengths), len(stream.lengths))
    off = np.flatnonzero(lengths[:short] != stream.lengths[:short])
    piece = int(np.searchsorted(stream.pieces["sequence"], off[0] if len(off) else max(0, short - 1)))
    return int(stream.pieces["row"][min(piece, len(stream.pieces["row"]) - 1)])


def _first_row(stream: Stream, written: pa.ChunkedArray, column: str) -> int | None:
    rows = stream.pieces["row"] if column == "id" else np.arange(stream.rows.num_rows)
    values = stream.rows.column(column).take(pa.array(rows)).to_pylist()
    here = [show_id(v) for v in values] if column == "id" else values
    for i, (a, b) in enumerate(zip(here, written.to_pylist())):
        if a != b:
            return int(rows[i])
    return None
