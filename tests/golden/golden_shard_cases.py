"""Golden cases of mixtures that need no solver, the draw, the placing in shards, and the formats."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from golden_inputs import CELL_OF, CELLS, IDS, TEXTS, TOKENS, documents, index, with_ids
from golden_table import case, exchanged, rows, task

from corpus import keys
from corpus.document import ID
from corpus.mixture.draw import PLAN, SolveDraw
from corpus.mixture.place import Place, drawn_schema
from corpus.mixture.space import Space
from corpus.operators import Writer
from corpus.optimize.base import Journal, Method, Problem
from corpus.optimize.untrained import Given, Natural, Uniform, UniMax
from corpus.store import Store
from corpus.tasks import Task, execute
from corpus.writers.climbmix import ClimbMix
from corpus.writers.megatron import Megatron
from corpus.writers.nanochat import Nanochat
from corpus.writers.write import WriteShard


@dataclass(frozen=True)
class Lines(Writer):
    """One line a document."""

    name = "lines"

    def write(self, rows: pa.Table, folder: Path, shard: int) -> list[str]:
        (folder / f"{shard}.txt").write_text("".join(f"{t}\n" for t in rows.column("tokens").to_pylist()), encoding="utf-8")
        return [f"{shard}.txt"]


# mixtures -------------------------------------------------------------------------------------------------------------


def recommended(method: Method, epochs: float = 4.0) -> object:
    tokens = {"a": 1 << 12, "b": 1 << 10, "c": 1 << 13, "d": 1 << 9}
    space = Space.from_caps(tokens, 1 << 11, epochs)
    found = method.open(Problem(space, tuple(tokens.values()), 1 << 11, epochs), Journal()).recommend()
    return {cell: round(weight, 9) for cell, weight in found.weights.items()}


@case("optimizer/natural")
def _(store: Store) -> object:
    return recommended(Natural())


@case("optimizer/uniform")
def _(store: Store) -> object:
    return recommended(Uniform())


@case("optimizer/unimax")
def _(store: Store) -> object:
    return recommended(UniMax(), epochs=0.5)


@case("optimizer/given")
def _(store: Store) -> object:
    return recommended(Given((("a", 0.5), ("c", 0.375), ("d", 0.125))))


@case("body/draw")
def _(store: Store) -> object:
    mixture = pa.table({"cell": CELLS, "weight": [0.5, 0.125, 0.375]})
    every = {"index": [index().slice(0, 9), index().slice(9)], "mixture": mixture}
    drawn = [
        task(store, SolveDraw((), budget, 4, 5, epochs, shortfall), **every)
        for budget, epochs, shortfall in ((40, 4.0, "refuse"), (160, 2.0, "shrink"), (160, 2.0, "redistribute"))
    ]
    given = SolveDraw((("d00/web", 0.75), ("d01/web", 0.25)), 30, 4, 5)
    cells = pa.table({"cell": CELLS, "documents": [5, 5, 4], "tokens": [40, 32, 32]})
    return [*drawn, task(store, given, index=index(), cells=cells)]


@case("exchange/place")
def _(store: Store) -> object:
    plan = pa.Table.from_pylist(
        [
            {"cell": cell, "whole": whole, "threshold": threshold, "threshold_id": IDS[7], "seed": 5, "shards": 3}
            for cell, whole, threshold in zip(CELLS, (0, 1, 3), (0.625, 0.25, None))
        ],
        PLAN,
    )
    tokens = pa.table(
        [pa.array(IDS, ID), pa.array([[i] * n for i, n in enumerate(TOKENS)], pa.large_list(pa.uint16())), pa.array(TOKENS)],
        ["id", "tokens", "token_count"],
    )
    domains = with_ids("cluster", pa.array([None if i == 1 else f"c{i % 4:02d}" for i in range(len(IDS))]))
    every = {"documents": documents(), "index": index(), "tokens": tokens, "domains": domains}
    halves = [{name: table.slice(*at) for name, table in every.items()} | {"plan": plan} for at in ((0, 6), (6,))]
    return exchanged(store, Place(3, seed=5, text=True), halves)


# writers --------------------------------------------------------------------------------------------------------------


def drawn() -> pa.Table:
    """A drawn shard, in two pieces."""
    n = len(IDS)
    every = documents()
    table = pa.table(
        {
            "order": pa.array([i * i for i in range(n)], pa.uint64()),
            "id": every.column("id"),
            "copy": pa.array([i % 2 for i in range(n)], pa.int32()),
            "url": every.column("url"),
            "source": every.column("source"),
            "cell": [c or CELLS[0] for c in CELL_OF],
            "cluster_id": [None if i % 5 == 0 else i % 3 for i in range(n)],
            "token_count": TOKENS,
            "tokens": [[i] * (t - 1) + [50256] for i, t in enumerate(TOKENS)],
            "text": list(TEXTS.values()),
        },
        drawn_schema(pa.uint16(), text=True),
    )
    return pa.concat_tables([table.slice(0, 5), table.slice(5)])


def written(writer: Writer) -> object:
    """Files as any reader sees them: Parquet by its rows and layout, as its bytes name the library; others by bytes."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in writer.write(drawn(), Path(folder), 3):
            path = Path(folder) / name
            found.append([name, parquet(path) if name.endswith(".parquet") else keys.digest_file(path)])
    return found


def parquet(path: Path) -> Sequence[object]:
    file = pq.ParquetFile(path)
    groups = [file.metadata.row_group(g) for g in range(file.num_row_groups)]
    columns = [
        (c.path_in_schema, c.compression, c.statistics is not None, any("DICTIONARY" in e for e in c.encodings))
        for g in groups
        for c in (g.column(i) for i in range(g.num_columns))
    ]
    return [rows([file.read()]), [g.num_rows for g in groups], columns]


@case("writer/climbmix")
def _(store: Store) -> object:
    return written(ClimbMix(row_group_size=4))


@case("writer/nanochat")
def _(store: Store) -> object:
    return written(Nanochat())


@case("writer/megatron")
def _(store: Store) -> object:
    return written(Megatron())


@case("body/write")
def _(store: Store) -> object:
    record = execute(
        Task("golden", WriteShard(Lines()), {"drawn": [store.write_shard("drawn", drawn())]}, store, {"shard": 3})
    )
    (folder,) = record.of("shard")
    return [folder.about, [[name, digest] for name, digest, _ in folder.files], record.counts]
