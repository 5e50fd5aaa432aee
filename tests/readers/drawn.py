"""Two drawn shards whose texts are their bytes, in every format: what the readers' tests write and compare with."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from reading import told

from corpus.document import show_id
from corpus.operators import Writer
from corpus.tokens.pack import BestFit, Concatenate, Documents, Pack
from corpus.writers.climblab import ClimbLab
from corpus.writers.climbmix import ClimbMix
from corpus.writers.climbmix_jsonl import ClimbMixJsonl
from corpus.writers.datasets import Datasets
from corpus.writers.litdata import LitData
from corpus.writers.mds import Mds
from corpus.writers.megatron import Megatron
from corpus.writers.nanochat import Nanochat
from corpus.writers.nanoset import Nanoset
from corpus.writers.npy import Npy
from corpus.writers.stream import Stream

#: Shard 1 got no document, so there is none.
SHARDS = (0, 2)
LENGTH = 64


@dataclass(frozen=True)
class Case:
    """What is written: the type of ids, whether documents begin with BOS, the packing, and whether there are masks."""

    dtype: str = "uint16"
    bos: bool = True
    packing: str = "documents"
    masks: bool = False

    @property
    def shift(self) -> int:
        """Ids of a 32-bit vocabulary do not fit into 16 bits."""
        return 0 if self.dtype == "uint16" else 70_000

    @property
    def eos_id(self) -> int:
        return self.shift + 256

    @property
    def bos_id(self) -> int | None:
        return self.shift + 257 if self.bos else None

    @property
    def packed(self) -> bool:
        return self.packing != "documents"

    @property
    def pack(self) -> Pack:
        packs = {"documents": Documents(), "concatenate": Concatenate(LENGTH, "pad"), "best_fit": BestFit(LENGTH)}
        return packs[self.packing]

    @property
    def asked(self) -> dict:
        """What a reader has to be told."""
        return {"bos": self.bos_id, "eos": self.eos_id, "length": LENGTH if self.packed else None, "shift": self.shift,
                "width": 2 if self.dtype == "uint16" else 4, "vocabulary": self.shift + 258}


WRITERS: dict[str, Writer] = {writer.name: writer for writer in (
    Mds(), LitData(), Nanoset(), Npy(), Datasets(), Megatron(), ClimbMix(), ClimbLab(), ClimbMixJsonl(), Nanochat())}
#: Formats in which a row is a document.
RELEASES = ("climbmix", "climblab", "climbmix_jsonl")


def documents(case: Case, shard: int, n: int = 40) -> pa.Table:
    """Rows of a shard. The first two texts are empty: without BOS, documents of one token; the third is longer than a row
    group of any format needs to be split for 16-bit lengths.
    """
    chance = random.Random(shard)
    texts = ["", ""] + ["".join(chance.choices("abc é漢\n", k=chance.randrange(1, 120))) for _ in range(n - 2)]
    begin = [] if case.bos_id is None else [case.bos_id]
    tokens = [[*begin, *(byte + case.shift for byte in text.encode()), case.eos_id] for text in texts]
    kind = pa.uint16() if case.dtype == "uint16" else pa.uint32()
    columns = {
        "order": pa.array(range(n), pa.uint64()),
        "id": pa.array([bytes([shard, i] * 8) for i in range(n)], pa.binary(16)),
        "copy": pa.array([i % 2 for i in range(n)], pa.int32()), "phase": pa.array([0] * n, pa.int32()),
        "url": [f"http://x/{i},\"{shard}\"" for i in range(n)], "source": ["web, a" if i % 2 else "books" for i in range(n)],
        "cell": ["d01/é"] * n, "style": pa.array(["qa" if i % 3 == 0 else None for i in range(n)], pa.string()),
        "cluster_id": pa.array([None if i % 7 == 0 else i % 4 for i in range(n)], pa.int64()),
        "token_count": pa.array([len(t) for t in tokens], pa.int64()),
        "token_hash": pa.array(range(n), pa.uint64()), "text": texts, "tokens": pa.array(tokens, pa.large_list(kind))}
    if case.masks:
        columns["loss_mask"] = pa.array([[chance.randrange(2) for _ in t] for t in tokens], pa.large_list(pa.uint8()))
    return pa.table(columns)


def stream_of(case: Case, shard: int) -> Stream:
    return Stream.of_table(documents(case, shard), f"<u{case.asked['width']}", case.pack, eos_id=case.eos_id)


def write(writer: Writer, case: Case, folder: Path, shards: tuple[int, ...] = SHARDS) -> list[dict]:
    """Writes the shards and what belongs to the whole format; returns what was told of each shard."""
    folder.mkdir(parents=True, exist_ok=True)
    about = []
    for shard in shards:
        stream = stream_of(case, shard)
        files = writer.write(stream, folder, shard)
        about.append({"shard": shard, "rows": stream.rows.num_rows, "sequences": len(stream.lengths),
                      "tokens": stream.tokens, "files": files, "extra": writer.describe(folder, files)})
    for name, data in writer.finish(about).items():
        (folder / name).write_bytes(data)
    return about


def expected(case: Case, lengths: bool = True, masks: bool = False) -> dict:
    """What a reader has to tell, made from the texts alone; with best-fit packing the plan says what goes where."""
    sequences, marks = [], []
    for shard in SHARDS:
        if case.packing == "best_fit":
            stream = stream_of(case, shard)
            sequences += [row for _, _, ids in stream.batches() for row in ids.reshape(-1, LENGTH).copy()]
            continue
        rows = documents(case, shard)
        ids, mask = rows.column("tokens").to_pylist(), rows.column("loss_mask").to_pylist() if case.masks else None
        if case.packed:
            ids, mask = _cut(ids, case.eos_id), None if mask is None else _cut(mask, 0)
        sequences += ids
        marks += mask or []
    return told([np.array(s) for s in sequences], case.bos_id, case.eos_id,
                [np.array(m) for m in marks] if masks else None, lengths)


def starts(case: Case) -> list[int]:
    """Where documents and sequences begin, over all shards; where padding begins is left out."""
    found, before = [], 0
    for shard in SHARDS:
        lengths = np.array([len(t) for t in documents(case, shard).column("tokens").to_pylist()])
        at = set((np.cumsum(lengths) - lengths).tolist())
        total = int(lengths.sum())
        if case.packed:
            at |= set(range(0, total, LENGTH))
            total = -(-total // LENGTH) * LENGTH
        found += [before + place for place in sorted(at)]
        before += total
    return found


def names(case: Case) -> list[str]:
    return [show_id(i) for shard in SHARDS for i in documents(case, shard).column("id").to_pylist()]


def _cut(lists: list[list[int]], pad: int) -> list[list[int]]:
    flat = [value for one in lists for value in one]
    flat += [pad] * (-len(flat) % LENGTH)
    return [flat[i : i + LENGTH] for i in range(0, len(flat), LENGTH)]
