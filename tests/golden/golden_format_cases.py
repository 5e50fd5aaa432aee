"""Golden cases of packing and of the formats that shards are written in."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from golden_inputs import CELL_OF, CELLS, EOS, IDS, TEXTS, TOKENS, documents, ids_of
from golden_shard_cases import ids_folder
from golden_table import case, rows, task

from corpus import keys
from corpus.mixture.place import DRAWN, DRAWN_TEXT, WHERE
from corpus.operators import Writer
from corpus.results import Folder
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.tokens.pack import BestFit, Concatenate, Documents, Pack
from corpus.writers.climblab import ClimbLab
from corpus.writers.climbmix import ClimbMix
from corpus.writers.climbmix_jsonl import ClimbMixJsonl
from corpus.writers.datasets import Datasets
from corpus.writers.index import Index
from corpus.writers.litdata import LitData
from corpus.writers.mds import Mds
from corpus.writers.megatron import Megatron
from corpus.writers.nanochat import Nanochat
from corpus.writers.nanoset import Nanoset
from corpus.writers.npy import Npy
from corpus.writers.stream import Stream
from corpus.writers.write import FinishFormat, WriteShard, write_stream


@dataclass(frozen=True)
class Lines(Writer):
    """One line a sequence."""

    name = "lines"
    takes_validation: ClassVar[bool] = True

    def write(self, stream: Stream, folder: Path, shard: int) -> list[str]:
        with open(folder / f"{shard}.txt", "w", encoding="utf-8") as out:
            for first, last, ids in stream.batches(12):
                ends = stream.sequences[first : last + 1] - stream.sequences[first]
                out.writelines(f"{ids[a:b].tolist()}\n" for a, b in zip(ends, ends[1:]))
        return [f"{shard}.txt"]

    def describe(self, folder: Path, files: Sequence[str]) -> dict[str, Any]:
        return {"bytes": (folder / files[0]).stat().st_size}

    def finish(self, shards: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        return {"in/all.json": json.dumps([(told["shard"], told["extra"]) for told in shards]).encode()}

    def write_validation(self, texts: Iterator[pa.Table], folder: Path, shard: int) -> list[str]:
        (folder / f"{shard}.txt").write_text("".join(f"{t.to_pydict()}\n" for t in texts), encoding="utf-8")
        return [f"{shard}.txt"]


# packing --------------------------------------------------------------------------------------------------------------


def planned(*packs: Pack) -> object:
    """Plans of several shards: documents of many lengths, of none, and none at all."""
    lengths = ([13, 8, 1, 0, 24, 7, 9, 3, 16, 2, 5], [4], [0, 0], [8] * 3, [])
    plans = [pack.plan(np.array(n, np.int64)) for pack in packs for n in lengths]
    return [[{name: v.tolist() for name, v in sorted(p.pieces.items())}, p.sequences.tolist(), p.cut_tokens, p.padded_tokens]
            for p in plans]  # fmt: skip


@case("pack/documents")
def _(store: Store) -> object:
    return planned(Documents())


@case("pack/concatenate")
def _(store: Store) -> object:
    return planned(Concatenate(8), Concatenate(8, "pad"), Concatenate(1))


@case("pack/best_fit")
def _(store: Store) -> object:
    return planned(BestFit(8), BestFit(10), BestFit(1))


# writers --------------------------------------------------------------------------------------------------------------


def drawn() -> pa.Table:
    """A drawn shard with its texts."""
    n, every = len(IDS), documents()
    return pa.table(
        {
            "order": pa.array([i * i for i in range(n)], pa.uint64()),
            "id": every.column("id"),
            "copy": pa.array([i % 2 for i in range(n)], pa.int32()),
            "phase": pa.array([1] * n, pa.int32()),
            "url": every.column("url"),
            "source": every.column("source"),
            "cell": [c or CELLS[0] for c in CELL_OF],
            "style": [None if i % 4 else "qa" for i in range(n)],
            "cluster_id": [None if i % 5 == 0 else i % 3 for i in range(n)],
            "token_count": TOKENS,
            "token_hash": pa.array(range(n), pa.uint64()),
            "text": list(TEXTS.values()),
        },
        DRAWN_TEXT,
    )


def stream(pack: Pack, dtype: str = "<u2", masked: bool = False) -> Stream:
    table = drawn().append_column("tokens", pa.array([ids_of(i) for i in range(len(IDS))], pa.large_list(pa.int64())))
    if masked:
        table = table.append_column("loss_mask", pa.array([[k % 2 for k in range(t)] for t in TOKENS]))
    pieces = pa.concat_tables([table.slice(0, 5), table.slice(5)])
    return Stream.of_table(pieces, dtype, pack, EOS)


def written(writer: Writer, *streams: Stream) -> object:
    """Files as any reader sees them, what is said of them, and those of the whole format. Parquet counts by its rows and
    layout, as its bytes name the library; a gzip file by what is in it; others by their bytes.
    """
    found, told = [], []
    for shard, given in enumerate(streams):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            told.append(write_stream(writer, given, folder, shard))
            found += [[name, seen(folder / name)] for name in told[-1]["files"]]
    return [found, told, {name: data.decode() for name, data in writer.finish(told).items()}]


def seen(path: Path) -> object:
    if path.suffix == ".parquet":
        return parquet(path)
    return keys.digest_bytes(gzip.decompress(path.read_bytes())) if path.suffix == ".gz" else keys.digest_file(path)


WAYS = ("DICTIONARY", "BYTE_STREAM_SPLIT")


def parquet(path: Path) -> Sequence[object]:
    file = pq.ParquetFile(path)
    groups = [file.metadata.row_group(g) for g in range(file.num_row_groups)]
    columns = [
        (c.path_in_schema, c.compression, c.statistics is not None, [e for e in WAYS if any(e in x for x in c.encodings)])
        for g in groups
        for c in (g.column(i) for i in range(g.num_columns))
    ]
    return [rows([file.read()]), [g.num_rows for g in groups], columns]


def packed(*packs: Pack, masked: bool = False) -> list[Stream]:
    """Streams of one type of ids; the last of documents, and where a format takes them with masks."""
    return [stream(pack, dtype, masked) for dtype in ("<u2", "<u4") for pack in packs]


@case("writer/climbmix")
def _(store: Store) -> object:
    return written(ClimbMix(row_group_size=4), *packed(Documents()))


@case("writer/climbmix_jsonl")
def _(store: Store) -> object:
    return written(ClimbMixJsonl(), *packed(Documents()))


@case("writer/climblab")
def _(store: Store) -> object:
    return written(ClimbLab(), *packed(Documents()))


@case("writer/nanochat")
def _(store: Store) -> object:
    with tempfile.TemporaryDirectory() as temporary:
        texts = (drawn().select(["text"]).slice(*at) for at in ((0, 4), (4,)))
        names = Nanochat().write_validation(texts, Path(temporary), 7)
        validation = [[name, seen(Path(temporary) / name)] for name in names]
    return [written(Nanochat(), stream(Documents())), validation]


@case("writer/megatron")
def _(store: Store) -> object:
    return written(Megatron(), *packed(Documents(), Concatenate(8), BestFit(8)))


@case("writer/mds")
def _(store: Store) -> object:
    return [written(Mds(), *packed(Documents(), BestFit(8), masked=masked)) for masked in (False, True)]


@case("writer/litdata")
def _(store: Store) -> object:
    return written(LitData(), *packed(Documents(), Concatenate(8, "pad")))


@case("writer/nanoset")
def _(store: Store) -> object:
    return [written(Nanoset(), *packed(Documents(), BestFit(8), masked=masked)) for masked in (False, True)]


@case("writer/npy")
def _(store: Store) -> object:
    return [written(Npy(), *packed(Documents(), Concatenate(8), masked=masked)) for masked in (False, True)]


@case("writer/datasets")
def _(store: Store) -> object:
    return [written(Datasets(), *packed(Documents(), BestFit(8), masked=masked)) for masked in (False, True)]


@case("writer/index")
def _(store: Store) -> object:
    return written(Index(), *(stream(pack) for pack in (Documents(), Concatenate(8), BestFit(8))))


# the tasks ------------------------------------------------------------------------------------------------------------


def shard(store: Store, number: int, pack: Pack) -> Folder:
    """Rows whose ids lie in two folders, written."""
    n, half = len(IDS), 6
    ids = [ids_folder(store, 0, half), ids_folder(store, half, n)]
    starts = np.concatenate([np.cumsum(t) - t for t in (TOKENS[:half], TOKENS[half:])])
    file = [int(ids[i >= half].digest[:16], 16) for i in range(n)]
    where = pa.table([pa.array(file, pa.uint64()), starts], schema=WHERE)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "about.json").write_text("{}")
        tokenizer = store.write_folder("tokenizer", Path(folder), {"dtype": "uint16", "eos_id": EOS})
    given = {"drawn": [store.write_shard("drawn", drawn().select(DRAWN.names))], "tokenizer": [tokenizer]}
    given |= {"where": [store.write_shard("where", where)], "ids": ids}
    record = execute(Task("golden", WriteShard(Lines(), pack, shard_tokens=8), given, store, {"shard": number}))
    (folder,) = record.of("shard")
    return folder


@case("body/write")
def _(store: Store) -> object:
    folders = [shard(store, 3, pack) for pack in (Documents(), Concatenate(8, "pad"), BestFit(8))]
    return [[folder.about, [[name, digest] for name, digest, _ in folder.files]] for folder in folders]


@case("body/finish_format")
def _(store: Store) -> object:
    shards = [shard(store, number, Documents()) for number in (1, 0)]
    held = [documents(("en", "de")), documents(("fr",))]
    return [task(store, FinishFormat(Lines()), shards=shards, **more) for more in ({}, {"holdout": held})]
