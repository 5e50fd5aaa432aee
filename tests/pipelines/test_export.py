from __future__ import annotations

from pathlib import Path

import pytest

from corpus.results import Folder
from corpus.store import Store
from pipelines.export import export
from pipelines.step import Result


@pytest.fixture(params=["local", "memory"])
def store(request, tmp_path):
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://export-{tmp_path.name}").prepare()


def folder_of(store: Store, files: dict[str, bytes]) -> Folder:
    with store.new_folder() as folder:
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return store.write_folder("shard", folder, {}, take=True)


def there(store: Store) -> dict[str, bytes]:
    root = "builds/b/shards"
    return {name: store.read_bytes(f"{root}/{name}") for name in sorted(store.sizes(root))}


def result(*folders: Folder) -> Result:
    return Result("s", folders)


def test_formats_may_have_folders_of_their_own_and_files_of_the_whole(store):
    one, two = (folder_of(store, {f"cluster_{c}/s{n}.bin": b"%d%d" % (n, c) for c in (1, 2)}) for n in (0, 1))
    index = folder_of(store, {"index.json": b"{}"})
    assert export(store, "b", {"climblab": result(one, two)}, {"climblab": result(index)}) == 5
    assert there(store) == {"climblab/cluster_1/s0.bin": b"01", "climblab/cluster_1/s1.bin": b"11",
                            "climblab/cluster_2/s0.bin": b"02", "climblab/cluster_2/s1.bin": b"12",
                            "climblab/index.json": b"{}"}
    assert export(store, "b", {"climblab": result(one, two)}, {"climblab": result(index)}) == 0


def test_what_an_earlier_mixture_left_is_taken_away(store):
    one, two = folder_of(store, {"a/x": b"1", "a/y": b"2"}), folder_of(store, {"b": b"3"})
    export(store, "b", {"f": result(one), "g": result(two)})
    assert export(store, "b", {"f": result(two)}) == 3
    assert there(store) == {"f/b": b"3"}
    if store.is_local:
        assert [p.name for p in Path(store.full("builds/b/shards/f")).iterdir()] == ["b"]


def test_a_file_that_was_changed_is_put_back(tmp_path):
    store = Store(str(tmp_path / "store")).prepare()
    folder = folder_of(store, {"x": b"123"})
    export(store, "b", {"f": result(folder)})
    place = Path(store.full("builds/b/shards/f/x"))
    place.unlink()
    place.write_bytes(b"124")
    assert export(store, "b", {"f": result(folder)}) == 1 and place.read_bytes() == b"123"


def test_a_format_without_files_of_the_whole_has_none(store):
    folder = folder_of(store, {"x": b"1"})
    export(store, "b", {"f": result(folder)}, {"f": result()})
    assert there(store) == {"f/x": b"1"}
