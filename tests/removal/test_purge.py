"""Purging a store of a few hand-made steps: what builds name is masked, what nobody names goes, and a kill is made good."""

import json

import numpy as np
import pyarrow as pa
import pytest

from corpus import results
from corpus.document import DOCUMENT, ID, RAW
from corpus.errors import CorpusError
from corpus.ghosts import PURGED, masked, purged
from corpus.removal.purge import models_that_saw, purge
from corpus.removal.tombstones import add, ghost_rows
from corpus.results import Record
from corpus.sources.ingest import without
from corpus.store import Store


def ident(i):
    return bytes([i]) * 16


def ids(*numbers):
    return pa.array([ident(i) for i in numbers], ID)


GONE = ids(1)


def documents(*numbers):
    n = len(numbers)
    return pa.table([ids(*numbers), [f"secret {i}" for i in numbers], ["web"] * n, [f"u{i}" for i in numbers], [None] * n],
                    schema=DOCUMENT)


def raw(*numbers):
    rows = [{"id": ident(i), "payload": b"secret %d" % i, "offset": i, "file": "f"} for i in numbers]
    return pa.Table.from_pylist([dict.fromkeys(RAW.names) | row for row in rows], RAW)


class Small:
    """A store in which a build has a raw shard, documents, tokens, a written shard and a model."""

    def __init__(self, folder):
        self.folder, self.store = folder, Store(str(folder / "store")).prepare()

    def task(self, step, key, inputs, *outputs):
        self.store.commit(Record(step, key, {"operator": step}, inputs, outputs, {}, {"when": "", "seconds": 0}))
        self.store.write_json(f"steps/{key[:2]}/{key}.json", {"step": step, "tasks": [
            {"key": key, "outputs": [results.item_to_json(o) for o in outputs], "counts": {}}]})
        return {"stage": step.split(".")[0], "key": key, "identity": {}, "tasks": [key]}

    def state(self, build, **entries):
        self.store.write_json(f"builds/{build}/state.json", {"schema": 1, "steps": entries})

    def file(self, name, data, **about):
        folder = self.folder / "new"
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        (folder / "file.bin").write_bytes(data)
        return self.store.write_folder(name, folder, about)

    def ids(self, *numbers):
        flat = np.repeat(np.array([i + 100 for i in numbers], "<u2"), 3)
        counts = pa.table({"id": ids(*numbers), "token_count": pa.array([3] * len(numbers), pa.int64())})
        return self.store.write_shard("tokens", counts), self.file("ids", flat.tobytes(), dtype="uint16")


@pytest.fixture
def small(tmp_path):
    return Small(tmp_path)


def line(small, build, *numbers, mark=""):
    """A build's steps over some documents; the models of the lock are fitted on them."""
    store = small.store
    first, second = store.write_shard("raw", raw(0, 1, 2)), store.write_shard("documents", documents(*numbers))
    tokens, flat = small.ids(*numbers)
    drawn = store.write_shard("drawn", documents(*numbers).select(["id", "url"]))
    written = small.file("shard", b"secret " + bytes(numbers), format="climbmix", shard=0)
    model = small.file("centroids", b"a model" + build.encode())
    keys = {n: f"{n}{build}{mark}{''.join(map(str, numbers))}" for n in ("r", "d", "t", "p", "w", "m")}
    small.state(
        build,
        ingest=small.task("ingest", keys["r"], {}, first),
        extract=small.task("extract", keys["d"], {"raw": [first.digest]}, second),
        tokens=small.task("annotate.tokens", keys["t"], {"documents": [second.digest]}, tokens, flat),
        place=small.task("shards.place", keys["p"], {"tokens": [tokens.digest]}, drawn),
        written=small.task("shards.climbmix", keys["w"], {"drawn": [drawn.digest]}, written))
    small.task("cluster", keys["m"], {"documents": [second.digest]}, model)
    store.write_json(f"builds/{build}/BUILD.lock", {"schema": 1, "models": {"cluster.centroids": {
        "asked": "", "task": keys["m"], "outputs": [results.item_to_json(model)]}}})
    store.write_bytes(f"builds/{build}/shards/climbmix/file.bin", b"secret " + bytes(numbers))
    return {"raw": first, "documents": second, "tokens": tokens, "ids": flat, "drawn": drawn, "written": written}


def everything(small):
    return {str(p.relative_to(small.folder)): p.read_bytes() for p in (small.folder / "store").rglob("*") if p.is_file()}


def test_what_the_build_names_is_masked_and_what_it_no_longer_names_is_deleted(small):
    before = line(small, "b", 0, 1, 2)
    after = line(small, "b", 0, 2)                       # made again without document 1; the raw shard stays
    store = small.store
    done = purge(store, GONE, "b")
    assert done.masked == [after["raw"].path] and done.builds == [] and done.documents == 1
    assert set(done.deleted) == {before[n].path for n in ("documents", "tokens", "ids", "drawn", "written")}
    assert all(store.exists(after[n].path) for n in after)
    rows = store.read_shard(after["raw"]).to_pylist()
    assert [r["payload"] for r in rows] == [b"secret 0", None, b"secret 2"] and rows[1]["problem"] == "removed"
    record = store.record("rb02")
    assert record is not None and record.outputs[0].file_digest != after["raw"].file_digest
    assert record.outputs[0].digest == after["raw"].digest and masked(store) == {after["raw"].digest}


def test_another_build_keeps_its_rows_masked_and_loses_the_written_shards_that_held_it(small):
    other = line(small, "other", 0, 1, 2)
    line(small, "b", 0, 2)
    store = small.store
    done = purge(store, GONE, "b")
    assert done.builds == ["other"] and not store.exists("builds/other/shards/climbmix/file.bin")
    assert store.exists("builds/b/shards/climbmix/file.bin")
    assert [r["text"] for r in store.read_shard(other["documents"]).to_pylist()] == ["secret 0", "", "secret 2"]
    ids_bin = np.frombuffer(store.read_bytes(f"{other['ids'].path}/file.bin"), "<u2").tolist()
    assert ids_bin == [100] * 3 + [0] * 3 + [102] * 3
    record = store.record("tother012")
    assert record is not None and record.outputs[1].files != other["ids"].files
    assert models_that_saw(store, GONE, "other") == [
        {"step": "cluster.centroids", "digest": results.item_from_json(
            store.read_json("builds/other/BUILD.lock")["models"]["cluster.centroids"]["outputs"][0]).digest}]
    assert models_that_saw(store, GONE, "b") == []


def test_what_another_build_has_of_it_in_a_holdout_goes_and_a_file_of_the_same_name_stays(small):
    line(small, "other", 0, 1, 2)
    line(small, "b", 0, 2)
    store = small.store
    store.write_bytes("builds/other/shards/climbmix/file.bin", b"of other documents")
    store.write_bytes("builds/other/holdout-val/climbmix/file.bin", b"secret " + bytes([0, 1, 2]))
    assert purge(store, GONE, "b").builds == ["other"]
    assert not store.exists("builds/other/holdout-val/climbmix/file.bin")
    assert store.exists("builds/other/shards/climbmix/file.bin")


def test_what_a_kill_has_left_half_written_goes(small):
    line(small, "b", 0, 2)
    left = ["folders/new-1.part/shard/file.bin", "shards/ab/abc.parquet.7-cd.part", "builds/b/report.html.7-cd.part"]
    for path in left:
        small.store.write_bytes(path, b"secret 1")
    assert set(left) <= set(purge(small.store, GONE, "b").deleted)
    assert b"secret 1" not in b"".join(everything(small).values())


def test_ids_that_a_build_has_of_equal_texts_stay_where_these_stay(small):
    old = line(small, "b", 0, 1, 2)
    twin = small.store.write_shard("tokens", pa.table({"id": ids(5, 6, 7), "token_count": pa.array([3] * 3, pa.int64())}))
    flat = small.ids(0, 1, 2)[1]                                # other documents with the same ids of tokens
    small.state("twin", tokens=small.task("annotate.tokens", "ttwin", {"documents": ["0" * 32]}, twin, flat))
    line(small, "b", 0, 2)
    purge(small.store, GONE, "b")
    assert flat.path == old["ids"].path
    there = np.frombuffer(small.store.read_bytes(f"{flat.path}/file.bin"), "<u2")
    assert there.tolist() == [100] * 3 + [101] * 3 + [102] * 3


def test_a_document_that_went_alone_is_known_by_its_id_and_not_by_its_bytes(small):
    line(small, "b", 0, 2)
    add(small.store, "b", ghost_rows(pa.table({"id": GONE})), [])
    purge(small.store, GONE, "b")
    twin = raw(1).set_column(0, "id", ids(7))
    found = without(pa.concat_tables([raw(1), twin]), purged(small.store)["documents"])
    assert found.column("payload").to_pylist() == [None, b"secret 1"]


def test_a_second_purge_changes_nothing(small):
    line(small, "other", 0, 1, 2)
    line(small, "b", 0, 2)
    purge(small.store, GONE, "b")
    before = everything(small)
    done = purge(small.store, GONE, "b")
    assert everything(small) == before and not done.deleted and not done.masked and not done.renewed


@pytest.mark.parametrize("writes", range(1, 12))
def test_a_purge_that_is_ended_anywhere_is_finished_by_the_next(small, writes, monkeypatch):
    line(small, "b", 0, 1, 2)
    line(small, "other", 0, 1, 2)
    line(small, "b", 0, 2)
    left = [writes]

    class Ended(CorpusError):
        pass

    def counted(method):
        def call(self, *args, **kwargs):
            if left[0] == 0:
                raise Ended
            left[0] -= 1
            return method(self, *args, **kwargs)

        return call

    with monkeypatch.context() as m:
        for name in ("write_bytes", "remove", "remove_tree"):
            m.setattr(Store, name, counted(getattr(Store, name)))
        try:
            purge(small.store, GONE, "b")
        except Ended:
            pass
    purge(small.store, GONE, "b")
    alone = Small(small.folder / "alone")
    line(alone, "b", 0, 1, 2)
    line(alone, "other", 0, 1, 2)
    line(alone, "b", 0, 2)
    purge(alone.store, GONE, "b")
    here, there = ({name: data for name, data in everything(s).items() if name.endswith((".bin", ".parquet"))}
                   for s in (small, alone))
    assert {n.removeprefix("store/") for n in here if "alone" not in n} == {n.removeprefix("store/") for n in there}
    for key in ("rother012", "tother012", "rb02"):
        assert small.store.record(key) is not None, "a record does not say what its files are now"


def test_ghosts_keep_their_signatures(small):
    line(small, "b", 0, 2)
    rows = ghost_rows(pa.table({"id": GONE, "text_digest": ids(9)}))
    add(small.store, "b", rows, [])
    purge(small.store, GONE, "b")
    shard = results.item_from_json(small.store.read_json("tombstones/index.json")["documents"])
    assert small.store.read_shard(shard).column("text_digest").to_pylist() == [ident(9)]


def test_an_ingest_after_a_purge_brings_nothing_back_by_id_or_by_bytes(small):
    line(small, "b", 0, 2)
    purge(small.store, GONE, "b")
    gone = purged(small.store)["documents"]
    again = raw(0, 1, 2)
    payloads = pa.array([b"secret 0", b"other bytes", b"secret 1"], pa.large_binary())
    again = again.set_column(0, "id", ids(0, 1, 7)).set_column(again.column_names.index("payload"), "payload", payloads)
    found = without(again, gone)
    assert found.schema == RAW and found.column("payload").to_pylist() == [b"secret 0", None, None]
    assert found.column("problem").to_pylist() == [None, "removed", "removed"]
    assert without(raw(0, 2), gone) == raw(0, 2)
    assert json.loads(small.store.read_bytes(PURGED))["schema"] == 1
