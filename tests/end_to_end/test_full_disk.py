"""A disk that fills while a build writes: it stops with the line that resumes it, nothing half written is read as whole, and
with space again the same command comes to the same end.

The disk is a small tmpfs where root may mount one; elsewhere a bound on the size of files stands for it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from compiled import Line, corpus

from corpus import keys
from corpus.results import Folder, Shard, from_json
from corpus.store import Store

MIB = 1 << 20


class Disk:
    """A file system of `size` bytes; `fill` leaves some bytes of it."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.ballast = folder, folder / "ballast"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int) -> None:
        with open(self.ballast, "wb") as stream:
            os.posix_fallocate(stream.fileno(), 0, max(1, self.free - leave))

    def empty(self) -> None:
        self.ballast.unlink(missing_ok=True)

    def close(self) -> None:
        subprocess.run(["umount", "-l", self.folder], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk takes root")
    try:
        made = Disk(tmp_path / "disk", 64 * MIB)
    except subprocess.CalledProcessError:
        pytest.skip("this machine mounts no tmpfs")
    yield made
    made.close()


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path, shards=["climbmix", "megatron"])


def forget(store: Store, name: str, steps: tuple[str, ...]) -> None:
    """Takes away all that some steps left (manifests, records, outputs that no other step has), and the exports."""
    state = store.read_json(f"builds/{name}/state.json")["steps"]
    gone = [entry for step, entry in state.items() if step.startswith(steps)]
    stays = {o.path for step, entry in state.items() if not step.startswith(steps) for o in outputs(store, entry["tasks"])}
    for entry in gone:
        for output in outputs(store, entry["tasks"]):
            if output.path not in stays:
                (store.remove_tree if isinstance(output, Folder) else store.remove)(output.path)
        for task in entry["tasks"]:
            store.remove(f"tasks/{task[:2]}/{task}.json")
        store.remove(f"steps/{entry['key'][:2]}/{entry['key']}.json")
    shutil.rmtree(store.full(f"builds/{name}/shards"))


def outputs(store: Store, tasks: list[str]) -> list[Shard | Folder]:
    found = [store.read_json(f"tasks/{task[:2]}/{task}.json") for task in tasks]
    return [o for record in found if record is not None for o in from_json(record).outputs]


@contextlib.contextmanager
def flipped(file: Path) -> Iterator[None]:
    """One bit in the middle of a file is another for as long as this lasts."""
    data = bytearray(file.read_bytes())
    os.chmod(file, 0o644)
    data[len(data) // 2] ^= 4
    file.write_bytes(data)
    yield
    data[len(data) // 2] ^= 4
    file.write_bytes(data)


def half_written(store: Store) -> list[str]:
    """Whatever a record or a name vouches for and is not so: outputs that are short, shards that are not their digest."""
    wrong = []
    for path in Path(store.full("tasks")).rglob("*.json"):
        record = from_json(json.loads(path.read_text()))
        wrong += [o.path for o in record.outputs if not store.intact([o])]
    for path in Path(store.full("shards")).rglob("*.parquet"):
        if keys.digest_table(pq.read_table(path, partitioning=None)) != path.stem:
            wrong.append(str(path))
    for path in Path(store.full("")).rglob("*.json"):
        if path.name != "report.json" and not path.read_text().strip():
            wrong.append(str(path))
    return wrong


def test_a_disk_that_fills_stops_the_build_and_space_lets_the_same_command_finish(disk, line):
    path = line.save(store=str(disk.folder / "store"))
    build = ("build", path.name, "--on", "inline")
    assert corpus(*build, cwd=line.folder)[0] == 0
    store = Store(str(disk.folder / "store"))
    receipt = store.read_json("builds/mix/receipt.json")["digest"]
    files = {f: f.stat().st_size for f in Path(store.full("builds/mix/shards")).rglob("*") if f.is_file()}
    written = ("shards.climbmix", "shards.megatron", "shards.index")
    for steps, leave, where in (
        (("annotate.tokens", "shards."), 24 << 10, "step 'annotate.tokens'"),
        (("shards.",), 40 << 10, "step 'shards.place"),
        (written, 24 << 10, "step 'shards.climbmix'"),
        ((), 8 << 10, ""),                              # the exports are links; it is the receipt that has no room
    ):
        forget(store, "mix", steps)
        disk.fill(leave)
        code, _, err = corpus(*build, cwd=line.folder)
        assert code == 1 and where in err and os.strerror(errno.ENOSPC).lower() in err.lower(), err
        assert f"resume with: corpus build {path.name} --on inline" in err
        assert half_written(store) == []
        if steps:
            assert corpus("shards", "verify", path.name, cwd=line.folder)[0] == 1     # never taken for whole
        assert corpus("status", path.name, cwd=line.folder)[0] == 0
        disk.empty()
        assert corpus(*build, cwd=line.folder)[0] == 0
        assert store.read_json("builds/mix/receipt.json")["digest"] == receipt
        assert {f: f.stat().st_size for f in files if f.exists()} == files
        assert corpus("shards", "verify", path.name, cwd=line.folder)[0] == 0
        assert not [p for p in Path(store.full("")).rglob("*.part*")]


@pytest.mark.slow
def test_a_copy_of_shards_onto_a_full_disk_leaves_no_receipt_that_vouches_for_them(disk, line):
    path = line.save()
    disk.fill(60 * 1024)
    target = disk.folder / "copy"
    code, _, err = corpus("shards", "write", path.name, "--on", "inline", "--to", target, cwd=line.folder)
    assert code == 1 and os.strerror(errno.ENOSPC) in err and "resume with: corpus shards write" in err
    assert not (target / "receipt.json").exists() or (target / "receipt.json").stat().st_size == 0
    assert corpus("shards", "verify", target, cwd=line.folder)[0] != 0
    disk.empty()
    assert corpus("shards", "write", path.name, "--on", "inline", "--to", target, cwd=line.folder)[0] == 0
    assert corpus("shards", "verify", target, cwd=line.folder)[0] == 0


def test_files_that_may_not_grow_stop_the_build_alike(line):
    path = line.save()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12 * 1024, before[1]))
    try:
        code, _, err = corpus("build", path.name, "--on", "inline", cwd=line.folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert code == 1 and "resume with: corpus build" in err
    store = Store(str(line.folder / "store"))
    assert half_written(store) == []
    assert corpus("build", path.name, "--on", "inline", cwd=line.folder)[0] == 0
    assert corpus("shards", "verify", path.name, cwd=line.folder)[0] == 0


def test_one_flipped_bit_is_named_in_an_export_and_in_a_frozen_shard(line):
    path = line.save()
    assert corpus("build", path.name, "--on", "inline", cwd=line.folder)[0] == 0
    shards = line.folder / "store/builds/mix/shards"
    for file in sorted(f for f in shards.rglob("*") if f.is_file())[::3]:
        with flipped(file):
            code, out, err = corpus("shards", "verify", path.name, cwd=line.folder)
            assert code == 1 and file.relative_to(shards).as_posix() in out + err
    assert corpus("shards", "verify", path.name, cwd=line.folder)[0] == 0
    store = Store(str(line.folder / "store"))
    frozen = next(o for o in outputs(store, store.read_json("builds/mix/state.json")["steps"]["freeze"]["tasks"]))
    with flipped(Path(store.full(frozen.path))):
        code, out, err = corpus("doctor", path.name, "--deep", cwd=line.folder)
        assert code != 0 and frozen.path in out + err
