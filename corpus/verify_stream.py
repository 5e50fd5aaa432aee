"""What a shard's sidecar and its stream of tokens have to be: every document whole, once, in the shard it belongs to, with
its ends where they should be, and nothing else. Works on arrays of one shard; what is found is said in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus import chance
from corpus.mixture.cells import HOST
from corpus.mixture.copies import copies_of, shard_of
from corpus.mixture.receipt_plan import plan_of_receipt
from corpus.text.addresses import hosts

_BASE32 = np.full(256, 255, np.uint8)
_BASE32[np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)] = np.arange(32)


@dataclass(frozen=True)
class Sidecar:
    """The pieces of documents of one shard, in stream order (`corpus.writers.index.SIDECAR`). words: (p, 2) uint64, ids."""

    table: pa.Table
    words: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Sidecar:
        """ValueError where a column that has to be there is null, or an id is none."""
        table = pq.read_table(path, partitioning=None)
        for name in ("sequence", "offset", "length", "begin", "id", "copy", "phase", "cell", "source"):
            if table.column(name).null_count:
                raise ValueError(f"{table.column(name).null_count:,} rows without {name}")
        return cls(table, id_words(table.column("id")))

    def numbers(self, name: str) -> np.ndarray:
        return self.table.column(name).to_numpy().astype(np.int64, copy=False)

    @cached_property
    def groups(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(order, first, last): pieces by document, copy and place in it; of each place in that order, whether a document's
        pieces start or end there.
        """
        copy, begin = self.numbers("copy"), self.numbers("begin")
        order = np.lexsort((begin, copy, self.words[:, 1], self.words[:, 0]))
        words, copy = self.words[order], copy[order]
        new = np.ones(len(order), bool)
        new[1:] = (words[1:] != words[:-1]).any(axis=1) | (copy[1:] != copy[:-1])
        return order, new, np.append(new[1:], True) if len(new) else new

    @cached_property
    def is_last(self) -> np.ndarray:
        """(p,) bool in stream order: whether a piece is the last one of its document that is here."""
        order, _, last = self.groups
        found = np.zeros(len(order), bool)
        found[order] = last
        return found


def id_words(shown: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """(n, 2) uint64 of ids in base32, as `chance.id_words` gives them; ValueError where one is no id."""
    if not len(shown):
        return np.zeros((0, 2), np.uint64)
    if not pc.all(pc.equal(pc.binary_length(shown), 26)).as_py():
        raise ValueError("an id that is not 26 characters of base32")
    flat = shown.combine_chunks() if isinstance(shown, pa.ChunkedArray) else shown
    flat = pa.concat_arrays(flat.chunks) if isinstance(flat, pa.ChunkedArray) else flat
    fixed = flat.cast(pa.binary()).cast(pa.binary(26))
    data = np.frombuffer(fixed.buffers()[1], np.uint8)[fixed.offset * 26 : (fixed.offset + len(fixed)) * 26]
    digits = _BASE32[data].reshape(-1, 26)
    if (digits > 31).any() or (digits[:, -1] & 3).any():
        raise ValueError("an id that is not base32")
    bits = np.unpackbits(digits[:, :, None], axis=2)[:, :, 3:].reshape(len(digits), 130)[:, :128]
    return np.packbits(bits, axis=1).view("<u8").reshape(-1, 2)


def sidecar_faults(receipt: Mapping[str, Any], entry: Mapping[str, Any], sidecar: Sidecar) -> Iterator[str]:
    """entry: the sidecar's item of receipt["shards"]."""
    offset, length, begin = (sidecar.numbers(n) for n in ("offset", "length", "begin"))
    sequence = sidecar.numbers("sequence")
    ends = offset + length
    if (length <= 0).any() or (begin < 0).any() or (offset < 0).any():
        yield "has pieces of no length or at no place"
    if (offset[1:] < ends[:-1]).any() or (len(ends) and int(ends[-1]) > entry["tokens"]):
        yield "has offsets that overlap, are out of order or lie behind the stream's end"
    if entry["tokens"] - int(length.sum()) != entry["padded_tokens"]:
        yield f"has pieces of {int(length.sum()):,} tokens and {entry['padded_tokens']:,} of padding in {entry['tokens']:,}"
    if (np.diff(sequence) < 0).any() or (len(sequence) and not 0 <= sequence[0] <= sequence[-1] < entry["sequences"]):
        yield "has sequence numbers that are out of order or of no sequence"
    yield from _document_faults(sidecar, entry)
    yield from _belonging_faults(receipt, entry, sidecar)
    for kind in ("cell", "source"):
        yield from _sum_faults(sidecar, entry, kind)


def _document_faults(sidecar: Sidecar, entry: Mapping[str, Any]) -> Iterator[str]:
    order, first, _ = sidecar.groups
    begin, length = (sidecar.numbers(n)[order] for n in ("begin", "length"))
    same = (~first[1:]) & (begin[1:] == begin[:-1])
    if same.any():
        yield f"has {int(same.sum()):,} documents more than once with the same copy number"
    gap = (~first[1:]) & ~same & (begin[1:] != begin[:-1] + length[:-1])
    torn = int(gap.sum()) + int((begin[first] != 0).sum())
    if torn:
        yield f"has {torn:,} documents with a part missing"
    here = int(first.sum())
    if here != entry["rows"] and not (entry["cut_tokens"] and here < entry["rows"]):
        yield f"has {here:,} documents, not {entry['rows']:,}"


def _belonging_faults(receipt: Mapping[str, Any], entry: Mapping[str, Any], sidecar: Sidecar) -> Iterator[str]:
    """Whether each copy lies in the shard that its id names, and whether the thresholds draw it."""
    order, first, _ = sidecar.groups
    at = order[first]
    keys = chance.hash64(receipt["seed"], "draw", sidecar.words[at])
    copy, phase = sidecar.numbers("copy")[at], sidecar.numbers("phase")[at]
    own = next((p for p in receipt["phases"] if p["phase"] == entry["phase"]), None)
    if own is None or not own["first_shard"] <= entry["shard"] < own["first_shard"] + own["shards"]:
        yield f"is of phase {entry['phase']}, which this shard is not in"
        return
    if (phase != entry["phase"]).any():
        yield f"has {int((phase != entry['phase']).sum()):,} documents of another phase"
    home = shard_of(keys, copy, receipt["seed"], own["first_shard"], own["shards"])
    if (home != entry["shard"]).any():
        yield f"has {int((home != entry['shard']).sum()):,} documents that belong into another shard"
    if receipt["after"] is not None:            # which copies were read before is not in the receipt
        return
    plan, caps = plan_of_receipt(receipt)
    rows = sidecar.table.select(["cell", "source", "url"]).take(pa.array(at))
    index = pa.table({"key": keys, "cell": rows.column("cell"), "source": rows.column("source"),
                      HOST: hosts(rows.column("url"))})
    caps = caps.filter(pc.is_in(caps.column("attribute"), value_set=pa.array(["source", HOST])))    # others are not told
    drawn = copies_of(index, plan, caps, only=entry["shard"])
    mine = home == entry["shard"]
    allowed = np.column_stack([keys[drawn.row], drawn.copy.astype(np.uint64)])
    found = np.column_stack([keys[mine], copy[mine].astype(np.uint64)])
    pairs = np.dtype([("key", "<u8"), ("copy", "<u8")])
    strange = ~np.isin(np.ascontiguousarray(found).view(pairs), np.ascontiguousarray(allowed).view(pairs))
    if strange.any():
        yield f"has {int(strange.sum()):,} documents that the receipt's thresholds do not draw"


def _sum_faults(sidecar: Sidecar, entry: Mapping[str, Any], kind: str) -> Iterator[str]:
    """[documents, tokens] by cell or source. What packing cut is missing here, so much and no more."""
    order, first, _ = sidecar.groups
    heads = np.zeros(len(order), np.int64)
    heads[order[first]] = 1
    table = pa.table({"name": sidecar.table.column(kind), "head": heads, "n": sidecar.numbers("length")})
    sums = table.group_by("name").aggregate([("head", "sum"), ("n", "sum")]).to_pylist()
    found = {row["name"]: [row["head_sum"], row["n_sum"]] for row in sums}
    said = entry[f"{kind}s"]
    cut = entry["cut"][f"{kind}s"] if entry["cut"] is not None else {
        name: said[name][1] - found.get(name, [0, 0])[1] for name in said if entry["cut_tokens"]}   # only the sum is known
    for name in sorted({*found, *said}):
        here, want, lost = found.get(name, [0, 0]), said.get(name, [0, 0]), cut.get(name, 0)
        documents = here[0] == want[0] or (lost and here[0] < want[0])          # cut altogether
        if not documents or here[1] != want[1] - lost:
            less = f" less the {lost:,} that packing cut" if lost else ""
            yield f"{kind} '{name}' has {here[1]:,} tokens in {here[0]:,} documents, not {want[1]:,} in {want[0]:,}{less}"
    if sum(cut.values()) != entry["cut_tokens"]:
        yield f"says that packing cut {sum(cut.values()):,} tokens of its {kind}s, and {entry['cut_tokens']:,} in all"


def stream_faults(receipt: Mapping[str, Any], entry: Mapping[str, Any], tokens: pa.ChunkedArray,
                  sidecar: Sidecar | None) -> Iterator[str]:
    """What is wrong with the ids of a shard. tokens: one list a sequence. sidecar: None where it could not be read."""
    about, pack = receipt["tokenizer"], receipt["pack"]
    lengths = pc.list_value_length(tokens).to_numpy().astype(np.int64)
    edges = np.append(0, np.cumsum(lengths))
    if pack["use"] != "documents" and (lengths != pack["length"]).any():
        yield f"has {int((lengths != pack['length']).sum()):,} sequences that are not {pack['length']:,} tokens long"
    controls = {side: about.get(f"{side}_id") for side in ("bos", "eos") if about.get(f"{side}_id") is not None}
    places, outside = _places(tokens, set(controls.values()), about["vocab_size"])
    if outside:
        yield f"has {outside:,} ids outside the vocabulary of {about['vocab_size']:,}"
    if sidecar is None:
        return
    offset, length, sequence = (sidecar.numbers(n) for n in ("offset", "length", "sequence"))
    inside = (sequence >= 0) & (sequence < len(lengths))
    at = np.where(inside, sequence, 0)
    if len(sequence) and (not len(lengths) or not inside.all()
                          or ((offset < edges[at]) | (offset + length > edges[at + 1])).any()):
        yield "has sequences that are not those of the sidecar"
        return
    want = {"bos": offset[sidecar.numbers("begin") == 0] if about.get("documents_start_with") == "bos" else None,
            "eos": (offset + length - 1)[sidecar.is_last] if about.get("documents_end_with") == "eos" else None}
    for side, positions in want.items():
        if positions is None or side not in controls:
            continue
        lacks = positions[~np.isin(positions, places[controls[side]])]
        if side == "eos" and entry["cut_tokens"] and len(positions) and len(lacks) and lacks[-1] == positions.max():
            lacks = lacks[:-1]                                   # the shard's last document is what packing cut
        if len(lacks):
            verb = "start" if side == "bos" else "end"
            yield f"has {len(lacks):,} documents that do not {verb} with {side.upper()} ({controls[side]})"
    for control, found in places.items():
        named = " and ".join(side.upper() for side, i in controls.items() if i == control)
        meant = [p for side, p in want.items() if p is not None and controls.get(side) == control]
        stray = found[~np.isin(found, np.concatenate(meant) if meant else np.zeros(0, np.int64))]
        if len(stray) and len(offset):
            piece = np.searchsorted(offset, stray, side="right") - 1
            stray = stray[(piece >= 0) & (stray < offset[piece] + length[piece])]    # elsewhere it is padding
        if len(stray):
            yield f"has {named} ({control}) inside documents"


def _places(tokens: pa.ChunkedArray, controls: set[int], vocab_size: int) -> tuple[dict[int, np.ndarray], int]:
    """Where in the stream each control id is, and how many ids are none of the vocabulary."""
    found: dict[int, list[np.ndarray]] = {c: [] for c in sorted(controls)}
    before = outside = 0
    for chunk in tokens.chunks:
        flat = chunk.flatten().to_numpy(zero_copy_only=False)
        for start in range(0, len(flat), 1 << 22):
            part = flat[start : start + (1 << 22)]
            for control in found:
                found[control].append(np.flatnonzero(part == control) + before)
            outside += int((part >= vocab_size).sum())
            if part.dtype.kind == "i":
                outside += int((part < 0).sum())
            before += len(part)
    return {c: np.concatenate(p) if p else np.zeros(0, np.int64) for c, p in found.items()}, outside
