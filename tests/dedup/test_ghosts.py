"""Removed and held-out documents as an older build's."""

import pyarrow as pa
import pytest

from corpus.dedup.ghosts import GhostShingles
from corpus.dedup.shingle import SHINGLES, Shingle
from corpus.document import ID
from corpus.ghosts import GHOST
from corpus.removal.tombstones import ghost_rows, rule_rows
from corpus.store import Store
from corpus.tasks import Task, execute


def ident(i):
    return bytes([i]) * 16


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path)).prepare()


def run(store, *tables):
    items = [store.write_shard("ghosts", table) for table in tables]
    record = execute(Task("dedup.ghosts", GhostShingles(), {"ghosts": items}, store))
    return [store.read_shard(record.of(name)[0]) for name in ("shingles", "groups")]


def test_ghosts_with_shingles_are_kept_documents_each_once_in_the_order_of_ids(store):
    signed = Shingle().of(pa.array([ident(9), ident(2)], ID), ["one two three four five six", "seven eight nine ten"])
    alone = ghost_rows(pa.table({"id": pa.array([ident(1)], ID)}))
    shingles, groups = run(store, pa.concat_tables([ghost_rows(signed), alone, rule_rows([{"host": "a.example"}])]),
                           ghost_rows(signed.slice(0, 1)))
    assert shingles.schema == SHINGLES and shingles.column("id").to_pylist() == [ident(2), ident(9)]
    assert shingles.column("shingles")[1] == signed.column("shingles")[0]
    assert groups.column("id") == shingles.column("id") and groups.column("kept").to_pylist() == [True, True]


def test_none_with_shingles_is_an_empty_table(store):
    shingles, groups = run(store, GHOST.empty_table())
    assert shingles.num_rows == groups.num_rows == 0 and shingles.schema == SHINGLES
