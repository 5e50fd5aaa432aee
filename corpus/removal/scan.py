"""An audit: does any file of a store still hold a run of words of a text that was removed?

Every file is looked at, whatever its name: Parquet by each of its columns, compressed files by what they hold, token ids by
the text that they decode to, everything else as the text that its bytes spell. A run that also occurs in a text that stays
is no finding. Given up: texts in encodings other than UTF-8 and runs broken by markup, as in a page's HTML, where each
piece of text between two tags is looked at alone.
"""

from __future__ import annotations

import gzip
import html
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.dedup.minhash import shingle_sets
from corpus.text.normal import matching_hashes

WORDS = 20
GRAM = 8                    # ids in a row that are looked for before anything is decoded; a run of 20 words has more
TOKEN_LISTS = (pa.uint16(), pa.int16(), pa.uint32(), pa.int32(), pa.int64())

_TAG = re.compile(r"<[^<>]{0,2000}>")
_SPELLED = re.compile(rb"[^\x00-\x08\x0e-\x1f]{40,}")       # 20 words have more bytes, and texts no control characters
_PIECE = 1 << 22            # characters of text that are hashed at once, and ids that are looked at at once
_AROUND = 4 * WORDS         # ids that are decoded on each side of one that was found

#: Token ids → their text.
Decode = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Wanted:
    """What is looked for, sorted. runs: of `runs_of`. grams: of `grams_of`, of the same texts as a tokenizer encodes them,
    which `decode` undoes; without them token ids are not looked at.
    """

    runs: np.ndarray
    grams: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    decode: Decode | None = None
    words: int = WORDS


@dataclass(frozen=True)
class Hit:
    """A file that holds runs of removed texts, where in it, and how many."""

    path: str
    where: str
    runs: int


def runs_of(texts: Iterable[str], words: int = WORDS) -> np.ndarray:
    """Sorted distinct uint64 hashes of all runs of `words` words in the matching forms of texts; short ones have none."""
    found = [np.zeros(0, np.uint64)]
    for batch in _batches(texts):
        hashes, offsets = matching_hashes(pa.array(batch, pa.large_string()))
        long = np.diff(offsets) >= words
        flat, at = shingle_sets(hashes, offsets, np.zeros(len(batch), np.uint64), words)
        found += [flat[at[i] : at[i + 1]] for i in np.flatnonzero(long)]
    return np.unique(np.concatenate(found))


def without_runs(runs: np.ndarray, texts: Iterable[str], words: int = WORDS) -> np.ndarray:
    """Those of some runs (`runs_of`) that none of the texts has; one batch of texts is in memory at a time."""
    for batch in _batches(texts):
        runs = np.setdiff1d(runs, runs_of(batch, words), assume_unique=True)
    return runs


def grams_of(ids: np.ndarray) -> np.ndarray:
    """(n - 7,) uint64: a hash of each 8 token ids in a row. ids: (n,) of any integers."""
    h = np.zeros(max(0, len(ids) - GRAM + 1), np.uint64)
    ids = ids.astype(np.uint64) + np.uint64(1)
    for k in range(GRAM if len(h) else 0):
        h = (h ^ ids[k : k + len(h)]) * np.uint64(0x9E3779B97F4A7C15)
        h ^= h >> np.uint64(29)
    return h


def scan(root: Path, wanted: Wanted) -> Iterator[Hit]:
    """Files below a folder that hold any of the runs, in order."""
    paths = sorted(p for p in root.rglob("*") if p.is_file())
    return scan_files(((p.relative_to(root).as_posix(), p.read_bytes()) for p in paths), wanted)


def scan_files(files: Iterable[tuple[str, bytes]], wanted: Wanted) -> Iterator[Hit]:
    """Those of some files (name, bytes) that hold any of the runs."""
    for name, data in files:
        for where, texts in texts_in(data, wanted):
            runs = int(_among(runs_of(texts, wanted.words), wanted.runs).sum())
            if runs:
                yield Hit(name, where, runs)


def texts_in(data: bytes, wanted: Wanted) -> Iterator[tuple[str, Iterator[str]]]:
    """(place, its texts) of one file; of token ids only those texts around ids that are looked for."""
    if data[:4] == b"PAR1":
        with pq.ParquetFile(pa.BufferReader(data)) as parquet:
            for name in parquet.schema_arrow.names:
                for group in range(parquet.num_row_groups):
                    column = parquet.read_row_group(group, columns=[name]).column(name)
                    yield name, (text for chunk in column.chunks for text in _of_array(chunk, wanted))
        return
    data = _inflated(data)
    yield "bytes", of_bytes(data)
    for width in (2, 4) if len(wanted.grams) else ():
        for start in range(width):
            ids = np.frombuffer(data[start : start + (len(data) - start) // width * width], f"<u{width}")
            yield f"ids of {width} bytes", _of_ids(ids, wanted)


def _of_array(array: pa.Array, wanted: Wanted) -> Iterator[str]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _of_array(array.dictionary, wanted)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield from (text for text in array.drop_null().to_pylist() if text)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        for value in array.drop_null().to_pylist():
            yield from of_bytes(_inflated(value))
    elif pa.types.is_struct(kind):
        for i in range(kind.num_fields):
            yield from _of_array(array.field(i), wanted)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        flat = array.flatten()
        if kind.value_type in TOKEN_LISTS:
            yield from _of_ids(flat.drop_null().to_numpy(zero_copy_only=False), wanted)
        else:
            yield from _of_array(flat, wanted)


def of_bytes(data: bytes) -> Iterator[str]:
    """What bytes spell: as they are, and what is left of them without markup, escapes of JSON and entities of HTML."""
    for match in _SPELLED.finditer(data):
        text = match[0].decode("utf-8", "replace")
        yield text
        plain = text.replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
        if plain != text:
            yield plain
        if "<" in text:
            yield html.unescape(_TAG.sub(" ", text))
            yield from (html.unescape(piece) for piece in _TAG.split(text) if piece.strip())


def _of_ids(ids: np.ndarray, wanted: Wanted) -> Iterator[str]:
    """The texts around ids that are looked for."""
    if wanted.decode is None or not len(wanted.grams):
        return
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(ids), _PIECE):
        found.append(start + np.flatnonzero(_among(grams_of(ids[start : start + _PIECE + GRAM - 1]), wanted.grams)))
    at = np.concatenate(found)
    for near in np.split(at, np.flatnonzero(np.diff(at) > _AROUND) + 1) if len(at) else ():
        yield wanted.decode(ids[max(0, near[0] - _AROUND) : near[-1] + GRAM + _AROUND].tolist())


def _among(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(n,) bool: which values are among sorted ones. These are many and asked often, so nothing is sorted again."""
    at = np.searchsorted(known, values)
    return known[np.minimum(at, len(known) - 1)] == values if len(known) else np.zeros(len(values), bool)


def _inflated(data: bytes) -> bytes:
    """What a compressed file holds, member after member; other bytes as they are."""
    if data[:2] == b"\x1f\x8b":
        try:
            return gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return data
    if data[:4] == b"\x28\xb5\x2f\xfd":
        import zstandard

        try:
            return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
        except zstandard.ZstdError:
            return data
    return data


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text.encode("utf-8", "replace").decode())
        size += len(text)
        if size >= _PIECE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
