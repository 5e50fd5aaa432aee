import signal
import sys

import pytest

from corpus.store import Store
from corpus.tasks import execute
from corpus.testing.bodies import square_tasks
from corpus.testing.kills import differences, half_files, run_and_kill, stamps


def test_a_command_is_killed_with_all_that_it_started(tmp_path):
    child = f"import time, pathlib; time.sleep(2); pathlib.Path({str(tmp_path / 'survived')!r}).touch()"
    script = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(30)"
    assert run_and_kill([sys.executable, "-c", script], 1.0) == -signal.SIGKILL
    assert run_and_kill([sys.executable, "-c", "import time; time.sleep(1.5)"]) == 0
    assert not (tmp_path / "survived").exists()


def test_a_command_that_ends_before_its_time_keeps_its_exit_code(tmp_path):
    assert run_and_kill([sys.executable, "-c", "print('x'); exit(3)"], 20.0, log=tmp_path / "log") == 3
    assert (tmp_path / "log").read_text() == "x\n"


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "store")).prepare()
    for task in square_tasks(store, 3):
        execute(task)
    return store


def test_a_stamp_changes_with_whoever_writes_the_record_again(store):
    before = stamps(store)
    assert len(before) == 3 and stamps(store) == before
    key = next(iter(before))
    store.write_bytes(f"tasks/{key[:2]}/{key}.json", store.read_bytes(f"tasks/{key[:2]}/{key}.json"))
    assert [k for k, stamp in stamps(store).items() if before[k] != stamp] == [key]


def test_half_files_and_outputs_that_are_gone_are_found(store):
    assert half_files(store) == []
    record = store.record(next(iter(stamps(store))))
    store.remove(record.outputs[0].path)
    store.write_bytes("shards/zz/half.parquet", b"PAR1...")
    store.write_bytes("tasks/zz/half.json", b'{"step": ')
    store.write_bytes("tasks/zz/other.json.1-2.part", b"{")
    found = half_files(store)
    assert len(found) == 3
    assert "half.parquet" in found[0] and "is not what it says" in found[1] + found[2] and "half.json" in found[1] + found[2]


def test_differing_steps_are_named_in_the_order_of_the_build():
    a, b = {"ingest": 1, "filter": 2, "embed": 3}, {"ingest": 1, "filter": 0, "embed": 4, "search": 5}
    assert differences(a, a) == [] and differences(a, b) == ["filter", "embed", "search"]
