"""What several writers need to lay documents out in bytes: records made of parts, lists over flat ids, ids as people see
them; all records of a batch at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from corpus.tokens.pack import offsets_of
from corpus.writers.gather import Held

if TYPE_CHECKING:
    from corpus.writers.stream import Stream

_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)
#: Characters of an id as `corpus.document.show_id` spells it.
SHOWN = 26


def weave(*parts: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Records of several parts, end to end: (b,) uint8, and (n,) int64 the length of each record.

    parts: of each the bytes of all records (b_k,) uint8 and how many belong to each record (n,) int64.
    """
    lengths = np.sum([length for _, length in parts], axis=0, dtype=np.int64)
    at = offsets_of(lengths)[:-1]
    out = np.empty(int(lengths.sum()), np.uint8)
    for data, length in parts:
        _copy(data, offsets_of(length)[:-1], length, at, out)
        at = at + length
    return out, lengths


def pieces_of(data: np.ndarray, starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Pieces of bytes end to end. data: (b,) uint8; starts, lengths: (n,) int64 in bytes; ValueError where one lies
    outside.
    """
    if len(starts) and (int(starts.min()) < 0 or int(lengths.min()) < 0 or int((starts + lengths).max()) > len(data)):
        raise ValueError("a record lies outside its file")
    out = np.empty(int(lengths.sum()), np.uint8)
    _copy(data, starts, lengths, offsets_of(lengths)[:-1], out)
    return out


def _copy(data: np.ndarray, starts: np.ndarray, lengths: np.ndarray, at: np.ndarray, out: np.ndarray) -> None:
    rows = np.arange(len(lengths))
    Held(data, starts).gather(rows, np.zeros(len(rows), np.int64), lengths.astype(np.int64, copy=False), at, out)


def lists(flat: np.ndarray, lengths: np.ndarray, small: bool = False) -> pa.Array:
    """List column over ids that lie end to end; large_list, or plain list where `small`. No copy of `flat`."""
    offsets = offsets_of(lengths)
    if small:
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(flat))
    return pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(flat))


def sequences_table(flat: np.ndarray, lengths: np.ndarray, mask: np.ndarray | None = None) -> pa.Table:
    """What `read_back` gives: column tokens, and loss_mask (uint8) where there is one."""
    columns = {"tokens": lists(flat, lengths)}
    if mask is not None:
        columns["loss_mask"] = lists(mask.astype(np.uint8, copy=False), lengths)
    return pa.table(columns)


def shown(ids: pa.ChunkedArray) -> np.ndarray:
    """(n, 26) uint8: each id in base32 as `corpus.document.show_id` spells it; zeros where there is none."""
    held = ids.combine_chunks()
    held = pa.concat_arrays(held.chunks) if isinstance(held, pa.ChunkedArray) else held
    if not len(held):
        return np.zeros((0, SHOWN), np.uint8)
    raw = np.frombuffer(held.buffers()[1], np.uint8)[held.offset * 16 : (held.offset + len(held)) * 16].reshape(-1, 16)
    bits = np.zeros((len(raw), SHOWN * 5), np.uint8)
    bits[:, :128] = np.unpackbits(raw, axis=1)
    letters = _BASE32[bits.reshape(-1, SHOWN, 5) @ np.array([16, 8, 4, 2, 1], np.uint8)]
    if held.null_count:
        letters[held.is_null().to_numpy(zero_copy_only=False)] = 0
    return letters


def shown_strings(ids: pa.ChunkedArray) -> pa.Array:
    """The same as a string column, null where there is no id."""
    letters = shown(ids)
    offsets = pa.py_buffer((np.arange(len(letters) + 1, dtype=np.int32) * SHOWN).tobytes())
    column = pa.StringArray.from_buffers(len(letters), offsets, pa.py_buffer(letters.tobytes()))
    return column if not ids.null_count else pa.compute.if_else(ids.is_valid().combine_chunks(), column, None)


def write_flat(stream: Stream, ids: Path, mask: Path | None) -> None:
    """All ids end to end in one file, and all masks in another, a byte a token."""
    with ExitStack() as stack:
        out = stack.enter_context(open(ids, "wb"))
        beside = None
        if mask is not None:
            mask.parent.mkdir(exist_ok=True)
            beside = stack.enter_context(open(mask, "wb"))
        for first, last, flat in stream.batches():
            out.write(flat.data)
            if beside is not None:
                beside.write(stream.mask(first, last).data)


def named(files: Sequence[str], ending: str) -> str | None:
    """The file of a shard with that ending, in whatever order they are told; None where there is none."""
    return next((name for name in files if name.endswith(ending)), None)


def documents_of(stream: Stream) -> np.ndarray | None:
    """(s,) int64: the row that is each sequence, where every sequence is one whole document; else None."""
    pieces = stream.pieces
    whole = len(pieces["row"]) == len(stream.lengths) == stream.rows.num_rows and np.array_equal(
        pieces["length"], stream.lengths) and not pieces["begin"].any()
    return pieces["row"] if whole else None


def named_documents(stream: Stream) -> np.ndarray | None:
    """The same, where every document also has an id."""
    return None if stream.rows.column("id").null_count else documents_of(stream)


def bounds_of(stream: Stream) -> np.ndarray:
    """(k,) int64, rising: every place of the stream where a document or a sequence ends."""
    ends = stream.pieces["at"] + stream.pieces["length"]
    return np.union1d(ends, stream.sequences[1:])
