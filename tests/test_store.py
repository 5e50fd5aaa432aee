import json
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus import keys
from corpus.errors import StoreError
from corpus.results import Part, Record
from corpus.store import Store, shard_path

TABLE = pa.table({"id": pa.array([b"0" * 16, b"1" * 16], pa.binary(16)),
                  "text": pa.array(["héé", None], pa.large_string())})


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://{tmp_path.name}").prepare()


@pytest.fixture
def local(tmp_path):
    return Store(str(tmp_path / "store")).prepare()


def record(key: str = "ab" * 16, **made) -> Record:
    return Record("step", key, {"operator": "x"}, {"numbers": ["1"]}, (), {"documents": 2}, made, {"partition": 3})


def files(store: Store) -> list[str]:
    root = Path(store.full(""))
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_a_shard_is_named_by_its_content_and_read_back_equal(store):
    shard = store.write_shard("documents", TABLE)
    assert shard.path == f"shards/{shard.digest[:2]}/{shard.digest}.parquet" and shard.digest == keys.digest_table(TABLE)
    assert shard.rows == 2 and shard.bytes == len(store.read_bytes(shard.path))
    assert shard.file_digest == keys.digest_bytes(store.read_bytes(shard.path))
    assert store.read_shard(shard).equals(TABLE)
    assert store.read_shard(shard, ["text"]).column_names == ["text"]


def test_equal_rows_are_one_file_that_is_never_written_again(local):
    first = local.write_shard("a", TABLE)
    before = os.stat(local.full(first.path))
    second = local.write_shard("a", pa.concat_tables([TABLE[:1], TABLE[1:]]))
    after = os.stat(local.full(second.path))
    assert first == second and (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_run_gives_its_partitions_back_one_by_one(store):
    groups = [(Part(2, 0, 1, ("d1",)), TABLE[:1]), (Part(7, 0, 2, ("d2", "d3")), TABLE)]
    run = store.write_run("run", groups, TABLE.schema)
    assert [(p.partition, p.group, p.rows, p.digests) for p in run.parts] == [(2, 0, 1, ("d1",)), (7, 1, 2, ("d2", "d3"))]
    assert store.read_part(run, run.parts[0]).equals(TABLE[:1]) and store.read_part(run, run.parts[1]).equals(TABLE)


def test_runs_of_the_same_rows_cut_otherwise_are_two_files(local):
    one = local.write_run("run", [(Part(0, 0, 2, ("a",)), TABLE)], TABLE.schema)
    two = local.write_run("run", [(Part(0, 0, 1, ("b",)), TABLE[:1]), (Part(1, 0, 1, ("c",)), TABLE[1:])], TABLE.schema)
    assert one.digest == two.digest and one.path != two.path
    assert local.read_part(two, two.parts[1]).equals(TABLE[1:])


def test_an_empty_run_and_an_empty_shard_are_results_too(store):
    assert store.write_run("run", [], pa.schema([])).parts == ()
    assert store.read_shard(store.write_shard("documents", TABLE[:0])).equals(TABLE[:0])


def test_a_folder_is_named_by_its_files_and_given_back_on_this_machine(store, tmp_path):
    made = tmp_path / "model"
    (made / "inner").mkdir(parents=True)
    (made / "inner" / "weights.bin").write_bytes(b"\x00\x01")
    (made / "config.json").write_text("{}")
    folder = store.write_folder("model", made, {"k": 6})
    assert [f[0] for f in folder.files] == ["config.json", "inner/weights.bin"]
    assert folder.bytes == 4 and folder.about == {"k": 6}
    with store.local_folder(folder) as path:
        assert (path / "inner" / "weights.bin").read_bytes() == b"\x00\x01" and (path / "config.json").read_text() == "{}"
    assert store.write_folder("model", made) == folder


def test_a_folder_that_is_taken_over_is_moved_and_not_copied(local):
    with local.new_folder() as made:
        assert made.name.endswith(".part") and Path(local.full("")) in made.parents
        (made / "inner").mkdir()
        (made / "inner" / "ids.bin").write_bytes(b"\x00\x01" * 1000)
        before = os.stat(made / "inner" / "ids.bin").st_ino
        folder = local.write_folder("ids", made, {"tokens": 1000}, take=True)
        assert not (made / "inner" / "ids.bin").exists()
    there = os.stat(local.full(f"{folder.path}/inner/ids.bin"))
    assert there.st_ino == before and there.st_mode & 0o777 == 0o444
    assert folder.files == (("inner/ids.bin", keys.digest_bytes(b"\x00\x01" * 1000), 2000),)
    assert not made.exists() and local.intact([folder])


def test_a_folder_that_is_there_already_is_left_as_it_is(store):
    for _ in range(2):
        with store.new_folder() as made:
            (made / "x").write_bytes(b"1")
            folder = store.write_folder("model", made, take=True)
        assert store.read_bytes(f"{folder.path}/x") == b"1"


def test_an_error_in_a_new_folder_leaves_nothing_of_it(local):
    with pytest.raises(OSError), local.new_folder() as made:
        (made / "x").write_bytes(b"1")
        raise OSError("No space left on device")
    assert files(local) == ["FORMAT"]


def test_a_process_killed_while_making_a_folder_leaves_it_under_a_part_name(tmp_path):
    script = f"""
import os, signal
from corpus.store import Store
with Store({str(tmp_path)!r}).prepare().new_folder() as made:
    (made / "ids.bin").write_bytes(b"1")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == -9
    left = [f for f in files(Store(str(tmp_path))) if f != "FORMAT"]
    assert len(left) == 1 and left[0].split("/")[1].endswith(".part")


def test_ranges_of_files_are_read_without_the_rest(store):
    store.write_bytes("a", bytes(range(100)))
    store.write_bytes("b", bytes(range(100, 200)))
    assert store.read_ranges(["a", "b", "a"], [0, 5, 98], [2, 8, 100]) == [b"\x00\x01", bytes([105, 106, 107]), b"bc"]


def test_columns_and_folders_are_known_without_reading_them(store):
    shard = store.write_shard("rows", pa.table({"a": [1], "b": ["x"]}))
    assert store.columns(shard) == ["a", "b"] and shard.path == shard_path(shard.digest)
    with store.new_folder() as folder:
        (folder / "about.json").write_text("{}")
        made = store.write_folder("model", folder)
    found = store.folder_of("model", made.digest)
    assert (found.path, [name for name, _, _ in found.files]) == (made.path, ["about.json"])
    with store.local_folder(found) as here:
        assert (here / "about.json").read_text() == "{}"
    assert store.folder_of("model", "0" * 32) is None


def test_sizes_are_of_all_files_below(store):
    store.write_bytes("builds/x/a", b"1")
    store.write_bytes("builds/x/c/d", b"22")
    assert store.sizes("builds/x") == {"a": 1, "c/d": 2} and store.sizes("builds/y") == {}


def test_a_record_is_given_back_as_it_was_committed(store):
    assert store.record("ab" * 16) is None
    assert store.commit(record(seconds=1.5)) == store.record("ab" * 16) == record(seconds=1.5)


def test_the_first_committed_record_is_the_result(store):
    assert store.commit(record(by=1)).made == {"by": 1}
    assert store.commit(record(by=2)).made == {"by": 1}
    assert store.record("ab" * 16).made == {"by": 1}


def test_of_many_at_once_one_record_wins_and_all_see_it(local):
    found: list[dict] = []
    barrier = threading.Barrier(8)

    def commit(n: int) -> None:
        barrier.wait()
        found.append(local.commit(record(by=n)).made)

    threads = [threading.Thread(target=commit, args=(n,)) for n in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 8 and all(made == local.record("ab" * 16).made for made in found)
    assert not [f for f in files(local) if f.endswith(".part")]


def test_what_is_half_written_is_never_read(local):
    path = "tasks/ab/" + "ab" * 16 + ".json"
    Path(local.full("tasks/ab")).mkdir(parents=True)
    Path(local.full(path + ".12-00000000.part")).write_text('{"step": "st')
    assert local.record("ab" * 16) is None and not local.exists(path)
    shard_path = f"shards/{keys.digest_table(TABLE)[:2]}/{keys.digest_table(TABLE)}.parquet"
    Path(local.full(shard_path)).parent.mkdir(parents=True)
    Path(local.full(shard_path + ".12-00000000.part")).write_bytes(b"PAR1")
    shard = local.write_shard("documents", TABLE)
    assert local.read_shard(shard).equals(TABLE) and local.commit(record()) == record()


def test_a_process_killed_while_writing_leaves_no_file_of_that_name(tmp_path):
    script = f"""
import os, signal
import pyarrow as pa, pyarrow.parquet as pq
from corpus.store import Store
store = Store({str(tmp_path)!r}).prepare()
print("ready", flush=True)
fsync, written = os.fsync, []
os.fsync = lambda fd: (fsync(fd), os.kill(os.getpid(), signal.SIGKILL))
store.write_shard("documents", pa.table({{"n": list(range(1000))}}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -9 and "ready" in done.stdout
    left = files(Store(str(tmp_path)))
    assert [f for f in left if not f.endswith(".part")] == ["FORMAT"] and len([f for f in left if f.endswith(".part")]) == 1


def test_an_error_while_writing_publishes_nothing(local):
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises((TypeError, pa.ArrowNotImplementedError)):
        local.write_shard("documents", pa.table({"u": union}))
    assert files(local) == ["FORMAT"]


def test_a_store_is_checked_for_its_format_and_for_leave_to_write(tmp_path):
    store = Store(str(tmp_path / "a")).prepare()
    assert json.loads(store.read_bytes("FORMAT")) == {"format": 2} and files(store.prepare()) == ["FORMAT"]
    store.write_json("FORMAT", {"format": 99})
    with pytest.raises(StoreError, match="has format .*99.*; this release reads 2"):
        store.prepare()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        Store(str(tmp_path / "file" / "store")).prepare()


def test_a_store_travels_as_its_url(store):
    store.exists("FORMAT")
    assert pickle.loads(pickle.dumps(store)) == store and b"FileSystem" not in pickle.dumps(store)


def test_a_log_grows_by_lines(store):
    store.append("builds/x/events.jsonl", '{"a": 1}')
    store.append("builds/x/events.jsonl", '{"a": 2}')
    assert store.read_bytes("builds/x/events.jsonl") == b'{"a": 1}\n{"a": 2}\n'


def test_removing_what_is_not_there_is_no_error(store):
    store.remove("nothing/here")
    store.write_bytes("something", b"1")
    store.remove("something")
    assert not store.exists("something") and store.read_bytes("something") is None


def test_any_parquet_reader_can_read_a_shard(local):
    shard = local.write_shard("documents", TABLE)
    assert pq.ParquetFile(local.full(shard.path)).metadata.row_group(0).column(1).compression == "ZSTD"
